using System;
using System.Collections.Generic;
using System.Linq;
using KmemKit.BoardCompiler.Policies;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Slab;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.ObjectCaches;

/// <summary>What a debugger is told and what its answers do.</summary>
internal sealed unsafe class DebuggerHookTests
{
    private static readonly ObjectAllocatorKind[] s_slabs = Caches.KindsWithSlabs;

    [TestCaseSource(nameof(s_slabs))]
    public void Every_call_on_a_watched_cache_is_seen_with_its_line_and_none_on_another(ObjectAllocatorKind kind)
    {
        var debugger = new Recorder();
        using var caches = new Caches(kind, options: new ObjectAllocatorOptions { Debugger = debugger });
        var watched = caches.Objects.CreateCache("watched", 100, 0, SlabFlags.StoreUser | SlabFlags.RedZone | SlabFlags.Poison)!;
        var other = caches.Objects.CreateCache("other", 100)!;
        other.Free(caches.Cpu, other.Alloc(caches.Cpu, GfpFlags.Kernel));
        Assert.That(debugger.Events, Is.Empty);
        for (var i = 0; i < 3; i++)
            watched.Free(caches.Other, watched.Alloc(caches.Cpu, GfpFlags.Kernel));
        Assert.That(debugger.Events, Is.EqualTo(new[] { "slab", "alloc", "free", "alloc", "free", "alloc", "free" }));
        Assert.That(debugger.Sites.Select(static site => System.IO.Path.GetFileName(site.File)), Is.All.EqualTo("DebuggerHookTests.cs"));
        Assert.That(debugger.Sites.Select(static site => site.Line), Is.All.GreaterThan(0));
        Assert.That(watched.Destroy(caches.Cpu).IsDestroyed);
        Assert.That(debugger.Events[^1], Is.EqualTo("slab gone"));
    }

    [TestCase(24, 0, SlabFlags.RedZone | SlabFlags.Poison | SlabFlags.StoreUser)]
    [TestCase(20, 64, SlabFlags.RedZone)]
    [TestCase(100, 0, SlabFlags.StoreUser)]
    [TestCase(100, 0, SlabFlags.Poison)]
    [TestCase(100, 32, SlabFlags.ConsistencyChecks)]
    public void The_parts_of_a_slot_do_not_overlap_and_fill_it(int size, int align, SlabFlags flags)
    {
        var layout = ObjectLayout.Calculate(size, align, flags, 8, 8, 64);
        var parts = new List<(int At, int Bytes)> { (-layout.RedLeftPad, layout.RedLeftPad), (0, layout.ObjectSize), (layout.ObjectSize, layout.Inuse - layout.ObjectSize) };
        if (layout.FreePointerAt >= 0)
            parts.Add((layout.FreePointerAt, 8));
        if (layout.TracksAt >= 0)
            parts.Add((layout.TracksAt, 2 * ObjectLayout.TrackBytes));
        if (layout.OriginalSizeAt >= 0)
            parts.Add((layout.OriginalSizeAt, 8));
        parts.Add((layout.PaddingAt, layout.Size - layout.RedLeftPad - layout.PaddingAt));
        parts.Sort();
        var at = -layout.RedLeftPad;
        foreach (var part in parts.Where(static part => part.Bytes > 0))
        {
            Assert.That(part.At, Is.GreaterThanOrEqualTo(at).And.LessThan(at + 8), "no overlap, no gap but alignment");
            at = part.At + part.Bytes;
        }
        Assert.That(at, Is.EqualTo(layout.Size - layout.RedLeftPad));
        Assert.That((layout.Size % layout.Align, layout.RedLeftPad % layout.Align), Is.EqualTo((0, 0)), "every object is aligned");
        if ((flags & SlabFlags.RedZone) != 0)
            Assert.That((layout.RedLeftPad, layout.Inuse - layout.ObjectSize), Is.Not.EqualTo((0, 0)).And.Not.EqualTo((0, 4)));
    }

