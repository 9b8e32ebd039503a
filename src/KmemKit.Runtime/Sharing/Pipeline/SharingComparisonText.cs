using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text;

namespace KmemKit.Runtime.Sharing.Pipeline;

/// <summary>Results of pipelines as a Markdown table, and the roles as the seed's.</summary>
public static class SharingComparisonText
{
    /// <summary>A line a result: copies, maps, contiguous memory, isolation.</summary>
    public static string Results(IEnumerable<PipelineResult> results)
    {
        ArgumentNullException.ThrowIfNull(results);
        var text = new StringBuilder();
        text.Append("| world | SMMU | bytes copied | device maps | kernel maps | cache lines | buffer bytes | contiguous bytes | reachable but not needed: ");
        var list = results.ToList();
        text.AppendJoin(", ", list.Count == 0 ? [] : list[0].Devices.Select(device => device.Device)).Append(" |\n");
        text.Append("|---|---|---:|---:|---:|---:|---:|---:|---|\n");
        foreach (var result in list)
        {
            text.Append(CultureInfo.InvariantCulture, $"| {result.World} | {(result.WithSmmu ? "yes" : "no")} | {result.CopiedBytes} | {result.DeviceMaps} | {result.CpuMaps} | {result.CacheLines} | {result.BufferBytes} | {result.LargestRow} | ");
            text.AppendJoin(", ", result.Devices.Select(device => device.Excess.ToString(CultureInfo.InvariantCulture))).Append(" |\n");
        }
        return text.ToString();
    }

    /// <summary>The seed's table: a column a world, a row a role.</summary>
    public static string Roles(IEnumerable<PipelineResult> results)
    {
        ArgumentNullException.ThrowIfNull(results);
        var worlds = results.DistinctBy(result => result.World).ToList();
        var text = new StringBuilder("| Role |");
        foreach (var world in worlds)
            text.Append(CultureInfo.InvariantCulture, $" {world.World} |");
        text.Append("\n|---|").Insert(text.Length, "---|", worlds.Count).Append('\n');
        Row("Allocator", roles => roles.Allocator);
        Row("Exporter", roles => roles.Exporter);
        Row("CPU Mapper", roles => roles.CpuMapper);
        Row("IOMMU Mapper", roles => roles.IommuMapper);
        Row("Handle", roles => roles.Handle);
        Row("Ref Count", roles => roles.RefCount);
        return text.ToString();

        void Row(string role, Func<SharingRoles, string> value)
        {
            text.Append(CultureInfo.InvariantCulture, $"| {role} |");
            foreach (var world in worlds)
                text.Append(CultureInfo.InvariantCulture, $" {value(world.Roles)} |");
            text.Append('\n');
        }
    }
}
