using System;
using System.Buffers.Binary;
using KmemKit.Architecture;
using KmemKit.Runtime.Dma.Ports;

namespace KmemKit.Runtime.Masters.Copy;

/// <summary>A copy engine: a ring of descriptors in memory, each with a source, a destination and a length.</summary>
/// <remarks>
/// <para>It works through a buffer of 4 KiB, in bursts of which none crosses 4 KiB at the source or the destination: what a descriptor says was transferred is exact. In rising
/// order: where source and destination overlap, so that the destination is behind, copied bytes are copied again.</para>
/// <para>An access with an error response halts it: the descriptor gets the error and goes back to software, the registers say where, and nothing goes on until software says
/// so. An access that waits holds it where it is; when software let it go on, it does, as if nothing had been.</para>
/// </remarks>
public sealed partial class CopyEngine : DmaMaster
{
    private const ulong DescriptorTime = 50;

    private enum Step
    {
        Fetch,
        Load,
        Store,
        Report,
    }

    private readonly byte[] _buffer = new byte[4096];
    private readonly ulong _bytesPerMicrosecond;
    private Step _step;
    private CopyDescriptor _current;
    private uint _position;
    private int _filled;
    private bool _waits;
    private ulong _time;

    /// <summary>An engine after reset.</summary>
    /// <param name="name">As reports show it.</param>
    /// <param name="port">To memory.</param>
    /// <param name="bytesPerMicrosecond">How fast it reads and writes, at least 1: 4000 is 4 GB/s.</param>
    public CopyEngine(string name, IDmaPort port, ulong bytesPerMicrosecond = 4000)
        : base(name, port)
    {
        ArgumentOutOfRangeException.ThrowIfZero(bytesPerMicrosecond);
        _bytesPerMicrosecond = bytesPerMicrosecond;
    }

    private protected override void Work(ulong nanoseconds)
    {
        if (!_enabled || _error != MasterError.None || _head == _tail)
        {
            _time = 0;
            return;
        }
        // In picoseconds, so that a byte costs a whole number of them up to a terabyte a second.
        _time += nanoseconds * 1000;
        while (_error == MasterError.None && _head != _tail)
        {
            var cost = CostOfStep();
            if (_time < cost)
                return;
            if (!TryStep())
            {
                // Time passes while it waits, but is not saved up.
                _time = 0;
                return;
            }
            _time -= cost;
        }
    }

    private ulong CostOfStep() => _step switch
    {
        Step.Fetch => DescriptorTime * 1000,
        Step.Load => (ulong)Burst() * 1_000_000 / _bytesPerMicrosecond,
        _ => 0,
    };

    // One access. False: it waits, or the engine halted.
    private bool TryStep()
    {
        var access = _step switch
        {
            Step.Fetch => Fetch(),
            Step.Load => Load(),
            Step.Store => Store(),
            _ => Report(),
        };
        _waits = access == Access.Waits;
        return access == Access.Done;
    }

    private Access Fetch()
    {
        Span<byte> bytes = stackalloc byte[CopyDescriptor.Bytes];
        var access = ReadMemory(Place(_tail), bytes, out _);
        if (access == Access.Faulted)
            Halt(MasterError.DescriptorRead, Place(_tail));
        if (access != Access.Done)
            return access;
        _current = CopyDescriptor.Decode(bytes);
        (_position, _filled) = (0, 0);
        // What is not the engine's it does not write either.
        if (!_current.IsOwned)
        {
            Halt(MasterError.BadDescriptor, Place(_tail));
            return Access.Faulted;
        }
        if (!CanDo(_current))
            _current = _current with { Error = MasterError.BadDescriptor };
        _step = _current.Error == MasterError.None ? Step.Load : Step.Report;
        return Access.Done;
    }

