using System;
using System.Collections.Generic;
using System.Linq;
using KmemKit.BoardCompiler.Policies;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Pages;
using KmemKit.Runtime.Proc;
using KmemKit.Runtime.Slab;
using KmemKit.Runtime.Tests.Harness;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.ObjectCaches;

/// <summary>What kmem_cache_create and its kin promise.</summary>
internal sealed unsafe class CacheRuleTests
{
    private static readonly ObjectAllocatorKind[] s_all = Caches.Kinds;

    private static readonly ObjectAllocatorKind[] s_slabs = Caches.KindsWithSlabs;

    [TestCase("", 64, 0, SlabFlags.None)]
    [TestCase("two words", 64, 0, SlabFlags.None)]
    [TestCase("tiny", 3, 0, SlabFlags.None)]
    [TestCase("huge", (4 << 20) + 1, 0, SlabFlags.None)]
    [TestCase("skew", 64, 24, SlabFlags.None)]
    [TestCase("far", 64, 8192, SlabFlags.None)]
    [TestCase("flags", 64, 0, (SlabFlags)1)]
    public void A_cache_that_cannot_be_is_refused_and_with_PANIC_thrown(string name, int size, int align, SlabFlags flags)
    {
        using var caches = new Caches(ObjectAllocatorKind.Slub);
        var said = new List<string>();
        caches.Objects.Reported += said.Add;
        Assert.That(caches.Objects.CreateCache(name, size, align, flags), Is.Null);
        Assert.That(said.Single(), Does.Contain("failed"));
        var error = Assert.Throws<ObjectErrorException>(() => caches.Objects.CreateCache(name, size, align, flags | SlabFlags.Panic));
        Assert.That(error!.Kind, Is.EqualTo(ObjectErrorKind.CreationFailed));
    }

    [TestCaseSource(nameof(s_slabs))]
    public void A_constructor_runs_once_for_each_object_of_a_slab_and_a_destructor_when_it_goes(ObjectAllocatorKind kind)
    {
        using var caches = new Caches(kind);
        var (made, ended) = (0, 0);
        var cache = caches.Objects.CreateCache("built", 100, 0, SlabFlags.None, item => *(int*)item = ++made, _ => ended++)!;
        for (var round = 0; round < 50; round++)
        {
            var items = new nint[cache.ObjectsPerSlab];
            Assert.That(cache.AllocBulk(caches.Cpu, GfpFlags.Kernel, items));
            Assert.That(items.Select(static item => *(int*)item), Is.Unique.And.All.InRange(1, made));
            cache.FreeBulk(caches.Other, items);
        }
        var slabs = cache.Count().Slabs;
        Assert.That(made, Is.EqualTo(slabs * cache.ObjectsPerSlab).And.GreaterThan(0));
        Assert.That(ended, Is.Zero);
        Assert.That(cache.Shrink(caches.Cpu), Is.EqualTo(slabs << cache.Order));
        Assert.That(ended, Is.EqualTo(made));
    }

    [Test]
    public void SLOB_constructs_at_each_allocation_as_its_objects_have_no_slab()
    {
        using var caches = new Caches(ObjectAllocatorKind.Slob);
        var made = 0;
        var cache = caches.Objects.CreateCache("built", 100, 0, SlabFlags.None, _ => made++)!;
        for (var i = 0; i < 3; i++)
            cache.Free(caches.Cpu, cache.Alloc(caches.Cpu, GfpFlags.Kernel));
        Assert.That(made, Is.EqualTo(3));
    }

    [TestCase(20, 0, SlabFlags.None, 8)]
    [TestCase(20, 0, SlabFlags.HardwareCacheAlign, 32)]
    [TestCase(16, 0, SlabFlags.HardwareCacheAlign, 16)]
    [TestCase(65, 0, SlabFlags.HardwareCacheAlign, 64)]
    [TestCase(20, 256, SlabFlags.None, 256)]
    public void Objects_are_aligned_as_asked(int size, int align, SlabFlags flags, int expected)
    {
        foreach (var kind in s_all)
        {
            using var caches = new Caches(kind);
            var cache = caches.Objects.CreateCache("aligned", size, align, flags | SlabFlags.NoMerge)!;
            Assert.That(cache.Layout.Align, Is.EqualTo(expected));
            for (var i = 0; i < 300; i++)
                Assert.That((long)cache.Alloc(caches.Cpu, GfpFlags.Kernel) % expected, Is.Zero);
        }
    }

