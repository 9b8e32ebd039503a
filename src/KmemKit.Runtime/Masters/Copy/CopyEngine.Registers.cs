using System;
using KmemKit.Architecture;

namespace KmemKit.Runtime.Masters.Copy;

/// <summary>Interrupt causes of <see cref="CopyEngine"/>.</summary>
[Flags]
public enum CopyInterrupts : uint
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>A descriptor that asks for it is done.</summary>
    Done = 1,

    /// <summary>All descriptors are done.</summary>
    RingEmpty = 2,

    /// <summary>The engine halted: the error registers say why.</summary>
    Error = 4,
}

/// <summary>Status of <see cref="CopyEngine"/>.</summary>
[Flags]
public enum CopyStatus : uint
{
    /// <summary>It has nothing to do.</summary>
    Idle = 0,

    /// <summary>It has descriptors, and is enabled.</summary>
    Busy = 1,

    /// <summary>It halted on an error, until told to go on, to drop its work, or to reset.</summary>
    Halted = 2,

    /// <summary>An access of it waits for software.</summary>
    Waiting = 4,
}

public sealed partial class CopyEngine
{
    /// <summary>Control: bit 0 enable; writing 1 to bit 1 resets, to bit 2 goes on behind the faulty descriptor, to bit 3 drops all work.</summary>
    public const ulong Control = 0x10;

    /// <summary>64 bits: device address of the ring, aligned to 32; fixed while the engine is enabled.</summary>
    public const ulong RingBase = 0x18;

    /// <summary>log2 of the ring's descriptors, 0 to 15; fixed while the engine is enabled.</summary>
    public const ulong RingSize = 0x20;

    /// <summary>The descriptor behind the last one that software filled in; writing it starts the work. One descriptor is never filled, so that full is not empty.</summary>
    public const ulong Head = 0x24;

    /// <summary>Read-only: the descriptor that the engine is at.</summary>
    public const ulong Tail = 0x28;

    /// <summary>Read-only: a <see cref="MasterError"/>.</summary>
    public const ulong Error = 0x2C;

    /// <summary>64 bits, read-only: the device address of the access that failed.</summary>
    public const ulong ErrorAddress = 0x30;

    /// <summary>64 bits, read-only: bytes written to destinations since reset.</summary>
    public const ulong Copied = 0x38;

    private bool _enabled;
    private ulong _ringBase;
    private int _ringBits;
    private uint _head;
    private uint _tail;
    private MasterError _error;
    private ulong _errorAddress;
    private ulong _copied;

    private protected override uint IdentificationValue => 0x4B43_4501;

    private protected override uint StatusValue => (uint)((_enabled && _head != _tail ? CopyStatus.Busy : 0)
        | (_error != MasterError.None ? CopyStatus.Halted : 0) | (_waits ? CopyStatus.Waiting : 0));

    private protected override uint KnownCauses => 7;

    private protected override uint ReadRegister(ulong offset) => offset switch
    {
        Control => _enabled ? 1u : 0,
        RingBase => (uint)(_ringBase & uint.MaxValue),
        RingBase + 4 => (uint)(_ringBase >> 32),
        RingSize => (uint)_ringBits,
        Head => _head,
        Tail => _tail,
        Error => (uint)_error,
        ErrorAddress => (uint)(_errorAddress & uint.MaxValue),
        ErrorAddress + 4 => (uint)(_errorAddress >> 32),
        Copied => (uint)(_copied & uint.MaxValue),
        Copied + 4 => (uint)(_copied >> 32),
        _ => 0,
    };

    private protected override void WriteRegister(ulong offset, uint value)
    {
        switch (offset)
        {
            case Control:
                WriteControl(value);
                break;
            case RingBase or RingBase + 4 when !_enabled:
                _ringBase = WithHalf(_ringBase, offset != RingBase, value) & ~31UL;
                break;
            case RingSize when !_enabled:
                _ringBits = (int)(value & 15);
                (_head, _tail) = (0, 0);
                break;
            case Head when value >> _ringBits != 0:
                Halt(MasterError.BadRegister, default);
                break;
            case Head:
                _head = value;
                break;
        }
    }

    private void WriteControl(uint value)
    {
        if ((value & 2) != 0)
        {
            (_enabled, _ringBase, _ringBits, _copied) = (false, 0, 0, 0);
            Drop();
            (_head, _tail) = (0, 0);
            ResetInterrupts();
            return;
        }
        _enabled = (value & 1) != 0;
        if ((value & 8) != 0)
        {
            Drop();
            _tail = _head;
        }
        else if ((value & 4) != 0 && _error != MasterError.None)
        {
            // What went wrong before a descriptor was begun has none to leave out.
            var skips = _error != MasterError.BadRegister && _head != _tail;
            Drop();
            if (skips)
                _tail = Next(_tail);
        }
    }

    private uint Next(uint index) => (index + 1) & ((1u << _ringBits) - 1);

    private BusAddr Place(uint index) => new(unchecked(_ringBase + ((ulong)index * CopyDescriptor.Bytes)));

    private void Drop()
    {
        (_step, _waits, _error, _errorAddress, _time) = (Step.Fetch, false, MasterError.None, 0, 0);
        (_position, _filled, _current) = (0, 0, default);
    }

    private void Halt(MasterError error, BusAddr address)
    {
        // The first error stays.
        if (_error != MasterError.None)
            return;
        (_error, _errorAddress, _waits) = (error, address.Value, false);
        Raise((uint)CopyInterrupts.Error);
    }
}
