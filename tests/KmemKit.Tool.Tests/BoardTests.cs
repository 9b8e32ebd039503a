using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text.Json;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Linear;
using KmemKit.Tool.Commands;
using KmemKit.Tool.Input;
using NUnit.Framework;

namespace KmemKit.Tool.Tests;

/// <summary>Every verb on every board of the repository.</summary>
[TestFixtureSource(typeof(Kmem), nameof(Kmem.Boards))]
public sealed class BoardTests(string board)
{
    // Example 3 ends at 4 GiB, where a 32-bit kernel loses a page: that is what the example is about.
    private static readonly string[] _warnings = ["ex3.dts KMK3502"];

    [Test]
    public void It_has_a_layout_and_no_warning_but_the_one_it_is_about()
    {
        var result = Kmem.Run("layout", "--json", board);
        var findings = result.Json.Single().GetProperty("diagnostics").EnumerateArray().Where(d => d.GetProperty("severity").GetString() != "info");

        Assert.That(result.ExitCode, Is.Zero, result.ToString());
        Assert.That(findings.Select(d => $"{Path.GetFileName(board)} {d.GetProperty("id").GetString()}"), Is.SubsetOf(_warnings));
        Assert.That(Kmem.Run("layout", board).Output, Does.Contain("Physical map:").And.Contain("lowmem"));
    }

    [Test]
    public void Its_folder_stands_for_it() =>
        Assert.That(Kmem.Run("layout", Path.GetDirectoryName(board)!).Output, Is.EqualTo(Kmem.Run("layout", board).Output));

    [Test]
    public void Its_JSON_agrees_with_its_text()
    {
        var text = Kmem.Run("layout", board).Output;
        var json = Kmem.Run("layout", "--json", board).Json.Single();

        Assert.That(json.GetProperty("board").GetString(), Is.EqualTo(Path.GetFileNameWithoutExtension(board)));
        foreach (var line in json.GetProperty("virtual").EnumerateArray())
        {
            var start = Hex(line, "start");
            Assert.That(text, Does.Match($"{System.Text.RegularExpressions.Regex.Escape(line.GetProperty("name").GetString()!)} +: 0x0*{start:x} - "));
        }
        ulong pages = json.GetProperty("low_pages").GetUInt64() + json.GetProperty("high_pages").GetUInt64();
        var size = json.GetProperty("banks").EnumerateArray().Aggregate(0UL, (sum, bank) => sum + Hex(bank, "size"));
        Assert.That(pages * json.GetProperty("page_size").GetUInt64(), Is.EqualTo(size));
        Assert.That(json.GetProperty("zones").EnumerateArray().Aggregate(0UL, (sum, zone) => sum + zone.GetProperty("present").GetUInt64()), Is.EqualTo(pages));
    }

    [Test]
    public void Check_finds_what_layout_and_tables_find()
    {
        var check = Kmem.Run("check", "--json", board);
        var layout = Kmem.Run("layout", "--json", board);
        var tables = Kmem.Run("tables", "--json", board);
        // A board without MMU has no tables.
        var whole = tables.Error.Contains("KMK5050", StringComparison.Ordinal) ? layout : tables;

        var found = check.Json.Single().GetProperty("diagnostics").EnumerateArray().Select(d => d.ToString()).ToList();
        Assert.That(found.Take(layout.Json.Single().GetProperty("diagnostics").GetArrayLength()),
            Is.EqualTo(layout.Json.Single().GetProperty("diagnostics").EnumerateArray().Select(d => d.ToString())));
        Assert.That(found, Has.Count.EqualTo(check.ErrorLines.Count(l => l.Contains(" KMK", StringComparison.Ordinal))));
        Assert.That((check.ExitCode, check.Error), Is.EqualTo((whole.ExitCode, whole.Error)));
        Assert.That(check.Error, Does.StartWith(layout.Error));
        Assert.That(check.Json.Single().GetProperty("errors").GetInt32(), Is.Zero);
    }

    [Test]
    public void Its_blob_has_the_same_layout_as_its_source()
    {
        using var scratch = new Scratch();
        var name = Path.GetFileNameWithoutExtension(board);
        var blob = scratch[name + ".dtb"];
        Assert.That(Kmem.Run("dts", "-O", "dtb", "-o", blob, board).ExitCode, Is.Zero);
        File.Copy(Path.ChangeExtension(Path.Combine(Kmem.Root, board), null) + "_defconfig", scratch[name + "_defconfig"]);

        Assert.That(WithoutPlaces(Kmem.Run("layout", blob).Output), Is.EqualTo(WithoutPlaces(Kmem.Run("layout", board).Output)));
    }

