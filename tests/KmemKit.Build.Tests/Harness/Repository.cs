using System;
using System.IO;

namespace KmemKit.Build.Tests.Harness;

/// <summary>Where the repository is.</summary>
internal static class Repository
{
    public static string Root { get; } = Find();

    private static string Find()
    {
        for (var folder = AppContext.BaseDirectory; folder is not null; folder = Path.GetDirectoryName(folder))
        {
            if (File.Exists(Path.Combine(folder, "KmemKit.sln")))
                return folder;
        }
        throw new InvalidOperationException("KmemKit.sln is in no folder above the test's.");
    }
}
