using System.Linq;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Compare;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Writers;
using KmemKit.Tool.Input;

namespace KmemKit.Tool.Commands;

/// <summary><c>kmem diff OLD NEW</c>: what changed between two definitions. It runs on the old one.</summary>
internal sealed class DiffVerb(string newBoard) : IVerb
{
    /// <summary>Whether the new definition permits more than the old one.</summary>
    public bool Widened { get; private set; }

    public VerbOutput Run(BoardRequest request, DiagnosticBag findings)
    {
        // Findings of both are worth having, whichever has an error.
        var old = BoardLoader.Compile(request, findings, requireLayout: false);
        var newFindings = new DiagnosticBag();
        var now = BoardLoader.Compile(request with { Board = newBoard }, newFindings, requireLayout: false);
        findings.AddRange(newFindings);
        if (findings.HasErrors || old.Compilation is not { Board: not null } before || now.Compilation is not { Board: not null } after)
            return request.Settings.Json ? new VerbOutput(FailureJson(old.Name, findings) + "\n") : VerbOutput.None;
        var difference = BoardComparer.Compare(before, after);
        Widened = difference.Changes.Any(c => c.IsWidening);
        return new VerbOutput(request.Settings.Json
            ? DiffJsonWriter.Write(difference, findings.ToImmutable()) + "\n"
            : DiffTextWriter.Write(difference));
    }

    public string FailureJson(string board, DiagnosticBag findings) => LayoutJsonWriter.WriteFailure(board, findings);
}
