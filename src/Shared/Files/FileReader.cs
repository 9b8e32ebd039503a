using System;
using System.Collections.Generic;
using System.IO;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Sources;
using Rules = KmemKit.BoardCompiler.Diagnostics.DiagnosticTable.Files;

namespace KmemKit.Files;

/// <summary>Reads files strictly: what is not a readable text or blob of sensible size is a finding, never half a file.</summary>
internal sealed class FileReader(DiagnosticBag findings)
{
    /// <summary>The most bytes of one file that are read: 64 MiB, a hundred times the largest devicetree in use.</summary>
    public const int LargestFile = 64 << 20;

    private static readonly SourceFile _nowhere = new("", "");

    /// <summary>A board: a blob where it starts with the magic number of one, else a text. Null with a finding where it is neither.</summary>
    public SourceFile? ReadBoard(string path) => Read(path) is { } bytes
        ? SourceText.IsBlob(bytes) ? new SourceFile(Shown(path), bytes) : Decode(path, bytes)
        : null;

    /// <summary>A text that has to be there.</summary>
    public SourceFile? ReadText(string path) => Read(path) is { } bytes ? Decode(path, bytes) : null;

    /// <summary>Bytes that have to be there.</summary>
    public SourceFile? ReadBinary(string path) => Read(path) is { } bytes ? new SourceFile(Shown(path), bytes) : null;

    private SourceFile? Decode(string path, byte[] bytes)
    {
        if (SourceText.ForeignEncoding(bytes) is { } encoding)
        {
            Report(Rules.WrongEncoding, path, encoding);
            return null;
        }
        var zero = Array.IndexOf(bytes, (byte)0);
        if (zero >= 0)
        {
            var text = SourceText.Decode(bytes.AsSpan(0, zero));
            findings.Add(Rules.NotText, new SourceSpan(new SourceFile(Shown(path), text), text.Length, 0), Shown(path), zero);
            return null;
        }
        return new SourceFile(Shown(path), SourceText.Decode(bytes));
    }

    private byte[]? Read(string path)
    {
        try
        {
            if (Directory.Exists(path))
            {
                Report(Rules.Unreadable, path, "it is a folder");
                return null;
            }
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
            return ReadToLimit(stream, path);
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            Report(Rules.NotFound, path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            Report(Rules.Unreadable, path, FirstLine(exception.Message));
        }
        return null;
    }

    // The length that the system tells is a hint only: of a pipe or a device there is none.
    private byte[]? ReadToLimit(FileStream stream, string path)
    {
        var expected = stream.CanSeek ? stream.Length : 0;
        if (expected > LargestFile)
        {
            Report(Rules.TooLarge, path, LargestFile);
            return null;
        }
        var buffer = new byte[Math.Max((int)expected + 1, 4096)];
        var length = 0;
        while (true)
        {
            var read = stream.Read(buffer, length, buffer.Length - length);
            if (read == 0)
                break;
            length += read;
            if (length > LargestFile)
            {
                Report(Rules.TooLarge, path, LargestFile);
                return null;
            }
            if (length == buffer.Length)
                Array.Resize(ref buffer, Math.Min(buffer.Length * 2, LargestFile + 1));
        }
        Array.Resize(ref buffer, length);
        return buffer;
    }

    private void Report(DiagnosticDescriptor rule, string path, params object?[] more)
    {
        var arguments = new List<object?> { Shown(path) };
        arguments.AddRange(more);
        // The file is the place: it has no line to point at, so line 1 stands for it.
        var place = path.Length == 0 ? _nowhere : new SourceFile(Shown(path), "");
        findings.Add(rule, new SourceSpan(place, 0, 0), arguments.ToArray());
    }

    /// <summary>The path with <c>/</c> between folders, as the front end and the diagnostics have it.</summary>
    public static string Shown(string path) => Path.DirectorySeparatorChar == '/' ? path : path.Replace('\\', '/');

    internal static string FirstLine(string text)
    {
        var end = text.AsSpan().IndexOfAny('\r', '\n');
        return end < 0 ? text : text.Substring(0, end);
    }
}
