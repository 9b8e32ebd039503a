using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Policies;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Pages;
using KmemKit.Runtime.Zones;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.PageTests;

/// <summary>Zones, watermarks and what the request flags mean.</summary>
internal sealed class ZoneTests
{
    // x86-32: DMA to 16 MiB, Normal to 896 MiB, HighMem above.
    private static Machine Pc(int? minFreeKbytes = null) => Machine.Boot(
        TargetArchitecture.X86,
        new Policy { LinuxVersion = Machine.Set(new LinuxVersion(4, 4)), Highmem = Machine.Set(true) },
        new PageAllocatorOptions { Cpus = 1, MinFreeKbytes = minFreeKbytes },
        null,
        (0, 2 * Machine.GiB, 0));

    [TestCase(GfpFlags.Kernel, "Normal")]
    [TestCase(GfpFlags.Atomic, "Normal")]
    [TestCase(GfpFlags.Kernel | GfpFlags.Dma, "DMA")]
    [TestCase(GfpFlags.Kernel | GfpFlags.Dma32, "Normal", Description = "no such zone: gfp_zone falls back to Normal")]
    [TestCase(GfpFlags.HighUser, "HighMem")]
    [TestCase(GfpFlags.HighUserMovable, "HighMem")]
    public void Flags_choose_the_first_zone(GfpFlags flags, string zone)
    {
        using var machine = Pc();
        var page = machine.Cpu.AllocPage(flags);
        Assert.That(machine.Allocator.PageZone(page).Name, Is.EqualTo(zone));
        Assert.That(machine.Map.PageAddress(page) is null, Is.EqualTo(zone == "HighMem"), "highmem has no address");
    }

    [Test]
    public void A_full_highmem_falls_back_to_normal_and_never_empties_what_is_kept_for_lower_requests()
    {
        using var machine = Pc();
        var zones = machine.Allocator.Zones;
        while (!machine.Cpu.AllocPages(GfpFlags.HighUser | GfpFlags.NoWarn | GfpFlags.NoRetry, 4).IsNull)
        {
        }
        var dma = zones.Single(zone => zone.Name == "DMA");
        var normal = zones.Single(zone => zone.Name == "Normal");
        Assert.That(normal.FreePages, Is.GreaterThanOrEqualTo(normal.MinWatermark + normal.LowmemReserve[(int)ZoneType.HighMem]));
        Assert.That(normal.FreePages, Is.LessThan(normal.LowWatermark + normal.LowmemReserve[(int)ZoneType.HighMem] + 32));
        Assert.That(dma.FreePages, Is.GreaterThanOrEqualTo(dma.LowmemReserve[(int)ZoneType.HighMem]));
        Assert.That(machine.Cpu.AllocPage(GfpFlags.Kernel | GfpFlags.Dma).IsNull, Is.False);
    }

    [TestCase(63077UL, 4, 4, 2009, 502, 627, 753, 15, Description = "/proc/zoneinfo of a Zynq board, 4.4")]
    public void Watermarks_are_those_of_a_real_kernel(ulong managed, int major, int minor, int kbytes, long min, long low, long high, int batch)
    {
        // RAM less what that kernel had reserved: the page map of ours is not the kernel's.
        var version = new LinuxVersion(major, minor);
        var zone = new MemoryZone(0, "Normal", 0, default, managed, managed, 0, 0, null!) { ManagedPages = managed };
        Assert.That(Watermarks.MinFreeKbytes([zone], 4096, version), Is.EqualTo(kbytes));
        Watermarks.Apply([zone], kbytes, 4096, version);
        Assert.That((zone.MinWatermark, zone.LowWatermark, zone.HighWatermark), Is.EqualTo((min, low, high)));
        Assert.That(MemoryZone.BatchSize(managed, 4096, newKernel: false, hasMmu: true), Is.EqualTo(batch));
    }

