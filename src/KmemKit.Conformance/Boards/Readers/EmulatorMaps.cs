using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Globalization;
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
                (memories, open) = (With(memories, (begun.Name, ReadText.Range(begun.Start, size.Groups["size"].Value))), null);
            else if (Tag().Match(line) is { Success: true } tag)
                tags.Add((tag.Groups["name"].Value, ReadText.Range(tag.Groups["start"].Value, tag.Groups["size"].Value)));
            else
                throw new FormatException($"Line {number}: \"{line}\" is neither a memory nor a tag.");
        }
        if (memories.GroupBy(m => m.Item1, StringComparer.Ordinal).FirstOrDefault(g => g.Count() > 1) is { } twice)
            throw new FormatException($"{twice.Key} is there twice.");
        return new RenodeMap(memories.ToImmutable(), tags.ToImmutable());
    }

    private static ImmutableArray<(string, PhysRange)>.Builder With(ImmutableArray<(string, PhysRange)>.Builder memories, (string, PhysRange) memory)
    {
        memories.Add(memory);
        return memories;
    }

    [GeneratedRegex(@"^(?<name>\w+): Memory\.(?:Mapped|Array)Memory @ sysbus (?<start>0x[0-9a-f]+)$")]
    private static partial Regex Memory();

    [GeneratedRegex(@"^    size: (?<size>0x[0-9a-f]+)$")]
    private static partial Regex Size();

    [GeneratedRegex("^        Tag <(?<start>0x[0-9a-f]+) (?<size>0x[0-9a-f]+)> \"(?<name>[^\"]*)\"$")]
    private static partial Regex Tag();
}

/// <summary>A file for QEMU's <c>-readconfig</c>: sections of keys and values, and in its comments where images are loaded and where not.</summary>
/// <param name="Keys">Values by <c>section.key</c>.</param>
/// <param name="Loadable">Memory that images are loaded into.</param>
/// <param name="Reserved">Memory that they are not loaded into.</param>
internal sealed partial record QemuConfig(IReadOnlyDictionary<string, string> Keys, ImmutableArray<PhysRange> Loadable, ImmutableArray<PhysRange> Reserved)
{
    /// <summary>Bytes of RAM that it asks for; null where the machine has its own.</summary>
    public ulong? MemoryBytes => !Keys.TryGetValue("memory.size", out var size) ? null
        : size.Length > 1 && ulong.TryParse(size[..^1], NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? size[^1] switch
        {
            'B' => number,
            'M' => number << 20,
            _ => throw new FormatException($"\"{size}\" has a unit that is not known."),
        }
        : throw new FormatException($"\"{size}\" is no size.");

    /// <summary>Reads a file.</summary>
    /// <exception cref="FormatException">A line is neither a section nor a key of one.</exception>
    public static QemuConfig Read(string text)
    {
        var keys = new Dictionary<string, string>(StringComparer.Ordinal);
        var (loadable, reserved) = (ImmutableArray.CreateBuilder<PhysRange>(), ImmutableArray.CreateBuilder<PhysRange>());
        var section = "";
        foreach (var (number, whole) in ReadText.Lines(text))
        {
            var line = whole.Trim();
            if (Place().Match(line) is { Success: true } place)
            {
                var range = PhysRange.FromBounds(new PhysAddr(ReadText.Number(place.Groups["start"].Value)), ReadText.Limit(place.Groups["end"].Value));
                (place.Groups["not"].Success ? reserved : loadable).Add(range);
            }
            else if (line.Length == 0 || line[0] == '#')
                continue;
            else if (Section().Match(line) is { Success: true } head)
                section = head.Groups[1].Value;
            else if (section.Length > 0 && Key().Match(line) is { Success: true } key)
                keys.Add(section + "." + key.Groups[1].Value, key.Groups[2].Value);
            else
                throw new FormatException($"Line {number}: \"{line}\" is neither a section nor a key of one.");
        }
        return new QemuConfig(keys, loadable.ToImmutable(), reserved.ToImmutable());
    }

    [GeneratedRegex(@"^#   (?<not>not )?.*? (?<start>0x[0-9a-f]+) to (?<end>0x[0-9a-f]+)$")]
    private static partial Regex Place();

    [GeneratedRegex(@"^\[(\w+)\]$")]
    private static partial Regex Section();

    [GeneratedRegex("^(\\w+) = \"([^\"]*)\"$")]
    private static partial Regex Key();
}
