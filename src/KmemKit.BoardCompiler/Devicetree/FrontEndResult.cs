using System.Collections.Immutable;
using System.Linq;
using KmemKit.BoardCompiler.Diagnostics;

namespace KmemKit.BoardCompiler.Devicetree;

/// <summary>What the devicetree front end makes of a source or a blob.</summary>
/// <param name="Tree">The tree; null where an error left none.</param>
/// <param name="Diagnostics">All findings, in the order made.</param>
public sealed record FrontEndResult(DeviceTree? Tree, ImmutableArray<KmemDiagnostic> Diagnostics)
{
    /// <summary>Files that were read on the way, included ones too: what a build depends on.</summary>
    public ImmutableArray<string> Dependencies { get; init; } = ImmutableArray<string>.Empty;

    /// <summary>Whether one of the findings is an error.</summary>
    public bool HasErrors => Diagnostics.Any(d => d.Severity == DiagnosticSeverity.Error);
}
