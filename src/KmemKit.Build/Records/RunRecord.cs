using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text;

namespace KmemKit.Build.Records;

/// <summary>What a run was made from and what it made: by it the next build knows, without compiling anything, that the run need not be repeated.</summary>
/// <remarks>
/// MSBuild's own <c>Inputs</c> and <c>Outputs</c> would miss what decides here: settings of an item, a file that a new one hides in the search path of
/// an include, an output that someone edited, and that one board of many has an error. A record holds all of it, one file a line:
/// <code>
/// kmemkit-record 1
/// key Bootargs=vmalloc=400M…                     everything but files that the run depended on
/// read 3120 638123… /b/msm8974.dtsi              length, time of the last change
/// read -1 0 /b/include/msm8974.h                 looked for, and not there
/// made c-header 812 638124… /obj/kmem/msm8974/msm8974.kmem.h
/// </code>
/// Equal times mean equal contents, as everywhere in MSBuild; a stamp is taken before the file is read, so that a change behind it is not lost.
/// </remarks>
/// <param name="Key">Everything but files that the run depended on.</param>
/// <param name="Read">Files that it read or looked for.</param>
/// <param name="Made">Files that it made.</param>
internal sealed record RunRecord(string Key, IReadOnlyList<RecordedFile> Read, IReadOnlyList<RecordedFile> Made)
{
    private const string Head = "kmemkit-record 1";

    /// <summary>The record at <paramref name="path"/>; null where there is none that can be understood.</summary>
    public static RunRecord? Load(string path)
    {
        string[] lines;
        try
        {
            lines = File.ReadAllLines(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
        return Parse(lines);
    }

    /// <summary>Whether a run with this key would read and make what this one did.</summary>
    public bool IsCurrent(string key) =>
        Key == key && Read.All(f => FileStamp.Of(f.Path) == f.Stamp) && Made.All(f => FileStamp.Of(f.Path) == f.Stamp);

    /// <inheritdoc/>
    public override string ToString()
    {
        var text = new StringBuilder(Head).Append('\n');
        text.Append("key ").Append(Escape(Key)).Append('\n');
        foreach (var file in Read)
            text.Append(CultureInfo.InvariantCulture, $"read {file.Stamp.Length} {file.Stamp.WrittenAt} {Escape(file.Path)}\n");
        foreach (var file in Made)
            text.Append(CultureInfo.InvariantCulture, $"made {file.Kind} {file.Stamp.Length} {file.Stamp.WrittenAt} {Escape(file.Path)}\n");
        return text.ToString();
    }

    private static RunRecord? Parse(string[] lines)
    {
        if (lines.Length < 2 || lines[0] != Head || !lines[1].StartsWith("key ", StringComparison.Ordinal))
            return null;
        var read = new List<RecordedFile>();
        var made = new List<RecordedFile>();
        foreach (var line in lines.Skip(2))
        {
            var isMade = line.StartsWith("made ", StringComparison.Ordinal);
            var words = line.Split(' ', isMade ? 5 : 4);
            if (words.Length != (isMade ? 5 : 4) || (!isMade && words[0] != "read")
                || !long.TryParse(words[^3], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var length)
                || !long.TryParse(words[^2], NumberStyles.None, CultureInfo.InvariantCulture, out var writtenAt))
            {
                return null;
            }
            (isMade ? made : read).Add(new RecordedFile(Unescape(words[^1]), new FileStamp(length, writtenAt), isMade ? words[1] : ""));
        }
        return new RunRecord(Unescape(lines[1]["key ".Length..]), read, made);
    }

    // A name may hold a line's end, which would end the record's line.
    private static string Escape(string text) =>
        text.Replace("%", "%25", StringComparison.Ordinal).Replace("\n", "%0a", StringComparison.Ordinal).Replace("\r", "%0d", StringComparison.Ordinal);

    private static string Unescape(string text) =>
        text.Replace("%0d", "\r", StringComparison.Ordinal).Replace("%0a", "\n", StringComparison.Ordinal).Replace("%25", "%", StringComparison.Ordinal);
}
