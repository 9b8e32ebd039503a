using System;
using System.Text;
using KmemKit.BoardCompiler.Policies;
using KmemKit.Runtime.Boot;

namespace KmemKit.Runtime.Proc;

/// <summary>Prints <c>/proc/zoneinfo</c> in the form of the kernel's release.</summary>
/// <remarks>
/// Up to 4.7: marks, counters, protection, page sets, reclaim. From 4.8 on the first zone of a node shows the node's counters. From 4.12 on protection
/// comes before the counters, and a zone without memory is shown up to there. <c>managed</c> since 3.8, <c>cma</c> since 5.12, <c>boost</c> since 5.16.
/// </remarks>
public static class ZoneInfoText
{
    /// <summary>The text.</summary>
    public static string Write(ZoneInfo info)
    {
        ArgumentNullException.ThrowIfNull(info);
        var text = new StringBuilder();
        foreach (var zone in info.Zones)
            Write(text, zone, info.Build);
        return text.ToString();
    }

    private static void Write(StringBuilder text, ZoneInfoZone zone, KernelBuild build)
    {
        text.Append($"Node {zone.Node}, zone {zone.Zone,8}\n");
        if (!zone.NodeCounters.IsEmpty)
        {
            text.Append("  per-node stats\n");
            Counters(text, zone.NodeCounters, "      ");
        }
        Marks(text, zone, build);
        var protectionFirst = build.IsSince(4, 12);
        if (protectionFirst)
            Protection(text, zone);
        if (protectionFirst && zone.Present == 0)
            return;
        Counters(text, zone.Counters, StatItems.HasNodeCounters(build) ? "      " : "    ");
        if (!protectionFirst)
            Protection(text, zone);
        PageSets(text, zone, build);
        Reclaim(text, zone, build);
    }

    private static void Marks(StringBuilder text, ZoneInfoZone zone, KernelBuild build)
    {
        text.Append($"  pages free     {zone.Free}\n");
        // No mark is raised for fragmentation here.
        if (build.IsSince(5, 16))
            text.Append("        boost    0\n");
        text.Append($"        min      {zone.Watermarks.Min}\n");
        text.Append($"        low      {zone.Watermarks.Low}\n");
        text.Append($"        high     {zone.Watermarks.High}\n");
        if (!build.IsSince(4, 12))
            text.Append(StatItems.HasNodeCounters(build) ? "   node_scanned  0\n" : "        scanned  0\n");
        text.Append($"        spanned  {zone.Spanned}\n");
        text.Append($"        present  {zone.Present}\n");
        if (build.IsSince(3, 8))
            text.Append($"        managed  {zone.Managed}\n");
        if (build.IsSince(5, 12))
            text.Append($"        cma      {zone.Cma}\n");
    }

    private static void Counters(StringBuilder text, System.Collections.Immutable.ImmutableArray<StatCounter> counters, string indent)
    {
        foreach (var (name, value) in counters)
            text.Append($"{indent}{name,-12} {value}\n");
    }

    private static void Protection(StringBuilder text, ZoneInfoZone zone) =>
        text.Append("        protection: (").AppendJoin(", ", zone.Protection).Append(")\n");

    private static void PageSets(StringBuilder text, ZoneInfoZone zone, KernelBuild build)
    {
        text.Append("  pagesets\n");
        foreach (var (cpu, count, high, batch) in zone.PageSets)
        {
            text.Append($"    cpu: {cpu}\n              count: {count}\n              high:  {high}\n              batch: {batch}\n");
            if (build.IsSmp)
                text.Append($"  vm stats threshold: {zone.StatThreshold}\n");
        }
    }

    private static void Reclaim(StringBuilder text, ZoneInfoZone zone, KernelBuild build)
    {
        if (StatItems.HasNodeCounters(build))
        {
            text.Append($"  node_unreclaimable:  0\n  start_pfn:           {zone.StartPfn}\n");
            if (!build.IsSince(4, 12))
                text.Append("  node_inactive_ratio: 0\n");
            return;
        }
        text.Append("  all_unreclaimable: 0\n");
        if (build.Version < new LinuxVersion(2, 6, 36))
            text.Append("  prev_priority:     12\n");
        text.Append($"  start_pfn:         {zone.StartPfn}\n  inactive_ratio:    {zone.InactiveRatio}\n");
    }
}
