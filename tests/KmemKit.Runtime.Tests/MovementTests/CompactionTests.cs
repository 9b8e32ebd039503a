using System.Collections.Generic;
using System.Linq;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Compaction;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Migration;
using KmemKit.Runtime.Pages;
using KmemKit.Runtime.Tests.PageTests;
using KmemKit.Runtime.Zones;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.MovementTests;

/// <summary>Compaction: movable pages go up, free blocks come together below.</summary>
internal sealed class CompactionTests
{
    private const GfpFlags Movable = GfpFlags.HighUserMovable | GfpFlags.NoWarn | GfpFlags.MemAlloc;

    private Machine _machine = null!;
    private MovableHeap _heap = null!;

    private Cpu Cpu => _machine.Cpu;

    private MemoryZone Zone => _machine.Allocator.Zones[0];

    private VmEvents Events => _machine.Allocator.Events;

    [SetUp]
    public void Boot()
    {
        _machine = Machine.Arm(64 * Machine.MiB, new PageAllocatorOptions { Cpus = 1, PageBlockOrder = 9 });
        _heap = new MovableHeap(_machine);
    }

    [TearDown]
    public void End()
    {
        _machine.Allocator.DrainAllPages(Cpu);
        _machine.Allocator.Verify();
        _heap.CheckContents();
        _machine.Dispose();
    }

    [TestCase(GfpFlags.Kernel, 1, 1, Description = "the hasty run leaves pageblocks of another kind alone")]
    [TestCase(GfpFlags.Kernel, 3, 1)]
    [TestCase(GfpFlags.Kernel, 5, 1)]
    [TestCase(GfpFlags.Kernel, 9, 1)]
    [TestCase(GfpFlags.HighUserMovable, 2, 0)]
    [TestCase(GfpFlags.HighUserMovable, 9, 0)]
    public void A_sleeping_request_makes_its_own_room(GfpFlags flags, int order, int inVain)
    {
        Scatter(2);
        Assert.That(Zone.FreeBlocks(order), Is.Zero);
        Assert.That(Cpu.AllocPages(GfpFlags.NoWait | GfpFlags.NoWarn, order).IsNull, Is.True, "one that cannot sleep fails");
        Assert.That(Cpu.AllocPages((flags & ~GfpFlags.IO & ~GfpFlags.FS) | GfpFlags.NoWarn, order).IsNull, Is.True, "GFP_NOIO does not compact");
        Assert.That(Events.CompactStall, Is.Zero);
        var page = Cpu.AllocPages(flags, order);
        Assert.That(page.IsNull, Is.False);
        Assert.That((Events.CompactStall, Events.CompactSuccess, Events.CompactFail), Is.EqualTo((1L + inVain, 1L, (long)inVain)));
        Assert.That(Events.MigrateSuccess, Is.EqualTo(_heap.Moved).And.Positive);
        Assert.That(Events.MigrateScanned, Is.GreaterThanOrEqualTo(Events.MigrateSuccess));
        Assert.That(Events.FreeScanned, Is.GreaterThanOrEqualTo(Events.MigrateSuccess));
        Assert.That(Events.Isolated, Is.GreaterThanOrEqualTo(2 * Events.MigrateSuccess));
        Assert.That(Events.MigrateScanned, Is.LessThan((long)_machine.Map.Frames / 2), "it stops as soon as there is a block");
        Assert.That(Zone.Compaction.DeferShift, Is.Zero);
        _heap.CheckContents();
        Cpu.FreePages(page, order);
    }

