using System.Globalization;
using System.Linq;
using System.Text.Json;
using System.Text.RegularExpressions;
using KmemKit.BoardCompiler.Artifacts;
using NUnit.Framework;

namespace KmemKit.BoardCompiler.Tests.Artifacts;

/// <summary>The JSON of the set, read back: the layout's numbers, and those of header and report beside it.</summary>
internal sealed class JsonAgreementTests
{
    [Test]
    public void It_has_the_layout_s_numbers_and_the_others_have_the_same([ValueSource(typeof(RepositoryBoards), nameof(RepositoryBoards.Names))] string board)
    {
        var compilation = RepositoryBoards.Compile(board);
        var layout = compilation.Layout!;
        string Text(string kind) => System.Text.Encoding.UTF8.GetString([.. ArtifactSet.Write(compilation, ArtifactTable.Named([kind])).Single().Bytes]);
        var json = JsonDocument.Parse(Text("json")).RootElement;

        Assert.That(Pairs("banks", "start", "size"), Is.EqualTo(layout.Banks.Select(b => (b.Range.Start.ToString(), b.Range.Size.ToString()))));
        Assert.That(Pairs("holes", "start", "size"), Is.EqualTo(layout.Holes.Select(b => (b.Range.Start.ToString(), b.Range.Size.ToString()))));
        Assert.That(Pairs("reserved", "start", "size"), Is.EqualTo(layout.Reserved.Select(b => (b.Range.Start.ToString(), b.Range.Size.ToString()))));
        Assert.That(Pairs("virtual", "start", "end"), Is.EqualTo(layout.Virtual.Select(v => (v.Range.Start.ToString(), v.Range.End.ToString()))));
        Assert.That(Pairs("linear", "phys", "virt"), Is.EqualTo(layout.Linear.Segments.Select(s => (s.Phys.ToString(), s.Virt.ToString()))));
        Assert.That(json.GetProperty("low_pages").GetUInt64(), Is.EqualTo(layout.LowPages));
        // No path of the machine that wrote it.
        Assert.That(Regex.Matches(Text("json"), "\"file\":\"([^\"]*)\"").Select(m => m.Groups[1].Value), Has.None.StartsWith("/"));

        var header = Text("c");
        var report = Text("markdown");
        foreach (var (start, size) in Pairs("banks", "start", "size"))
        {
            Assert.That(header, Does.Match(@$"#define KMEM_BANK_\d+_BASE KMEM_U(32|64)\({start}\)[^\n]*\n#define KMEM_BANK_\d+_SIZE KMEM_U(32|64)\({size}\)"));
            Assert.That(report, Does.Match(@$"\| `0x0*{start[2..].TrimStart('0')}` \|"));
        }
        Assert.That(report, Does.Contain(string.Create(CultureInfo.InvariantCulture, $"| lowmem | {layout.LowPages} pages")));

        (string, string)[] Pairs(string array, string first, string second) =>
            [.. json.GetProperty(array).EnumerateArray().Select(e => (e.GetProperty(first).GetString()!, e.GetProperty(second).GetString()!))];
    }
}
