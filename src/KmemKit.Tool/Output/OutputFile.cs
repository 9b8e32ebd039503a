using System;
using System.IO;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Sources;
using KmemKit.Tool.Input;
using Rules = KmemKit.BoardCompiler.Diagnostics.DiagnosticTable.Files;

namespace KmemKit.Tool.Output;

/// <summary>A file that <c>-o</c> names.</summary>
internal static class OutputFile
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
