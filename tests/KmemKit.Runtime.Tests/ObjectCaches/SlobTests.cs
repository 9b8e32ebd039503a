using System;
using System.Collections.Generic;
using KmemKit.BoardCompiler.Policies;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Pages;
using KmemKit.Runtime.Slab;
using KmemKit.Runtime.Slab.Slob;
using KmemKit.Runtime.Tests.PageTests;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.ObjectCaches;

/// <summary>SLOB's pages: three lists, first fit, gaps that merge.</summary>
internal sealed unsafe class SlobTests
{
    [Test]
    public void Small_medium_and_large_objects_stand_on_different_pages()
    {
        using var caches = new Caches(ObjectAllocatorKind.Slob);
        var pages = new HashSet<Page>();
        foreach (var size in new[] { 100, 500, 2000 })
            Assert.That(pages.Add(caches.Objects.PageOf(caches.Objects.CreateCache($"s{size}", size)!.Alloc(caches.Cpu, GfpFlags.Kernel))));
        Assert.That(caches.PagesTaken, Is.EqualTo(3));
    }

    [Test]
    public void Objects_of_different_caches_share_a_page_without_a_byte_between_them()
    {
        using var caches = new Caches(ObjectAllocatorKind.Slob);
        var one = (byte*)caches.Objects.CreateCache("one", 24)!.Alloc(caches.Cpu, GfpFlags.Kernel);
        var two = (byte*)caches.Objects.CreateCache("two", 40)!.Alloc(caches.Cpu, GfpFlags.Kernel);
        Assert.That((long)(two - one), Is.EqualTo(24));
    }

    [Test]
    public void A_gap_is_used_first_and_gaps_that_touch_are_one()
    {
        using var caches = new Caches(ObjectAllocatorKind.Slob);
        var cache = caches.Objects.CreateCache("c", 64)!;
        var wide = caches.Objects.CreateCache("wide", 192)!;
        var items = new nint[20];
        cache.AllocBulk(caches.Cpu, GfpFlags.Kernel, items);
        // Free the middle one last: it joins the gaps on both sides.
        foreach (var at in new[] { 4, 6, 5 })
            cache.Free(caches.Cpu, (void*)items[at]);
        Assert.That((nint)wide.Alloc(caches.Cpu, GfpFlags.Kernel), Is.EqualTo(items[4]), "three gaps of 64 hold 192");
        cache.Free(caches.Cpu, (void*)items[9]);
        Assert.That((nint)cache.Alloc(caches.Cpu, GfpFlags.Kernel), Is.EqualTo(items[9]));
    }

    [Test]
    public void Random_blocks_leave_the_lists_in_order_and_all_pages_come_back()
    {
        var seed = BuddyModelTests.Seed();
        TestContext.Out.WriteLine($"KMEMKIT_SEED={seed}");
        using var caches = new Caches(ObjectAllocatorKind.Slob);
        var heap = new SlobHeap(caches.Objects);
        var random = new Random(seed);
        var live = new List<(nint Block, int Size)>();
        for (var step = 0; step < 20_000; step++)
        {
            if (random.Next(100) < (step < 10_000 ? 55 : 45))
            {
                var size = random.Next(1, random.Next(2) == 0 ? 200 : 3000);
                var align = 1 << random.Next(2, 8);
                var block = heap.Alloc(caches.Cpu, size, align, GfpFlags.Kernel);
                Assert.That((long)block % align, Is.Zero);
                new Span<byte>(block, size).Fill(0xee);
                live.Add(((nint)block, size));
            }
            else if (live.Count > 0)
            {
                var at = random.Next(live.Count);
                heap.Free(caches.Cpu, (byte*)live[at].Block, live[at].Size);
                live.RemoveAt(at);
            }
            if (step % 500 == 0)
                heap.Verify();
        }
        foreach (var (block, size) in live)
            heap.Free(caches.Cpu, (byte*)block, size);
        heap.Verify();
        Assert.That((heap.Pages, heap.FreeBytes), Is.EqualTo((0L, 0L)));
        Assert.That(caches.PagesTaken, Is.Zero);
    }

    [Test]
    public void An_object_of_an_RCU_cache_is_not_reused_before_the_grace_period_ends()
    {
        using var caches = new Caches(ObjectAllocatorKind.Slob);
        var cache = caches.Objects.CreateCache("rcu", 64, 0, SlabFlags.TypesafeByRcu)!;
        var item = (nint)cache.Alloc(caches.Cpu, GfpFlags.Kernel);
        cache.Free(caches.Cpu, (void*)item);
        Assert.That((nint)cache.Alloc(caches.Cpu, GfpFlags.Kernel), Is.Not.EqualTo(item));
        caches.Objects.EndGracePeriod(caches.Cpu);
        Assert.That((nint)cache.Alloc(caches.Cpu, GfpFlags.Kernel), Is.EqualTo(item));
    }

    // The same trace on the same small board: what each allocator takes from the page allocator for it.
    [Test]
    public void On_a_small_board_SLOB_takes_the_fewest_pages()
    {
        var pages = new Dictionary<ObjectAllocatorKind, long>();
        var live = 0L;
        foreach (var kind in Caches.Kinds)
        {
            using var caches = new Caches(kind, 8, options: new ObjectAllocatorOptions { KmallocMinSize = 8 });
            var trace = new SmallMemoryTrace(caches.Objects, caches.Cpu);
            trace.Fill();
            pages[kind] = caches.PagesTaken;
            live = trace.LiveBytes;
            Assert.That(pages[kind] * 4096, Is.GreaterThan(live));
        }
        TestContext.Out.WriteLine($"{live} bytes asked for; pages: {string.Join(", ", pages)}");
        Assert.That(pages[ObjectAllocatorKind.Slob], Is.LessThan(pages[ObjectAllocatorKind.Slub]).And.LessThan(pages[ObjectAllocatorKind.Slab]));
        Assert.That(pages[ObjectAllocatorKind.Slob] * 4096, Is.LessThan(live * 12 / 10), "little more than was asked for");
    }
}
