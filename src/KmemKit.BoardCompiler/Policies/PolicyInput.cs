using System.Collections.Immutable;
using System.Linq;
using KmemKit.BoardCompiler.Devicetree;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.BoardCompiler.Policies;

/// <summary>Everything that a policy is made from, weakest first: defconfig, fragments, overrides.</summary>
public sealed record PolicyInput
{
    /// <summary>The board's <c>_defconfig</c>; null where it has none.</summary>
    public SourceFile? Defconfig { get; init; }

    /// <summary>Fragments laid over it, in order; each may say again, without a warning, what an earlier file said.</summary>
    public ImmutableArray<SourceFile> Fragments { get; init; } = ImmutableArray<SourceFile>.Empty;

    /// <summary><c>CONFIG_KEY=VALUE</c> of the command line, laid over all files; strings need no quotes here.</summary>
    public ImmutableArray<string> Overrides { get; init; } = ImmutableArray<string>.Empty;

    /// <summary>Kernel parameters instead of those in the tree and in <c>CONFIG_CMDLINE</c>; null leaves those.</summary>
    public string? Bootargs { get; init; }

    /// <summary>The tree whose <c>/chosen/bootargs</c> counts; null where there is none.</summary>
    public DeviceTree? Tree { get; init; }
}

/// <summary>A policy and what was found on the way.</summary>
/// <param name="Policy">The policy: with errors, what could be read of it.</param>
/// <param name="Diagnostics">All findings, in order.</param>
public sealed record PolicyResult(Policy Policy, ImmutableArray<KmemDiagnostic> Diagnostics)
{
    /// <summary>Whether one of the findings is an error.</summary>
    public bool HasErrors => Diagnostics.Any(d => d.Severity == DiagnosticSeverity.Error);
}
