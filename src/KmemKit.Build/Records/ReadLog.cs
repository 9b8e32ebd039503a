using System;
using System.Collections.Generic;
using System.Linq;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.Build.Records;

/// <summary>Notes each file that a run reads or looks for, as it was before the run read it.</summary>
internal sealed class ReadLog
{
    private readonly SortedDictionary<string, FileStamp> _files = new(StringComparer.Ordinal);

    /// <summary>The files, in the order of their paths.</summary>
    public IReadOnlyList<RecordedFile> Files => [.. _files.Select(f => new RecordedFile(f.Key, f.Value))];

    /// <summary>Notes a file; the first look counts.</summary>
    public void Note(string path)
    {
        if (!_files.ContainsKey(path))
            _files.Add(path, FileStamp.Of(path));
    }

    /// <summary>The same provider with each look noted.</summary>
    public ISourceProvider Over(ISourceProvider provider) => new Provider(this, provider);

    private sealed class Provider(ReadLog log, ISourceProvider provider) : ISourceProvider
    {
        public IReadOnlyList<string> IncludePaths => provider.IncludePaths;

        public SourceFile? OpenText(string path)
        {
            log.Note(path);
            return provider.OpenText(path);
        }

        public SourceFile? OpenBinary(string path)
        {
            log.Note(path);
            return provider.OpenBinary(path);
        }
    }
}
