using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.BoardCompiler.Writers.CSharp;

/// <summary>What a board's type is to be called.</summary>
/// <param name="Path">The board's source.</param>
/// <param name="Name">Name of the type; empty for the source's name in PascalCase.</param>
/// <param name="Namespace">Namespace of the type; empty for <see cref="BoardTypeNames.DefaultNamespace"/>.</param>
public sealed record BoardTypeRequest(string Path, string Name, string Namespace);

/// <summary>What it is called, or why it cannot be.</summary>
/// <param name="TypeName">Name of the type; empty with a problem.</param>
/// <param name="Problem">What is wrong with the name; null where nothing is.</param>
public sealed record BoardTypeName(string TypeName, KmemDiagnostic? Problem);

/// <summary>Names the boards of a project: the generator and the build's task call it, so that both refuse the same names.</summary>
public static class BoardTypeNames
{
    /// <summary>The namespace of boards that name none.</summary>
    public const string DefaultNamespace = "Boards";

    private static readonly HashSet<string> Members = new(BoardTypeWriter.MemberNames, StringComparer.Ordinal);

    /// <summary>Names all boards of a project, in their order. Of two that would have one name the first keeps it.</summary>
    public static ImmutableArray<BoardTypeName> Resolve(IReadOnlyList<BoardTypeRequest> requests)
    {
        if (requests is null)
            throw new ArgumentNullException(nameof(requests));
        // The compiler tells generated files apart without regard to case, so types that differ only in case count as one.
        var taken = new Dictionary<string, BoardTypeRequest>(StringComparer.OrdinalIgnoreCase);
        var names = ImmutableArray.CreateBuilder<BoardTypeName>(requests.Count);
        foreach (var request in requests)
            names.Add(Resolve(request, taken));
        return names.MoveToImmutable();
    }

    private static BoardTypeName Resolve(BoardTypeRequest request, Dictionary<string, BoardTypeRequest> taken)
    {
        var stem = FilePath.StemOf(FilePath.Normalize(request.Path));
        var asked = request.Name.Length > 0 ? request.Name : stem;
        var name = request.Name.Length > 0 ? request.Name : CSharpName.ToPascalCase(stem, "Board") ?? "";
        if (!CSharpName.IsIdentifier(name) || Members.Contains(name))
            return Refused(request, DiagnosticTable.BoardNameUnusable, asked);
        var space = request.Namespace.Length > 0 ? request.Namespace : DefaultNamespace;
        if (!CSharpName.IsNamespace(space))
            return Refused(request, DiagnosticTable.BoardNamespaceUnusable, space);
        var full = space + "." + name;
        if (taken.TryGetValue(full, out var first))
            return Refused(request, DiagnosticTable.BoardNameTaken, full, first.Path);
        taken.Add(full, request);
        return new BoardTypeName(name, null);
    }

    // The item has no line that the compiler could show, so the start of the source stands for it.
    private static BoardTypeName Refused(BoardTypeRequest request, DiagnosticDescriptor rule, params object[] arguments) =>
        new("", KmemDiagnostic.Create(rule, new SourceSpan(new SourceFile(request.Path, ""), 0, 0), arguments));
}
