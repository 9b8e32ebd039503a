using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Globalization;
using System.Text.RegularExpressions;
using KmemKit.Architecture;

namespace KmemKit.Conformance.Boards.Readers;

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
