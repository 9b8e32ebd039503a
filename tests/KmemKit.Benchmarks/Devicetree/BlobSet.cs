using System;
using System.IO;
using System.Linq;
using KmemKit.BoardCompiler.Sources;
using KmemKit.Tests.Shared;

namespace KmemKit.Benchmarks.Devicetree;

/// <summary>The blobs of Debian's armmp kernel, as <c>tests/scripts/fetch-armmp-dtbs.sh</c> lays them down.</summary>
internal static class BlobSet
{
    internal static string[] Paths { get; } = Find();

    internal static SourceFile[] Load() => Paths.Select(path => new SourceFile(path, File.ReadAllBytes(path))).ToArray();

    private static string[] Find()
    {
        var folder = Environment.GetEnvironmentVariable("KMEMKIT_ARMMP_DTBS");
        if (string.IsNullOrEmpty(folder))
            folder = Path.Combine(Repository.Root, "artifacts", "armmp-dtbs");
        var paths = Directory.Exists(folder) ? Directory.GetFiles(folder, "*.dtb") : [];
        if (paths.Length == 0)
            throw new InvalidOperationException("run tests/scripts/fetch-armmp-dtbs.sh first: there is no blob in " + folder);
        Array.Sort(paths, StringComparer.Ordinal);
        return paths;
    }
}
