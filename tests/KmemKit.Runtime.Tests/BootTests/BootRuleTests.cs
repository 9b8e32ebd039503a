using System;
using System.Linq;
using System.Numerics;
using KmemKit.BoardCompiler.Policies;
using KmemKit.Runtime.Boot;
using KmemKit.Runtime.Boot.Log;
using KmemKit.Runtime.Proc;
using KmemKit.Runtime.Tests.Harness;
using KmemKit.Runtime.Tests.PageTests;
using KmemKit.Runtime.Zones;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.BootTests;

/// <summary>Rules of a boot that no log at hand shows: nodes, movable zones, hash tables of very small and very large machines, the direct map.</summary>
internal sealed class BootRuleTests
{
    private const ulong GiB = Machine.GiB;

    [Test]
    public void Two_nodes_have_zones_data_and_lines_of_their_own()
    {
        var policy = new Policy { LinuxVersion = Machine.Set(new LinuxVersion(5, 10)), Numa = Machine.Set(true) };
        var layout = Machine.LayoutOf(TargetArchitecture.Arm64, policy, (GiB, 2 * GiB, 0), (8 * GiB, 10 * GiB, 1));
        using var booted = BootedMemory.Boot(layout);
        var log = booted.LogLines();
        Assert.That(log, Has.Member("Built 2 zonelists, mobility grouping on.  Total pages: 774144"), "three GiB less 64 bytes a page");
        Assert.That(log, Has.Member("Initmem setup node 0 [mem 0x0000000040000000-0x000000007fffffff]"));
        Assert.That(log, Has.Member("Initmem setup node 1 [mem 0x0000000200000000-0x000000027fffffff]"));
        Assert.That(log, Has.Member("On node 1 totalpages: 524288"));
        var hash = Array.FindIndex([.. log], line => line.StartsWith("Dentry", StringComparison.Ordinal));
        var memory = Array.FindIndex([.. log], line => line.StartsWith("Memory:", StringComparison.Ordinal));
        Assert.That(hash, Is.GreaterThan(memory), "hashdist: the tables come from vmalloc, over both nodes");
        Assert.That(log[hash], Does.EndWith(", vmalloc)"));
        foreach (var item in booted.Statistics.Early.Where(item => item.Name.StartsWith("NODE_DATA", StringComparison.Ordinal)))
            Assert.That(item.Range.Start.Value >= 8 * GiB, Is.EqualTo(item.Name == "NODE_DATA(1)"), "on the node itself");
        var text = booted.Proc.Read("zoneinfo");
        Assert.That(text.Split("per-node stats").Length, Is.EqualTo(3));
        Assert.That(booted.Proc.Read("buddyinfo"), Does.Match("Node 0, zone      DMA .*\nNode 1, zone   Normal "));
    }

    [Test]
    public void Movable_memory_has_its_start_in_the_log_and_belongs_to_the_zone_that_it_was_cut_from()
    {
        using var booted = BootedMemory.Boot(TestBoards.Repository("pc/pc-64", "movablecore=1G"));
        var movable = booted.Layout.Zones.Single(zone => zone.Name == "Movable");
        var log = booted.LogLines();
        Assert.That(log, Has.Member($"  Node 0: 0x{movable.Start.Number << 12:x16}"));
        Assert.That(log, Has.Member("  Normal   [mem 0x0000000100000000-0x000000023fffffff]"), "to the end of RAM");
    }

    [TestCase("5.4", "6144K kernel code, 1024K rwdata, 1664K rodata, 1024K init, 384K bss")]
    public void The_image_of_the_policy_is_in_the_memory_line(string version, string expected)
    {
        string[] image =
        [
            $"CONFIG_LINUX_VERSION=\"{version}\"", "CONFIG_KERNEL_TEXT=\"0xc0100000-0xc0700000\"", "CONFIG_KERNEL_RODATA=\"0xc0800000-0xc09a0000\"",
            "CONFIG_KERNEL_INIT=\"0xc0a00000-0xc0b00000\"", "CONFIG_KERNEL_DATA=\"0xc0b00000-0xc0c00000\"", "CONFIG_KERNEL_BSS=\"0xc0c00000-0xc0c60000\"",
        ];
        using var booted = BootedMemory.Boot(TestBoards.Folder("tests/vectors/layout/rpi1-bcm2708-3_6", null, image));
        Assert.That(booted.LogLines().Single(static line => line.StartsWith("Memory:", StringComparison.Ordinal)), Does.Contain(expected));
    }