    private static bool CanDo(in CopyDescriptor descriptor)
    {
        if (descriptor.Length == 0 || descriptor.Operation > CopyOperation.Convert32To16)
            return false;
        var source = descriptor.Operation == CopyOperation.Fill ? 0 : descriptor.Source.Value;
        var written = descriptor.Operation == CopyOperation.Convert32To16 ? descriptor.Length / 2 : descriptor.Length;
        // Neither end reaches beyond the addresses; pixels are whole and aligned.
        return source <= ulong.MaxValue - (descriptor.Length - 1) && descriptor.Destination.Value <= ulong.MaxValue - (written - 1)
            && (descriptor.Operation != CopyOperation.Convert32To16 || (source % 4 | descriptor.Length % 4 | descriptor.Destination.Value % 2) == 0);
    }

    // Bytes to read next: up to the next 4 KiB of the source and of the destination.
    private int Burst()
    {
        var left = _current.Length - _position;
        var halves = _current.Operation == CopyOperation.Convert32To16;
        var target = _current.Destination.Value + (halves ? _position / 2 : _position);
        var most = Math.Min(left, (4096 - (target & 0xFFF)) * (halves ? 2UL : 1));
        if (_current.Operation != CopyOperation.Fill)
            most = Math.Min(most, 4096 - ((_current.Source.Value + _position) & 0xFFF));
        return (int)Math.Min(most, 4096);
    }

    private Access Load()
    {
        var burst = Burst();
        var part = _buffer.AsSpan(0, burst);
        if (_current.Operation == CopyOperation.Fill)
        {
            for (var i = 0; i < burst; i++)
                part[i] = (byte)((_current.Source.Value >> (int)((_position + (uint)i) % 4 * 8)) & 0xFF);
        }
        else
        {
            var at = _current.Source + _position;
            var access = ReadMemory(at, part, out _);
            if (access == Access.Faulted)
                return Fail(MasterError.DataRead, at);
            if (access != Access.Done)
                return access;
        }
        if (_current.Operation == CopyOperation.Convert32To16)
            Convert(part);
        _filled = burst;
        _step = Step.Store;
        return Access.Done;
    }

    private Access Store()
    {
        var halves = _current.Operation == CopyOperation.Convert32To16;
        var at = _current.Destination + (halves ? _position / 2 : _position);
        var part = _buffer.AsSpan(0, halves ? _filled / 2 : _filled);
        var access = WriteMemory(at, part, out _);
        if (access == Access.Faulted)
            return Fail(MasterError.DataWrite, at);
        if (access != Access.Done)
            return access;
        _position += (uint)_filled;
        _copied += (uint)part.Length;
        _step = _position == _current.Length ? Step.Report : Step.Load;
        return Access.Done;
    }

    // The descriptor is told before the engine halts.
    private Access Fail(MasterError error, BusAddr at)
    {
        _current = _current with { Error = error };
        _errorAddress = at.Value;
        _step = Step.Report;
        return Access.Done;
    }

    private Access Report()
    {
        Span<byte> bytes = stackalloc byte[CopyDescriptor.Bytes];
        (_current with { IsOwned = false, IsDone = true, Transferred = _position }).Encode(bytes);
        var access = WriteMemory(Place(_tail) + CopyDescriptor.WrittenAt, bytes[CopyDescriptor.WrittenAt..], out _);
        if (access == Access.Waits)
            return access;
        if (_current.Error != MasterError.None)
        {
            Halt(_current.Error, new BusAddr(_errorAddress));
            return Access.Faulted;
        }
        if (access == Access.Faulted)
        {
            Halt(MasterError.StatusWrite, Place(_tail) + CopyDescriptor.WrittenAt);
            return access;
        }
        if (_current.Interrupts)
            Raise((uint)CopyInterrupts.Done);
        _tail = Next(_tail);
        _step = Step.Fetch;
        if (_tail == _head)
            Raise((uint)CopyInterrupts.RingEmpty);
        return Access.Done;
    }

    // In place: a pixel is read before the half of it is written.
    private static void Convert(Span<byte> pixels)
    {
        for (var i = 0; i < pixels.Length / 4; i++)
        {
            var pixel = BinaryPrimitives.ReadUInt32LittleEndian(pixels[(i * 4)..]);
            BinaryPrimitives.WriteUInt16LittleEndian(pixels[(i * 2)..], Scanout.PixelFormats.ToRgb565(pixel));
        }
    }
}
