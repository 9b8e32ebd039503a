using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Reflection;
using KmemKit.Architecture.Boards;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.Conformance.Boards;

/// <summary>From a board's type to the files that it was made from.</summary>
/// <remarks>
/// A type carries a flattened source that compiles to the same board. Its lines are those of the flattened file (<c>.kmem.dts</c>). Where the test assembly says where
/// the sources are (KmemKit.Conformance.targets writes that into it) and they still compile to that board, findings name the lines of the sources instead.
/// </remarks>
internal static class BoardSources
{
    private const string Key = "KmemKit.Board:";

    /// <summary>What to compile.</summary>
    /// <param name="definition">What the type was compiled from.</param>
    /// <param name="tests">The assembly with the fixture.</param>
    public static BoardInput InputOf(BoardDefinition definition, Assembly tests)
    {
        var flattened = new BoardInput(new SourceFile(definition.Name + ".kmem.dts", definition.Tree))
        {
            Defconfig = definition.Policy.Length == 0 ? null : new SourceFile(definition.Name + "_defconfig", definition.Policy),
            Bootargs = definition.Bootargs,
            Name = definition.Name,
            RequireLayout = true,
        };
        var file = tests.GetCustomAttributes<AssemblyMetadataAttribute>().Where(a => a.Key.StartsWith(Key, StringComparison.Ordinal))
            .Select(a => (Path: a.Key[Key.Length..], Defconfig: a.Value ?? "")).FirstOrDefault(b => Path.GetFileNameWithoutExtension(b.Path) == definition.Name);
        if (file.Path is null || !File.Exists(file.Path) || Path.GetExtension(file.Path) == ".dtb")
            return flattened;
        var beside = Path.Combine(Path.GetDirectoryName(file.Path)!, definition.Name + "_defconfig");
        var sources = flattened with
        {
            Main = Files.Instance.OpenText(file.Path)!,
            Provider = Files.Instance,
            Defconfig = Files.Instance.OpenText(file.Defconfig.Length > 0 ? file.Defconfig : beside),
        };
        return IsSame(BoardPipeline.Compile(sources), BoardPipeline.Compile(flattened)) ? sources : flattened;
    }

    private static bool IsSame(BoardCompilation sources, BoardCompilation flattened) => sources.Layout is { } a && flattened.Layout is { } b
        && a.Banks.Select(x => (x.Range, x.Kind)).SequenceEqual(b.Banks.Select(x => (x.Range, x.Kind)))
        && a.Reserved.Select(x => x.Range).SequenceEqual(b.Reserved.Select(x => x.Range))
        && a.Virtual.SequenceEqual(b.Virtual) && a.Zones.SequenceEqual(b.Zones) && a.Linear.Segments.SequenceEqual(b.Linear.Segments)
        && Entries(sources).SequenceEqual(Entries(flattened));

    private static IEnumerable<object> Entries(BoardCompilation board) => board.Board?.Protection is { } policy
        ? policy.Entries.Concat(policy.Domains.SelectMany(d => d.Entries)).Select(e => (object)(e.Name, e.Range, e.Attributes)) : [];

    private sealed class Files : ISourceProvider
    {
        public static Files Instance { get; } = new();

        public IReadOnlyList<string> IncludePaths => [];

        public SourceFile? OpenText(string path) => File.Exists(path) ? new SourceFile(path, File.ReadAllText(path)) : null;

        public SourceFile? OpenBinary(string path) => File.Exists(path) ? new SourceFile(path, File.ReadAllBytes(path)) : null;
    }
}
