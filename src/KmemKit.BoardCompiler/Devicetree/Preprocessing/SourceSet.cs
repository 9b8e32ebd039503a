using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.BoardCompiler.Devicetree.Preprocessing;

/// <summary>The files of one compilation: finds what an include names, and remembers what was read, for the build's dependency list.</summary>
internal sealed class SourceSet(ISourceProvider? provider)
{
    private readonly Dictionary<string, SourceFile?> _texts = new(StringComparer.Ordinal);
    private readonly ImmutableArray<string>.Builder _paths = ImmutableArray.CreateBuilder<string>();
    private readonly HashSet<string> _known = new(StringComparer.Ordinal);

    /// <summary>All paths read so far, in the order of the first reading.</summary>
    public ImmutableArray<string> Paths => _paths.ToImmutable();

    /// <summary>Notes that <paramref name="file"/> is part of the compilation.</summary>
    public void Add(SourceFile file)
    {
        if (_known.Add(file.Path))
            _paths.Add(file.Path);
    }

    /// <summary>The text that an include of <paramref name="name"/> in <paramref name="from"/> means, or null.</summary>
    /// <param name="from">The including file.</param>
    /// <param name="name">What stands between the quotes or angle brackets.</param>
    /// <param name="quoted">Whether the including file's own folder is searched first.</param>
    public SourceFile? FindText(SourceFile from, string name, bool quoted) => Find(from, name, quoted, OpenText);

    /// <summary>The bytes that <c>/incbin/</c> of <paramref name="name"/> in <paramref name="from"/> means, or null.</summary>
    public SourceFile? FindBinary(SourceFile from, string name) => Find(from, name, quoted: true, path => provider?.OpenBinary(path));

    private SourceFile? OpenText(string path)
    {
        if (!_texts.TryGetValue(path, out var file))
            _texts.Add(path, file = provider?.OpenText(path));
        return file;
    }

    private SourceFile? Find(SourceFile from, string name, bool quoted, Func<string, SourceFile?> open)
    {
        if (provider is null || name.Length == 0)
            return null;
        if (FilePath.IsRooted(name))
            return Note(open(FilePath.Normalize(name)));
        if (quoted && open(FilePath.Combine(FilePath.FolderOf(from.Path), name)) is { } beside)
            return Note(beside);
        foreach (var folder in provider.IncludePaths)
        {
            if (open(FilePath.Combine(folder, name)) is { } found)
                return Note(found);
        }
        return null;
    }

    private SourceFile? Note(SourceFile? file)
    {
        if (file is not null)
            Add(file);
        return file;
    }
}
