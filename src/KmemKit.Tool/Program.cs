using System;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.Tool.Commands;
using KmemKit.Tool.Output;

namespace KmemKit.Tool;

/// <summary>The entry point of <c>kmem</c>.</summary>
internal static class Program
{
    private static int Main(string[] args)
    {
        using var console = ConsoleStreams.OfProcess();
        return Run(args, console);
    }

    /// <summary>A whole run; no exception leaves it.</summary>
    internal static int Run(string[] args, ConsoleStreams console)
    {
        try
        {
            return CommandLine.Run(args, console);
        }
        catch (Exception exception)
        {
            console.WriteErrorLine(KmemDiagnostic.Create(DiagnosticTable.Files.InternalError, default, "the command line", BoardRunner.Describe(exception)).ToString());
            return 1;
        }
    }
}
