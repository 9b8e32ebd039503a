using System.Collections.Generic;
using System.Collections.Immutable;
using System.Text;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Layout;

namespace KmemKit.BoardCompiler.Writers;

/// <summary>An address and what it is on both sides of the MMU.</summary>
/// <param name="Address">The address.</param>
/// <param name="Physical">Taken as a physical one.</param>
/// <param name="Virtual">Taken as a virtual one.</param>
public sealed record TranslatedAddress(ulong Address, AddressMeaning Physical, AddressMeaning Virtual);

/// <summary>Prints the one-line JSON object of <c>kmem translate --json</c>: <c>addresses</c>, each with a <c>physical</c> and a <c>virtual</c> meaning.</summary>
public static class TranslationJsonWriter
{
    /// <summary>The object.</summary>
    public static string Write(string board, IEnumerable<TranslatedAddress> addresses, ImmutableArray<KmemDiagnostic> diagnostics)
    {
        var output = new StringBuilder(1024);
        var json = new JsonText(output);
        json.BeginObject().Member("board", board).Name("addresses").BeginArray();
        foreach (var address in addresses)
        {
            json.BeginObject().Member("address", Hex(address.Address));
            WriteMeaning(json.Name("physical"), address.Physical);
            WriteMeaning(json.Name("virtual"), address.Virtual);
            json.EndObject();
        }
        json.EndArray();
        DiagnosticJson.Write(json, diagnostics);
        json.EndObject();
        return output.ToString();
    }

    private static void WriteMeaning(JsonText json, AddressMeaning meaning)
    {
        json.BeginObject().Member("kind", meaning.KindName).Member("name", meaning.Name);
        json.Member("maps_to", meaning.MapsTo is { } other ? Hex(other) : null);
        json.Member("reason", meaning.Reason);
        DiagnosticJson.WritePlace(json, meaning.Span);
        json.EndObject();
    }

    private static string Hex(ulong value) => AddressLimit.FromUInt64(value).ToString();
}
