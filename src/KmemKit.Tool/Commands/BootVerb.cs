using System.Collections.Generic;
using System.Linq;
using System.Text;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Sources;
using KmemKit.BoardCompiler.Writers;
using KmemKit.Files;
using KmemKit.Runtime.Boot;
using KmemKit.Runtime.Boot.Log;
using KmemKit.Runtime.Proc;
using KmemKit.Tool.Input;
using Rules = KmemKit.BoardCompiler.Diagnostics.DiagnosticTable.Files;

namespace KmemKit.Tool.Commands;

/// <summary><c>kmem boot</c>: the boot log of a board's memory, then the files of its <c>/proc</c> that were asked for.</summary>
internal sealed class BootVerb(IReadOnlyList<string> proc) : IVerb
{
    private const string AllFiles = "all";

    // A separator between the boards of a call, for people only.
    private bool _first = true;

    /// <summary>What <c>--proc</c> takes.</summary>
    public static IEnumerable<string> ProcNames => ProcFiles.Names.Append(AllFiles);

    public VerbOutput Run(BoardRequest request, DiagnosticBag findings)
    {
        var (name, layout) = BoardLoader.Compile(request, findings);
        using var booted = layout is null ? null : Boot(layout, request, findings);
        if (booted is null)
            return request.Settings.Json ? new VerbOutput(FailureJson(name, findings) + "\n") : VerbOutput.None;
        var files = Files().Select(file => (file, booted.Proc.Read(file)));
        if (request.Settings.Json)
            return new VerbOutput(BootJsonWriter.Write(booted, files, findings.ToImmutable()) + "\n");
        var gap = _first ? "" : "\n";
        _first = false;
        return new VerbOutput(gap + Text(booted, files));
    }

    public string FailureJson(string board, DiagnosticBag findings) => LayoutJsonWriter.WriteFailure(board, findings);

    // Each once, in the order of the command line.
    private IEnumerable<string> Files() => proc.SelectMany(name => name == AllFiles ? ProcFiles.Names : [name]).Distinct();

    /// <summary>Boots a layout; what keeps it from booting becomes a finding.</summary>
    internal static BootedMemory? Boot(MemoryLayout layout, BoardRequest request, DiagnosticBag findings)
    {
        try
        {
            return BootedMemory.Boot(layout);
        }
        catch (MemoryBootException exception)
        {
            var known = layout.Banks.Select(static bank => bank.Span).FirstOrDefault(static span => span.IsKnown);
            var span = known.IsKnown ? known : new SourceSpan(new SourceFile(FileReader.Shown(request.Board), ""), 0, 0);
            findings.Add(Rules.NotBootable, span, layout.Board.Name, exception.Message);
            return null;
        }
    }

    private static string Text(BootedMemory booted, IEnumerable<(string Name, string Text)> files)
    {
        var text = new StringBuilder();
        foreach (var line in booted.LogLines())
            text.Append(line).Append('\n');
        foreach (var (name, content) in files)
            text.Append("\n/proc/").Append(name).Append(":\n").Append(content);
        return text.ToString();
    }
}
