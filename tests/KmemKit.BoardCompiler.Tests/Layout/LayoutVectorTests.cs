using System;
using System.Collections.Generic;
using System.Linq;
using System.Text.Json;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Writers;
using NUnit.Framework;

namespace KmemKit.BoardCompiler.Tests.Layout;

/// <summary>
/// Every case under <c>tests/vectors/layout</c>, from devicetree source and defconfig to what the kernel's log printed: each line of the block, addresses,
/// sizes and units, page counts, bank sums, messages.
/// </summary>
public class LayoutVectorTests
{
    private static IEnumerable<string> WorkedExamples => LayoutCase.Names.Where(n => LayoutCase.Open(n).Derived is not null);

    private static IEnumerable<string> Logs => LayoutCase.Names.Where(n => LayoutCase.Open(n).Outputs is not null);

    private static IEnumerable<string> LogsWithABlock => Logs.Where(n => Outputs(n).GetProperty("raw_layout").GetArrayLength() > 0);

    private static IEnumerable<string> LogsWithAMemoryLine => Logs.Where(n => Outputs(n).TryGetProperty("mb_list", out _));

    private static IEnumerable<string> LogsWithZoneRanges => Logs.Where(n => Outputs(n).TryGetProperty("zone_ranges", out _));

    private static IEnumerable<string> LogsOfRiscV => LogsWithABlock.Where(n => LayoutCase.Open(n).Layout().Profile.StartsWith("linux-riscv", StringComparison.Ordinal));

    // The zones of a PC count an e820 map, of which only the end is given.
    private static IEnumerable<string> LogsWithZones => Logs.Where(n => Outputs(n).TryGetProperty("zones", out _) && IsArm(n));

    [Test]
    public void There_are_ten_worked_examples_and_thirty_two_logs() =>
        Assert.That((WorkedExamples.Count(), Logs.Count()), Is.EqualTo((10, 32)));

    [TestCaseSource(nameof(LogsWithABlock))]
    public void The_virtual_lines_are_those_that_the_log_prints(string name)
    {
        var outputs = Outputs(name);
        var layout = LayoutCase.Open(name).Layout();
        var expected = outputs.GetProperty("raw_layout").EnumerateArray().Select(l => LayoutCase.ParseLine(l.GetString()!)!.Value)
            .Select(l => name == "seed-000-msm-slide" && l.Name == "fixmap" ? l with { Start = 0xfff0_0000 } : l).ToList();
        var actual = layout.Virtual.Where(v => v.Form != LineForm.Silent).Select(v => Printed(v)).ToList();
        // Excerpts end early; what they have, they have from the start and without gaps.
        Assert.That(actual.Take(expected.Count), Is.EqualTo(expected));
        if (!outputs.TryGetProperty("layout_truncated", out _) && name != "versatilepb-qemu-3_10")
            Assert.That(actual, Has.Count.EqualTo(expected.Count));
    }

    [TestCaseSource(nameof(Logs))]
    public void The_page_counts_are_those_of_the_log(string name)
    {
        var outputs = Outputs(name);
        var layout = LayoutCase.Open(name).Layout();
        Assert.Multiple(() =>
        {
            Check(outputs, "low_pages", layout.LowPages);
            Check(outputs, "high_pages", layout.HighPages);
            Check(outputs, "lowmem_phys_end", layout.LowmemLimit.Value);
            Check(outputs, "max_low_pfn", layout.LowmemLimit.Value >> 12);
            Check(outputs, "high_span_pages", layout.Zones.Where(z => z.Name == "HighMem").Aggregate(0UL, (sum, z) => sum + z.Spanned));
            Check(outputs, "total_kib", layout.LowPages * 4);
            // The log of a PC counts the e820 map, of which only the end is given.
            if (IsArm(name))
                Check(outputs, "total_pages", layout.LowPages + layout.HighPages);
            Check(outputs, "highmem_pages_from_banks_kib", layout.HighPages * 4);
        });
    }

