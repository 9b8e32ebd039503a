using System;
using System.IO;

namespace KmemKit.Tests.Shared;

/// <summary>Where the repository is that the tests were built in.</summary>
internal static class Repository
{
    internal static string Root { get; } = Find();

    private static string Find()
    {
        for (var folder = AppContext.BaseDirectory; folder is not null; folder = Path.GetDirectoryName(folder))
        {
            if (File.Exists(Path.Combine(folder, "KmemKit.sln")))
                return folder;
        }
        throw new InvalidOperationException("KmemKit.sln is in no folder above the program.");
    }
}
