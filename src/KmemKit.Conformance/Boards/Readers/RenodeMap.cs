using System;
using System.Collections.Immutable;
using System.Linq;
using System.Text.RegularExpressions;
using KmemKit.Architecture;

namespace KmemKit.Conformance.Boards.Readers;

/// <summary>A Renode platform description: memories, and the tags of devices.</summary>
/// <param name="Memories">Name and range of each memory.</param>
/// <param name="Tags">Range and name of each tag.</param>
internal sealed partial record RenodeMap(ImmutableArray<(string Name, PhysRange Range)> Memories, ImmutableArray<(string Name, PhysRange Range)> Tags)
{
    /// <summary>Reads a description.</summary>
    /// <exception cref="FormatException">A line is none of memories and tags, or a name is there twice.</exception>
    public static RenodeMap Read(string text)
    {
        var (memories, tags) = (ImmutableArray.CreateBuilder<(string, PhysRange)>(), ImmutableArray.CreateBuilder<(string, PhysRange)>());
        (string Name, string Start)? open = null;
        foreach (var (number, whole) in ReadText.Lines(text))
        {
            var line = whole.TrimEnd();
            if (line.Length == 0 || line.StartsWith("//", StringComparison.Ordinal) || line is "sysbus:" or "    init:")
                continue;
            if (Memory().Match(line) is { Success: true } memory && open is null)
                open = (memory.Groups["name"].Value, memory.Groups["start"].Value);
            else if (Size().Match(line) is { Success: true } size && open is { } begun)
            {
                memories.Add((begun.Name, ReadText.Range(begun.Start, size.Groups["size"].Value)));
                open = null;
            }
            else if (Tag().Match(line) is { Success: true } tag)
                tags.Add((tag.Groups["name"].Value, ReadText.Range(tag.Groups["start"].Value, tag.Groups["size"].Value)));
            else
                throw new FormatException($"Line {number}: \"{line}\" is neither a memory nor a tag.");
        }
        if (memories.GroupBy(m => m.Item1, StringComparer.Ordinal).FirstOrDefault(g => g.Count() > 1) is { } twice)
            throw new FormatException($"{twice.Key} is there twice.");
        return new RenodeMap(memories.ToImmutable(), tags.ToImmutable());
    }

    [GeneratedRegex(@"^(?<name>\w+): Memory\.(?:Mapped|Array)Memory @ sysbus (?<start>0x[0-9a-f]+)$")]
    private static partial Regex Memory();

    [GeneratedRegex(@"^    size: (?<size>0x[0-9a-f]+)$")]
    private static partial Regex Size();

    [GeneratedRegex("^        Tag <(?<start>0x[0-9a-f]+) (?<size>0x[0-9a-f]+)> \"(?<name>[^\"]*)\"$")]
    private static partial Regex Tag();
}
