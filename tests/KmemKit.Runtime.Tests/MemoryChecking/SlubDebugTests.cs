using System;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.CompilerServices;
using KmemKit.BoardCompiler.Policies;
using KmemKit.Runtime.Checks;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Slab;
using KmemKit.Runtime.SlubDebug;
using KmemKit.Runtime.Tests.Harness;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.MemoryChecking;

/// <summary>Each misuse that <c>slub_debug</c> finds is reported as the kernel reports it, and the run goes on where the kernel's would.</summary>
[TestFixture(ObjectAllocatorKind.Slub, true, false)]
[TestFixture(ObjectAllocatorKind.Slub, true, true)]
[TestFixture(ObjectAllocatorKind.Slub, false, false)]
[TestFixture(ObjectAllocatorKind.Slab, true, true)]
internal sealed unsafe class SlubDebugTests(ObjectAllocatorKind kind, bool is64Bit, bool isCallerKnown)
{
    [Test]
    public void Correct_use_is_not_accused()
    {
        using var machine = Boot();
        var cache = machine.Cache();
        for (var turn = 0; turn < 3; turn++)
        {
            var items = Enumerable.Range(0, 200).Select(_ => (nint)cache.Alloc(machine.Cpu, GfpFlags.Kernel)).ToArray();
            foreach (var item in items)
                new Span<byte>((void*)item, cache.ObjectSize).Fill(0xff);
            foreach (var item in items)
                cache.Free(machine.Cpu, (void*)item);
        }
        Assert.That(machine.Checks.Validate(machine.Cpu, cache), Is.Zero);
        cache.Shrink(machine.Cpu);
        machine.ExpectNoReport();
        Assert.That(cache.Count().Slabs, Is.Zero);
    }

