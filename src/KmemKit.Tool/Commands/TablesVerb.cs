using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Tables;
using KmemKit.BoardCompiler.Writers;
using KmemKit.BoardCompiler.Writers.CSharp;
using KmemKit.BoardCompiler.Writers.Tables;
using KmemKit.Files;
using KmemKit.Tool.Input;

namespace KmemKit.Tool.Commands;

/// <summary><c>kmem tables</c>: the page tables of a board, their statistics, and why an address is mapped as it is.</summary>
/// <param name="options">What tables.</param>
/// <param name="addresses"><c>--why</c>, in order.</param>
/// <param name="form">Form of the image.</param>
/// <param name="file">Where the image goes; null for no image.</param>
internal sealed class TablesVerb(PageTableOptions options, IReadOnlyList<ulong> addresses, ImageForm form, string? file) : IVerb
{
    // A separator between the boards of a call, for people only.
    private bool _first = true;

    public VerbOutput Run(BoardRequest request, DiagnosticBag findings)
    {
        var layout = BoardLoader.Compile(request, findings).Layout;
        PageTablePlan? plan = null;
        if (layout is not null)
        {
            var planned = PageTablePlanner.Plan(layout, options);
            findings.AddRange(planned.Diagnostics);
            plan = planned.Plan;
        }
        if (plan is null || (file is not null && OutputFile.Write(file, Image(plan), findings) == OutputState.Failed))
            return request.Settings.Json ? new VerbOutput(FailureJson(BoardLocator.NameOf(request.Board), findings) + "\n") : VerbOutput.None;
        var walks = addresses.Select(a => AddressWalk.Of(plan, new VirtAddr(a))).ToList();
        if (request.Settings.Json)
            return new VerbOutput(TableJsonWriter.Write(plan, walks) + "\n");
        var gap = _first ? "" : "\n";
        _first = false;
        return new VerbOutput(gap + (walks.Count > 0 ? string.Concat(walks.Select(TableWhyWriter.Write)) : TableStatisticsWriter.Write(plan)));
    }

    public string FailureJson(string board, DiagnosticBag findings) => LayoutJsonWriter.WriteFailure(board, findings);

    private byte[] Image(PageTablePlan plan) =>
        ImageForms.Write(form, file!, TableLoadImage.Of(plan), (CSharpName.ToPascalCase(plan.Map.Layout.Board.Name, "Board") ?? "Board") + "PageTables");
}
