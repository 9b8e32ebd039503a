using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;

namespace KmemKit.BoardCompiler.Streams;

/// <summary>A table of the second level.</summary>
/// <param name="Index">Which descriptor of the first level points to it.</param>
/// <param name="EntryBits">log2 of its entries.</param>
public readonly record struct SecondLevel(uint Index, int EntryBits)
{
    /// <summary>Bytes.</summary>
    public ulong Bytes => 64UL << EntryBits;
}

/// <summary>Geometry of a stream table (Arm IHI 0070, 3.3.1 and 6.3.25): what STRTAB_BASE_CFG says, and which tables there are.</summary>
/// <param name="Log2Size">LOG2SIZE: bits of the StreamIDs that the table has.</param>
/// <param name="Split">SPLIT: bits that a second-level table resolves, 6, 8 or 10; 0 for a linear table.</param>
/// <param name="Tables">Second-level tables, by rising index; none for a linear table.</param>
public sealed record StreamTableShape(int Log2Size, int Split, ImmutableArray<SecondLevel> Tables)
{
    /// <summary>Whether there are two levels.</summary>
    public bool IsTwoLevel => Split != 0;

    /// <summary>Bytes of the linear table, or of the first level.</summary>
    public ulong RootBytes => IsTwoLevel ? 8UL << (Log2Size - Split) : 64UL << Log2Size;

    /// <summary>The table at the base is aligned to its size, and to 64 bytes (6.3.24).</summary>
    public ulong RootAlignment => Math.Max(64, RootBytes);

    /// <summary>Bytes of all tables.</summary>
    public ulong Bytes => Tables.Aggregate(RootBytes, (sum, t) => sum + t.Bytes);

    /// <summary>SMMU_STRTAB_BASE_CFG.</summary>
    public uint BaseConfig => (uint)Log2Size | ((uint)Split << 6) | (IsTwoLevel ? 1u << 16 : 0);

    /// <summary>The table of the fewest bytes that has an entry for each of the StreamIDs; a linear one where that is no larger.</summary>
    /// <remarks>
    /// StreamIDs that need no entry are aborted with or without one. A linear table reaches to the largest id, in a power of two. With two levels each second-level table reaches to the
    /// largest id of its stretch, in a power of two; the first level has 8 bytes for each stretch up to the largest id. All splits are tried.
    /// </remarks>
    /// <param name="streams">First and last ids of rows.</param>
    /// <param name="canBeTwoLevel">Whether the SMMU has tables of two levels (IDR0.ST_LEVEL).</param>
    public static StreamTableShape Smallest(IReadOnlyCollection<(uint First, uint Last)> streams, bool canBeTwoLevel)
    {
        if (streams is null)
            throw new ArgumentNullException(nameof(streams));
        var largest = streams.Count == 0 ? 0 : streams.Max(s => s.Last);
        var log2 = BitsOf(largest);
        var best = new StreamTableShape(log2, 0, []);
        if (!canBeTwoLevel)
            return best;
        foreach (var split in (int[])[6, 8, 10])
        {
            if (log2 <= split)
                continue;
            var shape = new StreamTableShape(log2, split, [.. Groups(streams, split)]);
            if (shape.Bytes < best.Bytes)
                best = shape;
        }
        return best;
    }

    private static IEnumerable<SecondLevel> Groups(IEnumerable<(uint First, uint Last)> streams, int split)
    {
        var most = new SortedDictionary<uint, uint>();
        var mask = (1u << split) - 1;
        foreach (var (first, last) in streams)
        {
            for (ulong group = first >> split; group <= last >> split; group++)
            {
                var largest = group == last >> split ? last & mask : mask;
                if (!most.TryGetValue((uint)group, out var known) || known < largest)
                    most[(uint)group] = largest;
            }
        }
        return most.Select(g => new SecondLevel(g.Key, BitsOf(g.Value)));
    }

    /// <summary>Bits of a number: 0 for 0.</summary>
    private static int BitsOf(uint value)
    {
        var bits = 0;
        while (bits < 32 && value >> bits != 0)
            bits++;
        return bits;
    }
}
