using System;
using System.Collections.Immutable;
using System.Linq;
using System.Text;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Compare;
using KmemKit.BoardCompiler.Diagnostics;

namespace KmemKit.BoardCompiler.Writers;

/// <summary>
/// Prints the one-line JSON object of <c>kmem diff --json</c>: <c>old</c>, <c>new</c>, <c>widened</c> (how many changes widen something), and <c>changes</c>, each
/// with <c>kind</c>, <c>what</c>, <c>name</c>, <c>detail</c>, and on each side <c>start</c>, <c>size</c> and the place, or null.
/// </summary>
public static class DiffJsonWriter
{
    /// <summary>The object.</summary>
    public static string Write(BoardDifference difference, ImmutableArray<KmemDiagnostic> diagnostics)
    {
        if (difference is null)
            throw new ArgumentNullException(nameof(difference));
        var output = new StringBuilder(1024);
        var json = new JsonText(output);
        json.BeginObject().Member("old", difference.OldName).Member("new", difference.NewName);
        json.Member("widened", (ulong)difference.Changes.Count(c => c.IsWidening));
        json.Name("changes").BeginArray();
        foreach (var change in difference.Changes)
        {
            json.BeginObject().Member("kind", NameOf(change.Kind)).Member("what", change.What).Member("name", change.Name).Member("detail", change.Detail);
            WriteSide(json.Name("old"), change.Old);
            WriteSide(json.Name("new"), change.New);
            json.EndObject();
        }
        json.EndArray();
        DiagnosticJson.Write(json, diagnostics);
        json.EndObject();
        return output.ToString();
    }

    internal static string NameOf(ChangeKind kind) => kind.ToString().ToLowerInvariant();

    private static void WriteSide(JsonText json, ChangeSide? side)
    {
        if (side is not { } known)
        {
            json.Null();
            return;
        }
        json.BeginObject();
        json.Member("start", known.Range is { } range ? AddressLimit.FromUInt64(range.Start).ToString() : null);
        json.Member("size", known.Range?.Size.ToString());
        DiagnosticJson.WritePlace(json, known.Span);
        json.EndObject();
    }
}
