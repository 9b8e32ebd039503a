using System;

namespace KmemKit.Architecture.Smmu.V3;

/// <summary>A level-1 stream table descriptor: where 2^(Span-1) stream table entries are (Arm IHI 0070, 5.1). 8 bytes in memory.</summary>
/// <param name="Value">Its bits.</param>
public readonly record struct StreamTableDescriptor(ulong Value)
{
    private static readonly StructureField s_span = new("Span", 0, 0, 5);
    private static readonly AddressField s_l2Ptr = new("L2Ptr", 0, 6, 51);

    /// <summary>No entries: StreamIDs of this range give C_BAD_STREAMID.</summary>
    public static StreamTableDescriptor Invalid => default;

    /// <summary>A table of 2^<paramref name="entryBits"/> entries.</summary>
    /// <param name="table">Aligned to the table: 64 bytes times its entries.</param>
    /// <param name="entryBits">0 to 10, and at most the table's split.</param>
    /// <exception cref="ArgumentOutOfRangeException">A value does not fit, or the address is not aligned.</exception>
    public static StreamTableDescriptor Table(PhysAddr table, int entryBits)
    {
        if (entryBits is < 0 or > 10)
            throw new ArgumentOutOfRangeException(nameof(entryBits), entryBits, "A level-2 stream table has 2^0 to 2^10 entries.");
        if (!table.IsAligned(64UL << entryBits))
            throw new ArgumentOutOfRangeException(nameof(table), table, "A level-2 stream table is aligned to its size.");
        return new StreamTableDescriptor(s_l2Ptr.Set(s_span.Set(0, (ulong)(entryBits + 1)), table.Value));
    }

    /// <summary>Span: 0 invalid, 1 to 11 for 2^(Span-1) entries; 12 to 31 are reserved and behave as 0.</summary>
    public int Span => (int)s_span.Get(Value);

    /// <summary>Whether entries follow, for a table that is split at <paramref name="split"/> bits (6, 8 or 10): a larger span is reserved (5.1).</summary>
    public bool IsValid(int split) => Span >= 1 && Span <= 11 && Span - 1 <= split;

    /// <summary>Number of entries.</summary>
    public int Entries => Span is >= 1 and <= 11 ? 1 << (Span - 1) : 0;

    /// <summary>Where they are; low bits below the table's size are RES0 and read as 0.</summary>
    public PhysAddr L2Ptr => new(s_l2Ptr.Get(Value) & ~((64UL << Math.Max(0, Math.Min(Span, 11) - 1)) - 1));
}

/// <summary>A level-1 context descriptor: where a second-level table of descriptors is (Arm IHI 0070, 5.3). 8 bytes in memory.</summary>
/// <param name="Value">Its bits.</param>
public readonly record struct ContextTableDescriptor(ulong Value)
{
    private static readonly AddressField s_l2Ptr = new("L2Ptr", 0, 12, 51);

    /// <summary>No descriptors: SubstreamIDs of this range give C_BAD_SUBSTREAMID.</summary>
    public static ContextTableDescriptor Invalid => default;

    /// <summary>A table at <paramref name="table"/>, aligned to its 4 or 64 KiB.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is not 4 KiB aligned, or beyond 52 bits.</exception>
    public static ContextTableDescriptor Table(PhysAddr table) => new(s_l2Ptr.Set(1, table.Value));

    /// <summary>V.</summary>
    public bool IsValid => (Value & 1) != 0;

    /// <summary>Where the second-level table is.</summary>
    public PhysAddr L2Ptr => new(s_l2Ptr.Get(Value));
}

/// <summary>How SubstreamIDs index a table of context descriptors (Arm IHI 0070, 5.3).</summary>
public static class ContextTableGeometry
{
    /// <summary>log2 of the descriptors of a second-level table; 0 for a linear table.</summary>
    public static int SplitBits(ContextTableFormat format) => format switch
    {
        ContextTableFormat.TwoLevel4K => 6,
        ContextTableFormat.TwoLevel64K => 10,
        _ => 0,
    };
}
