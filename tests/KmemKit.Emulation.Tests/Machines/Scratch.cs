using System;
using System.Globalization;
using System.IO;
using System.Reflection;
using System.Threading;
using NUnit.Framework;

namespace KmemKit.Emulation.Tests.Machines;

/// <summary>Folders of one test run, gone when it ends.</summary>
[SetUpFixture]
public sealed class Scratch
{
    private static readonly string s_root = Directory.CreateTempSubdirectory("kmemkit-emulation-").FullName;
    private static readonly Lazy<string> s_sources = new(Unpack);
    private static int s_folders;

    /// <summary>The embedded firmware sources as files.</summary>
    internal static string Sources => s_sources.Value;

    internal static string NewFolder() =>
        Directory.CreateDirectory(Path.Combine(s_root, Interlocked.Increment(ref s_folders).ToString(CultureInfo.InvariantCulture))).FullName;

    [OneTimeTearDown]
    public void Remove() => Directory.Delete(s_root, true);

    private static string Unpack()
    {
        var folder = Path.Combine(s_root, "sources");
        var assembly = Assembly.GetExecutingAssembly();
        foreach (var name in assembly.GetManifestResourceNames())
        {
            const string Prefix = "Firmware/";
            if (!name.StartsWith(Prefix, StringComparison.Ordinal))
                continue;
            var file = Path.Combine(folder, name[Prefix.Length..]);
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            using var output = File.Create(file);
            using var input = assembly.GetManifestResourceStream(name)!;
            input.CopyTo(output);
        }
        return folder;
    }
}
