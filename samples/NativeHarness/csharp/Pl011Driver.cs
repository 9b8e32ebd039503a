using System;
using System.Text;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Runtime.Dma;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Kernel;

namespace KmemKit.NativeHarness;

/// <summary>The driver of ../driver/pl011.c, line by line.</summary>
internal sealed unsafe class Pl011Driver : IDisposable
{
    private readonly MmuKernel _kernel;
    private readonly DmaMapper _dma;
    private readonly DmaDevice _device;
    private readonly PhysRange _range;
    private readonly VirtAddr _registers;
    private readonly byte* _receive;
    private readonly BusAddr _receiveAddress;
    private byte* _transmit;
    private BusAddr _transmitAddress;
    private uint _transmitLength;

    public Pl011Driver(MmuKernel kernel, DmaMapper dma, DmaDevice device, PhysRange range)
    {
        (_kernel, _dma, _device, _range) = (kernel, dma, device, range);
        device.SetMaskAndCoherent(32);
        _registers = kernel.Io.Ioremap(kernel.Allocator.Cpus[0], range.Start, range.Size.Value, "pl011") ?? throw new InvalidOperationException("-ENOMEM");
        _receive = Take(Pl011.ReceiveBytes);
        _receiveAddress = Map(_receive, Pl011.ReceiveBytes, DmaDirection.FromDevice);
        Set(Pl011.BaudDivisor, 13);
        Set(Pl011.LineControl, 0x70);
        Set(Pl011.Control, 0x301);
        Set(Pl011.InterruptMask, Pl011.Received | Pl011.Sent);
        Listen();
    }

    /// <summary>Bytes that were sent.</summary>
    public ulong SentBytes { get; private set; }

    /// <summary>Where received bytes are.</summary>
    public PhysAddr ReceiveBuffer => DmaMapper.TryToPhys(_device, _receiveAddress, out var phys) ? phys : default;

    /// <summary>Told what came in.</summary>
    public event Action<string>? Received;

    /// <summary>Sends by DMA.</summary>
    /// <returns>False while something else is on its way.</returns>
    public bool Send(string text)
    {
        if (_transmit != null || (Get(Pl011.Flags) & Pl011.Busy) != 0)
            return false;
        var bytes = Encoding.ASCII.GetBytes(text);
        _transmit = Take((uint)bytes.Length);
        bytes.CopyTo(new Span<byte>(_transmit, bytes.Length));
        _transmitLength = (uint)bytes.Length;
        _transmitAddress = Map(_transmit, _transmitLength, DmaDirection.ToDevice);
        Set(Pl011.TransmitAddress, (uint)_transmitAddress.Value);
        Set(Pl011.TransmitLength, _transmitLength);
        return true;
    }

    /// <summary>The interrupt handler.</summary>
    public void OnInterrupt()
    {
        var pending = Get(Pl011.InterruptStatus);
        Set(Pl011.InterruptClear, pending);
        if ((pending & Pl011.Sent) != 0)
        {
            _dma.Unmap(_kernel.Allocator.Cpus[0], _device, _transmitAddress, _transmitLength, DmaDirection.ToDevice);
            _kernel.Objects.Kfree(_kernel.Allocator.Cpus[0], _transmit);
            _transmit = null;
            SentBytes += _transmitLength;
        }
        if ((pending & Pl011.Received) != 0)
        {
            var length = Get(Pl011.ReceiveLength);
            _dma.SyncForCpu(_device, _receiveAddress, 0, Pl011.ReceiveBytes, DmaDirection.FromDevice);
            if (length <= Pl011.ReceiveBytes)
                Received?.Invoke(Encoding.ASCII.GetString(_receive, (int)length));
            _dma.SyncForDevice(_device, _receiveAddress, 0, Pl011.ReceiveBytes, DmaDirection.FromDevice);
            Listen();
        }
    }

    public void Dispose()
    {
        Set(Pl011.InterruptMask, 0);
        Set(Pl011.Control, 0);
        _dma.Unmap(_kernel.Allocator.Cpus[0], _device, _receiveAddress, Pl011.ReceiveBytes, DmaDirection.FromDevice);
        _kernel.Objects.Kfree(_kernel.Allocator.Cpus[0], _receive);
        _kernel.Io.Iounmap(_kernel.Allocator.Cpus[0], _registers);
    }

    private void Listen()
    {
        Set(Pl011.ReceiveAddress, (uint)_receiveAddress.Value);
        Set(Pl011.ReceiveLength, Pl011.ReceiveBytes);
    }

    private byte* Take(uint bytes)
    {
        var block = (byte*)_kernel.Objects.Kmalloc(_kernel.Allocator.Cpus[0], bytes, GfpFlags.Kernel);
        return block != null ? block : throw new InvalidOperationException("-ENOMEM");
    }

    private BusAddr Map(byte* block, uint bytes, DmaDirection direction)
    {
        var phys = _kernel.Addresses.VirtToPhys(_kernel.Objects.AddressOf(block)!.Value);
        var error = _dma.TryMap(_kernel.Allocator.Cpus[0], _device, phys, bytes, direction, out var bus);
        return error == DmaError.None ? bus : throw new InvalidOperationException($"{_range}: {error}");
    }

    private uint Get(ulong register) => (uint)_kernel.Cpu.Load(_registers + register, 4, Privilege.Privileged);

    private void Set(ulong register, uint value) => _kernel.Cpu.Store(_registers + register, 4, value, Privilege.Privileged);
}
