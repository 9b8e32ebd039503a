using System;
using KmemKit.Architecture;

namespace KmemKit.Runtime.Masters.Network;

/// <summary>Where a NIC is in one of its rings.</summary>
internal sealed class PacketRing
{
    public enum Step
    {
        Fetch,
        Move,
        Close,
    }

    public ulong Base { get; set; }

    public int Bits { get; private set; }

    public uint Index { get; private set; }

    public bool Enabled { get; set; }

    /// <summary>The next descriptor was software's: it is not looked at again until software says so.</summary>
    public bool Sleeps { get; set; }

    /// <summary>Why it halted.</summary>
    public MasterError Error { get; set; }

    public Step At { get; set; }

    /// <summary>The descriptor that is worked on.</summary>
    public PacketDescriptor Current { get; set; }

    /// <summary>It is closed with an error, and the ring halts then.</summary>
    public bool IsFailing { get; set; }

    /// <summary>Bytes of it that were moved.</summary>
    public int Moved { get; set; }

    /// <summary>Time left over, in picoseconds.</summary>
    public ulong Time { get; set; }

    public bool Runs => Enabled && !Sleeps && Error == MasterError.None;

    public BusAddr Address => new(unchecked(Base + ((ulong)Index * PacketDescriptor.Bytes)));

    public void Place(uint bits)
    {
        Bits = (int)Math.Min(bits, 12);
        Index = 0;
    }

    public void Next()
    {
        Index = (Index + 1) & ((1u << Bits) - 1);
        (At, Moved, Current, IsFailing) = (Step.Fetch, 0, default, false);
    }

    public void GoOn() => (Error, Sleeps) = (MasterError.None, false);

    public void Reset()
    {
        Place(0);
        (Base, Enabled, Sleeps, Error, At, Moved, Current, Time, IsFailing) = (0, false, false, MasterError.None, Step.Fetch, 0, default, 0, false);
    }
}
