using System;

namespace KmemKit.Architecture.Mmu;

/// <summary>
/// One size of leaf: <see cref="Count"/> consecutive descriptors of a level that map <see cref="Bytes"/> bytes, aligned to that at both ends.
/// </summary>
/// <remarks>
/// A page, block or section is one descriptor. Several are the 16 equal ones of an ARM supersection or large page, a RISC-V NAPOT range, and the
/// neighbours under AArch64's contiguous hint: the same thing to a planner, told apart by <see cref="Step"/>. Invariant:
/// <c>Bytes == Count &lt;&lt; LevelShift(Level)</c>.
/// </remarks>
public readonly struct LeafShape : IEquatable<LeafShape>
{
    /// <summary>A leaf.</summary>
    /// <param name="level">Level of its descriptors, by the architecture's numbering.</param>
    /// <param name="count">How many descriptors, 1 or a power of two.</param>
    /// <param name="bytes">Bytes of all together.</param>
    /// <param name="step">What is added from one descriptor of the leaf to the next.</param>
    public LeafShape(int level, int count, ulong bytes, ulong step)
    {
        Level = (byte)level;
        Count = (ushort)count;
        Bytes = bytes;
        Step = step;
    }

    /// <summary>Level of its descriptors, by the architecture's numbering.</summary>
    public byte Level { get; }

    /// <summary>Consecutive descriptors, the first at an index that is a multiple of this.</summary>
    public ushort Count { get; }

    /// <summary>Bytes mapped by all descriptors together; input and output addresses are multiples of it.</summary>
    public ulong Bytes { get; }

    /// <summary>Added to a descriptor to get the next one of the same leaf: 0 where all are equal.</summary>
    public ulong Step { get; }

    /// <inheritdoc/>
    public bool Equals(LeafShape other) => Level == other.Level && Count == other.Count && Bytes == other.Bytes && Step == other.Step;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is LeafShape other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => Bytes.GetHashCode() ^ (Level << 16) ^ Count;

    /// <summary>Equality.</summary>
    public static bool operator ==(LeafShape left, LeafShape right) => left.Equals(right);

    /// <summary>Inequality.</summary>
    public static bool operator !=(LeafShape left, LeafShape right) => !left.Equals(right);

    /// <summary>Such as <c>level 2, 16 x 2M</c>.</summary>
    public override string ToString()
    {
        var each = Bytes / Count;
        var (size, unit) = each >= 1UL << 30 ? (each >> 30, "G") : each >= 1UL << 20 ? (each >> 20, "M") : (each >> 10, "K");
        return Count == 1 ? $"level {Level}, {size}{unit}" : $"level {Level}, {Count} x {size}{unit}";
    }
}
