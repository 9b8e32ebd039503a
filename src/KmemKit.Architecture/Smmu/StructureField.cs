using System;
using System.Globalization;

namespace KmemKit.Architecture.Smmu;

/// <summary>A field of a structure in memory: some bits of one of its 64-bit words, under the specification's name.</summary>
public readonly struct StructureField
{
    /// <summary>A field of <paramref name="width"/> bits from bit <paramref name="low"/> of word <paramref name="word"/>.</summary>
    internal StructureField(string name, int word, int low, int width)
    {
        Name = name;
        Word = word;
        Low = low;
        Width = width;
    }

    /// <summary>As in the specification, such as <c>S2T0SZ</c>.</summary>
    public string Name { get; }

    /// <summary>Which 64-bit word, counted from 0.</summary>
    public int Word { get; }

    /// <summary>Its lowest bit in the word.</summary>
    public int Low { get; }

    /// <summary>Its bits, 1 to 64.</summary>
    public int Width { get; }

    /// <summary>The bits of the word that are the field.</summary>
    public ulong Mask => (ulong.MaxValue >> (64 - Width)) << Low;

    /// <summary>The field's value in its word.</summary>
    public ulong Get(ulong word) => (word >> Low) & (ulong.MaxValue >> (64 - Width));

    /// <summary>The word with the field set to <paramref name="value"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value has more bits than the field.</exception>
    public ulong Set(ulong word, ulong value)
    {
        if (value > ulong.MaxValue >> (64 - Width))
        {
            throw new ArgumentOutOfRangeException(
                nameof(value), value, string.Format(CultureInfo.InvariantCulture, "{0} has {1} bits.", Name, Width));
        }
        return (word & ~Mask) | (value << Low);
    }

    /// <summary>Such as <c>S2T0SZ[37:32] of word 2</c>.</summary>
    public override string ToString() => Width == 1
        ? string.Format(CultureInfo.InvariantCulture, "{0}[{1}] of word {2}", Name, Low, Word)
        : string.Format(CultureInfo.InvariantCulture, "{0}[{1}:{2}] of word {3}", Name, Low + Width - 1, Low, Word);
}

/// <summary>A field that holds an address whose low bits are zero and are not stored: the field's bits stand at their own place in the address.</summary>
public readonly struct AddressField
{
    private readonly StructureField _bits;

    internal AddressField(string name, int word, int low, int high) => _bits = new StructureField(name, word, low, high - low + 1);

    /// <summary>As in the specification.</summary>
    public string Name => _bits.Name;

    /// <summary>Which 64-bit word, counted from 0.</summary>
    public int Word => _bits.Word;

    /// <summary>The bits of the word that are the field.</summary>
    public ulong Mask => _bits.Mask;

    /// <summary>The address in its word.</summary>
    public ulong Get(ulong word) => word & Mask;

    /// <summary>The word with the address set.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The address has bits that the field does not store.</exception>
    public ulong Set(ulong word, ulong address) => (address & ~Mask) == 0
        ? (word & ~Mask) | address
        : throw new ArgumentOutOfRangeException(
            nameof(address), address, string.Format(CultureInfo.InvariantCulture, "{0} holds the bits 0x{1:x} of an address, and 0x{2:x} has others.", Name, Mask, address));
}
