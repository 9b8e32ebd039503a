using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Sources;
using KmemKit.BoardCompiler.Writers.CSharp;
using KmemKit.Generators.Diagnostics;

namespace KmemKit.Generators.Pipeline;

/// <summary>A board with the name of its type decided, or what keeps it from having one.</summary>
/// <param name="Request">What was asked for.</param>
/// <param name="TypeName">Name of the type; empty where <paramref name="Problem"/> says why there is none.</param>
/// <param name="Problem">What is wrong with the name; null where nothing is.</param>
internal sealed record NamedBoard(BoardRequest Request, string TypeName, Finding? Problem)
{
    private static readonly HashSet<string> Members = new(BoardTypeWriter.MemberNames, StringComparer.Ordinal);

    /// <summary>Names all boards of a compilation. Of two that would have one name the first keeps it.</summary>
    public static ImmutableArray<NamedBoard> Resolve(ImmutableArray<BoardRequest> requests)
    {
        // The compiler tells generated files apart without regard to case, so types that differ only in case count as one.
        var taken = new Dictionary<string, BoardRequest>(StringComparer.OrdinalIgnoreCase);
        var boards = ImmutableArray.CreateBuilder<NamedBoard>(requests.Length);
        foreach (var request in requests)
        {
            var stem = FilePath.StemOf(request.Key);
            var asked = request.Name.Length > 0 ? request.Name : stem;
            var name = request.Name.Length > 0 ? request.Name : CSharpName.ToPascalCase(stem, "Board") ?? "";
            if (!CSharpName.IsIdentifier(name) || Members.Contains(name))
            {
                boards.Add(Refused(request, DiagnosticTable.BoardNameUnusable, asked));
                continue;
            }
            if (!CSharpName.IsNamespace(request.Namespace))
            {
                boards.Add(Refused(request, DiagnosticTable.BoardNamespaceUnusable, request.Namespace));
                continue;
            }
            var full = request.Namespace + "." + name;
            if (taken.TryGetValue(full, out var first))
            {
                boards.Add(Refused(request, DiagnosticTable.BoardNameTaken, full, first.Path));
                continue;
            }
            taken.Add(full, request);
            boards.Add(new NamedBoard(request, name, null));
        }
        return boards.ToImmutable();
    }

    private static NamedBoard Refused(BoardRequest request, DiagnosticDescriptor rule, params object[] arguments) =>
        new(request, "", Finding.AtStartOf(request.Path, KmemDiagnostic.Create(rule, default, arguments)));
}
