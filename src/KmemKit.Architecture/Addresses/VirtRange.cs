using System;

namespace KmemKit.Architecture;

/// <summary>A half-open range of virtual addresses: <see cref="Start"/> belongs to it, <see cref="End"/> does not.</summary>
/// <remarks>Unit: bytes. It may be empty, and it may end at 2^64, which <see cref="End"/> can hold.</remarks>
public readonly struct VirtRange : IEquatable<VirtRange>, IComparable<VirtRange>
{
    // Invariant: Start <= End.

    /// <summary>The range of <paramref name="size"/> bytes from <paramref name="start"/>.</summary>
    /// <exception cref="OverflowException">It would end beyond 2^64.</exception>
    public VirtRange(VirtAddr start, AddressLimit size)
    {
        Start = start;
        End = AddressLimit.FromStartAndSize(start.Value, size);
    }

    private VirtRange(VirtAddr start, AddressLimit end, bool _)
    {
        Start = start;
        End = end;
    }

    /// <summary>The range from <paramref name="start"/> up to, and without, <paramref name="end"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="end"/> is below <paramref name="start"/>.</exception>
    public static VirtRange FromBounds(VirtAddr start, AddressLimit end) => end >= start.Value
        ? new VirtRange(start, end, true)
        : throw new ArgumentOutOfRangeException(nameof(end), $"A range cannot end at {end}, below its start {start}.");

    /// <summary>The first address.</summary>
    public VirtAddr Start { get; }

    /// <summary>The first address behind the range, up to 2^64.</summary>
    public AddressLimit End { get; }

    /// <summary>Bytes in the range, up to 2^64.</summary>
    public AddressLimit Size => End.SizeFrom(Start.Value);

    /// <summary>The last address in the range.</summary>
    /// <exception cref="InvalidOperationException">The range is empty.</exception>
    public VirtAddr Last => IsEmpty ? throw new InvalidOperationException("An empty range has no last address.") : new VirtAddr(End.Last);

    /// <summary>Whether no address is in the range.</summary>
    public bool IsEmpty => End == Start.Value;

    /// <summary>Whether <paramref name="address"/> is in the range.</summary>
    public bool Contains(VirtAddr address) => address >= Start && End > address.Value;

    /// <summary>Whether all of <paramref name="other"/> is in the range; an empty range is in every range.</summary>
    public bool Contains(VirtRange other) => other.IsEmpty || (other.Start >= Start && other.End <= End);

    /// <summary>Whether the two ranges share an address.</summary>
    public bool Overlaps(VirtRange other) => !IsEmpty && !other.IsEmpty && End > other.Start.Value && other.End > Start.Value;

    /// <summary>The addresses that both ranges have; empty where there are none.</summary>
    public VirtRange Intersect(VirtRange other)
    {
        var start = Start > other.Start ? Start : other.Start;
        var end = End < other.End ? End : other.End;
        return end > start.Value ? FromBounds(start, end) : new VirtRange(start, 0);
    }

    /// <inheritdoc/>
    public bool Equals(VirtRange other) => Start == other.Start && End == other.End;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is VirtRange other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => unchecked((Start.GetHashCode() * 397) ^ End.GetHashCode());

    /// <summary>By start, then by end.</summary>
    public int CompareTo(VirtRange other)
    {
        var byStart = Start.CompareTo(other.Start);
        return byStart != 0 ? byStart : End.CompareTo(other.End);
    }

    /// <summary>Equality.</summary>
    public static bool operator ==(VirtRange left, VirtRange right) => left.Equals(right);

    /// <summary>Inequality.</summary>
    public static bool operator !=(VirtRange left, VirtRange right) => !left.Equals(right);

    /// <summary>Order by start, then by end.</summary>
    public static bool operator <(VirtRange left, VirtRange right) => left.CompareTo(right) < 0;

    /// <summary>Order by start, then by end.</summary>
    public static bool operator <=(VirtRange left, VirtRange right) => left.CompareTo(right) <= 0;

    /// <summary>Order by start, then by end.</summary>
    public static bool operator >(VirtRange left, VirtRange right) => left.CompareTo(right) > 0;

    /// <summary>Order by start, then by end.</summary>
    public static bool operator >=(VirtRange left, VirtRange right) => left.CompareTo(right) >= 0;

    /// <summary><c>[0xstart, 0xend)</c>.</summary>
    public override string ToString() => $"[{Start}, {End})";
}
