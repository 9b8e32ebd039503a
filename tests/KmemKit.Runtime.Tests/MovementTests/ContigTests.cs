using System;
using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Policies;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Contiguous;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Migration;
using KmemKit.Runtime.Pages;
using KmemKit.Runtime.Tests.PageTests;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.MovementTests;

/// <summary>Rows of frames are taken whatever movable pages are in them; when something is in the way, everything is as before.</summary>
internal sealed unsafe class ContigTests
{
    private Machine _machine = null!;
    private MovableHeap _heap = null!;

    private Cpu Cpu => _machine.Cpu;

    [SetUp]
    public void Boot()
    {
        _machine = Machine.Arm(64 * Machine.MiB, new PageAllocatorOptions { Cpus = 1, PageBlockOrder = 9 }, memblock => memblock.Reserve(new PhysAddr(1 << 20), 1 << 20));
        _heap = new MovableHeap(_machine);
    }

    [TearDown]
    public void End()
    {
        _machine.Allocator.Verify();
        _machine.Dispose();
    }

    [TestCase(0)]
    [TestCase(2)]
    [TestCase(9)]
    [TestCase(10)]
    public void Movable_blocks_in_the_row_move_elsewhere_with_their_contents(int order)
    {
        var before = BuddyModelTests.FreeLists(_machine);
        Fill(order, _machine.Allocator.TotalPages / 2);
        // Neither end is at a pageblock.
        var (first, end) = Row(700);
        var inside = _heap.Items.Count(item => IsIn(item, first, end));
        Assert.That(inside, Is.Positive);
        var result = Take(first, end);
        Assert.That(result.Error, Is.EqualTo(ContigError.None));
        Assert.That(_heap.Moved, Is.GreaterThanOrEqualTo(inside));
        Assert.That(_machine.Allocator.Events.MigrateSuccess, Is.EqualTo(_heap.Moved << order));
        Assert.That(_heap.Items.Any(item => IsIn(item, first, end)), Is.False);
        _heap.CheckContents();
        _machine.Allocator.Verify();
        for (var pfn = first; pfn < end; pfn++)
            Assert.That(_machine.Map.PageCount(At(pfn)), Is.EqualTo(1));
        Cpu.FreeContigRange(result.First, end - first);
        _heap.FreeAll(Cpu);
        _machine.Allocator.DrainAllPages(Cpu);
        Assert.That(BuddyModelTests.FreeLists(_machine), Is.EqualTo(before));
    }

    [Test]
    public void References_flags_and_words_go_to_the_new_page()
    {
        var item = _heap.Alloc(Cpu)!;
        _machine.Map.GetPage(item.Page);
        item.References = 2;
        _machine.Map.SetFlags(item.Page, PageFlags.Dirty | PageFlags.Uptodate | PageFlags.Lru);
        _machine.Map.Descriptor(item.Page).Private = 4711;
        var (old, pfn) = (item.Page, _machine.Map.PageToPfn(item.Page).Number);
        Assert.That(Take(pfn, pfn + 1).IsOk, Is.True);
        Assert.That(item.Page, Is.Not.EqualTo(old));
        Assert.That(_machine.Map.PageCount(item.Page), Is.EqualTo(2));
        Assert.That(_machine.Map.Flags(item.Page), Is.EqualTo(PageFlags.Dirty | PageFlags.Uptodate | PageFlags.Lru | PageFlags.Movable));
        Assert.That(_machine.Map.Descriptor(item.Page).Private, Is.EqualTo(4711));
        Assert.That((_machine.Map.Flags(old), _machine.Map.Descriptor(old).Private), Is.EqualTo((PageFlags.None, 0UL)), "nothing is left on the old one");
        _machine.Map.ClearFlags(item.Page, PageFlags.Lru);
        _heap.CheckContents();
        _heap.Free(Cpu, item);
        Assert.That(_machine.Map.PageCount(item.Page), Is.Zero);
    }

