using System;
using System.Globalization;

namespace KmemKit.Architecture;

/// <summary>
/// The end of a half-open range, or its size: 0 to 2^64 inclusive. The end of the 64-bit space is a value of its own here, never zero.
/// </summary>
public readonly struct AddressLimit : IEquatable<AddressLimit>, IComparable<AddressLimit>
{
    // Invariant: _isTop implies _low == 0.
    private readonly ulong _low;
    private readonly bool _isTop;

    /// <summary>A limit below 2^64.</summary>
    public AddressLimit(ulong value)
    {
        _low = value;
        _isTop = false;
    }

    private AddressLimit(bool isTop)
    {
        _low = 0;
        _isTop = isTop;
    }

    /// <summary>2^64, one past the last address.</summary>
    public static AddressLimit Top { get; } = new(isTop: true);

    /// <summary>Whether this is 2^64.</summary>
    public bool IsTop => _isTop;

    /// <summary>The limit as a 64-bit number.</summary>
    /// <exception cref="OverflowException">It is 2^64.</exception>
    public ulong Value => _isTop ? throw new OverflowException("2^64 does not fit into 64 bits.") : _low;

    /// <summary>The last address below this limit, inclusive.</summary>
    /// <exception cref="OverflowException">The limit is 0.</exception>
    public ulong Last => _isTop ? ulong.MaxValue : checked(_low - 1);

    /// <summary>The limit, with 2^64 wrapped to 0: only for encoders whose field is defined that way.</summary>
    public ulong Wrapped => _low;

    /// <summary><paramref name="start"/> plus <paramref name="size"/>.</summary>
    /// <exception cref="OverflowException">The sum is beyond 2^64.</exception>
    public static AddressLimit FromStartAndSize(ulong start, AddressLimit size)
    {
        if (size._isTop)
            return start == 0 ? Top : throw new OverflowException("The range ends beyond 2^64.");
        var sum = unchecked(start + size._low);
        if (sum >= start)
            return new AddressLimit(sum);
        return sum == 0 ? Top : throw new OverflowException("The range ends beyond 2^64.");
    }

    /// <summary>Bytes from <paramref name="start"/> to this limit.</summary>
    /// <exception cref="OverflowException"><paramref name="start"/> is above the limit.</exception>
    public AddressLimit SizeFrom(ulong start)
    {
        if (_isTop)
            return start == 0 ? Top : new AddressLimit(unchecked(0 - start));
        return new AddressLimit(checked(_low - start));
    }

    /// <summary>A limit below 2^64 from its number.</summary>
    public static implicit operator AddressLimit(ulong value) => new(value);

    /// <summary>A limit below 2^64 from its number.</summary>
    public static AddressLimit FromUInt64(ulong value) => new(value);

    /// <inheritdoc/>
    public bool Equals(AddressLimit other) => _low == other._low && _isTop == other._isTop;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is AddressLimit other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => _isTop ? int.MaxValue : _low.GetHashCode();

    /// <inheritdoc/>
    public int CompareTo(AddressLimit other) => _isTop != other._isTop ? (_isTop ? 1 : -1) : _low.CompareTo(other._low);

    /// <summary>Equality.</summary>
    public static bool operator ==(AddressLimit left, AddressLimit right) => left.Equals(right);

    /// <summary>Inequality.</summary>
    public static bool operator !=(AddressLimit left, AddressLimit right) => !left.Equals(right);

    /// <summary>Order.</summary>
    public static bool operator <(AddressLimit left, AddressLimit right) => left.CompareTo(right) < 0;

    /// <summary>Order.</summary>
    public static bool operator <=(AddressLimit left, AddressLimit right) => left.CompareTo(right) <= 0;

    /// <summary>Order.</summary>
    public static bool operator >(AddressLimit left, AddressLimit right) => left.CompareTo(right) > 0;

    /// <summary>Order.</summary>
    public static bool operator >=(AddressLimit left, AddressLimit right) => left.CompareTo(right) >= 0;

    /// <summary>Hexadecimal with <c>0x</c> in front; 2^64 is <c>0x10000000000000000</c>.</summary>
    public override string ToString() =>
        _isTop ? "0x10000000000000000" : "0x" + _low.ToString("x", CultureInfo.InvariantCulture);
}
