using System;
using System.Collections.Generic;
using KmemKit.BoardCompiler.Policies;

namespace KmemKit.Runtime.Slab.Kmalloc;

/// <summary>The sizes that kmalloc has caches for, and their names.</summary>
/// <remarks>
/// <para>Powers of two from KMALLOC_MIN_SIZE on, and 96 and 192 where two lines of DMA alignment do not hide them. SLUB's end at two pages, all larger sizes are blocks
/// of pages. SLAB's reach to the largest block, 32 MiB at most; before 3.10 (the classic profile) they start at 32 bytes, are called size-n, end at 128 KiB,
/// and nothing larger can be had. SLOB has none: each object carries its size in front.</para>
/// <para>Source: include/linux/slab.h, mm/slab_common.c (create_kmalloc_caches); include/linux/kmalloc_sizes.h for the classic ones.</para>
/// </remarks>
/// <param name="Sizes">Rising.</param>
/// <param name="IsClassic">SLAB before 3.10.</param>
/// <param name="HasLarge">Whether sizes beyond the caches are blocks of pages.</param>
internal sealed record KmallocClasses(IReadOnlyList<int> Sizes, bool IsClassic, bool HasLarge)
{
    private static readonly LinuxVersion CommonSince = new(3, 10);
    private static readonly LinuxVersion ShortNamesSince = new(4, 20);

    public static KmallocClasses Of(ObjectAllocatorKind kind, LinuxVersion version, MachineSizes machine, int pageShift, int maxOrder)
    {
        if (kind == ObjectAllocatorKind.Slob)
            return new KmallocClasses([], IsClassic: false, HasLarge: true);
        var isClassic = kind == ObjectAllocatorKind.Slab && version < CommonSince;
        var blocks = pageShift + maxOrder;
        var high = isClassic ? Math.Min(17, blocks) : kind == ObjectAllocatorKind.Slab ? Math.Min(25, blocks) : Math.Min(pageShift + 1, blocks);
        // SLAB's index needs an object of 32 bytes with 4 KiB pages; the classic table starts at a line where it is the DMA alignment.
        var min = kind != ObjectAllocatorKind.Slab ? machine.KmallocMin : Math.Max(machine.KmallocMin, isClassic && pageShift > 12 ? 64 : 32);
        var sizes = new List<int>();
        for (var size = min; size <= 1 << high; size *= 2)
        {
            sizes.Add(size);
            if (size == 64 && min <= 32)
                sizes.Add(96);
            if (size == 128 && min <= 64)
                sizes.Add(192);
        }
        return new KmallocClasses(sizes, isClassic, HasLarge: !isClassic);
    }

    /// <param name="size">One of the sizes.</param>
    /// <param name="flags">The cache's: DMA and reclaimable ones have names of their own.</param>
    /// <param name="version">From 4.20 on sizes are shortened.</param>
    public string NameOf(int size, SlabFlags flags, LinuxVersion version)
    {
        var isDma = (flags & SlabFlags.CacheDma) != 0;
        if (IsClassic)
            return isDma ? $"size-{size}(DMA)" : $"size-{size}";
        var text = version < ShortNamesSince || size < 1024 ? $"{size}" : size < 1 << 20 ? $"{size >> 10}k" : $"{size >> 20}M";
        return isDma ? $"dma-kmalloc-{text}" : (flags & SlabFlags.ReclaimAccount) != 0 ? $"kmalloc-rcl-{text}" : $"kmalloc-{text}";
    }

    /// <summary>Whether reclaimable allocations have caches of their own (from 4.20).</summary>
    public static bool HasReclaimable(LinuxVersion version) => version >= ShortNamesSince;
}
