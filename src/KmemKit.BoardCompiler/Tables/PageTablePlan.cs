using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.KernelMaps;

namespace KmemKit.BoardCompiler.Tables;

/// <summary>Page tables that map a kernel map, exactly, in the fewest bytes and the fewest entries: every table, every entry and every address known.</summary>
/// <remarks>
/// Invariants: the tables lie one behind the other from offset 0, each aligned as its format wants; no two point to the same one; a walk of the image
/// (<see cref="TableImage"/>) from the roots gives, at every page, what <see cref="Map"/> says, and nothing where that says nothing.
/// </remarks>
public sealed record PageTablePlan
{
    /// <summary>What is mapped.</summary>
    public required KernelMap Map { get; init; }

    /// <summary>The trees.</summary>
    public required TableRegime Regime { get; init; }

    /// <summary>Physical address of the image.</summary>
    public PhysAddr Base { get; init; }

    /// <summary>Whether the plan chose <see cref="Base"/>.</summary>
    public bool BaseIsChosen { get; init; }

    /// <summary>Alignment of the image in bytes.</summary>
    public ulong Alignment { get; init; }

    /// <summary>Tables, by rising offset. The roots of the trees are the tables that nothing points to.</summary>
    public ImmutableArray<PlannedTable> Tables { get; init; } = ImmutableArray<PlannedTable>.Empty;

    /// <summary>For each tree the number of its root.</summary>
    public ImmutableArray<int> Roots { get; init; } = ImmutableArray<int>.Empty;

    /// <summary>The attributes of leaves, each set once, in the formats' canonical form.</summary>
    public ImmutableArray<PageAttributes> Attributes { get; init; } = ImmutableArray<PageAttributes>.Empty;

    /// <summary>Size of the image in bytes.</summary>
    public ulong Bytes { get; init; }

    /// <summary>System registers that turn it on, in the order to write them.</summary>
    public ImmutableArray<SystemRegister> Registers { get; init; } = ImmutableArray<SystemRegister>.Empty;

    /// <summary>Entries by level, the highest level first; levels without table are not there.</summary>
    public ImmutableArray<LevelUse> Levels { get; init; } = ImmutableArray<LevelUse>.Empty;

    /// <summary>The image's physical addresses.</summary>
    public PhysRange Range => new(Base, Bytes);

    /// <summary>Physical address of a table.</summary>
    public PhysAddr AddressOf(int table) => Base + Tables[table].Offset;

    /// <summary>Entries that are not invalid: leaves and pointers.</summary>
    public long EntryCount => Levels.Sum(l => l.Entries + l.Pointers);
}

/// <summary>What planning gives.</summary>
/// <param name="Plan">The plan; null with an error.</param>
/// <param name="Diagnostics">The findings, in order.</param>
public sealed record PageTablePlanResult(PageTablePlan? Plan, ImmutableArray<KmemDiagnostic> Diagnostics);
