using System.Collections.Immutable;
using KmemKit.BoardCompiler.Devicetree;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Policies;
using KmemKit.BoardCompiler.Protection;

namespace KmemKit.BoardCompiler.Boards;

/// <summary>A board: what its devicetree and its policy say together. The one input of every planner.</summary>
public sealed record Board
{
    /// <summary>The board's name: file name of its source without extension.</summary>
    public required string Name { get; init; }

    /// <summary><c>model</c> of the root node; empty where there is none.</summary>
    public string Model { get; init; } = "";

    /// <summary><c>compatible</c> of the root node.</summary>
    public ImmutableArray<string> Compatible { get; init; } = ImmutableArray<string>.Empty;

    /// <summary>From the policy, else from the cpu nodes, else from the root's <c>compatible</c>, else from an NVIC.</summary>
    public TargetArchitecture Architecture { get; init; }

    /// <summary>Whether addresses are translated: <c>CONFIG_MMU</c>, by default whether the processors are not known to lack an MMU.</summary>
    public bool UsesMmu { get; init; } = true;

    /// <summary>The policy.</summary>
    public required Policy Policy { get; init; }

    /// <summary>The devicetree behind it.</summary>
    public required DeviceTree Tree { get; init; }

    /// <summary>RAM, in the order the tree gives it (which old kernels' layouts depend on).</summary>
    public ImmutableArray<MemoryBank> Banks { get; init; } = ImmutableArray<MemoryBank>.Empty;

    /// <summary>Holes that exist before the lowmem decision.</summary>
    public ImmutableArray<MemoryHole> Holes { get; init; } = ImmutableArray<MemoryHole>.Empty;

    /// <summary>Reserved memory: <c>/memreserve/</c>, then <c>/reserved-memory</c>, then <c>qcom,memblock-reserve</c>, each in the order of the tree.</summary>
    public ImmutableArray<ReservedRegion> Reserved { get; init; } = ImmutableArray<ReservedRegion>.Empty;

    /// <summary>Devices, in the order of the tree.</summary>
    public ImmutableArray<BoardDevice> Devices { get; init; } = ImmutableArray<BoardDevice>.Empty;

    /// <summary>Buses with <c>ranges</c> or <c>dma-ranges</c>, in the order of the tree.</summary>
    public ImmutableArray<BoardBus> Buses { get; init; } = ImmutableArray<BoardBus>.Empty;

    /// <summary><c>/aliases</c>, in the order of the tree.</summary>
    public ImmutableArray<BoardAlias> Aliases { get; init; } = ImmutableArray<BoardAlias>.Empty;

    /// <summary>Processors, in the order of the tree.</summary>
    public ImmutableArray<BoardCpu> Cpus { get; init; } = ImmutableArray<BoardCpu>.Empty;

    /// <summary>The memory protection unit of the processors; null where nothing is known of one.</summary>
    public BoardMpu? Mpu { get; init; }

    /// <summary>Who may do what, where: the <c>kmemkit,protection</c> node; null where there is none.</summary>
    public ProtectionPolicy? Protection { get; init; }
}

/// <summary>What compiling a board gives.</summary>
/// <param name="Board">The board; with errors, what could be read of it. Null where there is no tree to read.</param>
/// <param name="Diagnostics">All findings of all stages up to here, in order.</param>
public sealed record BoardResult(Board? Board, ImmutableArray<KmemDiagnostic> Diagnostics);
