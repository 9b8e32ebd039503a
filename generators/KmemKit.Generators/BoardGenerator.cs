using System;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Sources;
using KmemKit.BoardCompiler.Writers.CSharp;
using KmemKit.Generators.Pipeline;
using Microsoft.CodeAnalysis;

namespace KmemKit.Generators;

/// <summary>Turns each <c>KmemBoard</c> item into a type with the board's memory map, and the board's findings into compiler diagnostics.</summary>
/// <remarks>
/// <para>This file is the pipeline: what depends on what. Each step's result is equal by value to the last one's unless its own texts changed, and holds no
/// object of the compiler's, so that an edit runs only what it concerns and an old compilation can go:</para>
/// <code>
/// AdditionalFiles ┬ metadata ► Requests ► Boards ┬► Inputs ► Compiled ┬► Models   ► source
///                 └ texts ───► Texts ────────────┘                    └► Findings ► diagnostics
/// </code>
/// <para>Inputs is where boards part: a board's input has only the texts that it can reach. Without a <c>KmemBoard</c> item no text is read.</para>
/// </remarks>
[Generator(LanguageNames.CSharp)]
public sealed class BoardGenerator : IIncrementalGenerator
{
    private const string IncludePathProperty = "build_property._KmemIncludePath";

    private readonly Func<BoardInput, BoardCompilation> _compile;

    /// <summary>The generator as the compiler makes it.</summary>
    public BoardGenerator()
        : this(BoardPipeline.Compile)
    {
    }

    /// <summary>A generator over another board compiler: for a test of what becomes of its faults.</summary>
    internal BoardGenerator(Func<BoardInput, BoardCompilation> compile) => _compile = compile;

    /// <inheritdoc/>
    public void Initialize(IncrementalGeneratorInitializationContext context)
    {
        var includePaths = context.AnalyzerConfigOptionsProvider
            .Select(static (options, _) => options.GlobalOptions.TryGetValue(IncludePathProperty, out var list) ? SplitPaths(list) : default)
            .WithTrackingName(TrackingNames.Settings);

        var requests = context.AdditionalTextsProvider
            .Combine(context.AnalyzerConfigOptionsProvider)
            .SelectMany(static (pair, _) => BoardRequest.Read(pair.Left, pair.Right).ToImmutableArray())
            .WithTrackingName(TrackingNames.Requests)
            .Collect();

        var boards = requests
            .SelectMany(static (all, _) => NamedBoard.Resolve(all))
            .WithTrackingName(TrackingNames.Boards);

        var hasBoards = requests.Select(static (all, _) => !all.IsEmpty);
        var texts = context.AdditionalTextsProvider
            .Where(static file => BoardText.IsBoardText(file))
            .Combine(hasBoards)
            .Select(static (pair, cancellation) => pair.Right ? BoardText.Read(pair.Left, cancellation) : null)
            .Where(static text => text is not null)
            .Select(static (text, _) => text!)
            .WithTrackingName(TrackingNames.Texts)
            .Collect()
            .Select(static (all, _) => new BoardTextSet(all));

        var compile = _compile;
        var compiled = boards
            .Where(static board => board.Problem is null)
            .Combine(texts.Combine(includePaths))
            .Select(static (pair, _) => BoardSources.Resolve(pair.Left, pair.Right.Left, pair.Right.Right))
            .WithTrackingName(TrackingNames.Inputs)
            .Select((sources, cancellation) => CompiledBoard.Compile(sources, compile, cancellation))
            .WithTrackingName(TrackingNames.Compiled);

        var models = compiled
            .Where(static board => board.Model is not null)
            .Select(static (board, _) => board.Model!)
            .WithTrackingName(TrackingNames.Models);
        context.RegisterSourceOutput(models, static (output, model) =>
        {
            foreach (var file in BoardTypeWriter.Write(model))
                output.AddSource(file.HintName, file.Text);
        });

        var findings = compiled
            .SelectMany(static (board, _) => board.Findings.Items)
            .WithTrackingName(TrackingNames.Findings);
        context.RegisterSourceOutput(findings, static (output, finding) => output.ReportDiagnostic(finding.ToDiagnostic()));

        var problems = boards.Where(static board => board.Problem is not null);
        context.RegisterSourceOutput(problems, static (output, board) => output.ReportDiagnostic(board.Problem!.ToDiagnostic()));
    }

    private static EquatableArray<string> SplitPaths(string list) =>
        list.Split('|')
            .Select(path => path.Trim())
            .Where(path => path.Length > 0)
            .Select(path => FilePath.Normalize(Uri.UnescapeDataString(path)))
            .ToEquatableArray();
}
