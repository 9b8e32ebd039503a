using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.Tool.Input;

namespace KmemKit.Tool.Commands;

/// <summary>What a verb does with one board.</summary>
internal interface IVerb
{
    /// <summary>Gives the output for the board, or leaves <see cref="VerbOutput.Text"/> and <see cref="VerbOutput.Bytes"/> null where there is none.</summary>
    VerbOutput Run(BoardRequest request, DiagnosticBag findings);

    /// <summary>The JSON line of a board on which the verb broke off.</summary>
    string FailureJson(string board, DiagnosticBag findings);
}

/// <summary>A verb's output for one board: a text, or bytes, or nothing.</summary>
/// <param name="Text">Text for standard output.</param>
/// <param name="Bytes">Bytes for standard output.</param>
/// <param name="IsMarkedUp">Whether the text holds colours and is written as it is.</param>
internal readonly record struct VerbOutput(string? Text, byte[]? Bytes = null, bool IsMarkedUp = false)
{
    public static VerbOutput None => default;
}
