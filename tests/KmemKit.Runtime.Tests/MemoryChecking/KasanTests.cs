using System;
using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Policies;
using KmemKit.Runtime.Checks;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Kasan;
using KmemKit.Runtime.Slab;
using KmemKit.Runtime.Tests.Harness;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.MemoryChecking;

/// <summary>Each class of misuse is caught by checked access and reported as KASAN does; its correct neighbour is not accused.</summary>
[TestFixture(ObjectAllocatorKind.Slub, true)]
[TestFixture(ObjectAllocatorKind.Slub, false)]
[TestFixture(ObjectAllocatorKind.Slab, true)]
internal sealed unsafe class KasanTests(ObjectAllocatorKind kind, bool is64Bit)
{
    [Test]
    public void Every_byte_that_was_asked_for_may_be_used_and_the_next_may_not([Values(1, 7, 8, 13, 50, 64, 96, 123, 200, 1024, 4096)] int size)
    {
        using var machine = Boot();
        var item = (byte*)machine.Allocator.Kmalloc(machine.Cpu, (nuint)size, GfpFlags.Kernel);
        for (var i = 0; i < size; i++)
            machine.Port.Store(item + i, unchecked((byte)i));
        for (var i = 0; i < size; i++)
            Assert.That(machine.Port.Load(item + i), Is.EqualTo(unchecked((byte)i)));
        machine.ExpectNoReport();
        machine.Port.Load(item + size);
        var report = machine.Single<KasanReport>();
        Assert.That((report.Kind, report.IsWrite, report.Size), Is.EqualTo((KasanReportKind.OutOfBounds, false, 1L)));
        machine.Port.Store(item - 1, (byte)0);
        Assert.That(((KasanReport)machine.Checks.Reports[1]).Kind, Is.EqualTo(KasanReportKind.OutOfBounds));
    }

