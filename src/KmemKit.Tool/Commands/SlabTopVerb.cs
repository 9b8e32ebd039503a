using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Writers;
using KmemKit.Runtime.Proc;
using KmemKit.Tool.Input;

namespace KmemKit.Tool.Commands;

/// <summary><c>kmem slabtop</c>: the object caches of a booted board, those with most objects first, and what they add up to.</summary>
internal sealed class SlabTopVerb : IVerb
{
    // A separator between the boards of a call, for people only.
    private bool _first = true;

    public VerbOutput Run(BoardRequest request, DiagnosticBag findings)
    {
        var (name, layout) = BoardLoader.Compile(request, findings);
        using var booted = layout is null ? null : BootVerb.Boot(layout, request, findings);
        if (booted is null)
            return request.Settings.Json ? new VerbOutput(FailureJson(name, findings) + "\n") : VerbOutput.None;
        if (request.Settings.Json)
            return new VerbOutput(SlabTopJsonWriter.Write(booted, findings.ToImmutable()) + "\n");
        var gap = _first ? "" : "\n";
        _first = false;
        var table = booted.Proc.SlabInfo;
        return new VerbOutput(gap + (table is null
            ? $"{name}: its objects have no slabs (CONFIG_SLOB)\n"
            : SlabTop.Write(table, booted.Objects.PageSize) + "\n" + SlabTotals.Of(table, booted.Objects.PageSize)));
    }

    public string FailureJson(string board, DiagnosticBag findings) => LayoutJsonWriter.WriteFailure(board, findings);
}