    [TestCaseSource(nameof(s_slabs))]
    public void A_slab_with_a_damaged_object_is_written_off_and_another_serves(ObjectAllocatorKind kind)
    {
        var debugger = new Recorder();
        using var caches = new Caches(kind, options: new ObjectAllocatorOptions { Debugger = debugger });
        var cache = caches.Objects.CreateCache("damaged", 100, 0, SlabFlags.Poison)!;
        var first = cache.Alloc(caches.Cpu, GfpFlags.Kernel);
        debugger.RefuseNextAlloc = true;
        var second = cache.Alloc(caches.Cpu, GfpFlags.Kernel);
        Assert.That(caches.Objects.PageOf(second), Is.Not.EqualTo(caches.Objects.PageOf(first)));
        cache.Free(caches.Cpu, first);
        var items = new nint[2 * cache.ObjectsPerSlab];
        Assert.That(cache.AllocBulk(caches.Cpu, GfpFlags.Kernel, items));
        Assert.That(items, Has.None.EqualTo((nint)first), "nothing of the slab is given out again");
    }

    [TestCaseSource(nameof(s_slabs))]
    public void A_free_is_done_refused_or_kept_as_the_debugger_says(ObjectAllocatorKind kind)
    {
        var debugger = new Recorder();
        using var caches = new Caches(kind, options: new ObjectAllocatorOptions { Debugger = debugger });
        var cache = caches.Objects.CreateCache("judged", 100, 0, SlabFlags.ConsistencyChecks)!;
        var item = cache.Alloc(caches.Cpu, GfpFlags.Kernel);
        debugger.Verdict = FreeVerdict.Keep;
        cache.Free(caches.Cpu, item);
        Assert.That(cache.Count().ActiveObjects, Is.EqualTo(kind == ObjectAllocatorKind.Slub ? cache.ObjectsPerSlab : 1));
        Assert.That((nint)cache.Alloc(caches.Cpu, GfpFlags.Kernel), Is.Not.EqualTo((nint)item), "in quarantine");
        cache.Release(caches.Cpu, item);
        Assert.Throws<ObjectErrorException>(() => cache.Release(caches.Cpu, item));
        debugger.Verdict = null;
        Assert.That((nint)cache.Alloc(caches.Cpu, GfpFlags.Kernel), Is.EqualTo((nint)item));
        cache.Free(caches.Cpu, (byte*)item + 8);
        cache.Free(caches.Cpu, item);
        cache.Free(caches.Cpu, item);
        Assert.That(debugger.Events.Where(static e => e.StartsWith("free", StringComparison.Ordinal)).TakeLast(3), Is.EqualTo(new[] { "free", "free", "free again" }));
        Assert.That((nint)cache.Alloc(caches.Cpu, GfpFlags.Kernel), Is.EqualTo((nint)item), "the double free changed nothing");
    }

    [TestCaseSource(nameof(s_slabs))]
    public void A_sample_is_asked_for_once_and_its_pages_frees_go_to_the_sampler(ObjectAllocatorKind kind)
    {
        var debugger = new Recorder();
        using var caches = new Caches(kind, options: new ObjectAllocatorOptions { Debugger = debugger });
        var cache = caches.Objects.CreateCache("sampled", 100)!;
        var page = caches.Cpu.AllocPage(GfpFlags.Kernel);
        caches.Objects.ClaimGuarded(page, 0);
        debugger.Sample = (nint)caches.Objects.PointerTo(caches.Pages.Map.PageAddress(page)!.Value);
        cache.Free(caches.Cpu, cache.Alloc(caches.Cpu, GfpFlags.Kernel));
        caches.Objects.ArmSample(caches.Cpu);
        var sample = cache.Alloc(caches.Cpu, GfpFlags.Kernel);
        Assert.That((nint)sample, Is.EqualTo(debugger.Sample));
        var usual = caches.Objects.Kmalloc(caches.Cpu, 64, GfpFlags.Kernel);
        Assert.That((nint)usual, Is.Not.EqualTo(debugger.Sample), "once");
        caches.Objects.Kfree(caches.Cpu, usual);
        cache.Free(caches.Cpu, sample);
        caches.Objects.Kfree(caches.Cpu, sample);
        Assert.That(debugger.Events.Count(static e => e == "free sample"), Is.EqualTo(2));
        Assert.That((nint)cache.Alloc(caches.Cpu, GfpFlags.Kernel), Is.Not.EqualTo(debugger.Sample));
        caches.Objects.ReleaseGuarded(page, 0);
        caches.Cpu.FreePage(page);
    }

