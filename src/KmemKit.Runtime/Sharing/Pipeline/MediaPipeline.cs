using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Runtime.Dma;
using KmemKit.Runtime.Dma.Ports;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Masters;
using KmemKit.Runtime.Masters.Copy;
using KmemKit.Runtime.Masters.Network;
using KmemKit.Runtime.Masters.Scanout;

namespace KmemKit.Runtime.Sharing.Pipeline;

/// <summary>A device of the pipeline: how drivers know it, and what it reaches memory through.</summary>
/// <param name="Device">For the DMA API.</param>
/// <param name="Port">For its accesses.</param>
public sealed record PipelineDevice(DmaDevice Device, IDmaPort Port);

/// <summary>Camera, encoder, display: pictures come in by a network camera, are converted to 16 bits a pixel, and are scanned out, each step by its own bus master.</summary>
/// <remarks><code>
///  camera (ScatterGatherNic) ─ XRGB8888 ─► encoder (CopyEngine) ─ RGB565 ─► display (FramebufferScanner)
///                              raw buffer                         two coded buffers, shown in turns; the processor looks at each as well
/// </code></remarks>
public sealed class MediaPipeline : IDisposable
{
    private const ulong LineTime = 1000;
    private const uint RingEntries = 16;

    private readonly SharingHost _host;
    private readonly BufferWorld _world;
    private readonly PipelineDevice[] _devices;
    private readonly ScatterGatherNic _camera;
    private readonly CopyEngine _encoder;
    private readonly FramebufferScanner _display;
    private readonly DmaAllocation _cameraRing;
    private readonly DmaAllocation _encoderRing;
    private readonly int _width;
    private readonly int _height;
    private readonly WorldBuffer[] _raw;
    private readonly WorldBuffer[][] _coded = new WorldBuffer[2][];
    private readonly BusAddr _rawWritten;
    private readonly BusAddr _rawRead;
    private readonly BusAddr[] _codedWritten = new BusAddr[2];
    private readonly BusAddr[] _codedRead = new BusAddr[2];
    private readonly ulong _cpuMaps;
    private readonly ulong _bounced;
    private readonly ulong[] _lines;

    /// <summary>Sets drivers and buffers up.</summary>
    /// <param name="host">The board.</param>
    /// <param name="world">How buffers are shared.</param>
    /// <param name="camera">Writes the raw buffer.</param>
    /// <param name="encoder">Reads it and writes the coded ones.</param>
    /// <param name="display">Reads these.</param>
    /// <param name="width">Pixels of a line.</param>
    /// <param name="height">Lines; a picture of 4 bytes a pixel is one packet of at most 16 KiB.</param>
    /// <exception cref="SharingException">A buffer cannot be had or shared.</exception>
    public MediaPipeline(SharingHost host, BufferWorld world, PipelineDevice camera, PipelineDevice encoder, PipelineDevice display, int width, int height)
    {
        ArgumentNullException.ThrowIfNull(host);
        ArgumentNullException.ThrowIfNull(world);
        ArgumentNullException.ThrowIfNull(camera);
        ArgumentNullException.ThrowIfNull(encoder);
        ArgumentNullException.ThrowIfNull(display);
        if (width < 1 || height < 1 || width * height * 4 > ScatterGatherNic.LargestPacket)
            throw new ArgumentOutOfRangeException(nameof(width), width, $"A picture has 1 to {ScatterGatherNic.LargestPacket / 4} pixels.");
        (_host, _world, _width, _height) = (host, world, width, height);
        _devices = [camera, encoder, display];
        _cpuMaps = host.CpuMapper.Maps;
        _bounced = host.Mapper.Swiotlb?.CopiedBytes ?? 0;
        _lines = [.. _devices.Select(device => LinesOf(device.Device))];
        foreach (var device in _devices)
            world.Prepare(device.Device);
        _cameraRing = Ring(camera, PacketDescriptor.Bytes);
        _encoderRing = Ring(encoder, CopyDescriptor.Bytes);
        _camera = new ScatterGatherNic("camera", camera.Port) { Device = camera.Device, Debug = host.Mapper.Debug };
        _encoder = new CopyEngine("encoder", encoder.Port) { Device = encoder.Device, Debug = host.Mapper.Debug };
        _display = new FramebufferScanner("display", display.Port) { Device = display.Device, Debug = host.Mapper.Debug };

        var (rawBytes, codedBytes) = ((ulong)(width * height * 4), (ulong)(width * height * 2));
        var raw = world.Allocate("camera", rawBytes);
        _raw = [raw, raw.ShareWith("encoder")];
        _rawWritten = _raw[0].Map(camera.Device, DmaDirection.FromDevice);
        _rawRead = _raw[1].Map(encoder.Device, DmaDirection.ToDevice);
        for (var i = 0; i < 2; i++)
        {
            var coded = world.Allocate("encoder", codedBytes);
            _coded[i] = [coded, coded.ShareWith("display")];
            _codedWritten[i] = _coded[i][0].Map(encoder.Device, DmaDirection.FromDevice);
            _codedRead[i] = _coded[i][1].Map(display.Device, DmaDirection.ToDevice);
        }
        StartDevices();
    }