    [TestCaseSource(nameof(s_slabs))]
    public void Caches_of_the_same_shape_are_one_until_the_last_name_is_gone(ObjectAllocatorKind kind)
    {
        using var caches = new Caches(kind);
        var first = caches.Objects.CreateCache("first", 1000)!;
        Assert.That(caches.Objects.CreateCache("second", 998), Is.SameAs(first), "less than a word smaller");
        Assert.That(first.Aliases, Is.EqualTo(new[] { "second" }));
        Assert.That(caches.Objects.CreateCache("apart", 1000, 0, SlabFlags.NoMerge), Is.Not.SameAs(first));
        Assert.That(caches.Objects.CreateCache("kind", 1000, 0, SlabFlags.ReclaimAccount), Is.Not.SameAs(first), "other pages");
        Assert.That(caches.Objects.CreateCache("rcu", 1000, 0, SlabFlags.TypesafeByRcu), Is.Not.SameAs(first));
        Assert.That(caches.Objects.CreateCache("built", 1000, 0, SlabFlags.None, static _ => { }), Is.Not.SameAs(first));
        Assert.That(caches.Objects.CreateCache("smaller", 980), Is.Not.SameAs(first), "a word or more would be lost");
        Assert.That(caches.Objects.CreateCache("aligned", 1000, 512), Is.Not.SameAs(first));
        Assert.That(caches.Objects.CreateCache("like-kmalloc", 1024), Is.SameAs(caches.Objects.KmallocCache(1024)));
        Assert.That(first.Destroy(caches.Cpu).IsDestroyed);
        var item = first.Alloc(caches.Cpu, GfpFlags.Kernel);
        Assert.That(first.Destroy(caches.Cpu).IsDestroyed, Is.False, "the last name has an object");
        first.Free(caches.Cpu, item);
        Assert.That(first.Destroy(caches.Cpu).IsDestroyed);
        Assert.Throws<ObjectErrorException>(() => first.Destroy(caches.Cpu));
        Assert.Throws<ObjectErrorException>(() => first.Alloc(caches.Cpu, GfpFlags.Kernel));
    }

    [TestCaseSource(nameof(s_slabs))]
    public void Destroy_is_refused_while_objects_live_and_lists_them(ObjectAllocatorKind kind)
    {
        using var caches = new Caches(kind);
        var cache = caches.Objects.CreateCache("busy", 96, 0, SlabFlags.NoMerge)!;
        var items = new nint[40];
        cache.AllocBulk(caches.Cpu, GfpFlags.Kernel, items);
        cache.FreeBulk(caches.Other, items.AsSpan(3));
        var result = cache.Destroy(caches.Cpu);
        Assert.That(result.IsDestroyed, Is.False);
        Assert.That(result.LiveCount, Is.EqualTo(3));
        Assert.That(result.Live, Is.EquivalentTo(items[..3].Select(item => caches.Objects.AddressOf((void*)item)!.Value)));
        cache.FreeBulk(caches.Cpu, items.AsSpan(0, 3));
        Assert.That(cache.Destroy(caches.Cpu).IsDestroyed);
        Assert.That(caches.Objects.Caches, Does.Not.Contain(cache));
        Assert.That(caches.PagesTaken, Is.Zero);
    }

    [TestCaseSource(nameof(s_slabs))]
    public void Pages_of_an_RCU_cache_go_back_after_the_grace_period_only(ObjectAllocatorKind kind)
    {
        using var caches = new Caches(kind);
        var cache = caches.Objects.CreateCache("rcu", 64, 0, SlabFlags.TypesafeByRcu)!;
        var item = (int*)cache.Alloc(caches.Cpu, GfpFlags.Kernel);
        *item = 42;
        cache.Free(caches.Cpu, item);
        cache.Shrink(caches.Cpu);
        Assert.That(caches.Objects.DeferredSlabs, Is.EqualTo(1));
        Assert.That(caches.PagesTaken, Is.EqualTo(1));
        Assert.That(*item, Is.EqualTo(42), "a reader still sees the object");
        Assert.That(cache.Destroy(caches.Cpu).IsDestroyed);
        Assert.That(caches.Objects.EndGracePeriod(caches.Cpu), Is.EqualTo(1));
        Assert.That(caches.PagesTaken, Is.Zero);
        Assert.That(caches.Objects.EndGracePeriod(caches.Cpu), Is.Zero);
    }

