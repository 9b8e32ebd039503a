using System.Collections.Immutable;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.BoardCompiler.Devicetree;

/// <summary>A macro that is defined before the first line, as <c>cpp -D name=body</c> does.</summary>
/// <param name="Name">Name, with a parameter list in parentheses where it takes arguments: <c>CELL(x)</c>.</param>
/// <param name="Body">Replacement text; <c>cpp</c> gives <c>1</c> where none is said.</param>
public sealed record MacroOption(string Name, string Body = "1");

/// <summary>What a caller of <see cref="DtsCompiler"/> may choose.</summary>
public sealed record DtsOptions
{
    /// <summary>The defaults: no macros, no overlays, no <c>__symbols__</c>.</summary>
    public static DtsOptions Default { get; } = new();

    /// <summary>Macros that are defined before the first line of the source and of each overlay.</summary>
    public ImmutableArray<MacroOption> Macros { get; init; } = ImmutableArray<MacroOption>.Empty;

    /// <summary>
    /// Sources that are applied behind the main one, in order, as if they stood at its end: <c>&amp;label { … };</c>, <c>&amp;{/path} { … };</c>
    /// or <c>/ { … };</c>. Each is preprocessed by itself and may start with its own <c>/dts-v1/;</c>.
    /// </summary>
    public ImmutableArray<SourceFile> Overlays { get; init; } = ImmutableArray<SourceFile>.Empty;

    /// <summary>Whether a <c>/__symbols__</c> node lists the path of every labelled node, as <c>dtc -@</c> does for run-time overlays.</summary>
    public bool GenerateSymbols { get; init; }
}
