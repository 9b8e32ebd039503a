using System.Collections.Generic;
using System.Linq;
using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Policies;
using KmemKit.BoardCompiler.Writers;
using KmemKit.Runtime.Zones;

namespace KmemKit.Runtime.Boot.Log;

/// <summary>The <c>Memory:</c> lines: each architecture's own up to 3.10, then <c>mem_init_print_info</c>'s for all.</summary>
internal static class MemoryLines
{
    public static void AddTo(List<string> lines, BootStatistics statistics, MemoryLayout layout)
    {
        var build = statistics.Build;
        if (build.Architecture == TargetArchitecture.X86 && build.HasHighmem)
        {
            foreach (var zone in statistics.Estimate.Zones.Where(static zone => zone.Type == ZoneType.HighMem))
                lines.Add($"Initializing {zone.Name} for node {zone.Node} ({zone.Start.Number:x8}:{zone.Start.Number + zone.Spanned:x8})");
        }
        if (build.IsSince(5, 3))
            lines.Add("mem auto-init: stack:off, heap alloc:off, heap free:off");
        if (build.IsSince(3, 11))
        {
            lines.Add(Common(statistics));
            return;
        }
        switch (build.Architecture)
        {
            case TargetArchitecture.X86:
                lines.Add(I386(statistics));
                break;
            case TargetArchitecture.X64:
                lines.Add(X64(statistics));
                break;
            default:
                lines.Add(LayoutTextWriter.MemoryLine(layout));
                lines.Add(Classic(statistics, layout));
                break;
        }
    }

    private static string Common(BootStatistics statistics)
    {
        var (build, image, balance) = (statistics.Build, statistics.Image, statistics.Balance);
        var cma = build.IsSince(3, 19) ? $", {K(balance.Cma)}K cma-reserved" : "";
        var high = build.HasHighmem ? $", {K(balance.High)}K highmem" : "";
        // Before 3.19 contiguous areas count as reserved.
        var reserved = balance.Reserved + (build.IsSince(3, 19) ? 0 : balance.Cma);
        return $"Memory: {K(balance.Available)}K/{K(balance.Present)}K available ({image.Code >> 10}K kernel code, {image.ReadWriteData >> 10}K rwdata, "
            + $"{image.ReadOnlyData >> 10}K rodata, {image.Init >> 10}K init, {image.Bss >> 10}K bss, {K(reserved)}K reserved{cma}{high})";

        ulong K(ulong pages) => pages << (build.Pages.PageShift - 10);
    }

    // Arm walks the banks as they were given: what the platform took out of them counts as reserved. With vmalloc saving it walks memblock's regions (cancro).
    private static string Classic(BootStatistics statistics, MemoryLayout layout)
    {
        var (build, image, balance) = (statistics.Build, statistics.Image, statistics.Balance);
        var free = K(balance.Available);
        if (build.Architecture == TargetArchitecture.Arm && build.Version < new LinuxVersion(2, 6, 35))
        {
            return $"Memory: {free}KB available ({image.Code >> 10}K code, {image.ReadWriteData >> 10}K data, {image.Init >> 10}K init, "
                + $"{K(balance.High)}K highmem)";
        }
        var taken = layout.Board.Policy.Reclaim?.Value == ReclaimStrategy.VmallocSaving ? 0 : balance.Taken;
        var high = build.Architecture == TargetArchitecture.Arm ? $", {K(balance.High)}K highmem" : "";
        return $"Memory: {free}k/{free}k available, {K(balance.Present + taken - balance.Available)}k reserved{high}";

        ulong K(ulong pages) => pages << (build.Pages.PageShift - 10);
    }

    private static string I386(BootStatistics statistics)
    {
        var (image, balance) = (statistics.Image, statistics.Balance);
        var low = statistics.Estimate.Zones.Where(static zone => zone.Type < ZoneType.HighMem).Aggregate(0UL, static (sum, zone) => sum + zone.Present);
        return $"Memory: {balance.Available * 4}k/{balance.MaxPfn * 4}k available ({image.Code >> 10}k kernel code, "
            + $"{(low - (balance.Available - balance.High)) * 4}k reserved, "
            + $"{image.ReadWriteData >> 10}k data, {image.Init >> 10}k init, {balance.High * 4}k highmem)";
    }

    private static string X64(BootStatistics statistics)
    {
        var (image, balance) = (statistics.Image, statistics.Balance);
        return $"Memory: {balance.Available * 4}k/{balance.MaxPfn * 4}k available ({image.Code >> 10}k kernel code, "
            + $"{(balance.MaxPfn - balance.Present) * 4}k absent, {(balance.Present - balance.Available) * 4}k reserved, "
            + $"{image.ReadWriteData >> 10}k data, {image.Init >> 10}k init)";
    }
}
