using System;
using System.IO;
using NUnit.Framework;

namespace KmemKit.Tests.Shared;

/// <summary>The outside programs that tests compare with: where one is missing, the test is skipped and says what to install.</summary>
internal static class OutsideTool
{
    /// <summary>Skips the test unless <paramref name="tool"/> is on the PATH; <paramref name="package"/> is the Debian package that brings it.</summary>
    internal static void Require(string tool, string package)
    {
        foreach (var folder in (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator))
        {
            if (folder.Length > 0 && File.Exists(Path.Combine(folder, tool)))
                return;
        }
        Assert.Ignore("install the Debian package " + package);
    }
}
