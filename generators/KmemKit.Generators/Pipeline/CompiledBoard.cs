using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Sources;
using KmemKit.BoardCompiler.Writers.CSharp;
using KmemKit.Generators.Diagnostics;

namespace KmemKit.Generators.Pipeline;

/// <summary>What compiling a board gives: what its code says, and what is to be reported.</summary>
/// <param name="Model">What the code says; null where an error left nothing to say.</param>
/// <param name="Findings">The findings, in order.</param>
internal sealed record CompiledBoard(BoardTypeModel? Model, EquatableArray<Finding> Findings)
{
    public static CompiledBoard Compile(BoardSources sources, Func<BoardInput, BoardCompilation> compile, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        var request = sources.Board.Request;
        if (sources.Main is null)
            return Refused(request, DiagnosticTable.BoardUnreadable, request.Path);
        if (request.Defconfig.Length > 0 && sources.Defconfig is null)
            return Refused(request, DiagnosticTable.DefconfigMissing, request.Defconfig);
        try
        {
            return CompileTexts(sources, sources.Main, compile);
        }
#pragma warning disable CA1031 // An exception here would take all boards of the project with it, and the compiler would name none (CS8785).
        catch (Exception fault) when (fault is not OperationCanceledException)
#pragma warning restore CA1031
        {
            return Refused(request, DiagnosticTable.BoardCompilerFailed, fault.GetType().Name, fault.Message);
        }
    }

    private static CompiledBoard CompileTexts(BoardSources sources, BoardText main, Func<BoardInput, BoardCompilation> compile)
    {
        var request = sources.Board.Request;
        var result = compile(new BoardInput(FileOf(main))
        {
            Provider = sources,
            Defconfig = sources.Defconfig is null ? null : FileOf(sources.Defconfig),
            Bootargs = request.Bootargs.Length > 0 ? request.Bootargs : null,
            // A type without a memory map is of no use: a board without memory is an error here.
            RequireLayout = true,
        });
        // That the file is there the build's task has seen, which reads bytes; here is none to be had.
        var findings = result.Diagnostics
            .Select(d => d.Id == DiagnosticTable.Dts.BinaryNotFound.Id ? KmemDiagnostic.Create(DiagnosticTable.BinaryInSource, d.Span) : d)
            .Select(d => Finding.Of(d, sources.PathOf, Finding.StartOf(request.Path)))
            .ToEquatableArray();
        if (result.Layout is null || result.HasErrors)
            return new CompiledBoard(null, findings);
        var madeFrom = FilePath.NameOf(main.Key);
        if (sources.Defconfig is not null)
            madeFrom += " and " + FilePath.RelativeTo(FilePath.FolderOf(main.Key), sources.Defconfig.Key);
        var definition = BoardDefinitions.Of(
            result.Layout.Board, sources.Defconfig is null ? null : FileOf(sources.Defconfig), request.Bootargs.Length > 0 ? request.Bootargs : null);
        return new CompiledBoard(
            BoardTypeModelBuilder.Build(result.Layout, request.Namespace, sources.Board.TypeName, madeFrom, definition, result.MpuPlan), findings);
    }

    private static SourceFile FileOf(BoardText text) => new(text.Key, text.Text);

    private static CompiledBoard Refused(BoardRequest request, DiagnosticDescriptor rule, params object[] arguments) =>
        new(null, new[] { Finding.AtStartOf(request.Path, KmemDiagnostic.Create(rule, default, arguments)) }.ToEquatableArray());
}
