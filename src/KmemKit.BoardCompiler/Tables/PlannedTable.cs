using System.Collections.Immutable;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;

namespace KmemKit.BoardCompiler.Tables;

/// <summary>Consecutive entries of a table with the same meaning: leaves of one shape that continue each other, or one pointer to a table.</summary>
/// <param name="Index">First entry.</param>
/// <param name="Count">Entries; a multiple of the shape's.</param>
/// <param name="Table">Number of the table that the one entry points to; -1 for leaves.</param>
/// <param name="Shape">Shape of the leaves.</param>
/// <param name="Attributes">Number of the leaves' attributes in <see cref="PageTablePlan.Attributes"/>; -1 for a pointer.</param>
/// <param name="Phys">Output address of the first leaf.</param>
public readonly record struct EntryRun(int Index, int Count, int Table, LeafShape Shape, int Attributes, ulong Phys)
{
    /// <summary>Whether it is a pointer to a table.</summary>
    public bool IsTable => Table >= 0;
}

/// <summary>A table of the image.</summary>
/// <param name="Tree">Number of its tree.</param>
/// <param name="Level">Level, by the architecture's numbering.</param>
/// <param name="Virt">First input address it translates; of a root with two ranges the lower one's.</param>
/// <param name="Offset">Bytes from the start of the image.</param>
/// <param name="Bytes">Size.</param>
/// <param name="Entries">What is in it, by rising index; what is in none is invalid, and zero.</param>
public sealed record PlannedTable(int Tree, int Level, ulong Virt, ulong Offset, int Bytes, ImmutableArray<EntryRun> Entries)
{
    /// <summary>What the descriptor that points to it hands down.</summary>
    public TableAttributes Above { get; init; }
}

/// <summary>How many leaf entries a level has.</summary>
/// <param name="Level">Level, by the architecture's numbering.</param>
/// <param name="IsLast">Whether they are pages and not blocks.</param>
/// <param name="Entries">Entries that map memory.</param>
/// <param name="Grouped">Those of them that are part of a leaf of several (contiguous hint, large page, supersection, NAPOT).</param>
/// <param name="Tables">Tables of that level.</param>
/// <param name="Pointers">Entries that point to tables.</param>
public sealed record LevelUse(int Level, bool IsLast, long Entries, long Grouped, int Tables, int Pointers)
{
    /// <summary>Such as <c>L2_block</c>, <c>L3_page</c>.</summary>
    public string Name => System.FormattableString.Invariant($"L{Level}_{(IsLast ? "page" : "block")}");
}