    [TestCaseSource(nameof(s_slabs))]
    public void A_free_of_nothing_or_of_another_cache_is_reported_not_thrown(ObjectAllocatorKind kind)
    {
        var debugger = new Recorder();
        using var caches = new Caches(kind, options: new ObjectAllocatorOptions { Debugger = debugger });
        var (one, two) = (caches.Objects.CreateCache("one", 100, 0, SlabFlags.NoMerge)!, caches.Objects.CreateCache("two", 100, 0, SlabFlags.NoMerge)!);
        two.Free(caches.Cpu, one.Alloc(caches.Cpu, GfpFlags.Kernel));
        caches.Objects.Kfree(caches.Cpu, (void*)0x5000);
        Assert.That(debugger.Events, Is.EqualTo(new[] { "invalid two one", "invalid  " }));
    }

    [Test]
    public void Fault_injection_fails_what_it_says()
    {
        var debugger = new Recorder { FailEvery = 3 };
        using var caches = new Caches(ObjectAllocatorKind.Slub, options: new ObjectAllocatorOptions { Debugger = debugger });
        var cache = caches.Objects.CreateCache("faulty", 100, 0, SlabFlags.FailSlab)!;
        var failed = Enumerable.Range(0, 9).Count(_ => cache.Alloc(caches.Cpu, GfpFlags.Kernel) is null);
        Assert.That(failed, Is.EqualTo(3));
    }

    [TestCaseSource(nameof(s_slabs))]
    public void Live_objects_are_shown_when_a_cache_cannot_be_destroyed(ObjectAllocatorKind kind)
    {
        var debugger = new Recorder();
        using var caches = new Caches(kind, options: new ObjectAllocatorOptions { Debugger = debugger });
        var cache = caches.Objects.CreateCache("left", 100, 0, SlabFlags.StoreUser)!;
        cache.Alloc(caches.Cpu, GfpFlags.Kernel);
        cache.Alloc(caches.Cpu, GfpFlags.Kernel);
        Assert.That(cache.Destroy(caches.Cpu) is { IsDestroyed: false, LiveCount: 2 });
        Assert.That(debugger.Events[^1], Is.EqualTo("live 2"));
    }

    [Test]
    public void Without_a_debugger_and_with_SLOB_debug_flags_are_dropped()
    {
        using var caches = new Caches(ObjectAllocatorKind.Slub);
        Assert.That(caches.Objects.CreateCache("plain", 100, 0, SlabFlags.Poison)!.Flags, Is.EqualTo(SlabFlags.None));
        using var slob = new Caches(ObjectAllocatorKind.Slob, options: new ObjectAllocatorOptions { Debugger = new Recorder() });
        Assert.That(slob.Objects.CreateCache("plain", 100, 0, SlabFlags.Poison)!.IsWatched, Is.False);
    }

    private sealed class Recorder : ObjectDebugger
    {
        private int _calls;

        public List<string> Events { get; } = [];

        public List<AllocationSite> Sites { get; } = [];

        public bool RefuseNextAlloc { get; set; }

        public FreeVerdict? Verdict { get; set; }

        public nint Sample { get; set; }

        public int FailEvery { get; init; }

        public override bool ShouldFail(KmemCache cache, GfpFlags flags) => FailEvery != 0 && ++_calls % FailEvery == 0;

        public override void SlabCreated(Cpu cpu, in SlabView slab) => Events.Add("slab");

        public override void SlabDestroyed(Cpu cpu, in SlabView slab) => Events.Add("slab gone");

        public override bool AllocProcessing(Cpu cpu, in SlabView slab, int index, int requested, AllocationSite site)
        {
            Events.Add("alloc");
            Sites.Add(site);
            var accepted = !RefuseNextAlloc;
            RefuseNextAlloc = false;
            return accepted;
        }

        public override FreeVerdict FreeProcessing(Cpu cpu, in SlabView slab, void* address, bool isFree, AllocationSite site)
        {
            Events.Add(isFree ? "free again" : "free");
            Sites.Add(site);
            return Verdict ?? base.FreeProcessing(cpu, slab, address, isFree, site);
        }

        public override void* AllocSampled(Cpu cpu, KmemCache cache, int requested, GfpFlags flags, AllocationSite site) => (void*)Sample;

        public override void FreeSampled(Cpu cpu, KmemCache? cache, void* address, AllocationSite site) => Events.Add("free sample");

        public override bool InvalidFree(Cpu cpu, KmemCache? named, KmemCache? actual, void* address, AllocationSite site)
        {
            Events.Add($"invalid {named} {actual}");
            return true;
        }

        public override void LiveAtDestroy(in SlabView slab, ReadOnlySpan<int> live) => Events.Add($"live {live.Length}");
    }
}