    [TestCaseSource(nameof(s_all))]
    public void Reclaimable_and_other_pages_are_counted_apart(ObjectAllocatorKind kind)
    {
        using var caches = new Caches(kind);
        var reclaimable = caches.Objects.CreateCache("dentry", 104, 0, SlabFlags.ReclaimAccount)!;
        var other = caches.Objects.CreateCache("task", 104)!;
        var one = reclaimable.Alloc(caches.Cpu, GfpFlags.Kernel);
        var two = other.Alloc(caches.Cpu, GfpFlags.Kernel);
        var pages = (caches.Objects.ReclaimablePages, caches.Objects.UnreclaimablePages);
        // SLOB does not tell them apart.
        Assert.That(pages, Is.EqualTo(kind == ObjectAllocatorKind.Slob ? (0L, 1L) : (1L << reclaimable.Order, 1L << other.Order)));
        var text = MemInfo.Of(caches.Pages, caches.Objects.AddTo(MemoryUse.None)).ToString();
        Assert.That(text, Does.Contain($"Slab:           {(pages.ReclaimablePages + pages.UnreclaimablePages) * 4,8} kB\nSReclaimable:   {pages.ReclaimablePages * 4,8} kB\n"));
        Assert.That(text, Does.Contain($"SUnreclaim:     {pages.UnreclaimablePages * 4,8} kB\n"));
        reclaimable.Free(caches.Cpu, one);
        other.Free(caches.Cpu, two);
        caches.Objects.ShrinkAll(caches.Cpu);
        Assert.That((caches.Objects.ReclaimablePages, caches.Objects.UnreclaimablePages), Is.EqualTo((0L, 0L)));
    }

    [TestCaseSource(nameof(s_slabs))]
    public void A_slab_page_is_marked_and_cannot_be_freed_as_a_page(ObjectAllocatorKind kind)
    {
        using var caches = new Caches(kind);
        var cache = caches.Objects.CreateCache("marked", 64)!;
        var page = caches.Objects.PageOf(cache.Alloc(caches.Cpu, GfpFlags.Kernel));
        Assert.That(caches.Pages.Map.Flags(page) & PageFlags.Slab, Is.EqualTo(PageFlags.Slab));
        Assert.That(Assert.Throws<PageErrorException>(() => caches.Cpu.FreePages(page, cache.Order))!.Kind, Is.EqualTo(PageErrorKind.InUse));
        caches.Pages.Verify();
    }

    [TestCaseSource(nameof(s_all))]
    public void A_free_to_the_wrong_cache_or_of_what_is_no_object_changes_nothing(ObjectAllocatorKind kind)
    {
        using var caches = new Caches(kind);
        var (right, wrong) = (caches.Objects.CreateCache("right", 64, 0, SlabFlags.NoMerge)!, caches.Objects.CreateCache("wrong", 64, 0, SlabFlags.NoMerge)!);
        var item = right.Alloc(caches.Cpu, GfpFlags.Kernel);
        if (kind != ObjectAllocatorKind.Slob)
            Assert.That(Assert.Throws<ObjectErrorException>(() => wrong.Free(caches.Cpu, item))!.Kind, Is.EqualTo(ObjectErrorKind.WrongCache));
        var page = caches.Cpu.AllocPage(GfpFlags.Kernel);
        var onPage = caches.Objects.PointerTo(caches.Pages.Map.PageAddress(page)!.Value);
        Assert.That(Assert.Throws<ObjectErrorException>(() => right.Free(caches.Cpu, onPage))!.Kind, Is.EqualTo(ObjectErrorKind.NotAnObject));
        Assert.Throws<ObjectErrorException>(() => right.Free(caches.Cpu, (void*)0x1234));
        right.Free(caches.Cpu, null);
        right.Free(caches.Cpu, item);
    }

    [TestCaseSource(nameof(s_slabs))]
    public void An_object_whose_slab_went_back_is_nobodys(ObjectAllocatorKind kind)
    {
        using var caches = new Caches(kind);
        var cache = caches.Objects.CreateCache("gone", 64, 0, SlabFlags.NoMerge)!;
        var item = cache.Alloc(caches.Cpu, GfpFlags.Kernel);
        cache.Free(caches.Cpu, item);
        cache.Shrink(caches.Cpu);
        Assert.That(Assert.Throws<ObjectErrorException>(() => cache.Free(caches.Cpu, item))!.Kind, Is.EqualTo(ObjectErrorKind.NotAnObject));
        Assert.That(Assert.Throws<ObjectErrorException>(() => caches.Objects.Kfree(caches.Cpu, item))!.Kind, Is.EqualTo(ObjectErrorKind.NotAnObject));
        Assert.That(caches.Objects.FindSlab(item, out _), Is.False);
    }