    [Test]
    public void A_hash_table_is_a_power_of_two_of_at_most_a_sixteenth_of_memory()
    {
        var random = new Random(1);
        for (var i = 0; i < 10_000; i++)
        {
            var build = Build(random.Next(2) == 0, new LinuxVersion(random.Next(3, 6), random.Next(20)), new[] { 12, 14, 16 }[random.Next(3)]);
            var pages = (ulong)random.NextInt64(16, 1L << random.Next(5, 34));
            var request = new HashRequest("t", 1UL << random.Next(2, 5), random.Next(12, 20));
            var hash = LargeSystemHash.Size(request, pages, pages, build);
            Assert.That(BitOperations.IsPow2(hash.Entries), Is.True);
            Assert.That(hash.Bytes, Is.EqualTo(hash.Entries * request.BucketBytes));
            Assert.That(hash.Bytes, Is.LessThanOrEqualTo(pages << build.Pages.PageShift >> 4));
            // One bucket for 2^scale bytes, within a factor of two, unless a limit held it.
            var wanted = pages << build.Pages.PageShift >> request.Scale;
            if (hash.Bytes > build.Pages.PageSize && hash.Bytes < pages << build.Pages.PageShift >> 5 && pages << build.Pages.PageShift < 1UL << 36)
                Assert.That(hash.Entries, Is.InRange(wanted, (2 * wanted) + (2UL << 20 >> request.Scale)));
        }
    }

    // ADAPT_SCALE: from 64 GiB on a bucket serves twice as much for each fourfold.
    [TestCase(64UL, 4, 14, 1UL << 23)]
    [TestCase(64UL, 4, 12, 1UL << 23)]
    [TestCase(256UL, 4, 14, 1UL << 24)]
    [TestCase(1024UL, 4, 14, 1UL << 25)]
    [TestCase(1024UL, 4, 12, 1UL << 27)]
    public void Very_large_machines_have_tables_that_grow_slower_from_4_13_on(ulong gigabytes, int major, int minor, ulong entries)
    {
        var pages = gigabytes << 18;
        Assert.That(LargeSystemHash.Size(new HashRequest("Dentry cache", 8, 13), pages, pages, Build(true, new LinuxVersion(major, minor), 12)).Entries, Is.EqualTo(entries));
    }

    // One page more than 512 MB counts as a whole megabyte, and that makes the difference to the next power of two.
    [TestCase(131_072UL, 65_536UL)]
    [TestCase(131_073UL, 131_072UL)]
    public void Lowmem_is_rounded_up_to_whole_megabytes(ulong pages, ulong entries) => Assert.That(
        LargeSystemHash.Size(new HashRequest("Dentry cache", 4, 13), pages, pages, Build(false, new LinuxVersion(3, 4), 12)).Entries, Is.EqualTo(entries));

    // The pid table: 16 buckets at least, 4096 at most.
    [TestCase(256UL, 16UL)]
    [TestCase(113_792UL, 2048UL)]
    [TestCase(1UL << 24, 4096UL)]
    public void The_pid_table_has_limits_of_its_own(ulong pages, ulong entries)
    {
        var build = Build(false, new LinuxVersion(3, 4), 12);
        var request = BootPlan.HashRequests(build).First();
        Assert.That((request.Name, LargeSystemHash.Size(request, pages, pages, build).Entries), Is.EqualTo(("PID", entries)));
        Assert.That(BootPlan.HashRequests(Build(false, new LinuxVersion(4, 15), 12)).Select(hash => hash.Name), Is.EqualTo(new[] { "Dentry cache", "Inode-cache" }));
    }

    // The log of x86-yong: 0 - 200000 page 4k, 200000 - 37a00000 page 2M, 37a00000 - 37bfe000 page 4k.
    [Test]
    public void The_direct_map_of_i386_is_that_of_a_real_log()
    {
        var layout = TestBoards.Folder("tests/vectors/bootlog/x86-yong-3_2-pae");
        Assert.That(DirectMap.Of(layout, KernelBuild.Of(layout)), Is.EqualTo(new DirectMap(0x20_0000 + 0x1f_e000, 0x37a0_0000 - 0x20_0000, 0, 2 << 20)));
    }