    [Test]
    public void A_compound_block_moves_as_one()
    {
        var page = Cpu.AllocPages(GfpFlags.HighUserMovable | GfpFlags.Comp, 3);
        var item = _heap.Adopt(page, 3);
        var pfn = _machine.Map.PageToPfn(page).Number;
        Assert.That(Take(pfn + 5, pfn + 6).IsOk, Is.True);
        Assert.That(_machine.Map.CompoundOrder(item.Page), Is.EqualTo(3));
        Assert.That(_machine.Map.IsAllocated(At(pfn)), Is.False, "what of the old block was not asked for is free");
        _heap.CheckContents();
    }

    [Test]
    public void A_pinned_page_leaves_everything_as_it_was()
    {
        var target = Prepare();
        _machine.Map.GetPage(target.Page);
        Refused(ContigError.Pinned, target);
        _machine.Map.GetPage(target.Page);
        Cpu.FreePage(target.Page);
        Cpu.FreePage(target.Page);
        Assert.That(TakePrepared().IsOk, Is.True);
    }

    [Test]
    public void A_page_without_a_mover_leaves_everything_as_it_was()
    {
        var target = Prepare();
        _machine.Allocator.Movable.Unregister(target.Page);
        Refused(ContigError.Unmovable, target);
        _machine.Allocator.Movable.Register(target.Page, _heap);
        Assert.That(TakePrepared().IsOk, Is.True);
    }

    [Test]
    public void An_owner_that_does_not_agree_leaves_everything_as_it_was()
    {
        var target = Prepare();
        _heap.Isolates = page => page != target.Page;
        Refused(ContigError.Refused, target);
        _heap.Isolates = static _ => true;
        Assert.That(TakePrepared().IsOk, Is.True);
    }

    [Test]
    public void No_memory_half_way_leaves_everything_as_it_was()
    {
        var target = Prepare();
        // Half of what the row holds finds a place.
        var held = new List<Page>();
        for (var page = Cpu.AllocPage(All); !page.IsNull; page = Cpu.AllocPage(All))
            held.Add(page);
        Cpu.FreePagesBulk([.. held.Where(page => PfnOf(page) is not (>= 8192 and < 8192 + 512)).Take(100)]);
        _machine.Allocator.SetMinFreeKbytes(1);
        Refused(ContigError.NoMemory, null);
        Cpu.FreePagesBulk([.. held.Where(page => _machine.Map.IsAllocated(page))]);
        Assert.That(TakePrepared().IsOk, Is.True);
        Assert.That(target, Is.Not.Null);
    }

    [Test]
    public void An_owner_that_refuses_the_move_itself_keeps_that_page_and_nothing_is_lost()
    {
        var target = Prepare();
        var (free, count) = (FreePages(), _heap.Count);
        _heap.Moves = page => page == target.Page ? MoveResult.Refused : MoveResult.Moved;
        var result = TakePrepared();
        Assert.That((result.Error, result.Frame), Is.EqualTo((ContigError.Refused, (PageFrame?)_machine.Map.PageToPfn(target.Page))));
        Assert.That(_heap.Count, Is.EqualTo(count));
        Assert.That(FreePages(), Is.EqualTo(free));
        Assert.That(_machine.Allocator.PageBlockType(target.Page), Is.EqualTo(MigrateType.Movable));
        Assert.That(_machine.Allocator.Events.MigrateFail, Is.Positive);
        _heap.CheckContents();
        _heap.Moves = static _ => MoveResult.Moved;
        Assert.That(TakePrepared().IsOk, Is.True);
    }

    [TestCase(9, true, Description = "ten passes")]
    [TestCase(1000, false, Description = "ten passes in each of five attempts")]
    public void An_owner_that_is_busy_is_asked_again_so_many_times(int busy, bool isTaken)
    {
        var target = Prepare();
        var page = target.Page;
        var asked = 0;
        _heap.Moves = from => from == page && ++asked <= busy ? MoveResult.Busy : MoveResult.Moved;
        var result = TakePrepared();
        Assert.That(result.Error, Is.EqualTo(isTaken ? ContigError.None : ContigError.Busy));
        Assert.That(asked, Is.EqualTo(isTaken ? 10 : 50));
        _heap.CheckContents();
    }

