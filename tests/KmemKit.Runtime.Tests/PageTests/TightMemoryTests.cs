using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using KmemKit.Benchmarks.PageAllocation;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Pages;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.PageTests;

/// <summary>What the CPU's lists hold must not make requests fail that cannot sleep, when large blocks run out.</summary>
internal sealed class TightMemoryTests
{
    private const GfpFlags NoWait = GfpFlags.NoWait | GfpFlags.NoWarn;

    [TestCase(0, 4, 1024UL)]
    [TestCase(1, 4, 1024UL)]
    [TestCase(2, 64, 16264UL, Description = "as many pages as 1 GiB has of 4 KiB: descriptors take fewer")]
    public void The_mixed_load_fails_no_more_often_than_in_the_textbooks_buddy_system(int seed, int pageKib, ulong megabytes)
    {
        const int stretches = 250;
        using var machine = new BenchmarkMachine(megabytes, 1, pageKib);
        var ours = new MixedLoad<BlocksOfCpu, Page>(new BlocksOfCpu(machine), seed);
        ours.Warm(stretches);
        machine.Allocator.Verify();
        using var other = new BenchmarkMachine(megabytes, 1, pageKib);
        var ideal = new MixedLoad<TextbookBlocks, uint>(new TextbookBlocks(other), seed);
        ideal.Warm(stretches);
        Assert.That(ideal.Requests, Is.EqualTo(ours.Requests));
        TestContext.Out.WriteLine($"{machine.Allocator.TotalPages} pages; {ours.Failures} of {ours.Requests} requests failed, of the textbook's {ideal.Failures}");
        Assert.That(ours.Failures, Is.Positive.And.LessThanOrEqualTo(ideal.Failures));
    }

    [Test]
    public void A_larger_block_in_the_cpus_list_serves_smaller_requests_when_the_zone_has_none()
    {
        using var machine = Machine.Arm(256 * Machine.MiB);
        var block = TakeAllBut(machine, order: 8);
        machine.Cpu.FreePages(block, 8);
        Assert.That(machine.Cpu.ListCount(machine.Allocator.Zones[0].Number, 8, (int)MigrateType.Unmovable), Is.EqualTo(1));
        for (var order = 1; order <= 7; order++)
        {
            Assert.That(machine.Cpu.AllocPages(NoWait, order).IsNull, Is.False, $"order {order}");
            machine.Allocator.Verify();
        }
    }

    [Test]
    public void Buddies_freed_one_by_one_serve_costly_requests_but_for_the_reserve_of_order_3()
    {
        using var machine = Machine.Arm(256 * Machine.MiB);
        var cpu = machine.Cpu;
        cpu.FreePages(TakeAllBut(machine, order: 7), 7);
        var eights = Enumerable.Range(0, 16).Select(_ => cpu.AllocPages(NoWait, 3)).ToArray();
        Assert.That(eights.Any(static page => page.IsNull), Is.False);
        BecomeTight(cpu);
        foreach (var page in eights)
            cpu.FreePages(page, 3);
        machine.Allocator.Verify();
        var served = 0;
        while (!cpu.AllocPages(NoWait, 4).IsNull)
            served++;
        machine.Allocator.Verify();
        Assert.That(served, Is.EqualTo(6), "16 blocks of order 3 are 8 of order 4, two of which the reserve keeps as four of order 3");
        Assert.That(cpu.AllocPages(NoWait, 3).IsNull, Is.False, "a request that is not costly gets the reserve");
        Assert.That(cpu.AllocPages(GfpFlags.Kernel | GfpFlags.NoWarn, 4).IsNull, Is.False, "one that may sleep is not kept from any block");
    }

    [Test]
    public void A_block_of_order_4_that_is_freed_makes_up_the_reserve_first()
    {
        using var machine = Machine.Arm(256 * Machine.MiB);
        var cpu = machine.Cpu;
        cpu.FreePages(TakeAllBut(machine, order: 6), 6);
        var fours = Enumerable.Range(0, 4).Select(_ => cpu.AllocPages(NoWait, 4)).ToArray();
        BecomeTight(cpu);
        foreach (var page in fours)
            cpu.FreePages(page, 4);
        machine.Allocator.Verify();
        var zone = machine.Allocator.Zones[0].Number;
        Assert.That(cpu.ListCount(zone, 3, (int)MigrateType.Unmovable), Is.EqualTo(4));
        Assert.That(cpu.ListCount(zone, 4, (int)MigrateType.Unmovable), Is.EqualTo(2));
    }

