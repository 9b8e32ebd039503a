using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Tables;

namespace KmemKit.BoardCompiler.Artifacts;

/// <summary>The files that a board gives at build time: what <c>kmem emit</c> and the build tasks put on the disk, byte for byte.</summary>
public static class ArtifactSet
{
    /// <summary>Writes the artifacts of a board.</summary>
    /// <param name="compilation">The board.</param>
    /// <param name="kinds">Which, in the order wanted; null for all of <see cref="ArtifactTable"/>.</param>
    /// <returns>
    /// The files, each under a name of its own. A kind that the board has nothing for (no memory, no protection unit) gives no file, and a board with
    /// errors gives none at all: numbers that may be wrong are not written. What is left out for a reason of its own has a finding in <see cref="LeftOut"/>.
    /// </returns>
    public static ImmutableArray<Artifact> Write(BoardCompilation compilation, IEnumerable<ArtifactKind>? kinds = null)
    {
        if (compilation is null)
            throw new ArgumentNullException(nameof(compilation));
        if (compilation.HasErrors)
            return [];
        var artifacts = ImmutableArray.CreateBuilder<Artifact>();
        foreach (var kind in (kinds ?? ArtifactTable.All).Distinct())
        {
            if (kind.Write(compilation) is { } bytes)
                artifacts.Add(new Artifact(kind, compilation.Name + kind.Suffix, ImmutableArray.Create(bytes)));
        }
        return artifacts.ToImmutable();
    }

    /// <summary>Why files are not there that a board of its kind has: for each error of the page tables' plan a warning, at the error's place.</summary>
    /// <param name="compilation">The board.</param>
    /// <param name="kinds">Which are wanted; null for all.</param>
    public static ImmutableArray<KmemDiagnostic> LeftOut(BoardCompilation compilation, IEnumerable<ArtifactKind>? kinds = null)
    {
        if (compilation is null)
            throw new ArgumentNullException(nameof(compilation));
        if (compilation.HasErrors || !(kinds ?? ArtifactTable.All).Any(k => k.Name == ArtifactTable.TablesName) || BoardTables.Of(compilation) is not { Plan: null } tables)
            return [];
        return
        [
            .. tables.Diagnostics.Where(d => d.Severity == DiagnosticSeverity.Error)
                .Select(d => KmemDiagnostic.Create(DiagnosticTable.Mmu.TablesLeftOut, d.Span, compilation.Name, d.Id, d.Message)),
        ];
    }
}
