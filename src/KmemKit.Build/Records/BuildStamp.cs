using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Text;
using Microsoft.Build.Framework;

namespace KmemKit.Build.Records;

/// <summary>What the last build without an error was asked, the files it depended on and left, and the artifacts it named.</summary>
/// <remarks>
/// <para>The records say which boards need a build; this says that none does. It is one file, read by few and plain methods, because most of what a build without
/// work costs is the time of the just-in-time compiler, which meets this code for the first time in every build. So there is no LINQ here, no record type, and
/// no collection of structs.</para>
/// <code>
/// kmemkit-build 1
/// |/b/msm8974.dts …                          the question: all that the items say
/// file 3120 638123… /b/msm8974.dtsi          length, time of the last change
/// made c-header                              an artifact: its kind, its board, its path
/// made /b/msm8974.dts
/// made /obj/kmem/msm8974/msm8974.kmem.h
/// </code>
/// </remarks>
internal static class BuildStamp
{
    private const string Head = "kmemkit-build 1\n";
    private const string FileMark = "file ";
    private const string ArtifactMark = "made ";

    private static readonly string[] Metadata = ["Name", "Namespace", "Defconfig", "Bootargs", "StateFolder", "OutputFolder"];

    /// <summary>Where the stamp of a build is.</summary>
    public static string PathIn(string stateFolder) => Path.Combine(stateFolder, "build.stamp");

    /// <summary>All that the items say and the task acts on, as one line.</summary>
    public static string Question(ITaskItem[] boards, string[] includePaths)
    {
        var text = new StringBuilder();
        foreach (var path in includePaths)
            Append(text, path);
        foreach (var board in boards)
        {
            text.Append('|');
            Append(text, board.ItemSpec);
            foreach (var name in Metadata)
                Append(text, board.GetMetadata(name));
            var switches = new List<string>();
            foreach (string name in board.MetadataNames)
            {
                if (name.StartsWith("Emit", StringComparison.OrdinalIgnoreCase))
                    switches.Add(name);
            }
            switches.Sort(StringComparer.OrdinalIgnoreCase);
            foreach (var name in switches)
            {
                Append(text, name);
                Append(text, board.GetMetadata(name));
            }
        }
        return text.ToString();
    }

    /// <summary>The artifacts of the last build, kind, board and path of each in turn, if it answered this question and nothing has changed since; else null.</summary>
    public static List<string>? ReadIfCurrent(string path, string question)
    {
        string text;
        try
        {
            text = File.ReadAllText(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
        var at = Head.Length;
        if (!text.StartsWith(Head, StringComparison.Ordinal) || string.CompareOrdinal(text, at, question, 0, question.Length) != 0)
            return null;
        at += question.Length;
        if (at >= text.Length || text[at] != '\n')
            return null;
        at++;
        var artifacts = new List<string>();
        while (at < text.Length)
        {
            var end = text.IndexOf('\n', at);
            if (end < 0)
                return null;
            if (string.CompareOrdinal(text, at, FileMark, 0, FileMark.Length) == 0)
            {
                if (!IsAsItWas(text, at + FileMark.Length, end))
                    return null;
            }
            else if (string.CompareOrdinal(text, at, ArtifactMark, 0, ArtifactMark.Length) == 0)
            {
                artifacts.Add(Unescape(text.Substring(at + ArtifactMark.Length, end - at - ArtifactMark.Length)));
            }
            else
            {
                return null;
            }
            at = end + 1;
        }
        return artifacts.Count % 3 == 0 ? artifacts : null;
    }

    /// <summary>The stamp's text.</summary>
    /// <param name="question">What was asked.</param>
    /// <param name="files">Files that the build depended on or left; of two stamps of one file the first counts.</param>
    /// <param name="artifacts">Kind, board and path of each artifact in turn.</param>
    public static string Write(string question, IEnumerable<RecordedFile> files, IEnumerable<string> artifacts)
    {
        var text = new StringBuilder(Head).Append(question).Append('\n');
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var file in files)
        {
            if (seen.Add(file.Path))
                text.Append(CultureInfo.InvariantCulture, $"{FileMark}{file.Stamp.Length} {file.Stamp.WrittenAt} {Escape(file.Path)}\n");
        }
        foreach (var value in artifacts)
            text.Append(ArtifactMark).Append(Escape(value)).Append('\n');
        return text.ToString();
    }

    // "length time path"
    private static bool IsAsItWas(string text, int start, int end)
    {
        var first = text.IndexOf(' ', start, end - start);
        var second = first < 0 ? -1 : text.IndexOf(' ', first + 1, end - first - 1);
        if (second < 0
            || !long.TryParse(text.AsSpan(start, first - start), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var length)
            || !long.TryParse(text.AsSpan(first + 1, second - first - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var writtenAt))
        {
            return false;
        }
        var now = FileStamp.Of(Unescape(text.Substring(second + 1, end - second - 1)));
        return now.Length == length && now.WrittenAt == writtenAt;
    }

    private static void Append(StringBuilder text, string value) => text.Append(Escape(value.Trim())).Append('\t');

    // A value may hold what ends a line or parts two values.
    private static string Escape(string text) => text.AsSpan().IndexOfAny("%\n\t|") < 0 ? text : text
        .Replace("%", "%25", StringComparison.Ordinal).Replace("\n", "%0a", StringComparison.Ordinal)
        .Replace("\t", "%09", StringComparison.Ordinal).Replace("|", "%7c", StringComparison.Ordinal);

    private static string Unescape(string text) => text.IndexOf('%', StringComparison.Ordinal) < 0 ? text : text
        .Replace("%7c", "|", StringComparison.Ordinal).Replace("%09", "\t", StringComparison.Ordinal)
        .Replace("%0a", "\n", StringComparison.Ordinal).Replace("%25", "%", StringComparison.Ordinal);
}
