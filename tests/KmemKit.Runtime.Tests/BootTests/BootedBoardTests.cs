using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text.RegularExpressions;
using KmemKit.BoardCompiler.Policies;
using KmemKit.Runtime.Boot;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Proc;
using KmemKit.Runtime.Tests.Harness;
using KmemKit.Runtime.Zones;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.BootTests;

/// <summary>Every board of the repository boots: no page of RAM is lost, and what is printed is what is there.</summary>
internal sealed class BootedBoardTests
{
    private static IEnumerable<string> Boards => TestBoards.Names;

    private static readonly string[] s_pageSizes = ["CONFIG_ARM64_16K_PAGES=y", "CONFIG_ARM64_64K_PAGES=y"];

    [TestCaseSource(nameof(Boards))]
    public void A_board_boots_and_all_of_its_ram_is_available_or_reserved(string board)
    {
        using var booted = BootedMemory.Boot(TestBoards.Repository(board));
        CheckBalance(booted);
        CheckTexts(booted);
    }

    [TestCaseSource(nameof(s_pageSizes))]
    public void An_arm64_board_boots_with_large_pages(string pages)
    {
        using var booted = BootedMemory.Boot(TestBoards.Repository("qemu/virt-cortex-a53", null, pages, "CONFIG_ARM64_VA_BITS=48"));
        Assert.That(booted.Map.Pages.PageShift, Is.EqualTo(pages.Contains("16K", StringComparison.Ordinal) ? 14 : 16));
        CheckBalance(booted);
        CheckTexts(booted);
    }

    [Test]
    public void The_three_reclaim_strategies_boot_with_the_same_ram_and_their_own_lowmem()
    {
        var balances = new[] { "qcom/msm8974", "qcom/msm8974-dont-map-hole", "qcom/msm8974-vmalloc-saving" }.Select(board =>
        {
            using var booted = BootedMemory.Boot(TestBoards.Repository(board));
            return (booted.Statistics.Balance.Present, booted.Layout.LowPages, booted.Proc.MemInfo.High!.Value.Total);
        }).ToArray();
        Assert.That(balances.Select(balance => balance.Present).Distinct(), Has.Exactly(1).Items);
        Assert.That(balances[1].LowPages, Is.GreaterThan(balances[0].LowPages), "the hole is not mapped, so lowmem reaches further");
        Assert.That(balances[1].Total, Is.LessThan(balances[0].Total));
    }

    [Test]
    public void A_sparse_board_pays_for_its_sections_only()
    {
        using var booted = BootedMemory.Boot(TestBoards.Repository("qcom/msm7x30"));
        Assert.That(booted.Map.Kind, Is.EqualTo(MemoryModelKind.Sparse));
        Assert.That(booted.Map.Sections, Is.EqualTo(booted.Layout.Model.Sections.Length));
        Assert.That((ulong)booted.Map.Frames, Is.EqualTo(booted.Layout.Model.DescribedPages));
    }

    [Test]
    public void What_early_boot_took_lies_in_ram_apart_from_each_other_and_is_reserved()
    {
        using var booted = BootedMemory.Boot(TestBoards.Folder("tests/vectors/layout/beaglebone-am335x-3_8"));
        var early = booted.Statistics.Early;
        Assert.That(early.Select(item => item.Name), Is.EqualTo(new[] { "kernel image", "swapper_pg_dir", "vectors", "zero page", "PID", "Dentry cache", "Inode-cache" }));
        Assert.That(early[0].Range.Start.Value, Is.EqualTo(0x8000_8000), ".text is at 0xc0008000");
        Assert.That(early[1].Range, Is.EqualTo(Architecture.PhysRange.FromBounds(new Architecture.PhysAddr(0x8000_4000), 0x8000_8000)), "16 KiB below the image");
        for (var i = 0; i < early.Length; i++)
        {
            Assert.That(booted.Map.IsReserved(booted.Map.PfnToPage(booted.Map.Pages.ToFrame(early[i].Range.Start)).Index), Is.True, early[i].Name);
            Assert.That(early.Skip(i + 1).Any(other => other.Range.Overlaps(early[i].Range)), Is.False, early[i].Name);
        }
        var taken = early.Aggregate(0UL, (sum, item) => sum + item.Range.Size.Value) + booted.Statistics.DescriptorBytes;
        Assert.That(booted.Statistics.Balance.Reserved << 12, Is.InRange(taken, taken + (64 << 12)), "nothing else is missing but the ends of pages");
    }

