using System.Collections.Immutable;
using System.Linq;
using System.Text;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Mpu;
using KmemKit.BoardCompiler.Sources;
using KmemKit.BoardCompiler.Writers;
using KmemKit.BoardCompiler.Writers.Mpu;
using KmemKit.Files;
using KmemKit.Tool.Input;
using KmemKit.Tool.Output;
using Rules = KmemKit.BoardCompiler.Diagnostics.DiagnosticTable.Files;

namespace KmemKit.Tool.Commands;

/// <summary><c>kmem mpu</c>: the region table of a board's memory protection unit, and its register values.</summary>
internal sealed class MpuVerb(string format, string? file) : IVerb
{
    // A separator between the boards of a call, for people only.
    private bool _first = true;

    /// <summary>What <c>-O</c> takes, the default first.</summary>
    public static ImmutableArray<string> Formats { get; } = ["text", "markdown", "c", "asm"];

    public VerbOutput Run(BoardRequest request, DiagnosticBag findings)
    {
        var loaded = BoardLoader.Compile(request, findings, requireLayout: false);
        var (name, compilation) = (loaded.Name, loaded.Compilation);
        var plan = compilation?.MpuPlan;
        if (plan is null && !findings.HasErrors)
            findings.Add(Rules.NoProtectionPlan, new SourceSpan(new SourceFile(FileReader.Shown(request.Board), ""), 0, 0), name, Why(compilation!));
        if (plan is null || findings.HasErrors)
            return request.Settings.Json ? new VerbOutput(FailureJson(name, findings) + "\n") : VerbOutput.None;
        var text = request.Settings.Json ? MpuJsonWriter.Write(name, plan, findings.ToImmutable(), compilation!.Board!.Protection!.Pools) + "\n" : Text(name, plan, compilation!);
        if (file is not null)
        {
            ChosenFile.Write(file, Encoding.UTF8.GetBytes(text), findings);
            return VerbOutput.None;
        }
        var gap = _first || request.Settings.Json ? "" : "\n";
        _first = false;
        return new VerbOutput(gap + text);
    }

    public string FailureJson(string board, DiagnosticBag findings) => LayoutJsonWriter.WriteFailure(board, findings);

    private string Text(string board, MpuPlan plan, BoardCompilation compilation)
    {
        var madeFrom = string.Join(" and ", compilation.Dependencies.Select(FilePath.NameOf));
        return format switch
        {
            "markdown" => MpuMarkdownWriter.Write(board, plan),
            "c" => MpuCHeaderWriter.Write(board, madeFrom, plan),
            "asm" => MpuAssemblyWriter.Write(board, madeFrom, plan),
            _ => MpuTextWriter.Write(board, plan) + PlacementText.Write(compilation.Board!.Protection!.Pools),
        };
    }

    private static string Why(BoardCompilation compilation) => compilation.Board switch
    {
        { Protection: null } => "it has no protection policy",
        { UsesMmu: true } => "it has an MMU, whose page tables the policy is for",
        _ => "nothing is known of its memory protection unit",
    };
}