    [TestCaseSource(nameof(s_slabs))]
    public void A_double_free_of_an_object_that_is_back_in_its_slab_is_said_and_ignored(ObjectAllocatorKind kind)
    {
        using var caches = new Caches(kind);
        var said = new List<string>();
        caches.Objects.Reported += said.Add;
        var cache = caches.Objects.CreateCache("twice", 64, 0, SlabFlags.TypesafeByRcu)!;
        var items = new nint[cache.ObjectsPerSlab];
        cache.AllocBulk(caches.Cpu, GfpFlags.Kernel, items);
        cache.Free(caches.Cpu, (void*)items[1]);
        cache.Shrink(caches.Cpu);
        if (kind == ObjectAllocatorKind.Slab)
            cache.FreeBulk(caches.Cpu, [.. items.Where((_, at) => at != 1)]);
        else
            cache.Free(caches.Cpu, (void*)items[1]);
        cache.Shrink(caches.Cpu);
        // SLAB's table cannot tell; a slab that has no used object left can.
        if (kind == ObjectAllocatorKind.Slub)
            Assert.That(said.Single(), Does.Contain("Object already free"));
        else
            Assert.That(said, Is.Empty);
    }

    [TestCaseSource(nameof(s_slabs))]
    public void Reap_takes_the_free_slabs_of_one_cache_which_was_left_alone(ObjectAllocatorKind kind)
    {
        using var caches = new Caches(kind);
        var cache = caches.Objects.CreateCache("idle", 512, 0, SlabFlags.NoMerge)!;
        var items = new nint[400];
        cache.AllocBulk(caches.Cpu, GfpFlags.Kernel, items);
        cache.FreeBulk(caches.Cpu, items);
        var taken = caches.PagesTaken;
        Assert.That(taken, Is.GreaterThan(0));
        // A cache that gave its table or bitmap up is looked at once more.
        var turns = (4 * caches.Objects.Caches.Count / ObjectAllocator.ReapScanLength) + 2;
        var freed = 0L;
        for (var turn = 0; turn < turns; turn++)
            freed += caches.Objects.Reap(caches.Cpu);
        Assert.That(freed, Is.EqualTo(taken));
        Assert.That(caches.PagesTaken, Is.Zero);
    }

    [TestCaseSource(nameof(s_slabs))]
    public void Memory_that_caches_keep_is_given_up_when_pages_run_out(ObjectAllocatorKind kind)
    {
        using var caches = new Caches(kind, 8);
        var cache = caches.Objects.CreateCache("hoard", 2048, 0, SlabFlags.NoMerge)!;
        var items = new nint[600];
        Assert.That(cache.AllocBulk(caches.Cpu, GfpFlags.Kernel, items));
        cache.FreeBulk(caches.Cpu, items);
        var pages = 0;
        while (!caches.Other.AllocPage(GfpFlags.Kernel | GfpFlags.NoWarn).IsNull)
            pages++;
        Assert.That(cache.Count().Slabs, Is.Zero, "the reclaimer of the page allocator asked");
        Assert.That(pages, Is.GreaterThan(1000));
    }

    [Test]
    public void SLAB_colours_successive_slabs_and_puts_large_objects_tables_elsewhere()
    {
        using var caches = new Caches(ObjectAllocatorKind.Slab);
        var coloured = caches.Objects.CreateCache("coloured", 700, 0, SlabFlags.ReclaimAccount)!;
        var offsets = new List<long>();
        coloured.AllocBulk(caches.Cpu, GfpFlags.Kernel, new nint[coloured.ObjectsPerSlab * 6]);
        coloured.VisitSlabs((in SlabView slab, ReadOnlySpan<ulong> _) => offsets.Add(slab.First - slab.Start));
        // 4096 - 5 * 704 leaves 576 bytes, 8 of them for the table: 8 colours of a line.
        Assert.That(offsets.Take(6).Select(static offset => offset % 64).Distinct().Count(), Is.EqualTo(1));
        Assert.That(offsets.Take(6), Is.Unique);
        Assert.That(offsets.Max() - offsets.Min(), Is.EqualTo(5 * 64));
        var exact = caches.Objects.CreateCache("exact", 1024, 0, SlabFlags.NoMerge)!;
        exact.Alloc(caches.Cpu, GfpFlags.Kernel);
        exact.VisitSlabs(static (in SlabView slab, ReadOnlySpan<ulong> _) =>
        {
            Assert.That(slab.First - slab.Start, Is.Zero, "no room for a table on the slab");
            Assert.That(slab.Objects, Is.EqualTo(4));
        });
    }

