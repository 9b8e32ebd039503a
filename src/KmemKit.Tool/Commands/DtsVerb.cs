using System;
using System.IO;
using System.Text;
using KmemKit.BoardCompiler.Devicetree.Blobs;
using KmemKit.BoardCompiler.Devicetree.Printing;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Sources;
using KmemKit.BoardCompiler.Writers;
using KmemKit.Files;
using KmemKit.Tool.Input;
using Rules = KmemKit.BoardCompiler.Diagnostics.DiagnosticTable.Files;

namespace KmemKit.Tool.Commands;

/// <summary><c>kmem dts</c>: the flattened tree as source or as a blob.</summary>
internal sealed class DtsVerb(bool asBlob, string? file) : IVerb
{
    public VerbOutput Run(BoardRequest request, DiagnosticBag findings)
    {
        var (name, tree) = BoardLoader.ReadTree(request, findings);
        if (tree is null)
            return request.Settings.Json ? new VerbOutput(FailureJson(name, findings) + "\n") : VerbOutput.None;
        var bytes = asBlob ? FdtWriter.Write(tree) : Encoding.UTF8.GetBytes(DtsPrinter.Print(tree));
        if (file is not null && !WriteFile(file, bytes, findings))
            return request.Settings.Json ? new VerbOutput(FailureJson(name, findings) + "\n") : VerbOutput.None;
        if (request.Settings.Json)
            return new VerbOutput(TreeJsonWriter.Write(name, asBlob, file, bytes, findings.ToImmutable()) + "\n");
        return file is null ? new VerbOutput(null, bytes) : VerbOutput.None;
    }

    public string FailureJson(string board, DiagnosticBag findings) => LayoutJsonWriter.WriteFailure(board, findings);

    private static bool WriteFile(string path, byte[] bytes, DiagnosticBag findings)
    {
        try
        {
            File.WriteAllBytes(path, bytes);
            return true;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            var shown = FileReader.Shown(path);
            findings.Add(Rules.OutputNotWritten, new SourceSpan(new SourceFile(shown, ""), 0, 0), shown, FileReader.FirstLine(exception.Message));
            return false;
        }
    }
}
