using System.Collections.Generic;
using KmemKit.BoardCompiler.Policies;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Pages;
using KmemKit.Runtime.Proc;
using KmemKit.Runtime.Tests.PageTests;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.MovementTests;

/// <summary>Pageblocks set aside for atomic requests of order 1 and up.</summary>
internal sealed class HighAtomicTests
{
    private static Machine Boot(int minor = 4) => Machine.Boot(
        TargetArchitecture.Arm, Machine.ArmPolicy() with { LinuxVersion = Machine.Set(new LinuxVersion(4, minor)) },
        new PageAllocatorOptions { Cpus = 1, PageBlockOrder = 9, MinFreeKbytes = 8192 }, null, (0, 256 * Machine.MiB, 0));

    private static void Fill(Machine machine, GfpFlags flags)
    {
        while (!machine.Cpu.AllocPage(flags | GfpFlags.NoWarn).IsNull)
        {
        }
    }

    [Test]
    public void An_atomic_request_below_the_low_mark_sets_its_pageblock_aside_up_to_a_hundredth_of_the_zone()
    {
        using var machine = Boot();
        var zone = machine.Allocator.Zones[0];
        machine.Cpu.FreePages(machine.Cpu.AllocPages(GfpFlags.Atomic, 3), 3);
        Assert.That(zone.ReservedHighAtomicPages, Is.Zero, "there was enough");
        Fill(machine, GfpFlags.NoWait);
        var first = machine.Cpu.AllocPages(GfpFlags.Atomic, 3);
        Assert.That(first.IsNull, Is.False);
        Assert.That(machine.Allocator.PageBlockType(first), Is.EqualTo(MigrateType.HighAtomic));
        Assert.That(zone.ReservedHighAtomicPages, Is.EqualTo(512));
        Assert.That(PageTypeInfo.Of(machine.Allocator).Zones[0].Types[(int)MigrateType.HighAtomic].PageBlocks, Is.EqualTo(1));
        var free = zone.FreeHighAtomicPages;
        Assert.That(free, Is.Positive);
        var second = machine.Cpu.AllocPages(GfpFlags.Atomic, 3);
        Assert.That(machine.Allocator.PageBlockType(second), Is.EqualTo(MigrateType.HighAtomic), "the next one comes from there");
        Assert.That(zone.FreeHighAtomicPages, Is.EqualTo(free - 8));
        machine.Allocator.Verify();

        while (!machine.Cpu.AllocPages(GfpFlags.Atomic | GfpFlags.NoWarn, 3).IsNull)
        {
        }
        var limit = ((long)zone.ManagedPages / 100) + 512;
        Assert.That(zone.ReservedHighAtomicPages, Is.InRange(limit - 512, limit + 511));
        free = zone.FreeHighAtomicPages;
        machine.Cpu.FreePages(second, 3);
        Assert.That(zone.FreeHighAtomicPages, Is.EqualTo(free + 8), "it goes back to the reserve, not to a CPU's list");
        machine.Allocator.Verify();
    }

    [Test]
    public void Others_do_not_get_the_reserve_until_a_sleeping_request_would_fail()
    {
        using var machine = Boot();
        var zone = machine.Allocator.Zones[0];
        Fill(machine, GfpFlags.NoWait);
        machine.Cpu.FreePages(machine.Cpu.AllocPages(GfpFlags.Atomic, 3), 3);
        machine.Allocator.DrainAllPages(machine.Cpu);
        var reserved = zone.FreeHighAtomicPages;
        Assert.That(reserved, Is.Positive);
        Fill(machine, GfpFlags.NoWait);
        Assert.That(zone.FreeHighAtomicPages, Is.EqualTo(reserved));
        // What makes room for a sleeping request is the reserve, given to its kind.
        machine.Allocator.SetMinFreeKbytes(128);
        Fill(machine, GfpFlags.NoWait);
        Assert.That(zone.FreeHighAtomicPages, Is.EqualTo(reserved));
        var held = new List<Page>();
        for (var page = machine.Cpu.AllocPage(GfpFlags.Kernel | GfpFlags.NoWarn); !page.IsNull; page = machine.Cpu.AllocPage(GfpFlags.Kernel | GfpFlags.NoWarn))
            held.Add(page);
        Assert.That(held, Is.Not.Empty);
        Assert.That((zone.ReservedHighAtomicPages, zone.FreeHighAtomicPages), Is.EqualTo((0L, 0L)));
        machine.Allocator.Verify();
    }

    [Test]
    public void An_atomic_request_of_one_page_may_use_the_reserve_at_last()
    {
        using var machine = Boot();
        var zone = machine.Allocator.Zones[0];
        Fill(machine, GfpFlags.NoWait);
        machine.Cpu.FreePages(machine.Cpu.AllocPages(GfpFlags.Atomic, 3), 3);
        Fill(machine, GfpFlags.Atomic);
        machine.Allocator.SetMinFreeKbytes(128);
        Fill(machine, GfpFlags.Atomic);
        Assert.That(zone.FreeHighAtomicPages, Is.LessThan(64));
        machine.Allocator.Verify();
    }

    [Test]
    public void Kernels_before_4_4_have_no_such_reserve()
    {
        using var machine = Boot(minor: 1);
        Fill(machine, GfpFlags.NoWait);
        Assert.That(machine.Cpu.AllocPages(GfpFlags.Atomic, 3).IsNull, Is.False);
        Assert.That(machine.Allocator.Zones[0].ReservedHighAtomicPages, Is.Zero);
    }
}
