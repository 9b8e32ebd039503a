using System;
using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Policies;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Slab;
using KmemKit.Runtime.Slab.Kmalloc;
using KmemKit.Runtime.Tests.PageTests;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.ObjectCaches;

/// <summary>kmalloc and its kin.</summary>
internal sealed unsafe class KmallocTests
{
    private static readonly ObjectAllocatorKind[] s_all = Caches.Kinds;

    private static readonly ObjectAllocatorKind[] s_slabs = Caches.KindsWithSlabs;

    // allocator, kernel, page shift, largest order, KMALLOC_MIN_SIZE: smallest, largest, has 96, has 192
    [TestCase(ObjectAllocatorKind.Slub, "6.9", 12, 10, 8, 8, 8192, true, true)]
    [TestCase(ObjectAllocatorKind.Slub, "6.9", 14, 11, 8, 8, 32768, true, true)]
    [TestCase(ObjectAllocatorKind.Slub, "6.9", 16, 13, 8, 8, 131072, true, true)]
    [TestCase(ObjectAllocatorKind.Slub, "4.4", 12, 10, 64, 64, 8192, false, true)]
    [TestCase(ObjectAllocatorKind.Slub, "4.20", 12, 10, 128, 128, 8192, false, false)]
    [TestCase(ObjectAllocatorKind.Slab, "4.4", 12, 10, 8, 32, 4 << 20, true, true)]
    [TestCase(ObjectAllocatorKind.Slab, "4.4", 16, 13, 8, 32, 32 << 20, true, true)]
    [TestCase(ObjectAllocatorKind.Slab, "2.6.32", 12, 10, 8, 32, 128 << 10, true, true)]
    [TestCase(ObjectAllocatorKind.Slab, "3.4", 12, 10, 64, 64, 128 << 10, false, true)]
    [TestCase(ObjectAllocatorKind.Slab, "3.4", 16, 13, 8, 64, 128 << 10, false, true)]
    public void Caches_are_of_the_kernels_sizes(
        ObjectAllocatorKind kind, string version, int pageShift, int maxOrder, int min, int smallest, int largest, bool has96, bool has192)
    {
        Assert.That(LinuxVersion.TryParse(version, out var linux));
        var sizes = KmallocClasses.Of(kind, linux, new MachineSizes(8, 64, 8, min), pageShift, maxOrder).Sizes;
        Assert.That((sizes[0], sizes[^1]), Is.EqualTo((smallest, largest)));
        Assert.That((sizes.Contains(96), sizes.Contains(192)), Is.EqualTo((has96, has192)));
        Assert.That(sizes, Is.Ordered.Ascending);
        Assert.That(sizes.Where(static size => size is not (96 or 192)).All(static size => int.IsPow2(size)));
        Assert.That(sizes.Count(static size => int.IsPow2(size)), Is.EqualTo(int.Log2(largest) - int.Log2(smallest) + 1), "no power of two is left out");
    }

    [TestCase(ObjectAllocatorKind.Slub, "6.9", 2048, SlabFlags.None, "kmalloc-2k")]
    [TestCase(ObjectAllocatorKind.Slub, "6.9", 96, SlabFlags.CacheDma, "dma-kmalloc-96")]
    [TestCase(ObjectAllocatorKind.Slub, "6.9", 96, SlabFlags.ReclaimAccount, "kmalloc-rcl-96")]
    [TestCase(ObjectAllocatorKind.Slab, "5.4", 4 << 20, SlabFlags.None, "kmalloc-4M")]
    [TestCase(ObjectAllocatorKind.Slub, "4.19", 2048, SlabFlags.None, "kmalloc-2048")]
    [TestCase(ObjectAllocatorKind.Slab, "3.4", 512, SlabFlags.None, "size-512")]
    [TestCase(ObjectAllocatorKind.Slab, "3.4", 512, SlabFlags.CacheDma, "size-512(DMA)")]
    public void Caches_have_the_kernels_names(ObjectAllocatorKind kind, string version, int size, SlabFlags flags, string name)
    {
        Assert.That(LinuxVersion.TryParse(version, out var linux));
        Assert.That(KmallocClasses.Of(kind, linux, new MachineSizes(8, 64, 8, 8), 12, 10).NameOf(size, flags, linux), Is.EqualTo(name));
    }