    [Test]
    public void Its_printed_source_makes_the_same_blob()
    {
        using var scratch = new Scratch();
        var printed = scratch.Write("printed.dts", Kmem.Run("dts", board).OutputBytes);

        Assert.That(Kmem.Run("dts", "-O", "dtb", printed).OutputBytes, Is.EqualTo(Kmem.Run("dts", "-O", "dtb", board).OutputBytes));
    }

    [Test]
    public void Every_address_that_maps_one_way_maps_back()
    {
        var layout = BoardLoader.Compile(new BoardRequest(Path.Combine(Kmem.Root, board), new Settings([], null, false, [])), []).Layout!;
        foreach (var address in Borders(layout))
        {
            var physical = AddressClassifier.ClassifyPhysical(layout, new PhysAddr(address));
            Assert.That(physical.MapsTo is not null, Is.EqualTo(layout.Linear.IsRam(new PhysAddr(address))), $"{board} 0x{address:x}: {physical.Reason}");
            if (physical.MapsTo is { } mapped)
                Assert.That(AddressClassifier.ClassifyVirtual(layout, new VirtAddr(mapped)).MapsTo, Is.EqualTo(address), $"{board} 0x{address:x}");
            var meaning = AddressClassifier.ClassifyVirtual(layout, new VirtAddr(address));
            if (layout.Board.Policy.Mmu?.Value != false)
                Assert.That(meaning.MapsTo is not null, Is.EqualTo(layout.Linear.VirtToPhys(new VirtAddr(address), out _) == TranslationStatus.Ok), $"{board} 0x{address:x}");
        }
    }

    [Test]
    public void Translate_answers_for_its_first_bank_and_its_devices()
    {
        var layout = Kmem.Run("layout", "--json", board).Json.Single();
        var start = layout.GetProperty("banks")[0].GetProperty("start").GetString()!;
        var segment = layout.GetProperty("linear")[0];

        var answer = Kmem.Run("translate", "--json", board, start).Json.Single().GetProperty("addresses")[0];
        var physical = answer.GetProperty("physical");

        Assert.That(physical.GetProperty("kind").GetString(), Is.EqualTo("logical"), answer.ToString());
        Assert.That(Hex(physical, "maps_to"), Is.EqualTo(Hex(start) - Hex(segment, "phys") + Hex(segment, "virt")));
    }

    [Test]
    public void The_view_for_a_terminal_has_the_same_numbers()
    {
        var plain = Kmem.Run("layout", "--json", board).Json.Single();
        var view = Kmem.Run(terminal: true, "layout", board);

        Assert.That(view.ExitCode, Is.Zero);
        Assert.That(view.Output, Does.Contain("\u001b["));
        foreach (var bank in plain.GetProperty("banks").EnumerateArray())
            Assert.That(view.Output, Does.Contain(bank.GetProperty("start").GetString()).And.Contain(bank.GetProperty("size").GetString()));
    }

    // "  boards/x/x.dts(12,3)" at the end of a line: a blob has other places.
    private static string WithoutPlaces(string text) =>
        string.Join('\n', text.Split('\n').Select(l => System.Text.RegularExpressions.Regex.Replace(l, @"  \S+\(\d+,\d+\)$", "")));

    private static ulong Hex(JsonElement element, string name) => Hex(element.GetProperty(name).GetString()!);

    private static ulong Hex(string text) => ulong.Parse(text.AsSpan(2), NumberStyles.HexNumber);

    private static SortedSet<ulong> Borders(MemoryLayout layout)
    {
        var borders = new SortedSet<ulong> { 0, uint.MaxValue, ulong.MaxValue };
        foreach (var range in layout.Banks.Select(b => b.Range).Concat(layout.Holes.Select(h => h.Range)).Concat(layout.Board.Devices.SelectMany(d => d.Ranges).Select(d => d.Range)))
            Add(range.Start.Value, range.End);
        foreach (var range in layout.Virtual.Select(v => v.Range).Concat(layout.Linear.Segments.Select(s => s.VirtRange)))
            Add(range.Start.Value, range.End);
        return borders;

        void Add(ulong start, AddressLimit end) => borders.UnionWith([start, unchecked(start - 1), end.Wrapped, unchecked(end.Wrapped - 1)]);
    }
}