    [Test]
    public void An_owner_that_claims_a_move_without_the_copy_is_reported_and_keeps_the_page()
    {
        var bugs = new List<KernelBug>();
        _machine.Allocator.BugReported += bugs.Add;
        var page = Cpu.AllocPage(GfpFlags.HighUserMovable);
        _machine.Allocator.Movable.Register(page, new Liar());
        var pfn = PfnOf(page);
        Assert.That(Take(pfn, pfn + 1).Error, Is.EqualTo(ContigError.Refused));
        Assert.That(bugs.Select(bug => bug.Kind), Is.EqualTo(new[] { KernelBugKind.MovedWithoutCopy }));
        Assert.That(_machine.Map.PageCount(page), Is.EqualTo(1));
        Cpu.FreePage(page);
    }

    [Test]
    public void An_owner_that_throws_loses_nothing()
    {
        var target = Prepare();
        var (free, page) = (FreePages(), target.Page);
        _heap.Moves = from => from == page ? throw new InvalidOperationException("owner") : MoveResult.Moved;
        Assert.That(Assert.Throws<InvalidOperationException>(() => TakePrepared())!.Message, Is.EqualTo("owner"));
        Assert.That(FreePages(), Is.EqualTo(free));
        _heap.Isolates = from => from == page ? throw new InvalidOperationException("owner") : true;
        Assert.Throws<InvalidOperationException>(() => TakePrepared());
        Assert.That(FreePages(), Is.EqualTo(free));
        _heap.CheckContents();
    }

    [Test]
    public void An_owner_may_free_a_page_between_the_steps()
    {
        var target = Prepare();
        _heap.Isolates = page =>
        {
            if (page == target.Page)
                _heap.Free(Cpu, target);
            return true;
        };
        Assert.That(TakePrepared().IsOk, Is.True);
        Assert.That(_heap.Items, Does.Not.Contain(target));
    }

    [Test]
    public void A_second_free_during_a_move_is_a_double_free()
    {
        var target = Prepare();
        PageErrorException? error = null;
        _heap.Isolates = page =>
        {
            if (page == target.Page)
            {
                _heap.Free(Cpu, target);
                error = Assert.Throws<PageErrorException>(() => Cpu.FreePage(page));
            }
            return true;
        };
        Assert.That(TakePrepared().IsOk, Is.True);
        Assert.That(error!.Kind, Is.EqualTo(PageErrorKind.DoubleFree));
    }

    [Test]
    public void A_row_over_the_edge_of_a_zone_a_hole_or_reserved_memory_is_refused()
    {
        Assert.That(Take(255, 257), Is.EqualTo(ContigResult.Failed(ContigError.Reserved, new PageFrame(256))));
        Assert.That(Take(511, 512), Is.EqualTo(ContigResult.Failed(ContigError.Reserved, new PageFrame(511))));
        Assert.That(Take(16384, 16385), Is.EqualTo(ContigResult.Failed(ContigError.Hole, new PageFrame(16384))));
        Assert.That(Take(5, 5).Error, Is.EqualTo(ContigError.Invalid));
        Assert.That(Take(5, ulong.MaxValue).Error, Is.EqualTo(ContigError.Invalid));

        using var holed = Machine.Boot(TargetArchitecture.Arm, Machine.ArmPolicy(), null, null, (0, 32 * Machine.MiB, 0), (48 * Machine.MiB, 64 * Machine.MiB, 0));
        var result = holed.Cpu.AllocContigRange(new PageFrame(8000), new PageFrame(8400), MigrateType.Movable, GfpFlags.Kernel);
        Assert.That((result.Error, result.Frame, result.Errno), Is.EqualTo((ContigError.Hole, (PageFrame?)new PageFrame(8192), -22)));

        // 16 MiB is the end of DMA.
        using var pc = Machine.Boot(TargetArchitecture.X86, Machine.ArmPolicy() with { PhysOffset = null }, null, null, (0, 64 * Machine.MiB, 0));
        Assert.That(pc.Allocator.Zones.Select(zone => zone.Name), Is.EqualTo(new[] { "DMA", "Normal" }));
        result = pc.Cpu.AllocContigRange(new PageFrame(4000), new PageFrame(4200), MigrateType.Movable, GfpFlags.Kernel);
        Assert.That((result.Error, result.Frame), Is.EqualTo((ContigError.CrossesZone, (PageFrame?)new PageFrame(4096))));
        holed.Allocator.Verify();
        pc.Allocator.Verify();
    }

