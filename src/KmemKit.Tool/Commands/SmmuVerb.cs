using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Sources;
using KmemKit.BoardCompiler.Streams;
using KmemKit.BoardCompiler.Writers;
using KmemKit.BoardCompiler.Writers.CSharp;
using KmemKit.BoardCompiler.Writers.Streams;
using KmemKit.Files;
using KmemKit.Tool.Input;
using Rules = KmemKit.BoardCompiler.Diagnostics.DiagnosticTable.Smmu;

namespace KmemKit.Tool.Commands;

/// <summary><c>kmem smmu</c>: what the devices behind a board's SMMUs may reach, the tables for it, and why a device reaches what it reaches.</summary>
/// <param name="options">What tables.</param>
/// <param name="questions"><c>--why</c>: StreamIDs and device addresses, in order; each is asked of every SMMU.</param>
/// <param name="form">Form of the image.</param>
/// <param name="file">Where the image goes; null for no image.</param>
internal sealed class SmmuVerb(StreamTableOptions options, IReadOnlyList<(uint Stream, ulong Address)> questions, ImageForm form, string? file) : IVerb
{
    // A separator between the boards of a call, for people only.
    private bool _first = true;

    public VerbOutput Run(BoardRequest request, DiagnosticBag findings)
    {
        var loaded = BoardLoader.Compile(request, findings);
        var plan = loaded.Compilation?.Streams;
        if (loaded.Layout is { } layout && options.Base is not null && !findings.HasErrors)
        {
            var planned = StreamTablePlanner.Plan(layout, options);
            findings.AddRange(planned.Diagnostics.Where(d => !findings.Any(f => f.Id == d.Id && f.Span.Equals(d.Span) && f.Message == d.Message)));
            plan = planned.Plan;
        }
        if (plan is null && loaded.Layout is { } without && !findings.HasErrors)
            findings.Add(Rules.NoSmmu, without.Board.Tree.Root.Span.IsKnown ? without.Board.Tree.Root.Span : new SourceSpan(new SourceFile(FileReader.Shown(request.Board), ""), 0, 0), loaded.Name);
        if (plan is null || (file is not null && OutputFile.Write(file, Image(plan), findings) == OutputState.Failed))
            return request.Settings.Json ? new VerbOutput(FailureJson(BoardLocator.NameOf(request.Board), findings) + "\n") : VerbOutput.None;
        var walks = questions.SelectMany(q => Enumerable.Range(0, plan.Smmus.Length).Select(s => StreamWalk.Of(plan, s, q.Stream, new BusAddr(q.Address)))).ToList();
        if (request.Settings.Json)
            return new VerbOutput(StreamJsonWriter.Write(plan, walks, findings.ToImmutable()) + "\n");
        var gap = _first ? "" : "\n";
        _first = false;
        return new VerbOutput(gap + (walks.Count > 0 ? string.Concat(walks.Select(StreamWhyWriter.Write)) : StreamTextWriter.Write(plan)));
    }

    public string FailureJson(string board, DiagnosticBag findings) => LayoutJsonWriter.WriteFailure(board, findings);

    private byte[] Image(StreamTablePlan plan) =>
        ImageForms.Write(form, file!, StreamLoadImage.Of(plan), (CSharpName.ToPascalCase(plan.Layout.Board.Name, "Board") ?? "Board") + "StreamTables");
}
