using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.IO;
using System.Linq;
using KmemKit.BoardCompiler.Artifacts;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Sources;
using KmemKit.BoardCompiler.Writers;
using KmemKit.Files;
using KmemKit.Tool.Input;
using Rules = KmemKit.BoardCompiler.Diagnostics.DiagnosticTable.Files;

namespace KmemKit.Tool.Commands;

/// <summary><c>kmem emit</c>: the files that the build makes, byte for byte, since both write what <see cref="ArtifactSet"/> gives.</summary>
internal sealed class EmitVerb(string folder, ImmutableArray<ArtifactKind> kinds) : IVerb
{
    private readonly HashSet<string> _names = new(StringComparer.OrdinalIgnoreCase);

    public VerbOutput Run(BoardRequest request, DiagnosticBag findings)
    {
        var files = new List<EmittedFile>();
        // A tree whose boot loader fills the memory in has no layout; its tree is worth having all the same.
        var board = BoardLoader.Compile(request, findings, requireLayout: false);
        if (board.Compilation is { } compilation && !findings.HasErrors)
        {
            if (_names.Add(board.Name))
            {
                findings.AddRange(ArtifactSet.LeftOut(compilation, kinds));
                files.AddRange(ArtifactSet.Write(compilation, kinds).Select(a => Write(a, compilation.Dependencies, findings)).OfType<EmittedFile>());
            }
            else
            {
                Refuse(Path.Combine(folder, board.Name), "a board of this name was written before, and its files would be overwritten", findings);
            }
        }
        if (request.Settings.Json)
            return new VerbOutput(EmitJsonWriter.Write(board.Name, files, findings.ToImmutable()) + "\n");
        return new VerbOutput(string.Concat(files.Select(f => $"{f.Path}{(f.Changed ? "" : ": unchanged")}\n")));
    }

    public string FailureJson(string board, DiagnosticBag findings) => LayoutJsonWriter.WriteFailure(board, findings);

    private EmittedFile? Write(Artifact artifact, ImmutableArray<string> dependencies, DiagnosticBag findings)
    {
        var path = Path.Combine(folder, artifact.FileName);
        if (dependencies.Any(d => string.Equals(Path.GetFullPath(d), Path.GetFullPath(path), StringComparison.OrdinalIgnoreCase)))
        {
            Refuse(path, "the board is made from it", findings);
            return null;
        }
        var state = OutputFile.Write(path, artifact.Bytes.AsSpan(), findings);
        return state == OutputState.Failed
            ? null
            : new EmittedFile(artifact.Kind.Name, FileReader.Shown(path), (ulong)artifact.Bytes.Length, state == OutputState.Written);
    }

    private static void Refuse(string path, string reason, DiagnosticBag findings)
    {
        var shown = FileReader.Shown(path);
        findings.Add(Rules.OutputNotWritten, new SourceSpan(new SourceFile(shown, ""), 0, 0), shown, reason);
    }
}