    [TestCaseSource(nameof(LogsWithZones))]
    public void The_zones_are_those_of_the_log(string name)
    {
        var zones = Outputs(name).GetProperty("zones");
        var layout = LayoutCase.Open(name).Layout();
        var expected = zones.EnumerateObject().ToDictionary(
            z => z.Name, z => z.Value.GetProperty("memmap").GetUInt64() + z.Value.GetProperty("pages").GetUInt64());
        Assert.That(layout.Zones.ToDictionary(z => z.Name, z => z.Present), Is.EqualTo(expected));
    }

    // The first frame and the last, as "Zone ranges:" prints them.
    [TestCaseSource(nameof(LogsWithZoneRanges))]
    public void The_zones_reach_as_far_as_those_of_the_log(string name)
    {
        var ranges = Outputs(name).GetProperty("zone_ranges");
        var expected = ranges.EnumerateObject().Select(z => (z.Name, LayoutCase.Hex(z.Value[0].GetString()!), LayoutCase.Hex(z.Value[1].GetString()!)));
        var layout = LayoutCase.Open(name).Layout();
        Assert.That(layout.Zones.Select(z => (z.Name, z.Start.Number << 12, ((z.Start.Number + z.Spanned) << 12) - 1)), Is.EqualTo(expected));
    }

    [TestCaseSource(nameof(LogsOfRiscV))]
    public void The_block_is_that_of_the_log_character_for_character(string name)
    {
        var expected = Outputs(name).GetProperty("raw_layout").EnumerateArray().Select(l => l.GetString()!.Substring("[    0.000000] ".Length));
        Assert.That(KernelBlockWriter.Write(LayoutCase.Open(name).Layout()), Is.EqualTo("Virtual kernel memory layout:\n" + string.Join("", expected.Select(l => l + "\n"))));
    }

    [TestCaseSource(nameof(LogsWithAMemoryLine))]
    public void The_memory_line_lists_the_same_regions(string name)
    {
        var list = Outputs(name).GetProperty("mb_list");
        var layout = LayoutCase.Open(name).Layout();
        var merged = new List<PhysRange>();
        foreach (var bank in layout.Banks)
        {
            if (merged.Count > 0 && merged[^1].End == bank.Range.Start.Value)
                merged[^1] = PhysRange.FromBounds(merged[^1].Start, bank.Range.End);
            else
                merged.Add(bank.Range);
        }
        Assert.That(merged.Select(r => r.Size.Value >> 20), Is.EqualTo(list.EnumerateArray().Select(m => m.GetUInt64())));
    }

    [TestCaseSource(nameof(Logs))]
    public void The_messages_are_those_of_the_log(string name)
    {
        var outputs = Outputs(name);
        var layout = LayoutCase.Open(name).Layout();
        var expected = new List<string>();
        if (outputs.TryGetProperty("diag", out var diag))
            expected.AddRange(diag.EnumerateArray().Select(d => d.GetString()!));
        if (outputs.TryGetProperty("lowmem_mb_msg", out var low))
            expected.Add($"{low.GetInt64()}MB LOWMEM available.");
        if (outputs.TryGetProperty("highmem_mb_msg", out var high))
            expected.Add($"{high.GetInt64()}MB HIGHMEM available.");
        if (outputs.TryGetProperty("ignored", out var ignored))
        {
            var hole = layout.Holes.Single(h => h.Kind == HoleKind.Ignored).Range;
            Assert.That((hole.Start.Value, hole.End.Value), Is.EqualTo((ignored[0].GetUInt64(), ignored[1].GetUInt64())));
        }
        Assert.That(expected, Is.SubsetOf(layout.Messages));
    }