    [Test]
    public void The_whole_zone_by_command_leaves_movable_pages_at_its_end_and_whole_blocks_before()
    {
        Scatter(4);
        var free = Zone.FreePages;
        Assert.That(Zone.FreeBlocks(9) + Zone.FreeBlocks(10), Is.Zero);
        _machine.Allocator.CompactMemory(Cpu);
        _machine.Allocator.DrainAllPages(Cpu);
        Assert.That(Zone.FreePages, Is.EqualTo(free));
        var whole = (Zone.FreeBlocks(9) * 512) + (Zone.FreeBlocks(10) * 1024);
        Assert.That(whole, Is.GreaterThan(free * 9 / 10), "nine tenths of what is free are whole pageblocks");
        var lowest = _heap.Items.Min(item => _machine.Map.PageToPfn(item.Page).Number);
        Assert.That(lowest, Is.GreaterThan(_machine.Map.Frames * 6 / 10));
        Assert.That(Events.CompactStall, Is.Zero, "nobody waited for it");
        Assert.That(KmemKit.Runtime.Proc.FragmentationInfo.Of(_machine.Allocator).Zones[0].Unusable[9], Is.LessThan(100));
    }

    [Test]
    public void Blocks_of_all_orders_below_the_wanted_one_move()
    {
        Scatter(2, 2);
        var page = Cpu.AllocPages(GfpFlags.Kernel, 5);
        Assert.That(page.IsNull, Is.False);
        Assert.That(_heap.Moved, Is.Positive);
        _heap.CheckContents();
        Cpu.FreePages(page, 5);
    }

    [Test]
    public void Unmovable_pages_everywhere_make_it_fail_and_be_deferred_ever_longer()
    {
        // One registered page, so that compaction is tried at all.
        var kept = _heap.Alloc(Cpu, 0, Movable)!;
        var pages = new List<Page>();
        for (var page = Cpu.AllocPage(Movable); !page.IsNull; page = Cpu.AllocPage(Movable))
            pages.Add(page);
        Cpu.FreePagesBulk([.. pages.Where(page => _machine.Map.PageToPfn(page).Number % 2 == 0)]);
        _machine.Allocator.DrainAllPages(Cpu);
        var stalls = new List<long>();
        for (var n = 0; n < 400; n++)
        {
            var before = Events.CompactStall;
            Assert.That(Cpu.AllocPages(GfpFlags.Kernel | GfpFlags.NoWarn, 1).IsNull, Is.True);
            if (Events.CompactStall > before)
                stalls.Add(n);
        }
        Assert.That(Zone.Compaction.DeferShift, Is.EqualTo(6));
        Assert.That(Events.CompactFail, Is.EqualTo(Events.CompactStall).And.Positive);
        Assert.That(Events.CompactSuccess, Is.Zero);
        Assert.That(stalls, Has.Count.LessThan(20));
        Assert.That(stalls[^1] - stalls[^2], Is.GreaterThan(stalls[1] - stalls[0]));
        Cpu.FreePagesBulk([.. pages.Where(page => _machine.Map.IsAllocated(page))]);
        Assert.That(kept.Page.IsNull, Is.False);
    }

    [Test]
    public void Deferral_counts_as_the_kernel_does()
    {
        var state = new ZoneCompaction();
        Assert.That(state.IsDeferred(3), Is.False, "nothing failed yet");
        for (var failures = 1; failures <= 8; failures++)
        {
            state.Defer(3);
            var shift = System.Math.Min(failures, 6);
            Assert.That(state.DeferShift, Is.EqualTo(shift));
            Assert.That(Enumerable.Range(0, (1 << shift) - 1).All(_ => state.IsDeferred(3)), Is.True);
            Assert.That(state.IsDeferred(3), Is.False, "2^shift requests later it is tried again");
            Assert.That(state.IsDeferred(3), Is.False, "and stays so until that one has ended");
        }
        state.Reset(3, isAllocated: false);
        Assert.That((state.OrderFailed, state.DeferShift), Is.EqualTo((4, 6)));
        state.Defer(4);
        Assert.That(state.IsDeferred(3), Is.False, "orders below the failed one are not deferred");
        Assert.That(state.IsDeferred(4), Is.True);
        state.Defer(2);
        Assert.That(state.OrderFailed, Is.EqualTo(2));
        state.Reset(2, isAllocated: true);
        Assert.That((state.DeferShift, state.Considered, state.OrderFailed), Is.EqualTo((0, 0, 3)));
    }

