using System;
using System.Collections.Generic;
using System.Linq;
using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Policies;
using KmemKit.Runtime.Boot;

namespace KmemKit.Runtime.Proc;

/// <summary>How x86 maps its linear map: what of it is in pages of 4 KiB and what in large ones.</summary>
/// <remarks>
/// The state of boot (init_memory_mapping); a running kernel splits more. Up to 3.8 all addresses to the end of lowmem and from
/// 4 GiB on are mapped, then RAM and the first megabyte. i386 never maps the first large page as one. Source: arch/x86/mm/init.c.
/// </remarks>
/// <param name="SmallBytes">In pages of 4 KiB.</param>
/// <param name="LargeBytes">In large pages.</param>
/// <param name="GigabyteBytes">In pages of 1 GiB, where the CPU has them.</param>
/// <param name="LargePage">Bytes of a large page: 2 MiB, 4 MiB without PAE.</param>
public sealed record DirectMap(ulong SmallBytes, ulong LargeBytes, ulong GigabyteBytes, ulong LargePage)
{
    private const ulong FourGiB = 1UL << 32;

    /// <summary>The direct map of a layout; null where the architecture does not tell of it.</summary>
    public static DirectMap? Of(MemoryLayout layout, KernelBuild build)
    {
        ArgumentNullException.ThrowIfNull(layout);
        ArgumentNullException.ThrowIfNull(build);
        if (!build.IsX86)
            return null;
        var large = build.Is64Bit || build.HugePageBytes == 2UL << 20 ? 2UL << 20 : 4UL << 20;
        ulong small = 0, whole = 0, huge = 0;
        foreach (var (start, end) in Mapped(layout, build))
        {
            var from = (start + large - 1) / large * large;
            if (from == 0 && (!build.Is64Bit || build.IsSince(3, 9)))
                from = large;
            var to = Math.Max(from, end / large * large);
            if (from >= end)
            {
                small += end - start;
                continue;
            }
            small += (from - start) + (end - to);
            var gigabytes = build.Is64Bit && build.HasGigabytePages ? InGigabytes(from, to) : 0;
            huge += gigabytes;
            whole += to - from - gigabytes;
        }
        return new DirectMap(small, whole, huge, large);
    }

    private static ulong InGigabytes(ulong from, ulong to)
    {
        const ulong Giga = 1UL << 30;
        var start = (from + Giga - 1) & ~(Giga - 1);
        var end = to & ~(Giga - 1);
        return end > start ? end - start : 0;
    }

    private static List<(ulong Start, ulong End)> Mapped(MemoryLayout layout, KernelBuild build)
    {
        var ram = layout.Banks.Where(static bank => bank.Kind == BankKind.Lowmem)
            .Select(static bank => (Start: bank.Range.Start.Value, End: bank.Range.End.Value)).ToList();
        if (ram.Count == 0)
            return [];
        var joined = new List<(ulong Start, ulong End)>();
        if (!build.IsSince(3, 9))
        {
            var below = ram.Where(static range => range.Start < FourGiB).Select(static range => Math.Min(range.End, FourGiB)).DefaultIfEmpty().Max();
            joined.Add((0, build.Is64Bit ? below : layout.LowmemLimit.Value));
            if (build.Is64Bit && ram[^1].End > FourGiB)
                joined.Add((FourGiB, ram[^1].End));
            return joined;
        }
        foreach (var range in ram.Prepend((Start: 0UL, End: 1UL << 20)).OrderBy(static range => range.Start))
        {
            if (joined.Count > 0 && joined[^1].End >= range.Start)
                joined[^1] = (joined[^1].Start, Math.Max(joined[^1].End, range.End));
            else
                joined.Add(range);
        }
        return joined;
    }
}
