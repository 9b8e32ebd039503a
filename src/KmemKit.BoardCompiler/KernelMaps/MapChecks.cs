using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mpu;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Layout;
using Rules = KmemKit.BoardCompiler.Diagnostics.DiagnosticTable.Mmu;

namespace KmemKit.BoardCompiler.KernelMaps;

/// <summary>What is wrong with a map as a whole: two things at one virtual address, one page with two memory types, pages written and executed.</summary>
internal static class MapChecks
{
    /// <param name="regions">By rising virtual address.</param>
    /// <param name="layout">The layout.</param>
    /// <param name="hasImage">Whether the board gives an image.</param>
    /// <param name="diagnostics">Gets the findings.</param>
    public static void Check(List<MapRegion> regions, MemoryLayout layout, bool hasImage, DiagnosticBag diagnostics)
    {
        CheckVirtual(regions, diagnostics);
        CheckTypes(regions, diagnostics);
        CheckExecution(regions, layout, hasImage, diagnostics);
    }

    private static void CheckVirtual(List<MapRegion> regions, DiagnosticBag diagnostics)
    {
        for (var i = 1; i < regions.Count; i++)
        {
            var (left, right) = (regions[i - 1], regions[i]);
            if (left.Virt.Overlaps(right.Virt))
            {
                diagnostics.Add(KmemDiagnostic.Create(Rules.VirtualConflict, Known(left, right), left.Name, left.Virt, left.PhysRange, right.Name, right.Virt, right.PhysRange)
                    .WithRelated(right.Name + " is here", right.Span.IsKnown ? right.Span : left.Span));
            }
        }
    }

    // Armv7 and later: mismatched memory types of one page lose coherency (ARM DDI 0406C A3.5.7); x86: Intel SDM 3A 12.12.4.
    private static void CheckTypes(List<MapRegion> regions, DiagnosticBag diagnostics)
    {
        var byPhys = regions.OrderBy(r => r.Phys).ToList();
        for (var i = 0; i < byPhys.Count; i++)
        {
            for (var j = i + 1; j < byPhys.Count && byPhys[i].PhysRange.End > byPhys[j].Phys.Value; j++)
            {
                var (left, right) = (byPhys[i], byPhys[j]);
                if (left.Attributes.Memory != right.Attributes.Memory || left.Attributes.Shareable != right.Attributes.Shareable)
                {
                    diagnostics.Add(KmemDiagnostic.Create(Rules.AliasWithOtherType, Known(left, right), left.PhysRange.Intersect(right.PhysRange), left.Name,
                        left.Virt.Start, left.Attributes.Memory, right.Name, right.Virt.Start, right.Attributes.Memory));
                }
            }
        }
    }

    private static void CheckExecution(List<MapRegion> regions, MemoryLayout layout, bool hasImage, DiagnosticBag diagnostics)
    {
        foreach (var region in regions)
        {
            var all = region.Attributes.Privileged | region.Attributes.User;
            // A section of the image has its own finding.
            if (region.Entry is not null && (all & AccessRights.Write) != 0 && (all & AccessRights.Execute) != 0)
                diagnostics.Add(Rules.WritableAndExecutable, region.Span, region.Entry, region.Virt, region.Attributes.Privileged.ToText(), region.Attributes.User.ToText());
        }
        if (!hasImage && regions.FirstOrDefault(r => r.Entry is null && r.Attributes.Privileged == AccessRights.All) is { } open)
            diagnostics.Add(Rules.NoImage, open.Span, layout.Board.Name);
    }

    private static Sources.SourceSpan Known(MapRegion left, MapRegion right) => left.Span.IsKnown ? left.Span : right.Span;
}
