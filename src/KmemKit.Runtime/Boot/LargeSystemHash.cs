using System;
using System.Numerics;

namespace KmemKit.Runtime.Boot;

/// <summary>A hash table whose size follows from the amount of memory.</summary>
/// <param name="Name">As the boot log has it: <c>PID</c>, <c>Dentry cache</c>, <c>Inode-cache</c>.</param>
/// <param name="Entries">Buckets, a power of two.</param>
/// <param name="Bytes">Bytes of all buckets.</param>
public sealed record SystemHash(string Name, ulong Entries, ulong Bytes);

/// <summary>What one table asks for.</summary>
/// <param name="Name">Its name.</param>
/// <param name="BucketBytes">Bytes of a bucket.</param>
/// <param name="Scale">One bucket for every 2^scale bytes of lowmem.</param>
/// <param name="Highest">Buckets at most; 0 for 1/16 of all memory.</param>
/// <param name="Lowest">Buckets at least where memory is small (HASH_SMALL); 0 for a page of them.</param>
internal readonly record struct HashRequest(string Name, ulong BucketBytes, int Scale, ulong Highest = 0, ulong Lowest = 0);

/// <summary>How large the hash tables of early boot become (<c>alloc_large_system_hash</c>).</summary>
/// <remarks>
/// Lowmem in pages, rounded up to a whole megabyte, is divided by what one bucket is to serve; the result is rounded up to a power of two and then held below
/// 1/16 of all memory. 64-bit kernels from 4.13 on let a bucket serve twice as much for every fourfold of 64 GiB. Source: mm/page_alloc.c; fs/dcache.c,
/// fs/inode.c and kernel/pid.c for the requests.
/// </remarks>
internal static class LargeSystemHash
{
    private const ulong AdaptiveBytes = 64UL << 30;

    /// <param name="request">The table.</param>
    /// <param name="kernelPages">nr_kernel_pages: lowmem less its descriptors.</param>
    /// <param name="allPages">nr_all_pages.</param>
    /// <param name="build">The kernel.</param>
    public static SystemHash Size(in HashRequest request, ulong kernelPages, ulong allPages, KernelBuild build)
    {
        var shift = build.Pages.PageShift;
        var mask = (1UL << (20 - shift)) - 1;
        var entries = (kernelPages + mask) & ~mask;
        var scale = request.Scale;
        if (build.Is64Bit && request.Highest == 0 && build.IsSince(4, 13))
        {
            for (var adapt = AdaptiveBytes >> shift; adapt < entries; adapt <<= 2)
                scale++;
        }
        entries = scale > shift ? entries >> (scale - shift) : entries << (shift - scale);
        if (request.Lowest != 0)
            entries = Math.Max(entries, request.Lowest);
        else if (entries * request.BucketBytes < build.Pages.PageSize)
            entries = build.Pages.PageSize / request.BucketBytes;
        entries = BitOperations.RoundUpToPowerOf2(Math.Max(entries, 1));
        var highest = request.Highest != 0 ? request.Highest : (allPages << shift >> 4) / request.BucketBytes;
        entries = Math.Max(1, Math.Min(entries, highest));
        // A limit need not be a power of two.
        entries = 1UL << BitOperations.Log2(entries);
        return new SystemHash(request.Name, entries, entries * request.BucketBytes);
    }
}
