using System;
using System.Collections.Generic;
using System.Threading;
using KmemKit.BoardCompiler.Policies;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Pages;
using KmemKit.Runtime.Slab;
using KmemKit.Runtime.Slab.Mempool;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.ObjectCaches;

/// <summary>Pools serve their minimum whatever happens to memory.</summary>
internal sealed unsafe class MempoolTests
{
    private static IEnumerable<TestCaseData> Pools()
    {
        foreach (var kind in Caches.Kinds)
        {
            yield return new TestCaseData(kind, (Func<Caches, Mempool?>)(static c => Mempool.OfCache(c.Cpu, c.Objects.CreateCache("pooled", 2048, 0, SlabFlags.NoMerge)!, 5))).SetArgDisplayNames($"{kind}", "cache");
            yield return new TestCaseData(kind, (Func<Caches, Mempool?>)(static c => Mempool.OfKmalloc(c.Cpu, c.Objects, 3000, 5))).SetArgDisplayNames($"{kind}", "kmalloc");
            yield return new TestCaseData(kind, (Func<Caches, Mempool?>)(static c => Mempool.OfPages(c.Cpu, c.Objects, 1, 5))).SetArgDisplayNames($"{kind}", "pages");
        }
    }

    [TestCaseSource(nameof(Pools))]
    public void With_memory_exhausted_the_minimum_is_still_served_and_comes_back(ObjectAllocatorKind kind, Func<Caches, Mempool?> create)
    {
        using var caches = new Caches(kind, 8);
        var pool = create(caches)!;
        Exhaust(caches);
        var items = new List<nint>();
        // What arrays and slabs still hold comes first, then the reserve.
        for (var item = pool.Alloc(caches.Cpu, GfpFlags.Atomic); item is not null; item = pool.Alloc(caches.Cpu, GfpFlags.Atomic))
            items.Add((nint)item);
        Assert.That(items, Has.Count.GreaterThanOrEqualTo(5).And.None.EqualTo((nint)0));
        Assert.That(items, Is.Unique);
        Assert.That(pool.Reserved, Is.Zero);
        foreach (var item in items)
            pool.Free(caches.Cpu, (void*)item);
        Assert.That(pool.Reserved, Is.EqualTo(5));
        Assert.That(pool.Destroy(caches.Cpu));
        Assert.Throws<ObjectDisposedException>(() => pool.Alloc(caches.Cpu, GfpFlags.Kernel));
    }

    [Test]
    public void Who_may_sleep_waits_for_an_element_that_another_frees()
    {
        using var caches = new Caches(ObjectAllocatorKind.Slub, 8);
        var pool = Mempool.OfPages(caches.Cpu, caches.Objects, 0, 1)!;
        Exhaust(caches);
        var only = pool.Alloc(caches.Cpu, GfpFlags.Kernel);
        pool.Patience = TimeSpan.FromMilliseconds(1);
        Assert.That((long)pool.Alloc(caches.Cpu, GfpFlags.Kernel), Is.Zero, "nobody frees one");
        pool.Patience = TimeSpan.FromSeconds(30);
        var got = (nint)0;
        var waiter = new Thread(() => got = (nint)pool.Alloc(caches.Other, GfpFlags.Kernel));
        waiter.Start();
        pool.Free(caches.Cpu, only);
        Assert.That(waiter.Join(TimeSpan.FromSeconds(30)));
        Assert.That(got, Is.EqualTo((nint)only));
    }

    [Test]
    public void A_pool_that_cannot_be_filled_is_not_made_and_keeps_nothing()
    {
        using var caches = new Caches(ObjectAllocatorKind.Slub, 8);
        var taken = Exhaust(caches);
        for (var i = 0; i < 3; i++)
            caches.Cpu.FreePage(taken[i]);
        Assert.That(Mempool.OfPages(caches.Cpu, caches.Objects, 0, 2000), Is.Null);
        var left = 0;
        while (!caches.Cpu.AllocPage(GfpFlags.Kernel | GfpFlags.MemAlloc | GfpFlags.NoWarn).IsNull)
            left++;
        Assert.That(left, Is.EqualTo(3));
    }

    [Test]
    public void Resize_fills_and_empties_the_reserve()
    {
        using var caches = new Caches(ObjectAllocatorKind.Slub);
        var pool = Mempool.OfPages(caches.Cpu, caches.Objects, 0, 4)!;
        var before = caches.PagesTaken;
        Assert.That(pool.Resize(caches.Cpu, 10));
        Assert.That((pool.Reserved, caches.PagesTaken - before), Is.EqualTo((10, 6L)));
        Assert.That(pool.Resize(caches.Cpu, 1));
        Assert.That((pool.Reserved, caches.PagesTaken - before), Is.EqualTo((1, -3L)));
        var item = pool.Alloc(caches.Cpu, GfpFlags.Kernel);
        Assert.That(pool.Reserved, Is.EqualTo(1), "memory first, the reserve last");
        Assert.Throws<ArgumentException>(() => pool.Alloc(caches.Cpu, GfpFlags.Kernel | GfpFlags.Zero));
        pool.Free(caches.Cpu, item);
        pool.Free(caches.Cpu, null);
        Assert.That(pool.Destroy(caches.Cpu));
    }

    private static List<Page> Exhaust(Caches caches)
    {
        var pages = new List<Page>();
        for (var page = caches.Other.AllocPage(GfpFlags.Kernel | GfpFlags.MemAlloc | GfpFlags.NoWarn); !page.IsNull;
            page = caches.Other.AllocPage(GfpFlags.Kernel | GfpFlags.MemAlloc | GfpFlags.NoWarn))
        {
            pages.Add(page);
        }
        return pages;
    }
}