    [Test]
    public void Boards_without_mmu_have_one_zone_no_batches_and_no_page_table()
    {
        using var booted = BootedMemory.Boot(TestBoards.Repository("qemu/mps2-an385"));
        Assert.That(booted.Allocator.Zones.Select(zone => (zone.Name, zone.High)), Is.EqualTo(new[] { ("Normal", 0) }));
        Assert.That(booted.Statistics.Early.Select(item => item.Name), Has.No.Member("swapper_pg_dir").And.Member("zero page"));
        Assert.That(booted.Proc.MemInfo.Lines.Select(line => line.Name), Has.Member("MmapCopy"));
    }

    [Test]
    public void A_classic_core_without_mmu_keeps_its_vectors_at_0()
    {
        using var booted = BootedMemory.Boot(TestBoards.Repository("qemu/integratorcp-arm946"));
        Assert.That(booted.Statistics.Early.Select(item => item.Name), Has.Member("vectors"));
    }

    [Test]
    public void Too_little_memory_is_one_error_and_no_other()
    {
        var exception = Assert.Throws<MemoryBootException>(() => BootedMemory.Boot(TestBoards.Arm64("memory@40000000 { device_type = \"memory\"; reg = <0 0x40000000 0 0x10000>; };")));
        Assert.That(exception!.Message, Does.Contain("free bytes").And.Not.Contain("\n"));
    }

    [Test]
    public void Larger_reserves_raise_the_marks_and_lower_what_is_available()
    {
        using var booted = BootedMemory.Boot(TestBoards.Repository("qcom/msm8974"));
        var before = booted.Proc.MemInfo.Available;
        var marks = booted.Proc.ZoneInfo.Zones.Select(zone => zone.Watermarks.Min).ToArray();
        booted.Allocator.SetMinFreeKbytes(booted.Allocator.MinFreeKbytes * 4);
        Assert.That(booted.Proc.MemInfo.Available, Is.LessThan(before));
        Assert.That(booted.Proc.ZoneInfo.Zones[0].Watermarks.Min, Is.EqualTo(marks[0] * 4).Within(3), "lowmem bears them");
        Assert.That(booted.Proc.ZoneInfo.Zones[1].Watermarks.Min, Is.EqualTo(marks[1]), "highmem keeps its own");
        Assert.That(booted.Proc.Read("zoneinfo"), Does.Contain($"        min      {booted.Allocator.Zones[0].MinWatermark}\n"));
    }

    [Test]
    public void A_reclaimer_that_was_taken_out_is_not_asked()
    {
        using var booted = BootedMemory.Boot(TestBoards.Repository("qemu/mps2-an385"));
        var cpu = booted.Allocator.Cpus[0];
        var reclaimer = new Counter();
        booted.Allocator.RegisterReclaimer(reclaimer);
        while (!cpu.AllocPages(GfpFlags.Kernel, 0).IsNull)
        {
        }
        var asked = reclaimer.Asked;
        Assert.That(asked, Is.Positive);
        Assert.That(booted.Allocator.UnregisterReclaimer(reclaimer), Is.True);
        Assert.That(cpu.AllocPages(GfpFlags.Kernel, 0).IsNull, Is.True);
        Assert.That(reclaimer.Asked, Is.EqualTo(asked));
        Assert.That(booted.Allocator.UnregisterReclaimer(reclaimer), Is.False, "it is out already");
    }

    private static void CheckBalance(BootedMemory booted)
    {
        var balance = booted.Statistics.Balance;
        Assert.That(balance.Present, Is.EqualTo(booted.Layout.LowPages + booted.Layout.HighPages), "zones and banks agree");
        Assert.That(balance.Available + balance.Reserved + balance.Cma, Is.EqualTo(balance.Present));
        // Counted a second way: frame by frame.
        ulong available = 0, reserved = 0;
        foreach (var bank in booted.Layout.Banks)
        {
            for (var frame = booted.Map.Pages.ToFrame(bank.Range.Start).Number; frame < booted.Map.Pages.PagesIn(bank.Range.End); frame++)
            {
                if (booted.Map.IsReserved(booted.Map.PfnToPage(new Architecture.PageFrame(frame)).Index))
                    reserved++;
                else
                    available++;
            }
        }
        var lent = booted.Allocator.TotalPages - balance.Available;
        Assert.That(lent, Is.Zero.Or.EqualTo(balance.Cma), "contiguous areas are the allocator's, or not yet");
        Assert.That((available - lent, reserved + lent), Is.EqualTo((balance.Available, balance.Reserved + balance.Cma)));
        booted.Allocator.Verify();
    }

