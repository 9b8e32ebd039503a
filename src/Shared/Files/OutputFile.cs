using System;
using System.IO;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Sources;
using Rules = KmemKit.BoardCompiler.Diagnostics.DiagnosticTable.Files;

namespace KmemKit.Files;

/// <summary>What became of an output.</summary>
internal enum OutputState
{
    /// <summary>The file holds these bytes already and was left alone, so that nothing that depends on it is made again.</summary>
    Untouched,

    /// <summary>The file was made, or replaced as a whole.</summary>
    Written,

    /// <summary>It could not be written; the findings say why.</summary>
    Failed,
}

/// <summary>Writes made files: untouched where nothing changed, and never half a file, whoever reads or writes it at the same time.</summary>
internal static class OutputFile
{
    /// <summary>Makes <paramref name="path"/>, and the folders above it, hold <paramref name="bytes"/>.</summary>
    public static OutputState Write(string path, ReadOnlySpan<byte> bytes, DiagnosticBag findings)
    {
        try
        {
            if (Holds(path, bytes))
                return OutputState.Untouched;
            Replace(path, bytes);
            return OutputState.Written;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            var shown = FileReader.Shown(path);
            findings.Add(Rules.OutputNotWritten, new SourceSpan(new SourceFile(shown, ""), 0, 0), shown, FileReader.FirstLine(exception.Message));
            return OutputState.Failed;
        }
    }

    private static bool Holds(string path, ReadOnlySpan<byte> bytes)
    {
        var file = new FileInfo(path);
        return file.Exists && file.Length == bytes.Length && bytes.SequenceEqual(File.ReadAllBytes(path));
    }

    // The new file takes the old one's place in one step: two builds that write the same file at once both leave a whole one.
    private static void Replace(string path, ReadOnlySpan<byte> bytes)
    {
        var folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        Directory.CreateDirectory(folder);
        var passing = Path.Combine(folder, $".{Path.GetFileName(path)}.{Guid.NewGuid():n}");
        try
        {
            using (var stream = new FileStream(passing, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 0))
                stream.Write(bytes);
            File.Move(passing, path, overwrite: true);
        }
        catch
        {
            File.Delete(passing);
            throw;
        }
    }
}