    [Test]
    public void A_write_to_the_right_is_reported_with_its_object()
    {
        using var machine = Boot();
        var item = (byte*)machine.Allocator.Kmalloc(machine.Cpu, 123, GfpFlags.Kernel, "/driver.c", 7);
        machine.Port.Store(item + 123, (byte)'x', "/driver.c", 9);
        var report = machine.Single<KasanReport>();
        var name = machine.Allocator.KmallocCache(123)!.Name;
        var text = report.ToString();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(text, Does.StartWith($"{new string('=', 66)}\nBUG: KASAN: slab-out-of-bounds in driver.c:9\n"
                + $"Write of size 1 at addr {Pointer(machine, item + 123)} by task insmod/2760\n\n"));
            Assert.That(text, Does.Contain("\nAllocated by task 2760:\n driver.c:7\n\n"));
            Assert.That(text, Does.Contain($"The buggy address belongs to the object at {Pointer(machine, item)}\n which belongs to the cache {name} of size 128\n"
                + $"The buggy address is located 0 bytes to the right of\n allocated 123-byte region [{Pointer(machine, item)}, {Pointer(machine, item + 123)})\n"));
            Assert.That(text, Does.Match("\n>[0-9a-f]+: .*00 00 00 03"));
        }
    }

    [TestCase(1)]
    [TestCase(2)]
    [TestCase(4)]
    [TestCase(8)]
    public void An_access_that_starts_inside_and_ends_outside_is_caught(int size)
    {
        using var machine = Boot();
        var item = (byte*)machine.Allocator.Kmalloc(machine.Cpu, 21, GfpFlags.Kernel);
        Access(item + 21 - size, size);
        machine.ExpectNoReport();
        Access(item + 22 - size, size);
        Assert.That(machine.Single<KasanReport>().FirstBad, Is.EqualTo(machine.Allocator.AddressOf(item + 21)));

        void Access(byte* at, int bytes)
        {
            switch (bytes)
            {
                case 1:
                    machine.Port.Store(at, (byte)1);
                    break;
                case 2:
                    machine.Port.Store((ushort*)at, (ushort)1);
                    break;
                case 4:
                    machine.Port.Store((uint*)at, 1u);
                    break;
                default:
                    machine.Port.Store((ulong*)at, 1ul);
                    break;
            }
        }
    }

    [Test]
    public void A_write_to_the_left_is_caught()
    {
        using var machine = Boot();
        var cache = machine.Cache();
        for (var i = 0; i < 100; i++)
        {
            var item = (byte*)cache.Alloc(machine.Cpu, GfpFlags.Kernel);
            machine.Port.Store(item - 1, (byte)0);
            Assert.That(machine.Checks.Reports, Has.Count.EqualTo(i + 1), "whatever the neighbours are");
        }
    }

    [Test]
    public void Far_out_of_bounds_hits_another_object_and_is_caught_by_what_it_was_meant_for()
    {
        using var machine = Boot();
        var cache = machine.Cache();
        var items = Enumerable.Range(0, 8).Select(_ => (nint)cache.Alloc(machine.Cpu, GfpFlags.Kernel)).Order().ToArray();
        machine.Port.StoreAt<int>((void*)items[0], 60, 1);
        Assert.That(machine.Port.LoadAt<int>((void*)items[0], 60), Is.EqualTo(1));
        machine.ExpectNoReport();
        machine.Port.StoreAt<int>((void*)items[0], items[2] - items[0], 1);
        var report = machine.Single<KasanReport>();
        Assert.That(report.Kind, Is.EqualTo(KasanReportKind.OutOfBounds));
        Assert.That(report.ToString(), Does.Contain($"The buggy address is located {items[2] - items[0] - 64} bytes to the right of\n allocated 64-byte region"));
        machine.Port.LoadAt<int>((void*)items[2], -4);
        machine.Port.LoadAt<int>((void*)items[2], items[0] - items[2]);
        Assert.That(machine.Checks.Reports[2].ToString(), Does.Contain($"located {items[2] - items[0]} bytes to the left of"));
    }

    [Test]
    public void Use_after_free_is_caught_as_long_as_the_object_is_in_quarantine()
    {
        using var machine = Boot();
        var cache = machine.Cache();
        var item = (byte*)cache.Alloc(machine.Cpu, GfpFlags.Kernel, "/driver.c", 3);
        machine.Port.Store(item, (byte)1);
        cache.Free(machine.Cpu, item, "/driver.c", 4);
        for (var i = 0; i < 500; i++)
            Assert.That(cache.Alloc(machine.Cpu, GfpFlags.Kernel) != item, Is.True);
        machine.ExpectNoReport();
        machine.Port.Load(item + 5);
        var report = machine.Single<KasanReport>();
        Assert.That(report.ToString(), Does.Contain("BUG: KASAN: slab-use-after-free in KasanTests.cs:"));
        Assert.That(report.ToString(), Does.Contain("Allocated by task 2760:\n driver.c:3\n\nFreed by task 2760:\n driver.c:4\n\n"));
        Assert.That(report.ToString(), Does.Contain("located 5 bytes inside of\n freed 64-byte region ["));
        Assert.That(report.ToString(), Does.Contain(" fb fb fb fb fb fb fb fb"));
    }

    [Test]
    public void Quarantine_is_bounded_and_its_oldest_object_is_used_again_first()
    {
        using var machine = Boot(options => options with { QuarantineBytes = 4096 });
        var cache = machine.Cache();
        var seen = new Dictionary<nint, int>();
        var gap = int.MaxValue;
        for (var i = 0; i < 2000; i++)
        {
            var item = (nint)cache.Alloc(machine.Cpu, GfpFlags.Kernel);
            cache.Free(machine.Cpu, (void*)item);
            if (seen.TryGetValue(item, out var last))
                gap = Math.Min(gap, i - last);
            seen[item] = i;
        }
        Assert.That(machine.Checks.QuarantinedBytes, Is.InRange(4096 - cache.Layout.Size, 4096));
        Assert.That(gap, Is.InRange(4096 / cache.Layout.Size, 2000));
        Assert.That(CheckedMachine.Live(cache), Is.EqualTo(4096 / cache.Layout.Size), "what waits is not free yet");
        cache.Shrink(machine.Cpu);
        Assert.That((machine.Checks.QuarantinedBytes, cache.Count().Slabs), Is.EqualTo((0, 0)));
        machine.ExpectNoReport();
    }

    [Test]
    public void Use_of_a_slab_that_went_back_is_caught_until_the_page_is_somebodys()
    {
        using var machine = Boot(options => options with { QuarantineBytes = 0 });
        var cache = machine.Cache();
        var item = (int*)cache.Alloc(machine.Cpu, GfpFlags.Kernel);
        cache.Free(machine.Cpu, item);
        cache.Shrink(machine.Cpu);
        machine.Port.Load(item);
        Assert.That(machine.Single<KasanReport>().ToString(), Does.Contain("BUG: KASAN: use-after-free in "));
        var pages = new List<nint>();
        var page = (nint)item & ~4095;
        while (pages.Count == 0 || pages[^1] != page)
            pages.Add((nint)machine.Pages.Map.PageData(machine.Cpu.AllocPage(GfpFlags.Kernel)));
        machine.Port.Store(item, 5);
        Assert.That(machine.Port.Load(item), Is.EqualTo(5));
        Assert.That(machine.Checks.Reports, Has.Count.EqualTo(1), "a page of one's own may be used");
    }

    [TestCase(0L)]
    [TestCase(1L << 20)]
    public void A_double_free_is_caught(long quarantine)
    {
        using var machine = Boot(options => options with { QuarantineBytes = quarantine });
        var cache = machine.Cache();
        var item = cache.Alloc(machine.Cpu, GfpFlags.Kernel);
        cache.Free(machine.Cpu, item);
        machine.ExpectNoReport();
        cache.Free(machine.Cpu, item, "/driver.c", 5);
        var text = machine.Single<KasanReport>().ToString();
        Assert.That(text, Does.Contain($"BUG: KASAN: double-free in driver.c:5\nFree of addr {Pointer(machine, item)} by task insmod/2760\n"));
        Assert.That(text, Does.Contain("Freed by task 2760:\n KasanTests.cs:"));
        Assert.That(cache.Alloc(machine.Cpu, GfpFlags.Kernel) != cache.Alloc(machine.Cpu, GfpFlags.Kernel), Is.True);
    }

    [Test]
    public void A_free_of_what_is_no_object_is_caught()
    {
        using var machine = Boot();
        var cache = machine.Cache();
        var item = (byte*)cache.Alloc(machine.Cpu, GfpFlags.Kernel);
        cache.Free(machine.Cpu, item + 1);
        Assert.That(machine.Single<KasanReport>().ToString(), Does.Contain("BUG: KASAN: invalid-free in KasanTests.cs:"));
        Assert.That(machine.Checks.Reports[0].ToString(), Does.Contain("located 1 bytes inside of"));
        machine.Allocator.Kfree(machine.Cpu, machine.Pages.Map.PageData(machine.Cpu.AllocPage(GfpFlags.Kernel)));
        Assert.That(((KasanReport)machine.Checks.Reports[1]).Kind, Is.EqualTo(KasanReportKind.InvalidFree));
        cache.Free(machine.Cpu, item);
        Assert.That(machine.Checks.Reports, Has.Count.EqualTo(2));
    }

    [Test]
    public void A_free_to_the_wrong_cache_is_said_and_goes_to_the_right_one()
    {
        using var machine = Boot();
        var (cache, other) = (machine.Cache(), machine.Cache("gadget"));
        other.Free(machine.Cpu, cache.Alloc(machine.Cpu, GfpFlags.Kernel));
        Assert.That(machine.Checks.Reports.Single().ToString(), Does.StartWith("kmem_cache_free: Wrong slab cache. gadget but object is from widget\n"));
        cache.Shrink(machine.Cpu);
        Assert.That(CheckedMachine.Live(cache), Is.Zero);
    }

    [Test]
    public void Bytes_that_nobody_wrote_are_caught_when_they_are_used()
    {
        using var machine = Boot();
        var item = (byte*)machine.Allocator.Kmalloc(machine.Cpu, 64, GfpFlags.Kernel, "/driver.c", 3);
        machine.Port.Store((uint*)item, 0x5a5a5a5au);
        machine.Port.Store((ushort*)(item + 4), (ushort)0x5a01);
        machine.Port.Write(item + 8, [0x5a, 1, 0x5a, 2, 0x5a, 0x5a, 0x5a, 0x5a]);
        Assert.That(machine.Port.Load((uint*)item), Is.EqualTo(0x5a5a5a5au));
        Assert.That(machine.Port.Load((ushort*)(item + 4)), Is.EqualTo(0x5a01));
        Assert.That(machine.Port.Load((ulong*)(item + 8)), Is.EqualTo(0x5a5a5a5a025a015aUL));
        var copy = new byte[64];
        machine.Port.Read(item, copy);
        machine.ExpectNoReport();
        machine.Port.Load((uint*)(item + 4), "/driver.c", 9);
        Assert.That(machine.Single<KasanReport>().ToString(), Does.Contain("BUG: KMSAN: uninit-value in driver.c:9\n driver.c:9\n\nUninit was created at:\n driver.c:3\n\n"
            + "Byte 2 of 4 is the first that is uninitialized\n"));
    }

    [Test]
    public void Zeroed_and_constructed_objects_are_initialised_and_reuse_is_not()
    {
        using var machine = Boot(options => options with { QuarantineBytes = 0 });
        var zeroed = (ulong*)machine.Allocator.Kzalloc(machine.Cpu, 64, GfpFlags.Kernel);
        Assert.That(machine.Port.Load(zeroed), Is.Zero);
        var cache = machine.Cache("made", 64, constructor: item => new Span<byte>(item, 64).Fill(0x5a));
        var made = (ulong*)cache.Alloc(machine.Cpu, GfpFlags.Kernel);
        Assert.That(machine.Port.Load(made), Is.EqualTo(0x5a5a5a5a5a5a5a5aUL));
        machine.ExpectNoReport();
        var plain = machine.Cache("plain", 64);
        var first = (ulong*)plain.Alloc(machine.Cpu, GfpFlags.Kernel);
        machine.Port.Store(first, 0x5a5a5a5a5a5a5a5aUL);
        plain.Free(machine.Cpu, first);
        ulong* again;
        do
            again = (ulong*)plain.Alloc(machine.Cpu, GfpFlags.Kernel);
        while (again != first);
        machine.Port.Load(again);
        Assert.That(machine.Single<KasanReport>().Kind, Is.EqualTo(KasanReportKind.UninitializedRead), "the marks of the object before are gone");
    }

    [Test]
    public void Blocks_of_pages_have_their_bounds_too()
    {
        using var machine = Boot();
        var size = (nuint)machine.Allocator.KmallocMaxCacheSize + 5000;
        if (size > (nuint)machine.Allocator.KmallocMaxSize)
        {
            // Only SLAB serves all sizes from caches and has no such blocks.
            Assert.That(machine.Allocator.Kind, Is.EqualTo(ObjectAllocatorKind.Slab));
            return;
        }
        var item = (byte*)machine.Allocator.Kmalloc(machine.Cpu, size, GfpFlags.Kernel, "/driver.c", 3);
        machine.Port.Store(item + size - 1, (byte)1);
        machine.ExpectNoReport();
        machine.Port.Store(item + size, (byte)1);
        Assert.That(machine.Single<KasanReport>().ToString(), Does.Contain($"located 0 bytes to the right of\n allocated {size}-byte region").And.Contain("driver.c:3"));
        item = (byte*)machine.Allocator.Krealloc(machine.Cpu, item, size + 100, GfpFlags.Kernel);
        machine.Port.Store(item + size + 99, (byte)1);
        Assert.That(machine.Checks.Reports, Has.Count.EqualTo(1));
        machine.Allocator.Kfree(machine.Cpu, item);
        machine.Port.Load(item);
        machine.Allocator.Kfree(machine.Cpu, item);
        Assert.That(machine.Checks.Reports.Skip(1).Cast<KasanReport>().Select(r => r.Kind), Is.EqualTo(new[] { KasanReportKind.UseAfterFree, KasanReportKind.DoubleFree }));
    }

    [Test]
    public void Krealloc_and_ksize_move_the_bounds()
    {
        using var machine = Boot();
        var item = (byte*)machine.Allocator.Kmalloc(machine.Cpu, 50, GfpFlags.Kernel);
        item = (byte*)machine.Allocator.Krealloc(machine.Cpu, item, 20, GfpFlags.Kernel);
        machine.Port.Store(item + 19, (byte)1);
        machine.ExpectNoReport();
        machine.Port.Store(item + 20, (byte)1);
        Assert.That(machine.Checks.Reports, Has.Count.EqualTo(1));
        var all = machine.Allocator.Ksize(item);
        machine.Port.Store(item + all - 1, (byte)1);
        Assert.That(machine.Checks.Reports, Has.Count.EqualTo(1));
    }

    [Test]
    public void Wild_addresses_are_reported_and_nothing_is_done()
    {
        using var machine = Boot();
        Assert.That(machine.Port.Load((int*)8), Is.Zero);
        machine.Port.Store((int*)0x123456789000, 1);
        Assert.That(machine.Port.Load<int>(new VirtAddr(0x10)), Is.Zero);
        Assert.That(machine.Checks.Reports.Cast<KasanReport>().Select(r => r.BugType), Is.EqualTo(new[] { "null-ptr-deref", "wild-memory-access", "null-ptr-deref" }));
        Assert.That(machine.Checks.Reports[1].ToString(), Does.Contain("Write of size 4 at addr ").And.Contain("123456789000 by task"));
    }

    [Test]
    public void Board_addresses_lead_to_the_same_object()
    {
        using var machine = Boot();
        var item = (uint*)machine.Allocator.Kmalloc(machine.Cpu, 16, GfpFlags.Kernel);
        var address = machine.Allocator.AddressOf(item)!.Value;
        machine.Port.Store(address, 77u);
        Assert.That((machine.Port.Load(item), machine.Port.Load<uint>(address)), Is.EqualTo((77u, 77u)));
        machine.ExpectNoReport();
        machine.Port.Load<uint>(address + 16);
        machine.Single<KasanReport>();
    }

    [Test]
    public void Memory_of_the_page_allocator_may_be_used()
    {
        using var machine = Boot();
        var page = machine.Pages.Map.PageData(machine.Cpu.AllocPage(GfpFlags.Kernel));
        for (var i = 0; i < 4096; i += 8)
        {
            machine.Port.Store((ulong*)(page + i), 0x5a5a5a5a5a5a5a5aUL);
            Assert.That(machine.Port.Load((ulong*)(page + i)), Is.EqualTo(0x5a5a5a5a5a5a5a5aUL));
        }
        machine.ExpectNoReport();
    }

    [Test]
    public void With_slub_debug_beside_it_both_see_their_part()
    {
        using var machine = Boot(options => options with { SlubDebug = CheckedMachine.Slub().SlubDebug });
        var cache = machine.Cache();
        var item = (byte*)cache.Alloc(machine.Cpu, GfpFlags.Kernel);
        item[64] = 1;
        cache.Free(machine.Cpu, item);
        Assert.That(machine.Checks.Reports.Single().ToString(), Does.Contain("Redzone overwritten"));
        cache.Free(machine.Cpu, item);
        cache.Free(machine.Cpu, item);
        Assert.That(machine.Checks.Reports, Has.Count.EqualTo(2));
        Assert.That(machine.Checks.Reports[1].ToString(), Does.Contain("BUG: KASAN: double-free"));
        cache.Shrink(machine.Cpu);
        Assert.That(cache.Count().Slabs, Is.Zero);
    }

    [Test]
    public void Nothing_managed_is_allocated_by_checked_calls_and_accesses()
    {
        using var machine = Boot(options => options with { QuarantineBytes = 1 << 14, SlubDebug = CheckedMachine.Slub().SlubDebug });
        var cache = machine.Cache();
        Use(500);
        Assert.That(ManagedAllocation.LeastOf(() => Use(500)), Is.Zero);
        machine.ExpectNoReport();

        void Use(int turns)
        {
            for (var i = 0; i < turns; i++)
            {
                var item = (long*)cache.Alloc(machine.Cpu, GfpFlags.Kernel);
                machine.Port.Store(item, i);
                if (machine.Port.Load(item) != i)
                    throw new InvalidOperationException("The value is lost.");
                cache.Free(machine.Cpu, item);
            }
        }
    }

    private static string Pointer(CheckedMachine machine, void* item)
    {
        var address = machine.Allocator.AddressOf(item)!.Value.Value;
        return machine.Allocator.WordSize == 8 ? $"{address:x16}" : $"{address:x8}";
    }

    private CheckedMachine Boot(Func<MemoryCheckOptions, MemoryCheckOptions>? change = null)
    {
        var options = new MemoryCheckOptions { Kasan = true };
        return new CheckedMachine(change?.Invoke(options) ?? options, kind, is64Bit);
    }
}
