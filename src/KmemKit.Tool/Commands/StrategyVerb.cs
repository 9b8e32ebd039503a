using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Layout.Strategies;
using KmemKit.BoardCompiler.Writers;
using KmemKit.Tool.Input;

namespace KmemKit.Tool.Commands;

/// <summary><c>kmem layout --compare</c>: the board under every split and reclaim strategy.</summary>
internal sealed class StrategyVerb(StrategyGoal goal) : IVerb
{
    private bool _first = true;

    public VerbOutput Run(BoardRequest request, DiagnosticBag findings)
    {
        var (name, layout) = BoardLoader.Compile(request, findings);
        if (layout is null)
            return request.Settings.Json ? new VerbOutput(FailureJson(name, findings) + "\n") : VerbOutput.None;
        var strategies = StrategyComparer.Compare(layout.Board, goal);
        if (request.Settings.Json)
            return new VerbOutput(StrategyJsonWriter.Write(name, goal, strategies, findings.ToImmutable()) + "\n");
        var gap = _first ? "" : "\n";
        _first = false;
        return new VerbOutput(gap + StrategyTextWriter.Write(name, goal, strategies));
    }

    public string FailureJson(string board, DiagnosticBag findings) => LayoutJsonWriter.WriteFailure(board, findings);
}