    // The numbers are read out of the text again.
    private static void CheckTexts(BootedMemory booted)
    {
        var unit = booted.Map.Pages.PageSize >> 10;
        var balance = booted.Statistics.Balance;
        var log = booted.LogLines();
        var memory = log.Last(line => Regex.IsMatch(line, "^Memory: [0-9]+[kK]"));
        Assert.That(Number(memory, "^Memory: ([0-9]+)[kK]"), Is.EqualTo(balance.Available * unit));
        if (booted.Statistics.Build.IsSince(3, 11))
        {
            Assert.That(Number(memory, "/([0-9]+)K available"), Is.EqualTo(balance.Present * unit));
            Assert.That(Number(memory, "([0-9]+)K reserved"), Is.EqualTo(balance.Reserved * unit));
        }
        var built = log.Single(line => line.StartsWith("Built ", StringComparison.Ordinal));
        Assert.That(Number(built, "Total pages: ([0-9]+)"), Is.EqualTo(booted.Statistics.Estimate.TotalPages));
        foreach (var hash in booted.Statistics.Hashes)
            Assert.That(log.Any(line => line.StartsWith($"{hash.Name} hash table entries: {hash.Entries} (order: ", StringComparison.Ordinal)), Is.True, hash.Name);

        var meminfo = booted.Proc.MemInfo;
        var text = booted.Proc.Read("meminfo");
        Assert.That(Number(text, "MemTotal: +([0-9]+) kB"), Is.EqualTo(booted.Allocator.TotalPages * unit));
        Assert.That(Number(text, "MemFree: +([0-9]+) kB"), Is.EqualTo(meminfo.Free));
        foreach (var line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
            Assert.That(line, Does.Match("^[A-Za-z_()0-9]+: +[0-9]+( kB)?$"));
        Assert.That(meminfo.Lines.Select(line => line.Value), Is.EqualTo(Regex.Matches(text, ": +([0-9]+)").Select(match => ulong.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture))));

        var free = booted.Allocator.Zones.Sum(zone => zone.FreePages);
        Assert.That(SumOfBlocks(booted.Proc.Read("buddyinfo")), Is.EqualTo((ulong)free));
        var types = booted.Proc.Read("pagetypeinfo");
        Assert.That(SumOfBlocks(string.Join('\n', types.Split('\n').Where(line => line.Contains(", type ", StringComparison.Ordinal)))), Is.EqualTo((ulong)free));

        var zones = booted.Proc.Read("zoneinfo");
        Assert.That(Numbers(zones, "managed +([0-9]+)"), Is.EqualTo(booted.Statistics.Build.IsSince(3, 8)
            ? booted.Proc.ZoneInfo.Zones.Select(zone => zone.Managed)
            : []));
        Assert.That(Numbers(zones, "nr_free_pages ([0-9]+)").Aggregate(0UL, (sum, pages) => sum + pages), Is.EqualTo((ulong)free));
        Assert.That(booted.Proc.Read("vmstat"), Does.StartWith($"nr_free_pages {free}\n"));
        foreach (var name in ProcFiles.Names)
            Assert.That(booted.Proc.Read(name), Does.EndWith("\n"), name);
    }

    private static ulong Number(string text, string pattern) => Numbers(text, pattern).First();

    private static IEnumerable<ulong> Numbers(string text, string pattern) =>
        Regex.Matches(text, pattern, RegexOptions.Multiline).Select(match => ulong.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture));

    private static ulong SumOfBlocks(string text)
    {
        var pages = 0UL;
        foreach (var line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var counts = Regex.Matches(line[(line.LastIndexOf("zone", StringComparison.Ordinal) + 14)..], "(?<= )[0-9]+(?= )");
            for (var order = 0; order < counts.Count; order++)
                pages += ulong.Parse(counts[order].Value, CultureInfo.InvariantCulture) << order;
        }
        return pages;
    }

    private sealed class Counter : IReclaimer
    {
        public int Asked { get; private set; }

        public GfpFlags Needs => GfpFlags.None;

        public long Reclaim(Cpu cpu, MemoryZone zone, int order, long pages)
        {
            Asked++;
            return 0;
        }
    }
}
