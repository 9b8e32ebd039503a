using System;
using System.Linq;
using KmemKit.BoardCompiler.Policies;
using KmemKit.Runtime.Checks;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Kfence;
using KmemKit.Runtime.Slab;
using KmemKit.Runtime.Tests.Harness;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.MemoryChecking;

/// <summary>Sampled objects stand alone between guard pages; each misuse of one is reported as KFENCE does, and correct use is not.</summary>
[TestFixture(ObjectAllocatorKind.Slub)]
[TestFixture(ObjectAllocatorKind.Slab)]
internal sealed unsafe class KfenceTests(ObjectAllocatorKind kind)
{
    [Test]
    public void One_allocation_after_each_interval_is_guarded_and_all_others_are_not()
    {
        using var machine = Boot(interval: 10);
        var cache = machine.Cache();
        for (var turn = 1; turn <= 5; turn++)
        {
            machine.Checks.Clock.Tick(10);
            for (var i = 0; i < 300; i++)
                cache.Alloc(machine.Cpu, GfpFlags.Kernel);
            Assert.That(machine.Checks.GuardedObjects, Is.EqualTo(turn));
        }
        machine.Checks.Clock.Tick(9);
        cache.Alloc(machine.Cpu, GfpFlags.Kernel);
        Assert.That(machine.Checks.GuardedObjects, Is.EqualTo(5));
        Assert.That(cache.IsWatched, Is.False);
    }

    [Test]
    public void An_object_lies_at_either_end_of_its_page_and_keeps_its_alignment()
    {
        using var machine = Boot();
        var cache = machine.Cache(size: 40);
        var offsets = Enumerable.Range(0, 32).Select(_ => (int)((nint)Guarded(machine, cache) & 4095)).Distinct().Order().ToArray();
        Assert.That(offsets, Is.EqualTo(new[] { 0, 4096 - 40 }));
        machine.ExpectNoReport();
    }

    [Test]
    public void Correct_use_of_guarded_objects_is_not_accused()
    {
        using var machine = Boot();
        var cache = machine.Cache(size: 100);
        for (var i = 0; i < 100; i++)
        {
            var item = Guarded(machine, cache);
            for (var at = 0; at < 100; at += 4)
                machine.Port.Store((int*)(item + at), at);
            for (var at = 0; at < 100; at += 4)
                Assert.That(machine.Port.Load((int*)(item + at)), Is.EqualTo(at));
            cache.Free(machine.Cpu, item);
        }
        machine.ExpectNoReport();
        Assert.That(machine.Checks.GuardedObjects, Is.Zero);
    }

    [Test]
    public void An_access_to_the_guard_page_on_the_left_is_caught()
    {
        using var machine = Boot();
        var cache = machine.Cache();
        var item = GuardedAt(machine, cache, left: true);
        machine.Port.Load(item - 1, "/driver.c", 9);
        var text = machine.Single<KfenceReport>().ToString();
        var pointer = Pointer(machine, item);
        Assert.That(text, Does.StartWith($"{new string('=', 66)}\nBUG: KFENCE: out-of-bounds read in driver.c:9\n\nOut-of-bounds read at {Pointer(machine, item - 1)} (1B left of kfence-#"));
        Assert.That(text, Does.Match($"\nkfence-#[0-9]+: {pointer}-{Pointer(machine, item + 63)}, size=64, cache=widget\n\nallocated by task 2760 on cpu 0 at 0\\.000000s:\n KfenceTests\\.cs:"));
    }

    [Test]
    public void An_access_to_the_guard_page_on_the_right_is_caught()
    {
        using var machine = Boot();
        var cache = machine.Cache();
        var item = GuardedAt(machine, cache, left: false);
        machine.Port.Store(item + 64, (byte)1);
        var text = machine.Single<KfenceReport>().ToString();
        Assert.That(text, Does.Contain("BUG: KFENCE: out-of-bounds write in ").And.Contain("(64B right of kfence-#"));
        cache.Free(machine.Cpu, item);
        Assert.That(machine.Checks.Reports, Has.Count.EqualTo(1), "the guard page is not the object's");
    }