    [Test]
    public void Memory_is_tight_for_a_while_only()
    {
        using var machine = Machine.Arm(256 * Machine.MiB);
        var cpu = machine.Cpu;
        cpu.FreePages(TakeAllBut(machine, order: 9), 9);
        cpu.AllocPages(NoWait, 10);
        Assert.That(ListedAfterRun(), Is.LessThanOrEqualTo(8), "freed buddies merge");
        for (var i = 0; i < 3000; i++)
            cpu.FreePages(cpu.AllocPages(NoWait, 3), 3);
        Assert.That(ListedAfterRun(), Is.GreaterThanOrEqualTo(12), "they wait side by side again");
        machine.Allocator.Verify();

        int ListedAfterRun()
        {
            machine.Allocator.DrainAllPages(cpu);
            var pages = Enumerable.Range(0, 12).Select(_ => cpu.AllocPages(NoWait, 3)).ToArray();
            foreach (var page in pages)
                cpu.FreePages(page, 3);
            return cpu.ListCount(machine.Allocator.Zones[0].Number, 3, (int)MigrateType.Unmovable);
        }
    }

    [Test]
    public void A_failure_wakes_kswapd_once_a_zone_and_is_counted()
    {
        using var machine = Machine.Arm(256 * Machine.MiB);
        TakeAllBut(machine, order: 4);
        machine.Cpu.AllocPages(NoWait, 10);
        var zone = machine.Allocator.Zones[0];
        var (wakeups, failures) = (zone.KswapdWakeups, machine.Allocator.Failures);
        Assert.That(machine.Cpu.AllocPages(GfpFlags.NoWait, 10).IsNull, Is.True);
        Assert.That(zone.KswapdWakeups, Is.EqualTo(wakeups + 1));
        Assert.That(machine.Allocator.Failures, Is.EqualTo(failures + 1));
    }

    [Test]
    public void A_free_goes_to_the_list_or_the_zone_while_another_thread_isolates_its_pageblock()
    {
        const int meetings = 400;
        using var machine = Machine.Arm(256 * Machine.MiB, new PageAllocatorOptions { Cpus = 2 });
        var block = TakeAllBut(machine, order: 8);
        var kind = machine.Allocator.PageBlockType(block);
        machine.Cpu.FreePages(block, 8);
        machine.Allocator.DrainAllPages(machine.Cpu);
        var before = BuddyModelTests.FreeLists(machine);
        var (stop, turns) = (false, 0);
        var isolating = new Thread(() =>
        {
            while (!Volatile.Read(ref stop))
            {
                machine.Allocator.SetPageBlockType(block, MigrateType.Isolate);
                machine.Allocator.SetPageBlockType(block, kind);
                Volatile.Write(ref turns, turns + 1);
                // Where two threads share a core it is left here, not while all is isolated.
                Thread.SpinWait(20);
            }
        });
        isolating.Start();
        try
        {
            var cpu = machine.Allocator.Cpus[1];
            var last = -1;
            for (var (freed, met) = (0, 0); met < meetings; freed++)
            {
                // It fails, and memory stays tight: each free looks for the block's buddy.
                if (freed % 512 == 0)
                    cpu.AllocPages(NoWait, 10);
                Page page;
                while ((page = cpu.AllocPages(NoWait, 3)).IsNull)
                    Thread.Yield();
                cpu.FreePages(page, 3);
                var turn = Volatile.Read(ref turns);
                met += turn == last ? 0 : 1;
                last = turn;
            }
        }
        finally
        {
            Volatile.Write(ref stop, true);
            isolating.Join();
        }
        machine.Allocator.DrainAllPages(machine.Cpu);
        machine.Allocator.Verify();
        Assert.That(BuddyModelTests.FreeLists(machine), Is.EqualTo(before));
    }

    private static void BecomeTight(Cpu cpu) => Assert.That(cpu.AllocPages(NoWait, 4).IsNull, Is.True);

    // A block of the order; all else is in use, or a single page between two that are.
    private static Page TakeAllBut(Machine machine, int order)
    {
        var cpu = machine.Cpu;
        var block = cpu.AllocPages(GfpFlags.NoWait, order);
        var pages = new List<Page>();
        for (var page = cpu.AllocPage(NoWait | GfpFlags.MemAlloc); !page.IsNull; page = cpu.AllocPage(NoWait | GfpFlags.MemAlloc))
            pages.Add(page);
        foreach (var page in pages.Where(static page => (page.Index & 1) != 0))
            cpu.FreePage(page);
        machine.Allocator.DrainAllPages(cpu);
        return block;
    }
}