    [Test]
    public void The_lowmem_reserve_is_that_of_a_real_kernel()
    {
        // /proc/zoneinfo of a PC with 8 GB, 3.2: protection of DMA, for DMA32 and Normal requests.
        MemoryZone Zone(string name, ulong managed) => new(0, name, 0, default, managed, managed, 0, 0, null!) { ManagedPages = managed };
        var zones = new[] { Zone("DMA", 3900), Zone("DMA32", 3237 * 256), Zone("Normal", (7994 - 3237) * 256) };
        Watermarks.ApplyLowmemReserve(zones);
        Assert.That(zones[0].LowmemReserve.Take(3), Is.EqualTo(new long[] { 0, 3237, 7994 }));
    }

    [Test]
    public void Atomic_requests_go_deeper_than_nowait_and_memalloc_goes_to_the_bottom()
    {
        using var machine = Machine.Arm(64 * Machine.MiB, new PageAllocatorOptions { Cpus = 1, MinFreeKbytes = 8192 });
        var zone = machine.Allocator.Zones[0];
        long Left(GfpFlags flags)
        {
            while (!machine.Cpu.AllocPage(flags | GfpFlags.NoWarn).IsNull)
            {
            }
            return zone.FreePages + machine.Cpu.PagesInLists(zone);
        }

        // A refill takes a batch of 64 at once: the marks are met to within one.
        Assert.That(Left(GfpFlags.NoWait), Is.InRange(zone.MinWatermark - 64, zone.MinWatermark + 64));
        Assert.That(Left(GfpFlags.Atomic), Is.InRange((zone.MinWatermark * 3 / 8) - 64, (zone.MinWatermark * 3 / 8) + 64));
        Assert.That(Left(GfpFlags.NoWait | GfpFlags.MemAlloc), Is.Zero);
        Assert.That(zone.KswapdWakeups, Is.Positive);
    }

    [Test]
    public void Only_requests_that_may_sleep_call_a_reclaimer_and_only_one_they_allow()
    {
        using var machine = Machine.Arm(64 * Machine.MiB);
        var held = new Stack<Page>();
        for (var page = machine.Cpu.AllocPage(GfpFlags.Kernel | GfpFlags.NoWarn); !page.IsNull; page = machine.Cpu.AllocPage(GfpFlags.Kernel | GfpFlags.NoWarn))
            held.Push(page);
        var cache = new PageCache(held, GfpFlags.FS);
        machine.Allocator.RegisterReclaimer(cache);
        Assert.That(machine.Cpu.AllocPage(GfpFlags.Atomic | GfpFlags.MemAlloc).IsNull, Is.False);
        Assert.That(machine.Cpu.AllocPages(GfpFlags.NoWait | GfpFlags.NoWarn, 4).IsNull, Is.True);
        Assert.That(machine.Cpu.AllocPages(GfpFlags.NoFS | GfpFlags.NoWarn, 0).IsNull, Is.True, "the cache calls a file system");
        Assert.That(cache.Calls, Is.Zero);
        Assert.That(machine.Cpu.AllocPage(GfpFlags.Kernel).IsNull, Is.False);
        Assert.That(cache.Calls, Is.EqualTo(1));
    }

    [Test]
    public void A_sleeping_request_in_atomic_context_is_reported_and_served_without_sleeping()
    {
        using var machine = Machine.Arm(64 * Machine.MiB);
        var bugs = new List<KernelBug>();
        machine.Allocator.BugReported += bugs.Add;
        machine.Cpu.EnterAtomic();
        var page = machine.Cpu.AllocPage(GfpFlags.Kernel);
        Assert.That(page.IsNull, Is.False);
        Assert.That(bugs.Select(bug => bug.Kind), Is.EqualTo(new[] { KernelBugKind.SleepInAtomicContext }));
        Assert.That(machine.Cpu.AllocPage(GfpFlags.Atomic).IsNull, Is.False);
        machine.Cpu.LeaveAtomic();
        machine.Cpu.AllocPage(GfpFlags.Kernel);
        Assert.That(bugs, Has.Count.EqualTo(1));
        Assert.That(machine.Cpu.AllocPage(GfpFlags.Dma | GfpFlags.HighMem).IsNull, Is.True);
        Assert.That(machine.Cpu.AllocPages(GfpFlags.Kernel, 11).IsNull, Is.True);
        Assert.That(bugs.Skip(1).Select(bug => bug.Kind), Is.EqualTo(new[] { KernelBugKind.BadFlags, KernelBugKind.OrderTooLarge }));
    }

