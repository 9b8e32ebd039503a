using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text.Json;
using System.Text.RegularExpressions;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Sources;
using NUnit.Framework;

namespace KmemKit.BoardCompiler.Tests.Layout;

/// <summary>A folder of <c>tests/vectors/layout</c>: a board, and what a real kernel (or a worked example) printed for it, in <c>case.json</c>.</summary>
internal sealed partial class LayoutCase
{
    private readonly string _folder;

    private LayoutCase(string folder)
    {
        _folder = folder;
        Json = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "case.json"))).RootElement;
    }

    public string Name => Path.GetFileName(_folder);

    public JsonElement Json { get; }

    /// <summary>What the log printed; absent for the seed's worked examples.</summary>
    public JsonElement? Outputs => Json.TryGetProperty("outputs", out var outputs) ? outputs : null;

    /// <summary>What follows from the seed's worked examples; absent for logs.</summary>
    public JsonElement? Derived => Json.TryGetProperty("derived", out var derived) ? derived : null;

    public static IEnumerable<string> Names => Directory.EnumerateDirectories(VectorRoot()).Select(f => Path.GetFileName(f)!).Order(StringComparer.Ordinal);

    public static LayoutCase Open(string name) => new(Path.Combine(VectorRoot(), name));

    public MemoryLayout Layout()
    {
        var dts = Path.Combine(_folder, Name + ".dts");
        var defconfig = Path.Combine(_folder, Name + "_defconfig");
        var compilation = BoardPipeline.Compile(new BoardInput(new SourceFile(Name + ".dts", File.ReadAllText(dts)))
        {
            Defconfig = new SourceFile(Name + "_defconfig", File.ReadAllText(defconfig)),
            RequireLayout = true,
        });
        Assert.That(compilation.Layout, Is.Not.Null, string.Join("\n", compilation.Diagnostics));
        return compilation.Layout!;
    }

    /// <summary>A printed line of the block as name, start, end, size and unit.</summary>
    public static (string Name, ulong Start, ulong End, long Size, string Unit)? ParseLine(string line)
    {
        var match = LinePattern().Match(line);
        if (!match.Success)
            return null;
        return (match.Groups["name"].Value, Hex(match.Groups["start"].Value), Hex(match.Groups["end"].Value),
            long.Parse(match.Groups["size"].Value, CultureInfo.InvariantCulture), match.Groups["unit"].Value);
    }

    public static ulong Hex(string text) => ulong.Parse(text.AsSpan(2), NumberStyles.HexNumber, CultureInfo.InvariantCulture);

    private static string VectorRoot()
    {
        for (var folder = new DirectoryInfo(TestContext.CurrentContext.TestDirectory); folder is not null; folder = folder.Parent)
        {
            var candidate = Path.Combine(folder.FullName, "tests", "vectors", "layout");
            if (Directory.Exists(candidate))
                return candidate;
        }
        throw new DirectoryNotFoundException("tests/vectors/layout");
    }

    [GeneratedRegex(@"(?<name>[.\w][\w .]*?)\s*:\s*(?<start>0x[0-9a-f]+) - (?<end>0x[0-9a-f]+)\s*\(\s*(?<size>\d+) (?<unit>kB|KB|MB|GB|TB)\)\s*$")]
    private static partial Regex LinePattern();
}
