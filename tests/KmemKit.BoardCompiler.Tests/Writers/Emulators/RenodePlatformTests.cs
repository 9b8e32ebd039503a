using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text.RegularExpressions;
using KmemKit.BoardCompiler.Tests.Artifacts;
using KmemKit.BoardCompiler.Writers.Emulators;
using NUnit.Framework;

namespace KmemKit.BoardCompiler.Tests.Writers.Emulators;

/// <summary>The Renode description, read back by the grammar of Renode's documentation: creating entries with attributes of four blanks, init sections of eight.</summary>
internal sealed class RenodePlatformTests
{
    private static readonly Regex Entry = new(@"^(?<name>[A-Za-z_][A-Za-z0-9_]*): Memory\.(?<kind>MappedMemory|ArrayMemory) @ sysbus (?<base>0x[0-9a-f]+)$");
    private static readonly Regex Size = new(@"^    size: (?<size>0x[0-9a-f]+)$");
    private static readonly Regex Tag = new("^        Tag <(?<base>0x[0-9a-f]+) (?<size>0x[0-9a-f]+)> \"(?<name>[^\"\\\\]+)\"$");

    [Test]
    public void Every_memory_and_every_device_is_in_it_at_its_place([ValueSource(typeof(RepositoryBoards), nameof(RepositoryBoards.Names))] string board)
    {
        var layout = RepositoryBoards.Compile(board).Layout!;
        var (memories, tags) = Read(RenodePlatformWriter.Write(layout));
        var devices = layout.Board.Devices.Where(d => d.Enabled).SelectMany(d => d.Ranges.Select(r => (Device: d, r.Range))).Where(d => !d.Range.IsEmpty).ToList();

        Assert.That(memories.Select(m => (m.Start, m.Size)), Is.EquivalentTo(layout.Board.Banks.Select(b => b.Range)
            .Concat(devices.Where(d => d.Device.IsSram).Select(d => d.Range)).Select(r => (r.Start.Value, r.Size.Value))));
        Assert.That(memories.Select(m => m.Name), Is.Unique);
        Assert.That(tags.Select(t => (t.Start, t.Size)), Is.EqualTo(devices.Where(d => !d.Device.IsSram).Select(d => (d.Range.Start.Value, d.Range.Size.Value))));
        foreach (var label in layout.Board.Devices.Where(d => d.Enabled && !d.IsSram && d.Ranges.Length > 0).SelectMany(d => d.Labels.Take(1)))
            Assert.That(tags.Select(t => t.Name), Does.Contain(label));
        foreach (var bank in layout.Banks)
            Assert.That(memories.Count(m => m.Start <= bank.Range.Start.Value && bank.Range.End <= m.Start + m.Size), Is.LessThanOrEqualTo(1));
    }

    private static (List<(string Name, ulong Start, ulong Size)> Memories, List<(string Name, ulong Start, ulong Size)> Tags) Read(string text)
    {
        var memories = new List<(string, ulong, ulong)>();
        var tags = new List<(string, ulong, ulong)>();
        var lines = text.Split('\n').Where(l => l.Length > 0 && !l.StartsWith("//", System.StringComparison.Ordinal)).ToList();
        for (var i = 0; i < lines.Count; i++)
        {
            if (Entry.Match(lines[i]) is { Success: true } entry)
            {
                var size = Size.Match(lines[++i]);
                Assert.That(size.Success, lines[i]);
                memories.Add((entry.Groups["name"].Value, Hex(entry, "base"), Hex(size, "size")));
                var isPaged = Hex(entry, "base") % 0x1000 == 0 && Hex(size, "size") % 0x1000 == 0;
                Assert.That(entry.Groups["kind"].Value, Is.EqualTo(isPaged ? "MappedMemory" : "ArrayMemory"));
            }
            else if (lines[i] == "sysbus:")
            {
                Assert.That(lines[++i], Is.EqualTo("    init:"));
            }
            else
            {
                var tag = Tag.Match(lines[i]);
                Assert.That(tag.Success, lines[i]);
                tags.Add((tag.Groups["name"].Value, Hex(tag, "base"), Hex(tag, "size")));
            }
        }
        return (memories, tags);
    }

    private static ulong Hex(Match match, string group) => ulong.Parse(match.Groups[group].Value[2..], NumberStyles.HexNumber);
}
