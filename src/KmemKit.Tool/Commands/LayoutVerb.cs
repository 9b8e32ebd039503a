using System;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Writers;
using KmemKit.Tool.Input;
using KmemKit.Tool.Output;

namespace KmemKit.Tool.Commands;

/// <summary><c>kmem layout</c>.</summary>
internal sealed class LayoutVerb(ConsoleStreams console) : IVerb
{
    // A separator between the boards of a call, for people only.
    private bool _first = true;

    public VerbOutput Run(BoardRequest request, DiagnosticBag findings)
    {
        var layout = BoardLoader.Compile(request, findings).Layout;
        if (request.Settings.Json)
        {
            return new VerbOutput((layout is null
                ? FailureJson(BoardLocator.NameOf(request.Board), findings)
                : LayoutJsonWriter.Write(layout, findings.ToImmutable())) + "\n");
        }
        if (layout is null)
            return VerbOutput.None;
        var gap = _first ? "" : "\n";
        _first = false;
        return console.OutputIsTerminal
            ? new VerbOutput(gap + TerminalLayoutView.Render(layout, Width()), IsMarkedUp: true)
            : new VerbOutput(gap + LayoutTextWriter.Write(layout));
    }

    public string FailureJson(string board, DiagnosticBag findings) => LayoutJsonWriter.WriteFailure(board, findings);

    private static int Width()
    {
        try
        {
            return Math.Clamp(Console.WindowWidth, 60, 200);
        }
        catch (System.IO.IOException)
        {
            return 120;
        }
    }
}