    [TestCaseSource(nameof(s_all))]
    public void Every_size_is_served_by_the_smallest_cache_that_holds_it(ObjectAllocatorKind kind)
    {
        using var caches = new Caches(kind, 64);
        var objects = caches.Objects;
        foreach (var size in Enumerable.Range(1, 300).Concat([4000, 4095, 4096, 4097, 8191, 8192, 8193, 20_000, 100_000, 1 << 20]))
        {
            var item = objects.Kmalloc(caches.Cpu, (nuint)size, GfpFlags.Kernel);
            var usable = (long)objects.Ksize(item);
            Assert.That(usable, Is.GreaterThanOrEqualTo(size));
            if (objects.KmallocSizes.FirstOrDefault(other => other >= size) is var fit and not 0)
                Assert.That(usable, Is.EqualTo(fit));
            else if (kind == ObjectAllocatorKind.Slob && size < 4032)
                Assert.That(usable, Is.LessThan(size + 4), "SLOB gives what was asked for");
            else
                Assert.That(usable, Is.EqualTo((long)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Math.Max(size, 4096))), "pages");
            new Span<byte>(item, (int)usable).Fill(0xff);
            objects.Kfree(caches.Cpu, item);
        }
        objects.ShrinkAll(caches.Cpu);
        Assert.That(caches.PagesTaken, Is.Zero);
    }

    [Test]
    public void The_classic_profile_ends_at_128_KiB()
    {
        using var caches = new Caches(ObjectAllocatorKind.Slab, 64, version: new LinuxVersion(2, 6, 32), options: new ObjectAllocatorOptions { KmallocMinSize = 32 });
        Assert.That(caches.Objects.Ksize(caches.Objects.Kmalloc(caches.Cpu, 1, GfpFlags.Kernel)), Is.EqualTo((nuint)32), "the smallest allocation");
        Assert.That((long)caches.Objects.Kmalloc(caches.Cpu, 128 << 10, GfpFlags.Kernel), Is.Not.Zero);
        Assert.That((long)caches.Objects.Kmalloc(caches.Cpu, (128 << 10) + 1, GfpFlags.Kernel), Is.Zero);
    }

    [TestCaseSource(nameof(s_all))]
    public void Zero_bytes_give_ZERO_SIZE_PTR_which_is_freed_like_null(ObjectAllocatorKind kind)
    {
        using var caches = new Caches(kind);
        var none = caches.Objects.Kmalloc(caches.Cpu, 0, GfpFlags.Kernel);
        Assert.That((nint)none, Is.EqualTo((nint)ObjectAllocator.ZeroSizePointer).And.EqualTo((nint)16));
        Assert.That((long)caches.Objects.Ksize(none), Is.Zero);
        caches.Objects.Kfree(caches.Cpu, none);
        caches.Objects.Kfree(caches.Cpu, null);
        Assert.That(caches.PagesTaken, Is.Zero);
    }

    [TestCaseSource(nameof(s_all))]
    public void Memory_is_contiguous_in_the_linear_map_and_virt_to_page_finds_it(ObjectAllocatorKind kind)
    {
        using var caches = new Caches(kind);
        var (objects, map) = (caches.Objects, caches.Pages.Map);
        foreach (var size in new[] { 20, 3000, 70_000 })
        {
            var item = (byte*)objects.Kmalloc(caches.Cpu, (nuint)size, GfpFlags.Kernel);
            var address = objects.AddressOf(item)!.Value;
            Assert.That((nint)objects.PointerTo(address), Is.EqualTo((nint)item));
            Assert.That(map.VirtToPage(address), Is.EqualTo(objects.PageOf(item)));
            var first = map.PageToPfn(map.VirtToPage(address)).Number;
            var last = map.PageToPfn(map.VirtToPage(new VirtAddr(address.Value + (ulong)size - 1))).Number;
            Assert.That(last - first, Is.EqualTo(((address.Value & 4095) + (ulong)size - 1) >> 12), "frames in a row");
            item[size - 1] = 77;
            Assert.That(*map.PageData(map.PfnToPage(new PageFrame(last))) + 0, Is.Not.Negative);
            objects.Kfree(caches.Cpu, item);
        }
        Assert.That(objects.AddressOf((void*)0x1000), Is.Null);
        Assert.That((long)objects.PointerTo(new VirtAddr(0x1000)), Is.Zero);
    }

    [TestCaseSource(nameof(s_all))]
    public void Krealloc_keeps_the_contents_and_stays_where_there_is_room(ObjectAllocatorKind kind)
    {
        using var caches = new Caches(kind, 64);
        var objects = caches.Objects;
        var item = (byte*)objects.Krealloc(caches.Cpu, null, 30, GfpFlags.Kernel);
        new Span<byte>(item, 30).Fill(9);
        Assert.That((nint)objects.Krealloc(caches.Cpu, item, objects.Ksize(item), GfpFlags.Kernel), Is.EqualTo((nint)item));
        Assert.That((nint)objects.Krealloc(caches.Cpu, item, 5, GfpFlags.Kernel), Is.EqualTo((nint)item));
        foreach (var size in new[] { 200, 5000, 100_000 })
        {
            item = (byte*)objects.Krealloc(caches.Cpu, item, (nuint)size, GfpFlags.Kernel);
            Assert.That(new ReadOnlySpan<byte>(item, 30).IndexOfAnyExcept((byte)9), Is.EqualTo(-1));
        }
        Assert.That((long)objects.Krealloc(caches.Cpu, item, nuint.MaxValue, GfpFlags.Kernel), Is.Zero, "the old memory stays");
        Assert.That(item[29], Is.EqualTo(9));
        Assert.That((nint)objects.Krealloc(caches.Cpu, item, 0, GfpFlags.Kernel), Is.EqualTo((nint)ObjectAllocator.ZeroSizePointer));
        objects.ShrinkAll(caches.Cpu);
        Assert.That(caches.PagesTaken, Is.Zero);
    }

    [TestCaseSource(nameof(s_all))]
    public void Kcalloc_clears_and_refuses_a_product_that_overflows(ObjectAllocatorKind kind)
    {
        using var caches = new Caches(kind);
        var objects = caches.Objects;
        var dirty = objects.Kmalloc(caches.Cpu, 120, GfpFlags.Kernel);
        new Span<byte>(dirty, 120).Fill(0xff);
        objects.Kfree(caches.Cpu, dirty);
        var clean = objects.Kcalloc(caches.Cpu, 10, 12, GfpFlags.Kernel);
        Assert.That((nint)clean, Is.EqualTo((nint)dirty), "the same memory");
        Assert.That(new ReadOnlySpan<byte>(clean, 120).IndexOfAnyExcept((byte)0), Is.EqualTo(-1));
        Assert.That((long)objects.Kcalloc(caches.Cpu, (nuint)1 << 33, (nuint)1 << 33, GfpFlags.Kernel), Is.Zero);
        Assert.That((nint)objects.Kcalloc(caches.Cpu, 0, 8, GfpFlags.Kernel), Is.EqualTo((nint)ObjectAllocator.ZeroSizePointer));
        Assert.That(new ReadOnlySpan<byte>(objects.Kzalloc(caches.Cpu, 5000, GfpFlags.Kernel), 5000).IndexOfAnyExcept((byte)0), Is.EqualTo(-1));
    }

    [TestCaseSource(nameof(s_slabs))]
    public void DMA_memory_comes_from_its_own_caches_of_the_DMA_zone(ObjectAllocatorKind kind)
    {
        using var machine = Machine.Boot(
            TargetArchitecture.X86, new Policy { LinuxVersion = Machine.Set(new LinuxVersion(4, 4)), ZoneDma = Machine.Set(true) }, null, null, (0, 64 * Machine.MiB, 0));
        using var objects = ObjectAllocator.Boot(machine.Layout, machine.Memory, machine.Allocator, new ObjectAllocatorOptions { Kind = kind });
        var item = objects.Kmalloc(machine.Cpu, 100, GfpFlags.Kernel | GfpFlags.DmaZone);
        Assert.That(machine.Allocator.PageZone(objects.PageOf(item)).Name, Is.EqualTo("DMA"));
        Assert.That(machine.Allocator.PageZone(objects.PageOf(objects.Kmalloc(machine.Cpu, 100, GfpFlags.Kernel))).Name, Is.EqualTo("Normal"));
        Assert.That(objects.Caches.Select(static cache => cache.Name), Does.Contain("dma-kmalloc-128"));
        objects.Kfree(machine.Cpu, item);
        var large = objects.Kmalloc(machine.Cpu, 20_000, GfpFlags.Kernel | GfpFlags.DmaZone);
        Assert.That(machine.Allocator.PageZone(objects.PageOf(large)).Name, Is.EqualTo("DMA"));
    }

    [TestCaseSource(nameof(s_all))]
    public void What_was_not_allocated_is_not_freed(ObjectAllocatorKind kind)
    {
        using var caches = new Caches(kind);
        var objects = caches.Objects;
        var large = (byte*)objects.Kmalloc(caches.Cpu, 1 << 19, GfpFlags.Kernel);
        // Inside of what a SLAB cache serves, only a debugger looks.
        var inside = kind == ObjectAllocatorKind.Slab ? 24 : (nint)large + 4096;
        foreach (var wrong in new[] { (nint)(&kind), inside, 24 })
            Assert.That(Assert.Throws<ObjectErrorException>(() => objects.Kfree(caches.Cpu, (void*)wrong))?.Kind ?? ObjectErrorKind.NotAnObject, Is.EqualTo(ObjectErrorKind.NotAnObject));
        objects.Kfree(caches.Cpu, large);
        if (kind != ObjectAllocatorKind.Slab)
            Assert.Throws<ObjectErrorException>(() => objects.Kfree(caches.Cpu, large), "the pages are free");
    }

    [Test]
    public void A_free_of_any_cache_goes_through_kfree_too()
    {
        using var caches = new Caches(ObjectAllocatorKind.Slub);
        var cache = caches.Objects.CreateCache("any", 72, 0, SlabFlags.NoMerge)!;
        var item = cache.Alloc(caches.Cpu, GfpFlags.Kernel);
        caches.Objects.Kfree(caches.Cpu, item);
        Assert.That((nint)cache.Alloc(caches.Cpu, GfpFlags.Kernel), Is.EqualTo((nint)item), "last freed, first used");
    }

    [Test]
    public void Kernel_objects_are_not_of_highmem_and_it_is_said()
    {
        using var caches = new Caches(ObjectAllocatorKind.Slub);
        var said = new List<string>();
        caches.Objects.Reported += said.Add;
        Assert.That((long)caches.Objects.Kmalloc(caches.Cpu, 64, GfpFlags.Kernel | GfpFlags.HighMem), Is.Not.Zero);
        Assert.That(said.Single(), Does.Contain("HighMem"));
    }
}
