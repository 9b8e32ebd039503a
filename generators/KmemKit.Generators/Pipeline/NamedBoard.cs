using System.Collections.Immutable;
using System.Linq;
using KmemKit.BoardCompiler.Writers.CSharp;
using KmemKit.Generators.Diagnostics;

namespace KmemKit.Generators.Pipeline;

/// <summary>A board with the name of its type decided, or what keeps it from having one.</summary>
/// <param name="Request">What was asked for.</param>
/// <param name="TypeName">Name of the type; empty where <paramref name="Problem"/> says why there is none.</param>
/// <param name="Problem">What is wrong with the name; null where nothing is.</param>
internal sealed record NamedBoard(BoardRequest Request, string TypeName, Finding? Problem)
{
    /// <summary>Names all boards of a compilation.</summary>
    public static ImmutableArray<NamedBoard> Resolve(ImmutableArray<BoardRequest> requests)
    {
        var names = BoardTypeNames.Resolve([.. requests.Select(r => new BoardTypeRequest(r.Path, r.Name, r.Namespace))]);
        return requests
            .Select((request, i) => new NamedBoard(request, names[i].TypeName, names[i].Problem is { } problem ? Finding.AtStartOf(request.Path, problem) : null))
            .ToImmutableArray();
    }
}
