using System;
using System.Diagnostics.CodeAnalysis;

namespace KmemKit.Architecture;

/// <summary>An address on the board's memory bus as the processor puts it out, after translation.</summary>
/// <remarks>
/// Unit: bytes. Range: 0 to 2^64-1. Arithmetic is checked: a sum or difference outside that range throws <see cref="OverflowException"/>.
/// It does not convert to the other kinds of address: only a board's own map can do that.
/// </remarks>
public readonly struct PhysAddr(ulong value) : IEquatable<PhysAddr>, IComparable<PhysAddr>, IFormattable
#if NET
    , IParsable<PhysAddr>
#endif
{
    /// <summary>The address as a number of bytes from 0.</summary>
    public ulong Value { get; } = value;

    /// <summary>Address 0.</summary>
    public static PhysAddr Zero => default;

    /// <summary>The last address there is, 2^64-1.</summary>
    public static PhysAddr MaxValue => new(ulong.MaxValue);

    /// <summary>Whether the address is a multiple of <paramref name="alignment"/>, a power of two in bytes.</summary>
    public bool IsAligned(ulong alignment) => (Value & (Alignment.Check(alignment) - 1)) == 0;

    /// <summary>The nearest multiple of <paramref name="alignment"/> (a power of two in bytes) at or below.</summary>
    public PhysAddr AlignDown(ulong alignment) => new(Alignment.Down(Value, alignment));

    /// <summary>The nearest multiple of <paramref name="alignment"/> (a power of two in bytes) at or above.</summary>
    /// <exception cref="OverflowException">That multiple is 2^64 or beyond.</exception>
    public PhysAddr AlignUp(ulong alignment) => new(Alignment.Up(Value, alignment));

    /// <summary>The address <paramref name="bytes"/> further up.</summary>
    public static PhysAddr operator +(PhysAddr address, ulong bytes) => new(checked(address.Value + bytes));

    /// <summary>The address <paramref name="bytes"/> further down.</summary>
    public static PhysAddr operator -(PhysAddr address, ulong bytes) => new(checked(address.Value - bytes));

    /// <summary>Bytes from <paramref name="right"/> up to <paramref name="left"/>.</summary>
    public static ulong operator -(PhysAddr left, PhysAddr right) => checked(left.Value - right.Value);

    /// <summary>The same as <c>address + bytes</c>.</summary>
    public PhysAddr Add(ulong bytes) => this + bytes;

    /// <summary>The same as <c>address - bytes</c>.</summary>
    public PhysAddr Subtract(ulong bytes) => this - bytes;

    /// <inheritdoc/>
    public bool Equals(PhysAddr other) => Value == other.Value;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is PhysAddr other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => Value.GetHashCode();

    /// <inheritdoc/>
    public int CompareTo(PhysAddr other) => Value.CompareTo(other.Value);

    /// <summary>Whether both are the same address.</summary>
    public static bool operator ==(PhysAddr left, PhysAddr right) => left.Value == right.Value;

    /// <summary>Whether the addresses differ.</summary>
    public static bool operator !=(PhysAddr left, PhysAddr right) => left.Value != right.Value;

    /// <summary>Whether <paramref name="left"/> is below <paramref name="right"/>.</summary>
    public static bool operator <(PhysAddr left, PhysAddr right) => left.Value < right.Value;

    /// <summary>Whether <paramref name="left"/> is at or below <paramref name="right"/>.</summary>
    public static bool operator <=(PhysAddr left, PhysAddr right) => left.Value <= right.Value;

    /// <summary>Whether <paramref name="left"/> is above <paramref name="right"/>.</summary>
    public static bool operator >(PhysAddr left, PhysAddr right) => left.Value > right.Value;

    /// <summary>Whether <paramref name="left"/> is at or above <paramref name="right"/>.</summary>
    public static bool operator >=(PhysAddr left, PhysAddr right) => left.Value >= right.Value;

    /// <summary>Hexadecimal with <c>0x</c> in front and no padding.</summary>
    public override string ToString() => AddressText.Format(Value, null);

    /// <summary>Hexadecimal: <c>G</c> without padding; <c>x8</c>, <c>x16</c>, <c>X8</c>, <c>X16</c> padded to that many digits.</summary>
    public string ToString(string? format, IFormatProvider? formatProvider = null) => AddressText.Format(Value, format);

    /// <summary>Reads <c>0x</c> and 1 to 16 hexadecimal digits, which <c>_</c> may group.</summary>
    /// <exception cref="FormatException">The text is anything else.</exception>
    public static PhysAddr Parse(string s, IFormatProvider? provider = null) => new(AddressText.Parse(s));

    /// <summary>Reads <c>0x</c> and 1 to 16 hexadecimal digits, which <c>_</c> may group; false for anything else.</summary>
    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, out PhysAddr result)
    {
        var read = AddressText.TryParse(s, out var value);
        result = new PhysAddr(value);
        return read;
    }

    /// <inheritdoc cref="TryParse(string?, IFormatProvider?, out PhysAddr)"/>
    public static bool TryParse([NotNullWhen(true)] string? s, out PhysAddr result) => TryParse(s, null, out result);
}