    [Test]
    public void A_write_behind_the_object_is_found_when_it_is_freed()
    {
        using var machine = Boot();
        var cache = machine.Cache();
        var item = (byte*)cache.Alloc(machine.Cpu, GfpFlags.Kernel);
        item[64] = 0x12;
        item[66] = 0x34;
        cache.Free(machine.Cpu, item);
        var report = machine.Single<SlabReport>();
        var pointer = Pointer(machine, item);
        var end = Pointer(machine, item + 66);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(report.Kind, Is.EqualTo(SlabReportKind.RedZoneOverwritten));
            Assert.That(report.ToString(), Does.StartWith($"{new string('=', 77)}\nBUG widget (Not tainted): Right Redzone overwritten\n{new string('-', 77)}\n\n"
                + $"{Pointer(machine, item + 64)}-{end} @offset={report.Damage!.Value.Offset}. First byte 0x12 instead of 0xcc\nAllocated in SlubDebugTests.cs:"));
            Assert.That(report.ToString(), Does.Contain($"Object {pointer} @offset="));
            Assert.That(report.ToString(), Does.Contain("12 cc 34 cc"));
            Assert.That(report.Fixes, Is.EqualTo(new[]
            {
                $"Restoring Right Redzone {Pointer(machine, item + 64)}-{end}=0xcc", $"Object at {pointer} not freed",
            }));
            Assert.That((item[64], item[66]), Is.EqualTo((0xcc, 0xcc)), "the bytes are put right");
            Assert.That(CheckedMachine.Live(cache), Is.EqualTo(1), "the object is not free");
        }
        cache.Free(machine.Cpu, item);
        Assert.That(machine.Checks.Reports, Has.Count.EqualTo(1), "restored, it can be freed");
    }

    [Test]
    public void A_write_in_front_of_the_object_is_found()
    {
        using var machine = Boot();
        var cache = machine.Cache();
        var item = (byte*)cache.Alloc(machine.Cpu, GfpFlags.Kernel);
        item[-1] = 0;
        cache.Free(machine.Cpu, item);
        var report = machine.Single<SlabReport>();
        Assert.That(report.Kind, Is.EqualTo(SlabReportKind.LeftRedZoneOverwritten));
        Assert.That(report.ToString(), Does.Contain("BUG widget (Not tainted): Left Redzone overwritten\n"));
        Assert.That(report.Damage!.Value.First, Is.EqualTo(machine.Allocator.AddressOf(item - 1)));
    }

    [Test]
    public void Before_4_7_a_write_in_front_of_an_object_hits_the_padding_of_the_one_before()
    {
        using var machine = Boot("FZPU", new LinuxVersion(4, 4));
        var cache = machine.Cache();
        var (low, high) = Neighbours(machine, cache);
        high[-1] = 0;
        cache.Free(machine.Cpu, low);
        var report = machine.Single<SlabReport>();
        Assert.That(report.Kind, Is.EqualTo(SlabReportKind.ObjectPaddingOverwritten));
        Assert.That(report.ToString(), Does.Contain("INFO: Allocated in SlubDebugTests.cs:"));
        Assert.That(report.ToString(), Does.Match("\nObject [0-9a-f]+: 6b 6b"));
        cache.Free(machine.Cpu, high);
        cache.Free(machine.Cpu, low);
        Assert.That(machine.Checks.Reports, Has.Count.EqualTo(1));
    }

    [Test]
    public void A_use_after_free_is_found_by_the_next_allocation_and_the_slab_given_up()
    {
        using var machine = Boot();
        var cache = machine.Cache();
        var item = (byte*)cache.Alloc(machine.Cpu, GfpFlags.Kernel);
        cache.Free(machine.Cpu, item);
        item[5] = 0x6a;
        var taken = new HashSet<nint>();
        for (var i = 0; i < 100; i++)
            Assert.That(taken.Add((nint)cache.Alloc(machine.Cpu, GfpFlags.Kernel)), Is.True);
        var report = machine.Single<SlabReport>();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(report.Kind, Is.EqualTo(SlabReportKind.PoisonOverwritten));
            Assert.That(report.ToString(), Does.Contain("BUG widget (Not tainted): Poison overwritten\n"));
            Assert.That(report.ToString(), Does.Contain("First byte 0x6a instead of 0x6b\n"));
            Assert.That(report.ToString(), Does.Contain("\nFreed in SlubDebugTests.cs:"));
            Assert.That(report.ToString(), Does.EndWith("FIX widget: Marking all objects used\n"));
            Assert.That(machine.Allocator.FindSlab(item, out var slab), Is.True);
            var (first, end) = ((nint)slab.Start, (nint)slab.Start + (nint)slab.Bytes);
            Assert.That(taken.Count(at => at >= first && at < end), Is.Zero, "what waited in the CPU's array is given up as well");
        }
    }

    [Test]
    public void The_last_poison_byte_has_its_own_value()
    {
        using var machine = Boot();
        var cache = machine.Cache();
        var item = (byte*)cache.Alloc(machine.Cpu, GfpFlags.Kernel);
        Assert.That((item[0], item[62], item[63]), Is.EqualTo((0x6b, 0x6b, 0xa5)), "uninitialised objects hold poison");
        cache.Free(machine.Cpu, item);
        item[63] = 0x6b;
        cache.Alloc(machine.Cpu, GfpFlags.Kernel);
        Assert.That(machine.Single<SlabReport>().ToString(), Does.Contain("First byte 0x6b instead of 0xa5\n"));
    }

    [Test]
    public void A_double_free_is_found_and_refused()
    {
        using var machine = Boot();
        var cache = machine.Cache();
        var item = cache.Alloc(machine.Cpu, GfpFlags.Kernel);
        cache.Free(machine.Cpu, item);
        cache.Free(machine.Cpu, item);
        var report = machine.Single<SlabReport>();
        Assert.That(report.ToString(), Does.Contain("BUG widget (Not tainted): Object already free\n"));
        Assert.That(report.ToString(), Does.EndWith($"FIX widget: Object at {Pointer(machine, item)} not freed\n"));
        Assert.That(cache.Alloc(machine.Cpu, GfpFlags.Kernel) != cache.Alloc(machine.Cpu, GfpFlags.Kernel), Is.True);
    }

    [Test]
    public void A_free_of_the_middle_of_an_object_is_found_and_refused()
    {
        using var machine = Boot();
        var cache = machine.Cache();
        var item = (byte*)cache.Alloc(machine.Cpu, GfpFlags.Kernel);
        cache.Free(machine.Cpu, item + 8);
        var report = machine.Single<SlabReport>();
        Assert.That(report.ToString(), Does.Contain($"BUG widget (Not tainted): Invalid object pointer {Pointer(machine, item + 8)}\n"));
        cache.Free(machine.Cpu, item);
        Assert.That(machine.Checks.Reports, Has.Count.EqualTo(1));
    }

    [Test]
    public void A_free_to_the_wrong_cache_goes_to_the_right_one()
    {
        using var machine = Boot();
        var (cache, other) = (machine.Cache(), machine.Cache("gadget"));
        var item = cache.Alloc(machine.Cpu, GfpFlags.Kernel);
        other.Free(machine.Cpu, item);
        Assert.That(machine.Single<SlabReport>().ToString(), Does.StartWith("kmem_cache_free: Wrong slab cache. gadget but object is from widget\n"));
        Assert.That(CheckedMachine.Live(cache), Is.Zero);
    }

    [Test]
    public void A_free_of_no_object_is_found()
    {
        using var machine = Boot();
        var page = machine.Cpu.AllocPage(GfpFlags.Kernel);
        var address = machine.Pages.Map.PageData(page);
        machine.Allocator.Kfree(machine.Cpu, address);
        Assert.That(machine.Single<SlabReport>().ToString(), Does.Contain($"Attempt to free object({Pointer(machine, address)}) outside of slab\n"));
    }

    [Test]
    public void A_far_write_into_the_free_pointer_is_found()
    {
        using var machine = Boot("FPU");
        var cache = machine.Cache();
        var item = (byte*)cache.Alloc(machine.Cpu, GfpFlags.Kernel);
        item[cache.Layout.FreePointerAt] ^= 0x55;
        cache.Free(machine.Cpu, item);
        Assert.That(machine.Single<SlabReport>().ToString(), Does.Contain("BUG widget (Not tainted): Freepointer corrupt\n"));
        cache.Free(machine.Cpu, item);
        Assert.That(machine.Checks.Reports, Has.Count.EqualTo(1));
    }

    [Test]
    public void A_write_behind_what_kmalloc_was_asked_for_is_found()
    {
        using var machine = Boot();
        var item = (byte*)machine.Allocator.Kmalloc(machine.Cpu, 50, GfpFlags.Kernel);
        item[50] = 1;
        machine.Allocator.Kfree(machine.Cpu, item);
        Assert.That(machine.Single<SlabReport>().ToString(), Does.Contain("(Not tainted): kmalloc Redzone overwritten\n"));
    }

    [Test]
    public void Who_asks_ksize_or_shrinks_in_place_or_wants_zeroes_is_not_accused()
    {
        using var machine = Boot();
        var allocator = machine.Allocator;
        var item = (byte*)allocator.Kzalloc(machine.Cpu, 50, GfpFlags.Kernel);
        Assert.That(new ReadOnlySpan<byte>(item, 50).ContainsAnyExcept((byte)0), Is.False);
        var all = (int)allocator.Ksize(item);
        new Span<byte>(item, all).Fill(7);
        item = (byte*)allocator.Krealloc(machine.Cpu, item, 20, GfpFlags.Kernel);
        item = (byte*)allocator.Krealloc(machine.Cpu, item, 45, GfpFlags.Kernel);
        new Span<byte>(item, 45).Fill(8);
        item = (byte*)allocator.Krealloc(machine.Cpu, item, 300, GfpFlags.Kernel);
        Assert.That((item[0], item[44]), Is.EqualTo((8, 8)));
        new Span<byte>(item, 300).Fill(9);
        allocator.Kfree(machine.Cpu, item);
        machine.ExpectNoReport();
        item = (byte*)allocator.Krealloc(machine.Cpu, allocator.Kmalloc(machine.Cpu, 50, GfpFlags.Kernel), 20, GfpFlags.Kernel);
        item[20] = 1;
        allocator.Kfree(machine.Cpu, item);
        machine.Single<SlabReport>();
    }

    [Test]
    public void A_constructed_object_keeps_its_state_and_its_red_zones_are_watched()
    {
        using var machine = Boot();
        var cache = machine.Cache(constructor: item => new Span<byte>(item, 64).Fill(0x77));
        var item = (byte*)cache.Alloc(machine.Cpu, GfpFlags.Kernel);
        Assert.That(new ReadOnlySpan<byte>(item, 64).ContainsAnyExcept((byte)0x77), Is.False);
        cache.Free(machine.Cpu, item);
        item = (byte*)cache.Alloc(machine.Cpu, GfpFlags.Kernel);
        Assert.That(new ReadOnlySpan<byte>(item, 64).ContainsAnyExcept((byte)0x77), Is.False);
        machine.ExpectNoReport();
        item[64] = 0;
        cache.Free(machine.Cpu, item);
        Assert.That(machine.Single<SlabReport>().Kind, Is.EqualTo(SlabReportKind.RedZoneOverwritten));
    }

    [Test]
    public void A_cache_with_live_objects_is_not_destroyed_and_they_are_listed()
    {
        using var machine = Boot();
        var cache = machine.Cache();
        var item = cache.Alloc(machine.Cpu, GfpFlags.Kernel);
        Assert.That(cache.Destroy(machine.Cpu).IsDestroyed, Is.False);
        var report = machine.Single<SlabReport>();
        Assert.That(report.ToString(), Does.Contain("Objects remaining in widget on __kmem_cache_shutdown()\n"));
        Assert.That(report.ToString(), Does.Contain($"Object {Pointer(machine, item)} @offset=").And.Contain("Allocated in SlubDebugTests.cs:"));
        cache.Free(machine.Cpu, item);
        Assert.That(cache.Destroy(machine.Cpu).IsDestroyed, Is.True);
        Assert.That(machine.Checks.Reports, Has.Count.EqualTo(1));
    }

    [Test]
    public void Tracks_say_who_and_when()
    {
        using var machine = Boot();
        var cache = machine.Cache();
        machine.Checks.Clock.Tick(100);
        var item = (byte*)cache.Alloc(machine.Cpu, GfpFlags.Kernel, "/src/driver.c", 12);
        machine.Checks.Clock.Tick(25);
        cache.Free(machine.Pages.Allocator.Cpus[1], item, "function+0x1a/0x40", 0);
        machine.Checks.Clock.Tick(5);
        cache.Free(machine.Cpu, item);
        var text = machine.Single<SlabReport>().ToString();
        Assert.That(text, Does.Contain("Allocated in driver.c:12 age=30 cpu=0 pid=2760\nFreed in function+0x1a/0x40 age=5 cpu=1 pid=0\n"));
    }

    [Test]
    public void Without_sanity_checks_nothing_is_compared_but_by_validation()
    {
        using var machine = Boot("ZP");
        var cache = machine.Cache();
        var (low, high) = Neighbours(machine, cache);
        low[64] = 1;
        high[-1] = 1;
        machine.ExpectNoReport();
        Assert.That(machine.Checks.Validate(machine.Cpu, cache), Is.EqualTo(2));
        Assert.That(machine.Checks.Validate(machine.Cpu, cache), Is.Zero, "all is restored");
    }

    [Test]
    public void Validation_sees_the_end_of_the_slab()
    {
        using var machine = Boot();
        for (var size = 200; size < 400; size += 8)
        {
            var cache = machine.Cache("widget-" + size, size);
            var item = (byte*)cache.Alloc(machine.Cpu, GfpFlags.Kernel);
            Assert.That(machine.Allocator.FindSlab(item, out var slab), Is.True);
            var last = slab.Start + slab.Bytes - 1;
            if (slab.First + (slab.Objects * cache.Layout.Size) > last)
                continue;
            *last = 0;
            Assert.That(machine.Checks.Validate(machine.Cpu, cache), Is.EqualTo(1));
            Assert.That(machine.Single<SlabReport>().ToString(), Does.Contain(": Padding overwritten. "));
            Assert.That(*last, Is.EqualTo(0x5a));
            return;
        }
        Assert.Fail("Every slab is full to its last byte.");
    }

    [Test]
    public void Options_are_for_the_caches_that_are_named()
    {
        using var machine = Boot("FZ,wid*;P,gadget");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(machine.Cache().Flags & SlabFlags.Debug, Is.EqualTo(SlabFlags.ConsistencyChecks | SlabFlags.RedZone));
            Assert.That(machine.Cache("gadget").Flags & SlabFlags.Debug, Is.EqualTo(SlabFlags.Poison));
            Assert.That(machine.Cache("other").IsWatched, Is.False);
            Assert.That(machine.Allocator.KmallocCache(64)!.IsWatched, Is.False);
        }
    }

    [Test]
    public void O_keeps_a_cache_plain_whose_slabs_would_grow()
    {
        using var machine = Boot("FZPUO");
        var small = machine.Cache(size: 64);
        var page = machine.Cache("page", 4096);
        Assert.That(small.Flags & SlabFlags.Debug, Is.EqualTo(SlabFlags.ConsistencyChecks | SlabFlags.RedZone | SlabFlags.Poison | SlabFlags.StoreUser));
        Assert.That(page.Flags & SlabFlags.Debug, Is.EqualTo(SlabFlags.ConsistencyChecks));
        Assert.That(page.Layout.Size, Is.EqualTo(4096));
    }

    [Test]
    public void A_traced_cache_prints_each_call()
    {
        using var machine = Boot("T,widget");
        var lines = new List<string>();
        machine.Checks.Traced += lines.Add;
        var cache = machine.Cache();
        var item = cache.Alloc(machine.Cpu, GfpFlags.Kernel);
        cache.Free(machine.Cpu, item);
        Assert.That(lines, Has.Count.EqualTo(2));
        Assert.That(lines[0], Does.StartWith($"TRACE widget alloc {Pointer(machine, item)} inuse=1 fp=0x"));
        Assert.That(lines[1], Does.StartWith($"TRACE widget free {Pointer(machine, item)} inuse=1 fp=0x"));
    }

    [Test]
    public void The_checked_path_allocates_nothing_managed()
    {
        using var machine = Boot();
        var cache = machine.Cache();
        Pairs(100);
        Assert.That(ManagedAllocation.LeastOf(() => Pairs(1000)), Is.Zero);
        machine.ExpectNoReport();

        void Pairs(int count)
        {
            for (var i = 0; i < count; i++)
                cache.Free(machine.Cpu, cache.Alloc(machine.Cpu, GfpFlags.Kernel));
        }
    }

    private static string Pointer(CheckedMachine machine, void* item)
    {
        var address = machine.Allocator.AddressOf(item)!.Value.Value;
        return machine.Allocator.WordSize == 8 ? $"0x{address:x16}" : $"0x{address:x8}";
    }

    private static (nint Low, nint High) Pair(CheckedMachine machine, KmemCache cache)
    {
        var items = Enumerable.Range(0, 8).Select(_ => (nint)cache.Alloc(machine.Cpu, GfpFlags.Kernel)).Order().ToArray();
        for (var i = 0; i < items.Length - 1; i++)
        {
            if (items[i + 1] - items[i] == cache.Layout.Size)
                return (items[i], items[i + 1]);
        }
        throw new InvalidOperationException("No two objects are neighbours.");
    }

    private static Twins Neighbours(CheckedMachine machine, KmemCache cache)
    {
        var (low, high) = Pair(machine, cache);
        return new Twins { Low = (byte*)low, High = (byte*)high };
    }

    // The way of an object that is all right is taken from the second time on that a line is run, and leaves to the long way what is not: here each line's first time is
    // its second.
    private CheckedMachine Boot(string options = "FZPU", LinuxVersion? version = null)
    {
        var machine = new CheckedMachine(CheckedMachine.Slub(options), kind, is64Bit, version);
        for (var line = 1; isCallerKnown && line < 1000; line++)
            machine.Checks.Sites.NumberOf(new AllocationSite(ThisFile(), line));
        return machine;
    }

    private static string ThisFile([CallerFilePath] string file = "") => file;

    private struct Twins
    {
        public byte* Low;
        public byte* High;

        public readonly void Deconstruct(out byte* low, out byte* high)
        {
            low = Low;
            high = High;
        }
    }
}