    [Test]
    public void Requests_that_cannot_be_meant_are_reported()
    {
        var bugs = new List<KernelBugKind>();
        _machine.Allocator.BugReported += bug => bugs.Add(bug.Kind);
        var (first, end) = (new PageFrame(8192), new PageFrame(8193));
        Assert.That(Cpu.AllocContigRange(first, end, MigrateType.Movable, GfpFlags.Atomic).Error, Is.EqualTo(ContigError.Invalid));
        Assert.That(Cpu.AllocContigRange(first, end, MigrateType.Movable, GfpFlags.Kernel | GfpFlags.Comp).Error, Is.EqualTo(ContigError.Invalid));
        Assert.That(Cpu.AllocContigRange(first, end, MigrateType.Unmovable, GfpFlags.Kernel).Error, Is.EqualTo(ContigError.Invalid));
        Cpu.EnterAtomic();
        Assert.That(Cpu.AllocContigPages(1, GfpFlags.Kernel).Error, Is.EqualTo(ContigError.Invalid));
        Cpu.LeaveAtomic();
        Assert.That(bugs, Is.EqualTo(new[] { KernelBugKind.BadFlags, KernelBugKind.BadFlags, KernelBugKind.SleepInAtomicContext }));
    }

    [Test]
    public void A_row_in_an_isolated_or_a_lent_pageblock_is_not_anybodys()
    {
        _machine.Allocator.SetPageBlockType(At(8192), MigrateType.Isolate);
        Assert.That(Take(8192 - 10, 8192 + 10).Error, Is.EqualTo(ContigError.Isolated));
        _machine.Allocator.SetPageBlockType(At(8192), MigrateType.Cma);
        Assert.That(Take(8192 - 10, 8192 + 10).Error, Is.EqualTo(ContigError.Lent));
        Assert.That(_machine.Allocator.PageBlockType(At(8192 - 10)), Is.EqualTo(MigrateType.Movable));
        Assert.That(_machine.Allocator.PageBlockType(At(8192)), Is.EqualTo(MigrateType.Cma));
        Assert.That(Cpu.AllocContigRange(new PageFrame(8192), new PageFrame(8202), MigrateType.Cma, GfpFlags.Kernel).IsOk, Is.True);
    }

    [Test]
    public void A_row_anywhere_is_aligned_to_its_length_and_cleared_on_request()
    {
        Fill(0, _machine.Allocator.TotalPages - 6000);
        var result = Cpu.AllocContigPages(2048, GfpFlags.Kernel | GfpFlags.Zero);
        Assert.That(result.Error, Is.EqualTo(ContigError.None));
        Assert.That(PfnOf(result.First) % 2048, Is.Zero);
        for (var n = 0u; n < 2048; n++)
            Assert.That(new Span<byte>(_machine.Map.PageData(new Page(result.First.Index + n)), 4096).IndexOfAnyExcept((byte)0), Is.EqualTo(-1));
        _heap.CheckContents();
        Assert.That(Cpu.AllocContigPages(20_000, GfpFlags.Kernel).Error, Is.EqualTo(ContigError.NoRange));
        Assert.That(Cpu.AllocContigPages(8192, GfpFlags.Kernel).Errno, Is.Not.Zero);
        Cpu.FreeContigRange(result.First, 2048);
    }