    /// <summary>The display, for what it shows.</summary>
    public FramebufferScanner Display => _display;

    /// <summary>Device addresses of the raw buffer, as camera and encoder have it.</summary>
    public (BusAddr Written, BusAddr Read) Raw => (_rawWritten, _rawRead);

    /// <summary>Takes a picture through all three devices.</summary>
    /// <param name="number">Of the picture, from 0 on.</param>
    /// <param name="picture">Pixels, XRGB8888.</param>
    /// <param name="seen">Called by the processor, which looks at the coded picture.</param>
    /// <exception cref="InvalidOperationException">A device failed: its error registers are in the text.</exception>
    public void Run(int number, ReadOnlySpan<byte> picture, Action<BufferMemory>? seen = null)
    {
        var coded = _coded[number % 2];
        Receive(number, picture);
        _raw[1].TakeOver();
        var (reading, writing) = (_raw[1].BeginWork(writes: false), coded[0].BeginWork(writes: true));
        if (coded[1].TryBeginCpuRead() && _world is UpstreamWorld)
            throw new InvalidOperationException("The processor was let at a picture that is being written.");
        Encode(number);
        reading();
        writing();
        coded[1].TakeOver();
        var showing = coded[1].BeginWork(writes: false);
        _display.Write(FramebufferScanner.Base, 8, _codedRead[number % 2].Value);
        if (number == 0)
            _display.Write(FramebufferScanner.Control, 4, 1);
        // Taken over at the next vsync, shown at the one behind it.
        _display.Advance(2 * LineTime * (ulong)(_height + 2));
        if (_display.Read(FramebufferScanner.Underruns, 4) != 0)
            throw new InvalidOperationException($"The display had an underrun at 0x{_display.Read(FramebufferScanner.FaultAddress, 8):x}.");
        if (!coded[1].TryBeginCpuRead())
            throw new InvalidOperationException("The processor may not look at a picture that is only read.");
        seen?.Invoke(coded[1].Memory);
        coded[1].EndCpuRead();
        showing();
    }

    /// <summary>What the run cost so far, and what the devices can reach.</summary>
    public PipelineResult Result()
    {
        var buffers = new List<WorldBuffer> { _raw[0], _coded[0][0], _coded[1][0] };
        if (_world is UnsharedWorld)
            buffers.AddRange([_raw[1], _coded[0][1], _coded[1][1]]);
        WorldBuffer[][] used = [[_raw[0]], [_raw[1], _coded[0][0], _coded[1][0]], [_coded[0][1], _coded[1][1]]];
        DmaAllocation?[] rings = [_cameraRing, _encoderRing, null];
        var reach = ImmutableArray.CreateBuilder<DeviceReach>();
        for (var i = 0; i < 3; i++)
        {
            var needed = new List<PhysRange>();
            foreach (var buffer in used[i])
            {
                foreach (var piece in buffer.Memory.Pieces)
                    needed.Add(new PhysRange(piece.Address, piece.Size));
            }
            if (rings[i] is { } ring)
                needed.Add(new PhysRange(ring.Address, ring.Size));
            reach.Add(DeviceReach.Of(_host.Memory, _devices[i].Device, needed));
        }
        return new PipelineResult(
            _world.Name, _world.Roles, _devices[0].Device.Domain is not null,
            _world.CopiedBytes + (_host.Mapper.Swiotlb?.CopiedBytes ?? 0) - _bounced, _world.DeviceMaps, _host.CpuMapper.Maps - _cpuMaps,
            buffers.Aggregate(0UL, (sum, buffer) => sum + buffer.Memory.Size), buffers.Max(buffer => buffer.Memory.LargestRow),
            _devices.Select((device, i) => LinesOf(device.Device) - _lines[i]).Aggregate(0UL, (sum, lines) => sum + lines), reach.ToImmutable());
    }

