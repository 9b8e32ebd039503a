using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Pages;
using KmemKit.Runtime.Tests.PageTests;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.MovementTests;

/// <summary>What a pageblock's kind means for the pages in it.</summary>
internal sealed class IsolationTests
{
    private Machine _machine = null!;
    private List<uint> _before = [];

    private PageAllocator Allocator => _machine.Allocator;

    [SetUp]
    public void Boot()
    {
        _machine = Machine.Arm(64 * Machine.MiB, new PageAllocatorOptions { Cpus = 2, PageBlockOrder = 9 });
        _before = BuddyModelTests.FreeLists(_machine);
    }

    [TearDown]
    public void End()
    {
        Allocator.Verify();
        _machine.Dispose();
    }

    [Test]
    public void Pages_of_an_isolated_pageblock_are_never_allocated_and_not_counted_as_free()
    {
        var page = At(4096);
        var free = Allocator.Zones[0].FreePages;
        Assert.That(Allocator.SetPageBlockType(page, MigrateType.Isolate), Is.EqualTo(512));
        Assert.That(Allocator.Zones[0].FreePages, Is.EqualTo(free - 512));
        Allocator.Verify();
        foreach (var (flags, order) in new[] { (GfpFlags.Kernel, 10), (GfpFlags.HighUserMovable, 3), (GfpFlags.Kernel | GfpFlags.Reclaimable, 1), (GfpFlags.Kernel, 0) })
        {
            for (var got = Take(flags, order); !got.IsNull; got = Take(flags, order))
                Assert.That(IsIn(got, order, 4096, 4608), Is.False);
        }
        Assert.That(Allocator.Zones[0].FreePages, Is.Zero);
        Assert.That(Allocator.Zones[0].FreeBlocks(9, MigrateType.Isolate), Is.EqualTo(1));
    }

    [Test]
    public void A_page_that_is_freed_into_an_isolated_pageblock_stays_there()
    {
        var pages = new List<Page>();
        for (var page = Take(GfpFlags.HighUserMovable, 0); !page.IsNull; page = Take(GfpFlags.HighUserMovable, 0))
            pages.Add(page);
        Allocator.SetPageBlockType(At(4096), MigrateType.Isolate);
        foreach (var page in pages.Where(page => IsIn(page, 0, 4096, 4608)))
            _machine.Cpu.FreePage(page);
        Assert.That(_machine.Cpu.PagesInLists(Allocator.Zones[0]), Is.Zero, "not in a CPU's list, where the next request would find it");
        Assert.That(Allocator.Zones[0].FreeBlocks(9, MigrateType.Isolate), Is.EqualTo(1));
        Assert.That(Take(GfpFlags.HighUserMovable, 0).IsNull, Is.True);
        Allocator.SetPageBlockType(At(4096), MigrateType.Movable);
        Assert.That(IsIn(Take(GfpFlags.HighUserMovable, 0), 0, 4096, 4608), Is.True);
    }

    [Test]
    public void Pages_in_cpu_lists_follow_when_they_are_drained()
    {
        var page = Take(GfpFlags.HighUserMovable, 0);
        _machine.Cpu.FreePage(page);
        Allocator.SetPageBlockType(page, MigrateType.Isolate);
        Allocator.DrainAllPages(_machine.Cpu);
        var first = _machine.Map.PageToPfn(page).Number & ~511UL;
        var own = Enumerable.Range(0, 512).Count(n => (_machine.Map.Flags(At(first + (ulong)n)) & PageFlags.Reserved) == 0);
        Assert.That(Enumerable.Range(0, 11).Sum(order => Allocator.Zones[0].FreeBlocks(order, MigrateType.Isolate) << order), Is.EqualTo(own));
    }

    [TestCase(MigrateType.Isolate)]
    [TestCase(MigrateType.Cma)]
    public void A_pageblock_that_gets_its_kind_back_merges_with_its_buddy(MigrateType type)
    {
        Allocator.SetPageBlockType(At(4096 + 512), type);
        Allocator.Verify();
        Assert.That(Allocator.PageBlockType(At(4096)), Is.EqualTo(MigrateType.Movable));
        Allocator.SetPageBlockType(At(4096 + 512), MigrateType.Movable);
        Assert.That(BuddyModelTests.FreeLists(_machine), Is.EqualTo(_before));
    }

    [Test]
    public void A_block_over_two_pageblocks_is_divided_when_one_of_them_was_isolated_meanwhile([Values(0, 512)] int isolated, [Values] bool drained)
    {
        var large = new List<Page>();
        for (var page = Take(GfpFlags.HighUserMovable, 10); !page.IsNull; page = Take(GfpFlags.HighUserMovable, 10))
            large.Add(page);
        while (!Take(GfpFlags.HighUserMovable, 9).IsNull)
        {
        }
        var block = large[large.Count / 2];
        var at = Allocator.Map.PageToPfn(block).Number;
        Allocator.SetPageBlockType(At(at + (ulong)isolated), MigrateType.Isolate);
        _machine.Cpu.FreePages(block, 10);
        if (drained)
            Allocator.DrainAllPages(_machine.Cpu);
        Allocator.Verify();
        Assert.That(Allocator.Zones[0].FreeBlocks(9, MigrateType.Isolate), Is.EqualTo(1));
        Assert.That(IsIn(Take(GfpFlags.HighUserMovable, 9), 9, at + 512 - (ulong)isolated, at + 1024 - (ulong)isolated), Is.True);
        Assert.That(Take(GfpFlags.HighUserMovable, 9).IsNull, Is.True);
    }

    [Test]
    public void The_allocator_alone_makes_pageblocks_high_atomic() =>
        Assert.Throws<System.ArgumentOutOfRangeException>(() => Allocator.SetPageBlockType(At(4096), MigrateType.HighAtomic));

    private Page Take(GfpFlags flags, int order) => _machine.Cpu.AllocPages(flags | GfpFlags.MemAlloc | GfpFlags.NoWarn, order);

    private Page At(ulong pfn) => _machine.Map.PfnToPage(new PageFrame(pfn));

    private bool IsIn(Page page, int order, ulong first, ulong end)
    {
        Assert.That(page.IsNull, Is.False);
        var at = _machine.Map.PageToPfn(page).Number;
        return at < end && first < at + (1UL << order);
    }
}