    [Test]
    public void A_far_access_is_caught_in_either_direction()
    {
        using var machine = Boot();
        var cache = machine.Cache();
        var item = GuardedAt(machine, cache, left: true);
        machine.Port.Store((long*)(item + 1000), 1L);
        machine.Port.Load((long*)(item - 3000));
        machine.Port.Store((long*)(item + 5000), 1L);
        Assert.That(machine.Checks.Reports.Cast<KfenceReport>().Select(r => r.Kind), Is.All.EqualTo(KfenceReportKind.OutOfBounds).And.Exactly(3).Items);
    }

    [Test]
    public void Use_after_free_is_caught_with_both_sites()
    {
        using var machine = Boot();
        var cache = machine.Cache();
        var item = Guarded(machine, cache);
        machine.Checks.Clock.Tick(250);
        cache.Free(machine.Cpu, item, "/driver.c", 4);
        machine.Port.Load(item);
        var text = machine.Single<KfenceReport>().ToString();
        Assert.That(text, Does.Contain("BUG: KFENCE: use-after-free read in KfenceTests.cs:"));
        Assert.That(text, Does.Match("\nUse-after-free read at 0x[0-9a-f]+ \\(in kfence-#[0-9]+\\):\n"));
        Assert.That(text, Does.Contain("\n\nfreed by task 2760 on cpu 0 at 1.000000s:\n driver.c:4\n"));
    }

    [Test]
    public void A_freed_object_is_used_again_after_all_others()
    {
        using var machine = Boot(objects: 8);
        var cache = machine.Cache();
        var first = Guarded(machine, cache);
        cache.Free(machine.Cpu, first);
        for (var i = 0; i < 7; i++)
        {
            var item = Guarded(machine, cache);
            Assert.That((nint)item >> 12, Is.Not.EqualTo((nint)first >> 12));
            cache.Free(machine.Cpu, item);
        }
        Assert.That((nint)Guarded(machine, cache) >> 12, Is.EqualTo((nint)first >> 12));
    }

    [Test]
    public void A_write_that_nobody_checked_is_seen_when_the_object_is_freed()
    {
        using var machine = Boot();
        var cache = machine.Cache(size: 40);
        var item = GuardedAt(machine, cache, left: true);
        item[41] = 0xac;
        cache.Free(machine.Cpu, item);
        var text = machine.Single<KfenceReport>().ToString();
        Assert.That(text, Does.Contain("BUG: KFENCE: memory corruption in "));
        Assert.That(text, Does.Contain($"Corrupted memory at {Pointer(machine, item + 41)} [ 0xac . . . . . . . . . . . . . . . ] (in kfence-#"));
        item = GuardedAt(machine, cache, left: false);
        item[-2] = 1;
        cache.Free(machine.Cpu, item);
        Assert.That(machine.Checks.Reports[1].ToString(), Does.Contain($"Corrupted memory at {Pointer(machine, item - 2)} [ 0x01 . ] (in kfence-#"));
    }

    [Test]
    public void Double_free_and_free_of_the_middle_and_to_the_wrong_cache_are_caught()
    {
        using var machine = Boot();
        var cache = machine.Cache();
        var item = Guarded(machine, cache);
        cache.Free(machine.Cpu, item + 8);
        machine.Cache("gadget", 128).Free(machine.Cpu, item);
        Assert.That(machine.Checks.GuardedObjects, Is.EqualTo(1));
        cache.Free(machine.Cpu, item);
        Assert.That(machine.Checks.GuardedObjects, Is.Zero);
        cache.Free(machine.Cpu, item);
        Assert.That(machine.Checks.Reports.Cast<KfenceReport>().Select(r => r.Kind), Is.All.EqualTo(KfenceReportKind.InvalidFree).And.Exactly(3).Items);
        Assert.That(machine.Checks.Reports[2].ToString(), Does.Contain($"BUG: KFENCE: invalid free in KfenceTests.cs:").And.Contain($"\nInvalid free of {Pointer(machine, item)} (in kfence-#"));
    }