    [Test]
    public void SLUB_takes_slabs_of_fewer_pages_where_memory_is_fragmented()
    {
        using var caches = new Caches(ObjectAllocatorKind.Slub, 16, 1);
        var pages = new List<Page>();
        for (var page = caches.Cpu.AllocPage(GfpFlags.Kernel | GfpFlags.MemAlloc | GfpFlags.NoWarn); !page.IsNull;
            page = caches.Cpu.AllocPage(GfpFlags.Kernel | GfpFlags.MemAlloc | GfpFlags.NoWarn))
        {
            pages.Add(page);
        }
        // Every other page is free: no two in a row.
        foreach (var page in pages.Where(page => caches.Pages.Map.PageToPfn(page).Number % 2 == 0))
            caches.Cpu.FreePage(page);
        var cache = caches.Objects.CreateCache("scattered", 1024, 0, SlabFlags.NoMerge)!;
        Assert.That(cache.Order, Is.GreaterThan(0));
        var items = new nint[100];
        Assert.That(cache.AllocBulk(caches.Cpu, GfpFlags.Kernel, items));
        Assert.That(items, Is.Unique);
        var orders = new List<int>();
        cache.VisitSlabs((in SlabView slab, ReadOnlySpan<ulong> _) => orders.Add(slab.Order));
        Assert.That(orders, Has.Count.GreaterThan(0).And.All.Zero);
        cache.FreeBulk(caches.Cpu, items);
        cache.Shrink(caches.Cpu);
        Assert.That(cache.Count().Slabs, Is.Zero);
        caches.Pages.Verify();
    }

    [Test]
    public void A_typed_cache_gives_typed_objects()
    {
        using var caches = new Caches(ObjectAllocatorKind.Slub);
        var cache = caches.Objects.CreateCache<Point>(flags: SlabFlags.NoMerge, constructor: static (ref Point point) => point = new Point { X = 3, Y = 4 })!.Value;
        var point = cache.Alloc(caches.Cpu, GfpFlags.Kernel);
        Assert.That((point->X, point->Y, cache.Cache.Name, cache.Cache.ObjectSize), Is.EqualTo((3L, 4, "Point", sizeof(Point))));
        cache.Free(caches.Cpu, point);
    }

    [TestCaseSource(nameof(s_all))]
    public void No_call_on_the_fast_path_allocates_managed_memory(ObjectAllocatorKind kind)
    {
        using var caches = new Caches(kind);
        var cache = caches.Objects.CreateCache("quick", 64, 0, SlabFlags.NoMerge)!;
        var items = new nint[2000];
        Round();
        Assert.That(ManagedAllocation.LeastOf(Round), Is.Zero);

        void Round()
        {
            for (var i = 0; i < items.Length; i++)
                items[i] = i % 2 == 0 ? (nint)cache.Alloc(caches.Cpu, GfpFlags.Kernel) : (nint)caches.Objects.Kmalloc(caches.Cpu, 100, GfpFlags.Kernel);
            for (var i = 0; i < items.Length; i++)
            {
                if (i % 2 == 0)
                    cache.Free(caches.Other, (void*)items[i]);
                else
                    caches.Objects.Kfree(caches.Other, (void*)items[i]);
            }
        }
    }

    [Test]
    public void A_request_that_may_sleep_is_reported_where_nobody_can()
    {
        using var caches = new Caches(ObjectAllocatorKind.Slub);
        var bugs = new List<KernelBug>();
        caches.Pages.BugReported += bugs.Add;
        caches.Cpu.EnterAtomic();
        Assert.That((long)caches.Objects.Kmalloc(caches.Cpu, 64, GfpFlags.Atomic), Is.Not.Zero);
        Assert.That(bugs, Is.Empty);
        Assert.That((long)caches.Objects.Kmalloc(caches.Cpu, 64, GfpFlags.Kernel), Is.Not.Zero);
        Assert.That(bugs.Select(static bug => bug.Kind), Is.EqualTo(new[] { KernelBugKind.SleepInAtomicContext }));
        caches.Cpu.LeaveAtomic();
    }

    private struct Point
    {
        public long X;
        public int Y;
    }
}