    [Test]
    public void A_row_is_given_back_only_when_all_of_it_is_free_to_go()
    {
        var result = Take(8192, 8292);
        var middle = new Page(result.First.Index + 50);
        _machine.Map.GetPage(middle);
        Assert.That(Assert.Throws<PageErrorException>(() => Cpu.FreeContigRange(result.First, 100))!.Kind, Is.EqualTo(PageErrorKind.InUse));
        Assert.That(Assert.Throws<PageErrorException>(() => Cpu.FreeContigRange(result.First, 101))!.Kind, Is.EqualTo(PageErrorKind.InUse));
        Cpu.FreePage(middle);
        Assert.That(Assert.Throws<PageErrorException>(() => Cpu.FreeContigRange(result.First, 101))!.Kind, Is.EqualTo(PageErrorKind.DoubleFree));
        Assert.That(_machine.Map.PageCount(result.First), Is.EqualTo(1), "nothing was freed");
        Cpu.FreeContigRange(result.First, 100);
    }

    private const GfpFlags All = GfpFlags.HighUserMovable | GfpFlags.MemAlloc | GfpFlags.NoWarn;

    private sealed class Liar : IPageMover
    {
        public MoveResult Move(PageMigration migration) => MoveResult.Moved;
    }

    private void Fill(int order, ulong pages)
    {
        for (var n = 0UL; n < pages; n += 1UL << order)
            Assert.That(_heap.Alloc(Cpu, order), Is.Not.Null);
    }

    // Movable pages over 8192 to 8704, of which one is returned.
    private MovableHeap.Item Prepare()
    {
        var pages = new List<Page>();
        for (var page = Cpu.AllocPage(All); !page.IsNull; page = Cpu.AllocPage(All))
            pages.Add(page);
        foreach (var page in pages)
        {
            if (PfnOf(page) is >= 8192 and < 8192 + 512)
                _heap.Adopt(page);
            else
                Cpu.FreePage(page);
        }
        return _heap.Items.Single(item => PfnOf(item.Page) == 8192 + 300);
    }

    private ContigResult TakePrepared() => Take(8192 + 5, 8192 + 500);

    private void Refused(ContigError error, MovableHeap.Item? about)
    {
        var (free, places) = (FreeAfterDrain(), _heap.Places());
        var types = Types();
        var result = TakePrepared();
        Assert.That(result.Error, Is.EqualTo(error));
        Assert.That(result.First.IsNull, Is.True);
        if (about is not null)
            Assert.That(result.Frame, Is.EqualTo(_machine.Map.PageToPfn(about.Page)));
        Assert.That(_heap.Places(), Is.EqualTo(places), "no page has moved");
        Assert.That(FreeAfterDrain(), Is.EqualTo(free), "the same blocks are free");
        Assert.That(Types(), Is.EqualTo(types));
        Assert.That(_heap.Moved, Is.Zero);
        _heap.CheckContents();
        _machine.Allocator.Verify();
    }

    private List<uint> FreeAfterDrain()
    {
        _machine.Allocator.DrainAllPages(Cpu);
        return BuddyModelTests.FreeLists(_machine);
    }

    private long FreePages()
    {
        _machine.Allocator.DrainAllPages(Cpu);
        return _machine.Allocator.Zones[0].FreePages;
    }

    private List<MigrateType> Types() => [.. Enumerable.Range(0, 32).Select(block => _machine.Allocator.PageBlockType(At((ulong)block << 9)))];

    private (ulong First, ulong End) Row(ulong pages)
    {
        var middle = _heap.Items.Select(item => PfnOf(item.Page)).Order().ElementAt(_heap.Count / 2);
        return (middle + 3, middle + 3 + pages);
    }

    private bool IsIn(MovableHeap.Item item, ulong first, ulong end) => PfnOf(item.Page) < end && first < PfnOf(item.Page) + (1UL << item.Order);

    private ContigResult Take(ulong first, ulong end) => Cpu.AllocContigRange(new PageFrame(first), new PageFrame(end), MigrateType.Movable, GfpFlags.Kernel);

    private ulong PfnOf(Page page) => _machine.Map.PageToPfn(page).Number;

    private Page At(ulong pfn) => _machine.Map.PfnToPage(new PageFrame(pfn));
}
