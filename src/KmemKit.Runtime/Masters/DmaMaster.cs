using System;
using System.Threading;
using KmemKit.Architecture;
using KmemKit.Runtime.Dma;
using KmemKit.Runtime.Dma.Debug;
using KmemKit.Runtime.Dma.Ports;
using KmemKit.Runtime.Smmu;

namespace KmemKit.Runtime.Masters;

/// <summary>What masters have in common: the interrupt registers, accesses that may wait, and 32-bit registers of which two make a 64-bit one.</summary>
/// <remarks>
/// Offsets 0x00 to 0x0F are the same for all: identification (read-only), status (read-only), interrupt cause (a bit is cleared by writing 1), interrupt enable. Registers are 4
/// bytes wide and aligned; of 8 bytes the two halves are accessed, low one first. Other sizes read 0 and write nothing.
/// </remarks>
public abstract class DmaMaster : IDmaMaster
{
    /// <summary>Offset of the identification.</summary>
    public const ulong Identification = 0x00;

    /// <summary>Offset of the status.</summary>
    public const ulong Status = 0x04;

    /// <summary>Offset of the interrupt causes.</summary>
    public const ulong InterruptCause = 0x08;

    /// <summary>Offset of the interrupt enables.</summary>
    public const ulong InterruptEnable = 0x0C;

    private readonly Lock _gate = new();
    private uint _cause;
    private uint _enable;
    private bool _line;

    private protected DmaMaster(string name, IDmaPort port)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(port);
        (Name, Port) = (name, port);
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public IDmaPort Port { get; }

    /// <summary>The device as the DMA API knows it, for <see cref="Debug"/>; null where none is told.</summary>
    public DmaDevice? Device { get; init; }

    /// <summary>Told each access; null for none.</summary>
    public DmaDebug? Debug { get; set; }

    /// <inheritdoc/>
    public bool InterruptLine => (_cause & _enable) != 0;

    /// <inheritdoc/>
    public event Action? InterruptRaised;

    /// <summary>Bytes read from memory so far, descriptors included.</summary>
    public ulong BytesRead { get; private set; }

    /// <summary>Bytes written to memory so far, descriptors included.</summary>
    public ulong BytesWritten { get; private set; }

    /// <inheritdoc/>
    public void Advance(ulong nanoseconds)
    {
        lock (_gate)
            Work(nanoseconds);
        RaiseLine();
    }

    /// <inheritdoc/>
    public ulong Read(ulong offset, int size)
    {
        lock (_gate)
        {
            return size switch
            {
                4 when offset % 4 == 0 => ReadAny(offset),
                8 when offset % 8 == 0 => ReadAny(offset) | ((ulong)ReadAny(offset + 4) << 32),
                _ => 0,
            };
        }
    }

    /// <inheritdoc/>
    public void Write(ulong offset, int size, ulong value)
    {
        lock (_gate)
        {
            if (size == 4 && offset % 4 == 0)
            {
                WriteAny(offset, (uint)(value & uint.MaxValue));
            }
            else if (size == 8 && offset % 8 == 0)
            {
                WriteAny(offset, (uint)(value & uint.MaxValue));
                WriteAny(offset + 4, (uint)(value >> 32));
            }
        }
        RaiseLine();
    }

    /// <summary>The value of the identification register.</summary>
    private protected abstract uint IdentificationValue { get; }

    /// <summary>The status register.</summary>
    private protected abstract uint StatusValue { get; }

    /// <summary>Causes that the device knows: the other bits of enable read 0.</summary>
    private protected abstract uint KnownCauses { get; }

    private protected abstract uint ReadRegister(ulong offset);

    private protected abstract void WriteRegister(ulong offset, uint value);

    private protected abstract void Work(ulong nanoseconds);

    private protected void Raise(uint causes) => _cause |= causes;

    /// <summary>Interrupt registers as after power-on.</summary>
    private protected void ResetInterrupts() => _cause = _enable = 0;

    /// <summary>What became of an access.</summary>
    private protected enum Access
    {
        /// <summary>It is done; where the SMMU pretends so, a read gave zeros and a write went nowhere.</summary>
        Done,

        /// <summary>It waits for software: it is to be made again, the same, next time.</summary>
        Waits,

        /// <summary>It got an error response.</summary>
        Faulted,
    }

    private protected Access ReadMemory(BusAddr address, Span<byte> destination, out int done)
    {
        if (Debug is { } debug && Device is { } device)
            debug.DeviceAccess(device, address, (ulong)destination.Length, isWrite: false);
        var outcome = Port.Read(address, destination, out done);
        BytesRead += (ulong)done;
        return Of(outcome);
    }

    private protected Access WriteMemory(BusAddr address, ReadOnlySpan<byte> source, out int done)
    {
        if (Debug is { } debug && Device is { } device)
            debug.DeviceAccess(device, address, (ulong)source.Length, isWrite: true);
        var outcome = Port.Write(address, source, out done);
        BytesWritten += (ulong)done;
        return Of(outcome);
    }

    private protected static ulong WithHalf(ulong register, bool isHigh, uint value) =>
        isHigh ? (register & uint.MaxValue) | ((ulong)value << 32) : (register & ~(ulong)uint.MaxValue) | value;

    private static Access Of(SmmuOutcome outcome) => outcome switch
    {
        SmmuOutcome.Translated or SmmuOutcome.ReadZeroWriteIgnored => Access.Done,
        SmmuOutcome.Stalled => Access.Waits,
        _ => Access.Faulted,
    };

    private uint ReadAny(ulong offset) => offset switch
    {
        Identification => IdentificationValue,
        Status => StatusValue,
        InterruptCause => _cause,
        InterruptEnable => _enable,
        _ => ReadRegister(offset),
    };

    private void WriteAny(ulong offset, uint value)
    {
        switch (offset)
        {
            case Identification or Status:
                break;
            case InterruptCause:
                _cause &= ~value;
                break;
            case InterruptEnable:
                _enable = value & KnownCauses;
                break;
            default:
                WriteRegister(offset, value);
                break;
        }
    }

    // Outside of the gate, for handlers write registers. Once for each rise.
    private void RaiseLine()
    {
        bool rises;
        lock (_gate)
        {
            rises = InterruptLine && !_line;
            _line = InterruptLine;
        }
        if (rises)
            InterruptRaised?.Invoke();
    }
}