    [Test]
    public void A_request_that_must_not_fail_takes_the_reserves_and_panics_at_the_end()
    {
        using var machine = Machine.Arm(64 * Machine.MiB);
        var pages = 0UL;
        Assert.Throws<OutOfMemoryPanicException>(() =>
        {
            for (; ; pages++)
                machine.Cpu.AllocPage(GfpFlags.Kernel | GfpFlags.NoFail);
        });
        Assert.That(pages, Is.EqualTo(machine.Allocator.TotalPages));
    }

    [Test]
    public void A_node_serves_its_own_cpus_first_and_the_others_when_it_is_full()
    {
        var policy = new Policy { LinuxVersion = Machine.Set(new LinuxVersion(6, 1)), Numa = Machine.Set(true) };
        using var machine = Machine.Boot(
            TargetArchitecture.Arm64, policy, new PageAllocatorOptions { Cpus = 2 }, null,
            (4 * Machine.GiB, (4 * Machine.GiB) + (256 * Machine.MiB), 0), (8 * Machine.GiB, (8 * Machine.GiB) + (256 * Machine.MiB), 1));
        Assert.That(machine.Map.Kind, Is.EqualTo(MemoryModelKind.Sparse));
        var local = machine.Allocator.Cpus[1].AllocPage(GfpFlags.Kernel);
        Assert.That(machine.Allocator.PageZone(local).Node, Is.EqualTo(1));
        var nodes = new HashSet<int>();
        for (var page = local; !page.IsNull; page = machine.Allocator.Cpus[1].AllocPages(GfpFlags.Kernel | GfpFlags.NoWarn, 6))
            nodes.Add(machine.Allocator.PageZone(page).Node);
        Assert.That(nodes, Is.EquivalentTo(new[] { 0, 1 }));
        Assert.That(machine.Allocator.Cpus[1].AllocPages(GfpFlags.Kernel | GfpFlags.NoWarn | GfpFlags.ThisNode, 6).IsNull, Is.True);
        machine.Allocator.Verify();
    }

    [Test]
    public void Zones_that_share_a_pageblock_do_not_mix()
    {
        // Lowmem ends inside a block of 4 MiB.
        using var machine = Machine.Boot(TargetArchitecture.Arm, Machine.ArmPolicy() with { Bootargs = new BootArguments { Vmalloc = Machine.Set(511UL << 20) } }, null, null, (0, Machine.GiB, 0));
        Assert.That(machine.Allocator.Zones, Has.Count.EqualTo(2));
        TestContext.Out.WriteLine(machine.Allocator.Zones[1].Start);
        machine.Allocator.Verify();
        while (!machine.Cpu.AllocPages(GfpFlags.HighUserMovable | GfpFlags.MemAlloc | GfpFlags.NoWarn, 0).IsNull)
        {
        }
        machine.Allocator.Verify();
        Assert.That(machine.Allocator.Zones.Sum(zone => zone.FreePages), Is.Zero);
    }

    [Test]
    public void Descriptors_and_bitmaps_take_at_most_32_bytes_a_frame_of_the_boards_own_memory()
    {
        using var machine = Machine.Arm(512 * Machine.MiB);
        Assert.That(machine.Map.MetadataBytes, Is.LessThan(32UL * machine.Map.Frames));
        var charged = machine.Layout.LowPages - machine.Allocator.TotalPages;
        Assert.That(charged << 12, Is.InRange(machine.Map.MetadataBytes, machine.Map.MetadataBytes + (16 << 10)));
    }

    private sealed class PageCache(Stack<Page> pages, GfpFlags needs) : IReclaimer
    {
        public int Calls { get; private set; }

        public GfpFlags Needs => needs;

        public long Reclaim(Cpu cpu, MemoryZone zone, int order, long wanted)
        {
            Calls++;
            var freed = 0L;
            for (; freed < wanted && pages.Count > 0; freed++)
                cpu.FreePage(pages.Pop());
            return freed;
        }
    }
}
