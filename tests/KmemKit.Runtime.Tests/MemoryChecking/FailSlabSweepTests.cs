using System;
using System.Collections.Generic;
using KmemKit.BoardCompiler.Policies;
using KmemKit.Runtime.Checks;
using KmemKit.Runtime.FaultInjection;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Slab;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.MemoryChecking;

/// <summary>Whichever allocation fails, nothing leaks and nothing is damaged: the first, the second, the third... of a scenario, until it gets through.</summary>
[TestFixture(ObjectAllocatorKind.Slub, "FZPU", false)]
[TestFixture(ObjectAllocatorKind.Slub, "", true)]
[TestFixture(ObjectAllocatorKind.Slub, "FZPU", true)]
[TestFixture(ObjectAllocatorKind.Slab, "FZPU", false)]
[TestFixture(ObjectAllocatorKind.Slab, "", true)]
internal sealed unsafe class FailSlabSweepTests(ObjectAllocatorKind kind, string slubDebug, bool kasan)
{
    [Test]
    public void A_driver_that_cleans_up_after_itself_leaks_nothing_wherever_it_fails([Values] bool pages)
    {
        using var machine = Boot();
        var injector = pages ? machine.Checks.FailPageAlloc.Injector : machine.Checks.FailSlab.Injector;
        var failures = 0;
        for (var nth = 1; ; nth++)
        {
            Assert.That(nth, Is.LessThan(500), "the scenario ends");
            var injected = injector.Injected;
            injector.FailNth = nth;
            var succeeded = Probe(machine);
            injector.FailNth = 0;
            var failed = injector.Injected - injected;
            Assert.That(machine.Checks.FindLeaks(machine.Cpu), Is.Empty, $"allocation {nth} failed");
            if (nth % 8 == 0)
                machine.Pages.Allocator.Verify();
            machine.ExpectNoReport();
            if (failed == 0)
            {
                Assert.That(succeeded, Is.True);
                break;
            }
            failures++;
        }
        Assert.That(failures, Is.GreaterThan(pages ? 8 : 60));
    }

    [Test]
    public void A_driver_that_forgets_one_is_told_where()
    {
        using var machine = Boot();
        machine.Checks.FailSlab.Injector.FailNth = 2;
        var first = machine.Allocator.Kmalloc(machine.Cpu, 64, GfpFlags.Kernel, "/driver.c", 11);
        var second = machine.Allocator.Kmalloc(machine.Cpu, 64, GfpFlags.Kernel, "/driver.c", 12);
        Assert.That((first is null, second is null), Is.EqualTo((false, true)));
        var leaks = machine.Checks.FindLeaks(machine.Cpu);
        Assert.That(leaks, Has.Count.EqualTo(1));
        Assert.That(leaks[0].Allocated!.Value.Site.Line, Is.EqualTo(11));
    }

    [Test]
    public void With_the_filter_only_marked_caches_fail()
    {
        using var machine = new CheckedMachine(CheckedMachine.Slub("A,widget") with { FailSlab = true, Kasan = kasan }, kind);
        machine.Checks.FailSlab.CacheFilter = true;
        machine.Checks.FailSlab.Injector.Attributes = new FaultAttributes { Probability = 100, Times = -1 };
        Assert.That(machine.Cache().Alloc(machine.Cpu, GfpFlags.Kernel) is null, Is.True);
        Assert.That(machine.Cache("gadget", 128).Alloc(machine.Cpu, GfpFlags.Kernel) is null, Is.False);
        machine.Checks.FailSlab.CacheFilter = false;
        Assert.That(machine.Allocator.CreateCache("other", 72)!.Alloc(machine.Cpu, GfpFlags.Kernel) is null, Is.True);
        Assert.That(machine.Allocator.CreateCache("other2", 72)!.Alloc(machine.Cpu, GfpFlags.Kernel | GfpFlags.NoFail) is null, Is.False);
    }

    // A driver's probe: caches, single objects, an array, zeroes, bulk, growth of a buffer; on the first null it undoes what it has done.
    private static bool Probe(CheckedMachine machine)
    {
        var (allocator, cpu) = (machine.Allocator, machine.Cpu);
        var taken = new List<(KmemCache? Cache, nint Item, int Size, byte Fill)>();
        var cache = allocator.CreateCache("probe", 120, 0, SlabFlags.NoMerge)!;
        var made = allocator.CreateCache("made", 72, 0, SlabFlags.NoMerge, item => new Span<byte>(item, 72).Fill(0x11))!;
        var bulk = new nint[20];
        var succeeded = Take(null, allocator.Kmalloc(cpu, 64, GfpFlags.Kernel), 64)
            && Take(null, allocator.Kzalloc(cpu, 333, GfpFlags.Kernel), 333)
            && Take(null, allocator.Kcalloc(cpu, 10, 30, GfpFlags.Kernel), 300)
            && TakeMany(cache, 120, 30) && TakeMany(made, 72, 10) && TakeMany(null, 2000, 10)
            && cache.AllocBulk(cpu, GfpFlags.Kernel, bulk) && TakeBulk()
            && Grow();
        foreach (var (owner, item, size, fill) in taken)
        {
            Assert.That(new ReadOnlySpan<byte>((void*)item, size).ContainsAnyExcept(fill), Is.False, "contents stay");
            if (owner == made)
                new Span<byte>((void*)item, 72).Fill(0x11);
            if (owner is null)
                allocator.Kfree(cpu, (void*)item);
            else
                owner.Free(cpu, (void*)item);
        }
        Assert.That((cache.Destroy(cpu).IsDestroyed, made.Destroy(cpu).IsDestroyed), Is.EqualTo((true, true)));
        return succeeded;

        bool Take(KmemCache? owner, void* item, int size)
        {
            if (item is null)
                return false;
            var fill = (byte)(taken.Count % 250);
            new Span<byte>(item, size).Fill(fill);
            taken.Add((owner, (nint)item, size, fill));
            return true;
        }

        bool TakeMany(KmemCache? owner, int size, int count)
        {
            for (var i = 0; i < count; i++)
            {
                if (!Take(owner, owner is null ? allocator.Kmalloc(cpu, (nuint)size, GfpFlags.Atomic) : owner.Alloc(cpu, GfpFlags.Kernel), size))
                    return false;
            }
            return true;
        }

        bool TakeBulk()
        {
            foreach (var item in bulk)
                Take(cache, (void*)item, 120);
            return true;
        }

        bool Grow()
        {
            var item = allocator.Kmalloc(cpu, 16, GfpFlags.Kernel);
            if (item is null)
                return false;
            for (var size = 40; size <= 1280; size *= 2)
            {
                var larger = allocator.Krealloc(cpu, item, (nuint)size, GfpFlags.Kernel);
                if (larger is null)
                {
                    // The old one is still ours.
                    allocator.Kfree(cpu, item);
                    return false;
                }
                item = larger;
            }
            return Take(null, item, 1280);
        }
    }

    private CheckedMachine Boot() => new(
        (slubDebug.Length == 0 ? new MemoryCheckOptions() : CheckedMachine.Slub(slubDebug)) with { Kasan = kasan, FailSlab = true }, kind);
}
