using System;
using System.Collections.Generic;
using KmemKit.BoardCompiler.Policies;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Pages;
using KmemKit.Runtime.Slab;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.ObjectCaches;

/// <summary>A scenario is run with 0, 1, 2... pages to be had, until it has enough: wherever it fails, nothing leaks and what it holds stays whole.</summary>
internal sealed unsafe class OutOfMemoryTests
{
    private static readonly ObjectAllocatorKind[] s_all = Caches.Kinds;

    [TestCaseSource(nameof(s_all))]
    public void A_request_for_pages_that_fails_anywhere_leaks_nothing(ObjectAllocatorKind kind)
    {
        using var caches = new Caches(kind, 8);
        var hoard = new List<Page>();
        for (var page = Take(caches); !page.IsNull; page = Take(caches))
            hoard.Add(page);
        var completed = false;
        var allowed = 0;
        for (; !completed && allowed < 200; allowed++)
        {
            for (var i = 0; i < allowed; i++)
                caches.Cpu.FreePage(Pop(hoard));
            completed = Scenario(caches, allowed);
            caches.Objects.ShrinkAll(caches.Cpu);
            caches.Objects.EndGracePeriod(caches.Cpu);
            caches.Objects.ShrinkAll(caches.Cpu);
            var back = 0;
            for (var page = Take(caches); !page.IsNull; page = Take(caches), back++)
                hoard.Add(page);
            Assert.That(back, Is.EqualTo(allowed), "pages that came back");
            Assert.That(caches.Objects.ReclaimablePages + caches.Objects.UnreclaimablePages, Is.Zero);
        }
        Assert.That(completed, "with enough pages it succeeds");
        Assert.That(allowed, Is.GreaterThan(10), "it failed at many places first");
    }

    // Tiny objects need a bitmap or a table elsewhere, large ones many pages, some are constructed, some wait for a grace period.
    private static bool Scenario(Caches caches, int round)
    {
        var objects = caches.Objects;
        var made = 0;
        KmemCache[] kinds =
        [
            objects.CreateCache($"tiny-{round}", 8, 0, SlabFlags.NoMerge)!,
            objects.CreateCache($"built-{round}", 200, 0, SlabFlags.NoMerge, item => *(int*)item = ++made)!,
            objects.CreateCache($"rcu-{round}", 1000, 0, SlabFlags.TypesafeByRcu)!,
            objects.CreateCache($"cut-{round}", 1024, 0, SlabFlags.NoMerge | SlabFlags.ReclaimAccount)!,
        ];
        var live = new List<(nint Item, int Bytes, KmemCache? Cache)>();
        var failed = false;
        for (var step = 0; step < 60; step++)
        {
            var cache = step % 3 == 0 ? null : kinds[step % kinds.Length];
            var bytes = cache?.ObjectSize ?? 40 + (step * 60);
            // Without sleeping: a reclaimer would empty what the other CPU's arrays hold, and the failure would not come.
            var flags = GfpFlags.MemAlloc | GfpFlags.NoWarn | (step % 2 == 0 && cache?.Constructor is null ? GfpFlags.Zero : GfpFlags.None);
            var item = cache is null ? objects.Kmalloc(caches.Cpu, (nuint)bytes, flags) : cache.Alloc(caches.Cpu, flags);
            if (item is null)
            {
                failed = true;
                continue;
            }
            var skip = cache?.Constructor is null ? 0 : 4;
            new Span<byte>((byte*)item + skip, bytes - skip).Fill((byte)step);
            live.Add(((nint)item, bytes, cache));
        }
        var bulk = new nint[20];
        failed |= !kinds[3].AllocBulk(caches.Cpu, GfpFlags.MemAlloc | GfpFlags.NoWarn, bulk);
        if (!failed)
            kinds[3].FreeBulk(caches.Cpu, bulk);
        foreach (var (item, bytes, cache) in live)
        {
            var skip = cache?.Constructor is null ? 0 : 4;
            var contents = new ReadOnlySpan<byte>((byte*)item + skip, bytes - skip);
            Assert.That(contents.IndexOfAnyExcept(contents[0]), Is.EqualTo(-1), "contents");
            if (cache is null)
                objects.Kfree(caches.Cpu, (void*)item);
            else
                cache.Free(caches.Cpu, (void*)item);
        }
        foreach (var cache in kinds)
            Assert.That(cache.Destroy(caches.Cpu).IsDestroyed, cache.Name);
        return !failed;
    }

    private static Page Take(Caches caches) => caches.Cpu.AllocPage(GfpFlags.MemAlloc | GfpFlags.NoWarn | GfpFlags.Kernel);

    private static Page Pop(List<Page> pages)
    {
        var page = pages[^1];
        pages.RemoveAt(pages.Count - 1);
        return page;
    }
}