    [Test]
    public void Kmalloc_is_guarded_to_the_byte_and_kfree_krealloc_and_ksize_know_it()
    {
        using var machine = Boot();
        var allocator = machine.Allocator;
        for (var i = 0; i < 40; i++)
        {
            machine.Checks.SampleNow();
            var item = (byte*)allocator.Kzalloc(machine.Cpu, 50, GfpFlags.Kernel);
            Assert.That(machine.Checks.GuardedObjects, Is.EqualTo(1));
            Assert.That(new ReadOnlySpan<byte>(item, 50).ContainsAnyExcept((byte)0), Is.False);
            Assert.That(allocator.Ksize(item), Is.EqualTo((nuint)50));
            item[49] = 7;
            item = (byte*)allocator.Krealloc(machine.Cpu, item, 60, GfpFlags.Kernel);
            Assert.That((item[49], machine.Checks.GuardedObjects), Is.EqualTo((7, 0)));
            allocator.Kfree(machine.Cpu, item);
        }
        machine.ExpectNoReport();
    }

    [Test]
    public void An_empty_pool_and_requests_for_a_zone_are_served_as_usual()
    {
        using var machine = Boot(objects: 2);
        var cache = machine.Cache();
        for (var i = 0; i < 5; i++)
        {
            machine.Checks.SampleNow();
            Assert.That(cache.Alloc(machine.Cpu, GfpFlags.Kernel) is null, Is.False);
        }
        Assert.That(machine.Checks.GuardedObjects, Is.EqualTo(2));
        machine.ExpectNoReport();
    }

    [Test]
    public void A_pool_that_no_block_holds_is_refused()
    {
        using var machine = new CheckedMachine(new MemoryCheckOptions { KfenceObjects = 1 << 20 }, kind);
        Assert.Throws<ArgumentOutOfRangeException>(() => machine.Checks.StartKfence(machine.Cpu));
        using var none = new CheckedMachine(new MemoryCheckOptions(), kind);
        Assert.That(none.Checks.StartKfence(none.Cpu), Is.False);
        none.Checks.SampleNow();
    }

    [Test]
    public void Sampling_allocates_nothing_managed()
    {
        using var machine = Boot();
        var cache = machine.Cache();
        Use(50);
        Assert.That(ManagedAllocation.LeastOf(() => Use(50)), Is.Zero);
        machine.ExpectNoReport();

        void Use(int turns)
        {
            for (var i = 0; i < turns; i++)
            {
                machine.Checks.SampleNow();
                cache.Free(machine.Cpu, cache.Alloc(machine.Cpu, GfpFlags.Kernel));
            }
        }
    }

    private static byte* Guarded(CheckedMachine machine, KmemCache cache)
    {
        var before = machine.Checks.GuardedObjects;
        machine.Checks.SampleNow();
        var item = (byte*)cache.Alloc(machine.Cpu, GfpFlags.Kernel);
        Assert.That(machine.Checks.GuardedObjects, Is.EqualTo(before + 1));
        return item;
    }

    private static byte* GuardedAt(CheckedMachine machine, KmemCache cache, bool left)
    {
        while (true)
        {
            var item = Guarded(machine, cache);
            if (((nint)item & 4095) == 0 == left)
                return item;
            cache.Free(machine.Cpu, item);
        }
    }

    private static string Pointer(CheckedMachine machine, void* item) => $"0x{machine.Allocator.AddressOf(item)!.Value.Value:x16}";

    private CheckedMachine Boot(int objects = 63, long interval = 0)
    {
        var machine = new CheckedMachine(new MemoryCheckOptions { KfenceObjects = objects, KfenceSampleInterval = interval }, kind);
        Assert.That(machine.Checks.StartKfence(machine.Cpu), Is.True);
        return machine;
    }
}