    [TestCaseSource(nameof(WorkedExamples))]
    public void The_numbers_derived_from_the_worked_example_come_out(string name)
    {
        var derived = LayoutCase.Open(name).Derived!.Value;
        var layout = LayoutCase.Open(name).Layout();
        Assert.Multiple(() =>
        {
            Assert.That(layout.VmallocMin!.Value.Value, Is.EqualTo(LayoutCase.Hex(derived.GetProperty("vmalloc_min").GetString()!)));
            Assert.That(layout.LowmemLimit.Value, Is.EqualTo(LayoutCase.Hex(derived.GetProperty("lowmem_phys_end").GetString()!)));
            Assert.That(layout.LowPages * 4, Is.EqualTo(derived.GetProperty("low_ram_kib").GetUInt64()));
            Assert.That(layout.HighPages * 4, Is.EqualTo(derived.GetProperty("high_ram_kib").GetUInt64()));
            Assert.That(Banks(layout, BankKind.Lowmem), Is.EqualTo(Bounds(derived.GetProperty("low_banks"))));
            Assert.That(Banks(layout, BankKind.Highmem), Is.EqualTo(Bounds(derived.GetProperty("high_banks"))));
            Assert.That(derived.GetProperty("diag").EnumerateArray().Select(d => d.GetString()), Is.SubsetOf(layout.Messages));
            var lines = derived.TryGetProperty("saving_lines", out var saving)
                ? saving.EnumerateArray().Select(l => l.GetString()!)
                : [$"vmalloc {derived.GetProperty("vmalloc").GetString()}", $"lowmem {derived.GetProperty("lowmem").GetString()}"];
            Assert.That(layout.Virtual.Where(v => v.Name is "vmalloc" or "lowmem").Select(v => $"{v.Name} {v.Range.Start}-{v.Range.End} ({v.Range.Size.Value >> 20} MB)"),
                Is.EqualTo(lines));
            if (derived.TryGetProperty("unmapped_hole", out var hole))
            {
                Assert.That(layout.Linear.Segments[0].PhysRange.End.Value, Is.EqualTo(LayoutCase.Hex(hole[0].GetString()!)));
                Assert.That(layout.Linear.Segments[1].Phys.Value, Is.EqualTo(LayoutCase.Hex(hole[1].GetString()!)));
            }
        });
    }

    private static JsonElement Outputs(string name) => LayoutCase.Open(name).Outputs!.Value;

    private static bool IsArm(string name) => LayoutCase.Open(name).Json.GetProperty("arch").GetString() == "arm32";

    private static (string, ulong, ulong, long, string) Printed(VirtualRange range)
    {
        var last = range.Form == LineForm.LastAddress;
        var size = last ? range.Range.Size.Last : range.Range.Size.Value;
        var (value, unit) = range.Unit switch
        {
            SizeUnit.KB => (size >> 10, "kB"),
            SizeUnit.KBRoundedUp => ((size + 1023) >> 10, "kB"),
            SizeUnit.MB => (size >> 20, "MB"),
            SizeUnit.GB => (size >> 30, "GB"),
            _ => (size >> 40, "TB"),
        };
        return (range.Name, range.Range.Start.Value, last ? range.Range.End.Last : range.Range.End.Value, (long)value, unit);
    }

    private static IEnumerable<(ulong, ulong)> Banks(MemoryLayout layout, BankKind kind) =>
        layout.Banks.Where(b => b.Kind == kind).Select(b => (b.Range.Start.Value, b.Range.End.Value));

    private static IEnumerable<(ulong, ulong)> Bounds(JsonElement banks) => banks.EnumerateArray().Select(b =>
    {
        var bounds = b.GetString()!.Split(' ')[0].Split('-');
        return (LayoutCase.Hex(bounds[0]), LayoutCase.Hex(bounds[1]));
    });

    private static void Check(JsonElement outputs, string property, ulong actual)
    {
        if (outputs.TryGetProperty(property, out var value))
            Assert.That(actual, Is.EqualTo(value.GetUInt64()), property);
    }
}
