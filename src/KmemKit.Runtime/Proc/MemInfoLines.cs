using System.Collections.Generic;
using KmemKit.BoardCompiler.Policies;
using KmemKit.Runtime.Boot;

namespace KmemKit.Runtime.Proc;

/// <summary>The lines of <c>/proc/meminfo</c> by release and options of the kernel, from 2.6.32 to 6.9.</summary>
/// <remarks>
/// Lines of things that KmemKit does not have, swap, caches, huge pages, hold the 0 of a machine without them. Source: fs/proc/meminfo.c, mm/hugetlb.c,
/// arch/x86/mm/pat/set_memory.c.
/// </remarks>
internal static class MemInfoLines
{
    private static readonly string[] s_caches =
    [
        "Buffers", "Cached", "SwapCached", "Active", "Inactive", "Active(anon)", "Inactive(anon)", "Active(file)", "Inactive(file)", "Unevictable", "Mlocked",
    ];

    public static IEnumerable<MemInfoLine> Of(MemInfo info)
    {
        foreach (var line in Amounts(info))
            yield return line;
        foreach (var line in Users(info))
            yield return line;
        foreach (var line in Vmalloc(info))
            yield return line;
        foreach (var line in Options(info))
            yield return line;
    }

    private static IEnumerable<MemInfoLine> Amounts(MemInfo info)
    {
        yield return new("MemTotal", info.Total);
        yield return new("MemFree", info.Free);
        if (info.Build.IsSince(3, 14))
            yield return new("MemAvailable", info.Available);
        foreach (var name in s_caches)
            yield return new(name, 0);
        if (info.High is { } high)
        {
            yield return new("HighTotal", high.Total);
            yield return new("HighFree", high.Free);
            yield return new("LowTotal", info.Total - high.Total);
            yield return new("LowFree", info.Free - high.Free);
        }
        if (!info.Build.UsesMmu)
            yield return new("MmapCopy", 0);
        yield return new("SwapTotal", 0);
        yield return new("SwapFree", 0);
        if (info.Build.HasZswap && info.Build.IsSince(5, 19))
        {
            yield return new("Zswap", 0);
            yield return new("Zswapped", 0);
        }
        foreach (var name in new[] { "Dirty", "Writeback", "AnonPages", "Mapped", "Shmem" })
            yield return new(name, 0);
    }

    private static IEnumerable<MemInfoLine> Users(MemInfo info)
    {
        var (build, use) = (info.Build, info.Use);
        if (build.IsSince(4, 20))
            yield return new("KReclaimable", K(use.SlabReclaimable));
        yield return new("Slab", K(use.SlabReclaimable + use.SlabUnreclaimable));
        yield return new("SReclaimable", K(use.SlabReclaimable));
        yield return new("SUnreclaim", K(use.SlabUnreclaimable));
        yield return new("KernelStack", K(use.KernelStack));
        yield return new("PageTables", K(use.PageTables));
        if (build.IsSince(6, 1))
            yield return new("SecPageTables", 0);
        yield return new("NFS_Unstable", 0);
        yield return new("Bounce", 0);
        yield return new("WritebackTmp", 0);
        // Half of RAM, in whole pages (vm.overcommit_ratio).
        yield return new("CommitLimit", K((info.Total >> (build.Pages.PageShift - 10)) * 50 / 100));
        yield return new("Committed_AS", 0);

        ulong K(ulong pages) => pages << (build.Pages.PageShift - 10);
    }

    private static IEnumerable<MemInfoLine> Vmalloc(MemInfo info)
    {
        var build = info.Build;
        var total = build.VmallocBytes >> 10;
        var used = info.Use.Vmalloc << (build.Pages.PageShift - 10);
        yield return new("VmallocTotal", total);
        // To add them up took too long: 0 from 4.4 on. The used part came back with 5.3.
        yield return new("VmallocUsed", build.IsSince(4, 4) && !build.IsSince(5, 3) ? 0 : used);
        yield return new("VmallocChunk", build.IsSince(4, 4) ? 0 : total - System.Math.Min(used, total));
        if (build.IsSince(5, 0))
            yield return new("Percpu", info.Use.PerCpu << (build.Pages.PageShift - 10));
    }

    private static IEnumerable<MemInfoLine> Options(MemInfo info)
    {
        var build = info.Build;
        if (build.HasMemoryFailure)
            yield return new("HardwareCorrupted", 0);
        if (build.HasTransparentHugePages && build.Version >= new LinuxVersion(2, 6, 38))
        {
            yield return new("AnonHugePages", 0);
            if (build.IsSince(4, 8))
            {
                yield return new("ShmemHugePages", 0);
                yield return new("ShmemPmdMapped", 0);
            }
            if (build.IsSince(5, 4))
            {
                yield return new("FileHugePages", 0);
                yield return new("FilePmdMapped", 0);
            }
        }
        if (build.HasCma && build.IsSince(3, 19))
        {
            yield return new("CmaTotal", info.CmaTotal);
            yield return new("CmaFree", info.CmaFree);
        }
        if (build.HasHugetlb)
        {
            foreach (var name in new[] { "HugePages_Total", "HugePages_Free", "HugePages_Rsvd", "HugePages_Surp" })
                yield return new(name, 0, IsCount: true);
            yield return new("Hugepagesize", build.HugePageBytes >> 10);
            if (build.IsSince(4, 16))
                yield return new("Hugetlb", 0);
        }
        if (info.DirectMap is { } map)
        {
            yield return new("DirectMap4k", map.SmallBytes >> 10);
            yield return new(map.LargePage == 4UL << 20 ? "DirectMap4M" : "DirectMap2M", map.LargeBytes >> 10);
            if (build.Is64Bit && build.HasGigabytePages)
                yield return new("DirectMap1G", map.GigabyteBytes >> 10);
        }
    }
}
