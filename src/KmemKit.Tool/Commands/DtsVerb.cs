using System.Text;
using KmemKit.BoardCompiler.Devicetree.Blobs;
using KmemKit.BoardCompiler.Devicetree.Printing;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Writers;
using KmemKit.Files;
using KmemKit.Tool.Input;
using KmemKit.Tool.Output;

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
        if (file is not null && !ChosenFile.Write(file, bytes, findings))
            return request.Settings.Json ? new VerbOutput(FailureJson(name, findings) + "\n") : VerbOutput.None;
        if (request.Settings.Json)
            return new VerbOutput(TreeJsonWriter.Write(name, asBlob, file, bytes, findings.ToImmutable()) + "\n");
        return file is null ? new VerbOutput(null, bytes) : VerbOutput.None;
    }

    public string FailureJson(string board, DiagnosticBag findings) => LayoutJsonWriter.WriteFailure(board, findings);
}
