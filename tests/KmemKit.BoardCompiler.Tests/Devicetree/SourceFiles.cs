using System;
using System.Collections.Generic;
using System.IO;
using KmemKit.BoardCompiler.Devicetree;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.BoardCompiler.Tests.Devicetree;

// Files for the source tests: named texts in memory, or a folder of vectors.
internal sealed class SourceFiles : ISourceProvider
{
    private readonly Dictionary<string, string> _texts = [];
    private readonly string? _folder;

    private SourceFiles(string? folder) => _folder = folder;

    public IReadOnlyList<string> IncludePaths { get; init; } = ["include"];

    internal static string VectorFolder { get; } = Path.Combine(BlobVectors.RepositoryRoot, "tests", "vectors", "dts");

    internal static SourceFiles InFolder(string folder) => new(folder);

    internal static SourceFiles InMemory(params (string Path, string Text)[] files)
    {
        var provider = new SourceFiles(null);
        foreach (var (path, text) in files)
            provider._texts.Add(path, text);
        return provider;
    }

    public SourceFile? OpenText(string path)
    {
        if (_folder is null)
            return _texts.TryGetValue(path, out var text) ? new SourceFile(path, text) : null;
        var full = Path.Combine(_folder, path);
        return File.Exists(full) ? new SourceFile(path, File.ReadAllText(full)) : null;
    }

    public SourceFile? OpenBinary(string path)
    {
        if (_folder is null)
            return null;
        var full = Path.Combine(_folder, path);
        return File.Exists(full) ? new SourceFile(path, (ReadOnlyMemory<byte>)File.ReadAllBytes(full)) : null;
    }

    internal FrontEndResult Compile(string path, DtsOptions? options = null) => DtsCompiler.Compile(OpenText(path)!, this, options);

    // A source without files around it.
    internal static FrontEndResult CompileText(string text, DtsOptions? options = null) =>
        DtsCompiler.Compile(new SourceFile("board.dts", text), null, options);
}
