using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using Microsoft.Build.Framework;

namespace KmemKit.Build.Boards;

/// <summary>A <c>KmemBoard</c> item as the targets hand it over: all paths full.</summary>
/// <param name="Path">What the item names: a source or a blob.</param>
/// <param name="Name">Name of the board's type; empty for the one of the file.</param>
/// <param name="Namespace">Namespace of the type; empty for the default.</param>
/// <param name="Defconfig">The policy; empty for none.</param>
/// <param name="Bootargs">Kernel parameters in place of the tree's; empty leaves those.</param>
/// <param name="StateFolder">Where what is the build's own goes: the record, a blob's source.</param>
/// <param name="OutputFolder">Where the artifacts go.</param>
/// <param name="Switches">All metadata whose name starts with <c>Emit</c>, as written, in the order of their names.</param>
internal sealed record BoardItem(
    string Path, string Name, string Namespace, string Defconfig, string Bootargs, string StateFolder, string OutputFolder,
    ImmutableArray<KeyValuePair<string, string>> Switches)
{
    /// <summary>Whether the item is a blob, which the compiler cannot hand to a generator (CS2015): it is decoded to source first.</summary>
    public bool IsBlob => Path.EndsWith(".dtb", StringComparison.OrdinalIgnoreCase);

    /// <summary>What the board is compiled from: the source, or what the blob was decoded to. The targets name the same path to the compiler.</summary>
    public string Source => IsBlob ? System.IO.Path.Combine(StateFolder, "decoded", Stem + ".dts") : Path;

    /// <summary>Where the record of the last run is.</summary>
    public string RecordPath => System.IO.Path.Combine(StateFolder, Stem + ".record");

    /// <summary>Where the record of the last decoding is.</summary>
    public string DecodedRecordPath => System.IO.Path.Combine(StateFolder, "decoded", Stem + ".record");

    private string Stem => System.IO.Path.GetFileNameWithoutExtension(Path);

    /// <summary>Everything beside files that decides about the artifacts.</summary>
    public string Key(IReadOnlyList<string> includePaths)
    {
        var key = new List<string>
        {
            "Path=" + Path, "Defconfig=" + Defconfig, "Bootargs=" + Bootargs, "Output=" + OutputFolder, "Include=" + string.Join('|', includePaths),
        };
        foreach (var (name, value) in Switches)
            key.Add(name + "=" + value);
        return string.Join('\n', key);
    }

    /// <summary>Reads an item.</summary>
    public static BoardItem Read(ITaskItem item)
    {
        var switches = item.MetadataNames.Cast<string>()
            .Where(name => name.StartsWith("Emit", StringComparison.OrdinalIgnoreCase))
            .Order(StringComparer.OrdinalIgnoreCase)
            .Select(name => new KeyValuePair<string, string>(name, item.GetMetadata(name).Trim()))
            .ToImmutableArray();
        return new BoardItem(
            item.ItemSpec, item.GetMetadata("Name").Trim(), item.GetMetadata("Namespace").Trim(), item.GetMetadata("Defconfig").Trim(),
            item.GetMetadata("Bootargs").Trim(), item.GetMetadata("StateFolder"), item.GetMetadata("OutputFolder"), switches);
    }
}