    [Test]
    public void Owners_that_refuse_keep_their_pages()
    {
        Scatter(2);
        _heap.Isolates = static _ => false;
        var places = _heap.Places();
        Assert.That(Cpu.AllocPages(GfpFlags.Kernel | GfpFlags.NoWarn, 3).IsNull, Is.True);
        Assert.That(_heap.Places(), Is.EqualTo(places));
        _heap.Isolates = static _ => true;
        _heap.Moves = static _ => MoveResult.Refused;
        _machine.Allocator.CompactMemory(Cpu);
        Assert.That(_heap.Places(), Is.EqualTo(places));
        Assert.That(_heap.PutBacks, Is.Positive);
        Assert.That(Events.MigrateFail, Is.EqualTo(_heap.PutBacks));
    }

    [Test]
    public void Pinned_pages_stay_and_the_others_move_around_them()
    {
        Scatter(4);
        var pinned = _heap.Items.Where((_, n) => n % 50 == 0).ToList();
        pinned.ForEach(item => _machine.Map.GetPage(item.Page));
        var places = pinned.ConvertAll(item => item.Page);
        _machine.Allocator.CompactMemory(Cpu);
        Assert.That(pinned.ConvertAll(item => item.Page), Is.EqualTo(places));
        Assert.That(_heap.Moved, Is.Positive);
        pinned.ForEach(item => Cpu.FreePage(item.Page));
    }

    [Test]
    public void Isolated_pageblocks_are_neither_emptied_nor_filled()
    {
        Scatter(2);
        var last = _machine.Map.PfnToPage(new Architecture.PageFrame(16384 - 2048));
        _machine.Allocator.SetPageBlockType(last, MigrateType.Isolate);
        var first = _machine.Map.PfnToPage(new Architecture.PageFrame(1024));
        _machine.Allocator.SetPageBlockType(first, MigrateType.Isolate);
        List<ulong> In(ulong from) => [.. _heap.Items.Select(item => _machine.Map.PageToPfn(item.Page).Number).Where(pfn => pfn >= from && pfn < from + 512).Order()];
        var (before, below) = (In(16384 - 2048), In(1024));
        _machine.Allocator.CompactMemory(Cpu);
        Assert.That(In(16384 - 2048), Is.EqualTo(before));
        Assert.That(In(1024), Is.EqualTo(below));
        Assert.That(_heap.Moved, Is.Positive);
    }

    [Test]
    public void A_mover_may_allocate_and_does_not_end_up_in_itself()
    {
        Scatter(2);
        var depth = 0;
        var most = 0;
        _heap.Isolates = _ =>
        {
            most = System.Math.Max(most, ++depth);
            var page = Cpu.AllocPages(GfpFlags.Kernel | GfpFlags.NoWarn, 4);
            if (!page.IsNull)
                Cpu.FreePages(page, 4);
            depth--;
            return true;
        };
        var got = Cpu.AllocPages(GfpFlags.Kernel, 3);
        Assert.That(got.IsNull, Is.False);
        Assert.That(most, Is.EqualTo(1));
        Cpu.FreePages(got, 3);
    }

    [Test]
    public void Boards_without_movable_pages_never_compact()
    {
        var pages = new List<Page>();
        for (var page = Cpu.AllocPage(Movable); !page.IsNull; page = Cpu.AllocPage(Movable))
            pages.Add(page);
        Cpu.FreePagesBulk([.. pages.Where((_, n) => n % 2 == 0)]);
        Assert.That(Cpu.AllocPages(GfpFlags.Kernel | GfpFlags.NoWarn, 10).IsNull, Is.True);
        Assert.That((Events.CompactStall, Events.MigrateScanned), Is.EqualTo((0L, 0L)));
    }

    // Movable blocks everywhere, of which one in so many stays.
    private void Scatter(int oneOf, int order = 0)
    {
        while (_heap.Alloc(Cpu, order, Movable) is not null)
        {
        }
        foreach (var item in _heap.Items)
        {
            if ((_machine.Map.PageToPfn(item.Page).Number >> order) % (ulong)oneOf != 0)
                _heap.Free(Cpu, item);
        }
        _machine.Allocator.DrainAllPages(Cpu);
    }
}
