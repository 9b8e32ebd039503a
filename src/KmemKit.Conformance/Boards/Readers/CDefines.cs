using System;
using System.Collections.Generic;
using System.Linq;
using System.Text.RegularExpressions;

namespace KmemKit.Conformance.Boards.Readers;

/// <summary>The macros of a C header that are numbers, and its <c>extern</c> arrays.</summary>
internal sealed partial class CDefines
{
    private CDefines(List<(string Name, ulong Value)> all, List<(string Type, string Name, ulong Length)> arrays) => (All, Arrays) = (all, arrays);

    /// <summary>Names and values, in the order of the file.</summary>
    public IReadOnlyList<(string Name, ulong Value)> All { get; }

    /// <summary>Arrays that the header declares.</summary>
    public IReadOnlyList<(string Type, string Name, ulong Length)> Arrays { get; }

    /// <summary>The value of a macro; null where there is none.</summary>
    public ulong? this[string name] => All.Where(d => d.Name == name).Select(d => (ulong?)d.Value).FirstOrDefault();

    /// <summary>Reads a header.</summary>
    /// <exception cref="FormatException">A macro is defined twice.</exception>
    public static CDefines Read(string text)
    {
        var all = Define().Matches(text).Select(m => (Name: m.Groups["name"].Value, Number: ReadText.Number(m.Groups["value"].Value))).ToList();
        if (all.GroupBy(d => d.Name, StringComparer.Ordinal).FirstOrDefault(g => g.Count() > 1) is { } twice)
            throw new FormatException($"{twice.Key} is defined twice.");
        return new CDefines(all, [.. Array().Matches(text).Select(m => (m.Groups["type"].Value, m.Groups["name"].Value, ReadText.Number(m.Groups["length"].Value)))]);
    }

    [GeneratedRegex(@"^#define[ \t]+(?<name>\w+)[ \t]+(?<value>0x[0-9a-fA-F]+|[0-9]+)(?:u|ul|ull|U|UL|ULL)?[ \t]*(?:/\*.*\*/)?\r?$", RegexOptions.Multiline)]
    private static partial Regex Define();

    [GeneratedRegex(@"^extern[ \t]+(?<type>\w+)[ \t]+(?<name>\w+)\[(?<length>\d+)\];", RegexOptions.Multiline)]
    private static partial Regex Array();
}
