using System;

namespace KmemKit.Architecture.Smmu;

/// <summary>The 64 bytes of a stream table entry or context descriptor, as eight little-endian words.</summary>
public readonly struct StructureWords : IEquatable<StructureWords>
{
    /// <summary>Words of the structure.</summary>
    public const int Count = 8;

    /// <summary>Bytes of the structure.</summary>
    public const int Bytes = 64;

    private readonly ulong _w0, _w1, _w2, _w3, _w4, _w5, _w6, _w7;

    /// <summary>From eight words.</summary>
    /// <exception cref="ArgumentException">There are not eight of them.</exception>
    public StructureWords(ReadOnlySpan<ulong> words)
    {
        if (words.Length != Count)
            throw new ArgumentException("A stream table entry or context descriptor has eight words.", nameof(words));
        (_w0, _w1, _w2, _w3) = (words[0], words[1], words[2], words[3]);
        (_w4, _w5, _w6, _w7) = (words[4], words[5], words[6], words[7]);
    }

    /// <summary>One word.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The index is not 0 to 7.</exception>
    public ulong this[int index] => index switch
    {
        0 => _w0,
        1 => _w1,
        2 => _w2,
        3 => _w3,
        4 => _w4,
        5 => _w5,
        6 => _w6,
        7 => _w7,
        _ => throw new ArgumentOutOfRangeException(nameof(index), index, "A word is 0 to 7."),
    };

    /// <summary>A field's value.</summary>
    public ulong this[StructureField field] => field.Get(this[field.Word]);

    /// <summary>An address field's value.</summary>
    public ulong this[AddressField field] => field.Get(this[field.Word]);

    /// <summary>The same with one word changed.</summary>
    public StructureWords With(int index, ulong value)
    {
        Span<ulong> words = stackalloc ulong[Count];
        CopyTo(words);
        words[index] = value;
        return new StructureWords(words);
    }

    /// <summary>The same with a field changed.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value does not fit the field.</exception>
    public StructureWords With(StructureField field, ulong value) => With(field.Word, field.Set(this[field.Word], value));

    /// <summary>The same with an address changed.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The address has bits that the field does not store.</exception>
    public StructureWords With(AddressField field, ulong address) => With(field.Word, field.Set(this[field.Word], address));

    /// <summary>Writes the words out.</summary>
    /// <exception cref="ArgumentException">There is no room for eight.</exception>
    public void CopyTo(Span<ulong> words)
    {
        if (words.Length < Count)
            throw new ArgumentException("A stream table entry or context descriptor has eight words.", nameof(words));
        (words[0], words[1], words[2], words[3]) = (_w0, _w1, _w2, _w3);
        (words[4], words[5], words[6], words[7]) = (_w4, _w5, _w6, _w7);
    }

    /// <summary>The bits that are set in both.</summary>
    public static StructureWords operator &(StructureWords left, StructureWords right) => left.BitwiseAnd(right);

    /// <summary>The bits that are set in both.</summary>
    public StructureWords BitwiseAnd(StructureWords other)
    {
        Span<ulong> words = stackalloc ulong[Count];
        for (var i = 0; i < Count; i++)
            words[i] = this[i] & other[i];
        return new StructureWords(words);
    }

    /// <inheritdoc/>
    public bool Equals(StructureWords other)
    {
        for (var i = 0; i < Count; i++)
        {
            if (this[i] != other[i])
                return false;
        }
        return true;
    }

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is StructureWords other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => (_w0, _w1, _w2, _w3, _w4, _w5, _w6, _w7).GetHashCode();

    /// <summary>Whether all bits are equal.</summary>
    public static bool operator ==(StructureWords left, StructureWords right) => left.Equals(right);

    /// <summary>Whether some bit differs.</summary>
    public static bool operator !=(StructureWords left, StructureWords right) => !left.Equals(right);
}