    [Test]
    public void The_direct_map_covers_ram_once()
    {
        foreach (var gigabytePages in new[] { false, true })
        {
            var layout = TestBoards.Repository("pc/pc-64");
            var map = DirectMap.Of(layout, KernelBuild.Of(layout) with { HasGigabytePages = gigabytePages })!;
            // RAM and the first megabyte, whose last 388 KiB are none.
            var ram = layout.LowPages << 12;
            Assert.That(map.SmallBytes + map.LargeBytes + map.GigabyteBytes, Is.EqualTo(ram + (0x10_0000 - 0x9_f000)));
            Assert.That(map.GigabyteBytes > 0, Is.EqualTo(gigabytePages));
        }
    }

    [Test]
    public void Only_the_kernels_own_things_are_shown_as_used()
    {
        using var booted = BootedMemory.Boot(TestBoards.Repository("qemu/virt-cortex-a15"));
        booted.Use = new MemoryUse(SlabReclaimable: 10, SlabUnreclaimable: 20, PageTables: 3, KernelStack: 4, Vmalloc: 5, PerCpu: 6);
        var lines = booted.Proc.MemInfo.Lines.ToDictionary(line => line.Name, line => line.Value);
        Assert.That((lines["Slab"], lines["SReclaimable"], lines["SUnreclaim"]), Is.EqualTo((120UL, 40UL, 80UL)));
        Assert.That((lines["KReclaimable"], lines["PageTables"], lines["KernelStack"], lines["VmallocUsed"], lines["Percpu"]), Is.EqualTo((40UL, 12UL, 16UL, 20UL, 24UL)));
        Assert.That(booted.Proc.Read("zoneinfo"), Does.Contain("      nr_slab_reclaimable 10\n      nr_slab_unreclaimable 20\n").And.Contain("      nr_kernel_stack 16\n"));
        Assert.That(booted.Proc.Read("vmstat"), Does.Contain("\nnr_slab_unreclaimable 20\n").And.Contain("\nnr_page_table_pages 3\n"));
    }

    // Examples 7 to 9 of the seed: the same board with three strategies. LowTotal lacks that kernel's image and drivers, HighTotal nothing.
    [TestCase("seed-ex7", 1_460_224UL, 408_240UL)]
    [TestCase("seed-ex8", 1_286_144UL, 581_864UL)]
    [TestCase("seed-ex9", 1_283_072UL, 584_968UL)]
    public void Highmem_of_the_seeds_examples_is_that_of_their_meminfo(string example, ulong high, ulong low)
    {
        using var booted = BootedMemory.Boot(TestBoards.Folder("tests/vectors/layout/" + example));
        var lines = booted.Proc.MemInfo.Lines.ToDictionary(line => line.Name, line => line.Value);
        Assert.That((lines["HighTotal"], lines["HighFree"]), Is.EqualTo((high, high)));
        Assert.That(lines["LowTotal"], Is.InRange(low, low + (40 << 10)), "what that kernel took for itself");
    }

    [Test]
    public void There_is_no_other_file()
    {
        using var booted = BootedMemory.Boot(TestBoards.Repository("qemu/mps2-an505"));
        Assert.That(() => booted.Proc.Read("cpuinfo"), Throws.ArgumentException.With.Message.Contains("buddyinfo, iomem"));
    }

    [TestCase(2, 6, 32, "Memory: 64KB available (")]
    [TestCase(3, 10, 0, "Memory: 64k/64k available, ")]
    [TestCase(3, 11, 0, "Memory: 64K/")]
    public void The_memory_line_of_arm_changes_with_the_release(int major, int minor, int patch, string start)
    {
        using var booted = BootedMemory.Boot(TestBoards.Repository("qcom/msm7x27"));
        var statistics = booted.Statistics with
        {
            Build = booted.Statistics.Build with { Version = new LinuxVersion(major, minor, patch) },
            Balance = booted.Statistics.Balance with { Available = 16 },
        };
        Assert.That(BootLog.Lines(statistics, booted.Layout).Last(line => line.StartsWith("Memory:", StringComparison.Ordinal)), Does.StartWith(start));
    }

    private static KernelBuild Build(bool is64, LinuxVersion version, int pageShift) => new()
    {
        Version = version, Architecture = is64 ? TargetArchitecture.Arm64 : TargetArchitecture.Arm, Pages = new Architecture.PageGeometry(pageShift), ZoneTypes = [ZoneType.Normal],
    };
}