    /// <summary>Stops the devices and gives all back.</summary>
    public void Dispose()
    {
        _display.Write(FramebufferScanner.Control, 4, 0);
        for (var i = 0; i < 2; i++)
        {
            _coded[i][1].Unmap(_devices[2].Device);
            _coded[i][0].Unmap(_devices[1].Device);
            _coded[i][1].Dispose();
            _coded[i][0].Dispose();
        }
        _raw[1].Unmap(_devices[1].Device);
        _raw[0].Unmap(_devices[0].Device);
        _raw[1].Dispose();
        _raw[0].Dispose();
        _host.Mapper.FreeCoherent(_host.Cpu, _devices[0].Device, _cameraRing);
        _host.Mapper.FreeCoherent(_host.Cpu, _devices[1].Device, _encoderRing);
    }

    private DmaAllocation Ring(PipelineDevice device, int descriptorBytes)
    {
        var error = _host.Mapper.TryAllocCoherent(_host.Cpu, device.Device, RingEntries * (ulong)descriptorBytes, GfpFlags.Kernel, out var ring);
        return error == DmaError.None ? ring! : throw new SharingException(SharingError.NoMemory, device.Device.Name, $"its ring: {error}.");
    }

    private void StartDevices()
    {
        _camera.Write(ScatterGatherNic.ReceiveRing, 8, _cameraRing.Bus.Value);
        _camera.Write(ScatterGatherNic.ReceiveSize, 4, 4);
        _camera.Write(ScatterGatherNic.Control, 4, 2);
        _encoder.Write(CopyEngine.RingBase, 8, _encoderRing.Bus.Value);
        _encoder.Write(CopyEngine.RingSize, 4, 4);
        _encoder.Write(CopyEngine.Control, 4, 1);
        _display.Write(FramebufferScanner.Format, 4, (ulong)PixelFormat.Rgb565);
        _display.Write(FramebufferScanner.Stride, 4, (ulong)(_width * 2));
        _display.Write(FramebufferScanner.Size, 4, ((ulong)_height << 16) | (uint)_width);
        _display.Write(FramebufferScanner.LineTime, 4, LineTime);
        _display.Write(FramebufferScanner.BlankLines, 4, 2);
        _display.Write(FramebufferScanner.UnderflowColour, 4, 0xFF00FF);
    }

    private void Receive(int number, ReadOnlySpan<byte> picture)
    {
        // Two buffers a picture: the halves of it.
        var writing = _raw[0].BeginWork(writes: true);
        var half = (uint)picture.Length / 2;
        for (var i = 0u; i < 2; i++)
        {
            var bytes = new byte[PacketDescriptor.Bytes];
            new PacketDescriptor(_rawWritten + (i * half), i == 0 ? half : (uint)picture.Length - half).Encode(bytes);
            _host.Memory.Write(PlaceIn(_cameraRing, (((uint)number * 2) + i) % RingEntries * PacketDescriptor.Bytes), bytes);
        }
        _camera.Receive(picture);
        _camera.Write(ScatterGatherNic.ReceivePoll, 4, 1);
        _camera.Advance(1_000_000);
        if (_camera.Read(ScatterGatherNic.ReceivedPackets, 4) != (ulong)number + 1)
            throw new InvalidOperationException($"The camera failed: {(MasterError)(_camera.Read(ScatterGatherNic.Errors, 4) >> 8)} at 0x{_camera.Read(ScatterGatherNic.ErrorAddress, 8):x}.");
        writing();
    }

    private void Encode(int number)
    {
        var bytes = new byte[CopyDescriptor.Bytes];
        new CopyDescriptor(_rawRead, _codedWritten[number % 2], (uint)(_width * _height * 4), CopyOperation.Convert32To16).Encode(bytes);
        var at = (uint)number % RingEntries;
        _host.Memory.Write(PlaceIn(_encoderRing, at * CopyDescriptor.Bytes), bytes);
        _encoder.Write(CopyEngine.Head, 4, (at + 1) % RingEntries);
        _encoder.Advance(1_000_000);
        if (_encoder.Read(DmaMaster.Status, 4) != (ulong)CopyStatus.Idle)
            throw new InvalidOperationException($"The encoder failed: {(MasterError)_encoder.Read(CopyEngine.Error, 4)} at 0x{_encoder.Read(CopyEngine.ErrorAddress, 8):x}.");
    }

    // Rings are smaller than a page.
    private static PhysAddr PlaceIn(DmaAllocation ring, uint offset) => ring.Address + offset;

    private static ulong LinesOf(DmaDevice device) => device.Caches.Cleaned + device.Caches.Invalidated + device.Caches.CleanedAndInvalidated;
}
