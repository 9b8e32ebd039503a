using System.Collections.Immutable;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Policies;

namespace KmemKit.BoardCompiler.Layout.Strategies;

/// <summary>What of memory is asked for.</summary>
public enum StrategyGoal
{
    /// <summary>As much lowmem as can be.</summary>
    Lowmem,

    /// <summary>As much vmalloc as can be.</summary>
    Vmalloc,
}

/// <summary>A way to lay a board out, and what comes of it.</summary>
/// <param name="Split">The word of the user/kernel split, such as <c>3G</c>; empty where the architecture has none to choose.</param>
/// <param name="PageOffset">PAGE_OFFSET.</param>
/// <param name="Reclaim">The reclaim strategy.</param>
/// <param name="IsCurrent">Whether it is what the board's policy says.</param>
public sealed record LayoutStrategy(string Split, VirtAddr PageOffset, ReclaimStrategy Reclaim, bool IsCurrent)
{
    /// <summary>The lines of a defconfig that choose it.</summary>
    public ImmutableArray<string> Configuration { get; init; } = [];

    /// <summary>Lowmem, in bytes.</summary>
    public ulong Lowmem { get; init; }

    /// <summary>Highmem, in bytes.</summary>
    public ulong Highmem { get; init; }

    /// <summary>Virtual addresses for vmalloc, in bytes.</summary>
    public ulong Vmalloc { get; init; }

    /// <summary>RAM that the kernel does not reach, in bytes.</summary>
    public ulong Unreachable { get; init; }

    /// <summary>What page tables cost; null where it is not known for the architecture.</summary>
    public PageTableCost? PageTables { get; init; }

    /// <summary>Why there is no layout; null where there is one.</summary>
    public string? Failure { get; init; }
}

/// <summary>Memory that the kernel's own page tables take, in bytes.</summary>
/// <param name="Linear">The top level, and the tables of the linear map: always there.</param>
/// <param name="VmallocMost">The tables of vmalloc, when all of it is in use.</param>
public readonly record struct PageTableCost(ulong Linear, ulong VmallocMost)
{
    /// <summary>Both.</summary>
    public ulong Most => Linear + VmallocMost;
}
