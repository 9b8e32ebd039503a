using System.Collections.Generic;
using System.Linq;
using System.Text;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Writers;
using KmemKit.Tool.Input;

namespace KmemKit.Tool.Commands;

/// <summary><c>kmem translate</c>: each address as a physical and as a virtual one.</summary>
internal sealed class TranslateVerb(IReadOnlyList<string> addresses) : IVerb
{
    public static bool TryParse(string text, out ulong address)
    {
        var read = PhysAddr.TryParse(text, out var result);
        address = result.Value;
        return read;
    }

    public VerbOutput Run(BoardRequest request, DiagnosticBag findings)
    {
        var layout = BoardLoader.Compile(request, findings).Layout;
        if (layout is null)
            return request.Settings.Json ? new VerbOutput(FailureJson(BoardLocator.NameOf(request.Board), findings) + "\n") : VerbOutput.None;
        var answers = addresses.Select(text => Translate(layout, text)).ToList();
        return new VerbOutput(request.Settings.Json
            ? TranslationJsonWriter.Write(layout.Board.Name, answers, findings.ToImmutable()) + "\n"
            : Text(answers));
    }

    public string FailureJson(string board, DiagnosticBag findings) => LayoutJsonWriter.WriteFailure(board, findings);

    private static TranslatedAddress Translate(MemoryLayout layout, string text)
    {
        // The grammar has refused everything that is no address.
        _ = TryParse(text, out var address);
        return new TranslatedAddress(
            address, AddressClassifier.ClassifyPhysical(layout, new PhysAddr(address)), AddressClassifier.ClassifyVirtual(layout, new VirtAddr(address)));
    }

    private static string Text(List<TranslatedAddress> answers)
    {
        var text = new StringBuilder();
        foreach (var answer in answers)
        {
            text.Append(new PhysAddr(answer.Address).ToString()).Append('\n');
            Append(text.Append("  as physical: "), answer.Physical);
            Append(text.Append("  as virtual:  "), answer.Virtual);
        }
        return text.ToString();
    }

    private static void Append(StringBuilder text, AddressMeaning meaning)
    {
        text.Append(meaning.KindName);
        if (meaning.Name.Length > 0 && meaning.Name != meaning.KindName)
            text.Append(' ').Append(meaning.Name);
        if (meaning.MapsTo is { } other)
            text.Append(" -> ").Append(new PhysAddr(other).ToString());
        text.Append("; ").Append(meaning.Reason);
        if (meaning.Span.IsKnown)
            text.Append("  ").Append(meaning.Span.ToString());
        text.Append('\n');
    }
}
