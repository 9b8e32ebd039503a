using System;
using System.Collections.Generic;
using System.IO;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Sources;
using KmemKit.Files;
using KmemKit.Tool.Input;
using KmemKit.Tool.Output;
using Rules = KmemKit.BoardCompiler.Diagnostics.DiagnosticTable.Files;

namespace KmemKit.Tool.Commands;

/// <summary>Runs a verb over the boards of a call, in order. What is wrong with one board does not stop the others.</summary>
internal static class BoardRunner
{
    /// <summary>0 where no board has an error, else 1.</summary>
    public static int Run(IVerb verb, IReadOnlyList<string> boards, Settings settings, ConsoleStreams console)
    {
        var failed = false;
        foreach (var board in boards)
        {
            var findings = new DiagnosticBag();
            var output = Guarded(verb, new BoardRequest(board, settings), findings);
            failed |= DiagnosticPrinter.Print(console, findings);
            failed |= !Emit(console, output);
            if (console.OutputClosed)
                break;
        }
        return failed ? 1 : 0;
    }

    private static VerbOutput Guarded(IVerb verb, BoardRequest request, DiagnosticBag findings)
    {
        try
        {
            return verb.Run(request, findings);
        }
        // The last line of defence: whatever a board brings to light in the code, its owner gets one line and the other boards get their turn.
        catch (Exception exception)
        {
            findings.Add(Rules.InternalError, new SourceSpan(new SourceFile(FileReader.Shown(request.Board), ""), 0, 0), FileReader.Shown(request.Board), Describe(exception));
            return request.Settings.Json ? new VerbOutput(verb.FailureJson(BoardLocator.NameOf(request.Board), findings) + "\n") : VerbOutput.None;
        }
    }

    private static bool Emit(ConsoleStreams console, VerbOutput output)
    {
        try
        {
            if (output.Bytes is { } bytes)
                console.Write(bytes);
            else if (output is { Text: { } text, IsMarkedUp: true })
                console.WriteRaw(text);
            else if (output.Text is { } plain)
                console.Write(plain);
            return true;
        }
        catch (IOException exception)
        {
            console.WriteErrorLine(KmemDiagnostic.Create(Rules.OutputNotWritten, default, "standard output", FileReader.FirstLine(exception.Message)).ToString());
            return false;
        }
    }

    internal static string Describe(Exception exception) => $"{exception.GetType().Name}: {FileReader.FirstLine(exception.Message)}";
}
