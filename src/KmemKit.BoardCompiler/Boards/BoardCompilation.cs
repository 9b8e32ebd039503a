using System.Collections.Immutable;
using System.Linq;
using KmemKit.BoardCompiler.Devicetree;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Mpu;
using KmemKit.BoardCompiler.Policies;
using KmemKit.BoardCompiler.Streams;

namespace KmemKit.BoardCompiler.Boards;

/// <summary>All that is known about a board after all stages; what a stage could not make is null.</summary>
public sealed record BoardCompilation
{
    /// <summary>The board's name, also where there is no board.</summary>
    public required string Name { get; init; }

    /// <summary>The tree; null where the source or blob has errors.</summary>
    public DeviceTree? Tree { get; init; }

    /// <summary>The policy: with errors, what could be read of it.</summary>
    public required Policy Policy { get; init; }

    /// <summary>The board: with errors, what could be read of it. Null without a tree.</summary>
    public Board? Board { get; init; }

    /// <summary>The layout; null with an error, and where the board has no memory.</summary>
    public MemoryLayout? Layout { get; init; }

    /// <summary>The regions of the memory protection unit; null where the board has no policy for one, or an error.</summary>
    public MpuPlan? MpuPlan { get; init; }

    /// <summary>Streams, contexts and tables of the board's SMMUs; null where it has none, and with an error.</summary>
    public StreamTablePlan? Streams { get; init; }

    /// <summary>All findings: front end, policy, board, layout, protection, each stage's in its order.</summary>
    public ImmutableArray<KmemDiagnostic> Diagnostics { get; init; } = ImmutableArray<KmemDiagnostic>.Empty;

    /// <summary>Paths of all files that had a part in it, the main one first, each once.</summary>
    public ImmutableArray<string> Dependencies { get; init; } = ImmutableArray<string>.Empty;

    /// <summary>Whether one of the findings is an error.</summary>
    public bool HasErrors => Diagnostics.Any(d => d.Severity == DiagnosticSeverity.Error);
}
