using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.BoardCompiler.Artifacts;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.Build.Boards;

/// <summary>The <c>Emit…</c> metadata of a board: which artifacts are made. There is one for each word of <see cref="ArtifactTable.Names"/>: json is EmitJson.</summary>
internal static class ArtifactSwitches
{
    // What a firmware project and a script want. The others are made when they are asked for.
    private static readonly HashSet<string> MadeByDefault = new(StringComparer.Ordinal) { "EmitC", "EmitLinker", "EmitJson" };

    /// <summary>Names of the metadata, in the order of the table.</summary>
    public static ImmutableArray<string> Names { get; } = [.. ArtifactTable.Names.Select(NameOf)];

    /// <summary>The kinds of artifact that a board's switches ask for.</summary>
    /// <param name="values">The switches as written; an empty one is as if it were not there.</param>
    /// <param name="place">The board's source.</param>
    /// <param name="findings">Gets what is wrong with the switches.</param>
    public static ImmutableArray<ArtifactKind> Read(IEnumerable<KeyValuePair<string, string>> values, SourceSpan place, DiagnosticBag findings)
    {
        var wanted = new HashSet<string>(MadeByDefault, StringComparer.OrdinalIgnoreCase);
        foreach (var (name, value) in values.Where(v => v.Value.Length > 0))
        {
            if (!Names.Contains(name, StringComparer.OrdinalIgnoreCase))
                findings.Add(DiagnosticTable.SwitchUnknown, place, name, string.Join(", ", Names));
            else if (string.Equals(value, "true", StringComparison.OrdinalIgnoreCase))
                wanted.Add(name);
            else if (string.Equals(value, "false", StringComparison.OrdinalIgnoreCase))
                wanted.Remove(name);
            else
                findings.Add(DiagnosticTable.SwitchUnusable, place, name, value);
        }
        return ArtifactTable.Named(ArtifactTable.Names.Where(kind => wanted.Contains(NameOf(kind))));
    }

    private static string NameOf(string kind) => "Emit" + char.ToUpperInvariant(kind[0]) + kind[1..];
}
