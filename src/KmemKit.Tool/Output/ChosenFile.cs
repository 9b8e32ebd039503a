using System;
using System.IO;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Sources;
using KmemKit.Files;
using Rules = KmemKit.BoardCompiler.Diagnostics.DiagnosticTable.Files;

namespace KmemKit.Tool.Output;

/// <summary>The file that <c>-o</c> names. It is written as it stands, since it may be a pipe or a device; what a folder of made files holds is replaced as a whole (<see cref="OutputFile"/>).</summary>
internal static class ChosenFile
{
    /// <summary>Writes it; false, with a finding, where that cannot be done.</summary>
    public static bool Write(string path, byte[] bytes, DiagnosticBag findings)
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
