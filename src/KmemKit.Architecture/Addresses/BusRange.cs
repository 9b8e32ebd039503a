using System;

namespace KmemKit.Architecture;

/// <summary>A half-open range of bus addresses: <see cref="Start"/> belongs to it, <see cref="End"/> does not.</summary>
/// <remarks>Unit: bytes. It may be empty, and it may end at 2^64, which <see cref="End"/> can hold.</remarks>
public readonly struct BusRange : IEquatable<BusRange>, IComparable<BusRange>
{
    // Invariant: Start <= End.

    /// <summary>The range of <paramref name="size"/> bytes from <paramref name="start"/>.</summary>
    /// <exception cref="OverflowException">It would end beyond 2^64.</exception>
    public BusRange(BusAddr start, AddressLimit size)
    {
        Start = start;
        End = AddressLimit.FromStartAndSize(start.Value, size);
    }

    private BusRange(BusAddr start, AddressLimit end, bool _)
    {
        Start = start;
        End = end;
    }

    /// <summary>The range from <paramref name="start"/> up to, and without, <paramref name="end"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="end"/> is below <paramref name="start"/>.</exception>
    public static BusRange FromBounds(BusAddr start, AddressLimit end) => end >= start.Value
        ? new BusRange(start, end, true)
        : throw new ArgumentOutOfRangeException(nameof(end), $"A range cannot end at {end}, below its start {start}.");

    /// <summary>The first address.</summary>
    public BusAddr Start { get; }

    /// <summary>The first address behind the range, up to 2^64.</summary>
    public AddressLimit End { get; }

    /// <summary>Bytes in the range, up to 2^64.</summary>
    public AddressLimit Size => End.SizeFrom(Start.Value);

    /// <summary>The last address in the range.</summary>
    /// <exception cref="InvalidOperationException">The range is empty.</exception>
    public BusAddr Last => IsEmpty ? throw new InvalidOperationException("An empty range has no last address.") : new BusAddr(End.Last);

    /// <summary>Whether no address is in the range.</summary>
    public bool IsEmpty => End == Start.Value;

    /// <summary>Whether <paramref name="address"/> is in the range.</summary>
    public bool Contains(BusAddr address) => address >= Start && End > address.Value;

    /// <summary>Whether all of <paramref name="other"/> is in the range; an empty range is in every range.</summary>
    public bool Contains(BusRange other) => other.IsEmpty || (other.Start >= Start && other.End <= End);

    /// <summary>Whether the two ranges share an address.</summary>
    public bool Overlaps(BusRange other) => !IsEmpty && !other.IsEmpty && End > other.Start.Value && other.End > Start.Value;

    /// <summary>The addresses that both ranges have; empty where there are none.</summary>
    public BusRange Intersect(BusRange other)
    {
        var start = Start > other.Start ? Start : other.Start;
        var end = End < other.End ? End : other.End;
        return end > start.Value ? FromBounds(start, end) : new BusRange(start, 0);
    }

    /// <inheritdoc/>
    public bool Equals(BusRange other) => Start == other.Start && End == other.End;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is BusRange other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => unchecked((Start.GetHashCode() * 397) ^ End.GetHashCode());

    /// <summary>By start, then by end.</summary>
    public int CompareTo(BusRange other)
    {
        var byStart = Start.CompareTo(other.Start);
        return byStart != 0 ? byStart : End.CompareTo(other.End);
    }

    /// <summary>Equality.</summary>
    public static bool operator ==(BusRange left, BusRange right) => left.Equals(right);

    /// <summary>Inequality.</summary>
    public static bool operator !=(BusRange left, BusRange right) => !left.Equals(right);

    /// <summary>Order by start, then by end.</summary>
    public static bool operator <(BusRange left, BusRange right) => left.CompareTo(right) < 0;

    /// <summary>Order by start, then by end.</summary>
    public static bool operator <=(BusRange left, BusRange right) => left.CompareTo(right) <= 0;

    /// <summary>Order by start, then by end.</summary>
    public static bool operator >(BusRange left, BusRange right) => left.CompareTo(right) > 0;

    /// <summary>Order by start, then by end.</summary>
    public static bool operator >=(BusRange left, BusRange right) => left.CompareTo(right) >= 0;

    /// <summary><c>[0xstart, 0xend)</c>.</summary>
    public override string ToString() => $"[{Start}, {End})";
}
