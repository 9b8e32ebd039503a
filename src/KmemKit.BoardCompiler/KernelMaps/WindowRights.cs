using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mpu;

namespace KmemKit.BoardCompiler.KernelMaps;

/// <summary>Cuts a stretch of virtual addresses where the rights of the physical ones behind it change.</summary>
internal static class WindowRights
{
    /// <summary>The regions of a window; what nobody may do anything at is in none.</summary>
    public static IEnumerable<MapRegion> Cut(MapWindow window, ImageSections image, PagePolicy? policy)
    {
        var edges = new SortedSet<ulong> { window.Phys };
        foreach (var section in image.All)
            AddEdges(section.Phys, section.PhysEnd);
        foreach (var entry in policy?.Entries ?? [])
            AddEdges(entry.Range.Start.Value, entry.Range.End.IsTop ? ulong.MaxValue : entry.Range.End.Value);
        var starts = edges.ToArray();
        MapRegion? open = null;
        for (var i = 0; i < starts.Length; i++)
        {
            var end = i + 1 < starts.Length ? starts[i + 1] : window.PhysEnd;
            if (At(window, starts[i], end - starts[i], image, policy) is not { } region)
                continue;
            // An edge at which nothing changes is none.
            if (open is not null && open.IsContinuedBy(region) && open.Name == region.Name && open.Reason == region.Reason && open.Entry == region.Entry)
            {
                open = open with { Virt = VirtRange.FromBounds(open.Virt.Start, region.Virt.End) };
                continue;
            }
            if (open is not null)
                yield return open;
            open = region;
        }
        if (open is not null)
            yield return open;

        void AddEdges(ulong start, ulong end)
        {
            if (window.Covers(start))
                edges.Add(start);
            if (window.Covers(end))
                edges.Add(end);
        }
    }

    private static MapRegion? At(MapWindow window, ulong phys, ulong size, ImageSections image, PagePolicy? policy)
    {
        var region = new MapRegion(window.Name, new VirtRange(new VirtAddr(window.Virt + (phys - window.Phys)), size), new PhysAddr(phys), window.Attributes, window.Rule)
        {
            Reason = window.Reason,
            Span = window.Span,
        };
        if (image.At(phys) is { } section && window.Rule is (MapRule.LinearMap or MapRule.Flat))
        {
            region = image.IsInLinearMap || window.Rule == MapRule.Flat
                ? region with { Name = section.Name, Attributes = With(section.Rights), Reason = section.Name + " of the kernel image", Span = section.Span }
                : region with { Attributes = With(section.AliasRights), Reason = $"the linear map's view of {section.Name} of the kernel image", Span = section.Span };
        }
        if (policy is null || window.Rule == MapRule.Vectors)
            return region;
        if (policy.At(phys) is not { } entry)
            return policy.PrivilegedBackground ? region : null;
        var (privileged, user) = (entry.Attributes.Privileged, entry.Attributes.User);
        if (privileged == AccessRights.None && user == AccessRights.None)
            return null;
        return region with
        {
            Attributes = entry.NamesMemoryType ? entry.Attributes : region.Attributes with { Privileged = privileged, User = user },
            Reason = $"protection entry {entry.Name} grants it",
            Entry = entry.Name,
            Span = entry.Span,
        };

        MpuAttributes With(AccessRights rights) => window.Attributes with { Privileged = rights };
    }
}
