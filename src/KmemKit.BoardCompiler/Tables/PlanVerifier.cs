using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.KernelMaps;
using Rules = KmemKit.BoardCompiler.Diagnostics.DiagnosticTable.Mmu;

namespace KmemKit.BoardCompiler.Tables;

/// <summary>
/// Holds a plan against its map by way of the bytes: the reference walker reads the image at the first and the last page of every region and of every run
/// of entries, and at the pages beside them. Tests walk every page.
/// </summary>
internal static class PlanVerifier
{
    public static bool IsRight(PageTablePlan plan, DiagnosticBag diagnostics)
    {
        var wrong = FirstWrong(plan);
        if (wrong is not null)
            diagnostics.Add(Rules.PlanWrong, plan.Map.Layout.Board.Tree.Root.Span, wrong);
        return wrong is null;
    }

    /// <summary>The first address at which the image is wrong, as a sentence; null for none.</summary>
    public static string? FirstWrong(PageTablePlan plan)
    {
        var memory = new TableImageMemory(plan.Base, ImmutableArray.Create(TableImage.Write(plan)));
        foreach (var address in Addresses(plan))
        {
            if (WhyWrong(plan, ref memory, address) is { } wrong)
                return wrong;
        }
        return null;
    }

    /// <summary>What is wrong at an address; null for nothing.</summary>
    public static string? WhyWrong(PageTablePlan plan, ref TableImageMemory memory, ulong address)
    {
        var tree = plan.Regime.TreeOf(new VirtAddr(address));
        var region = plan.Map.At(new VirtAddr(address));
        if (tree < 0)
            return region is null ? null : $"{new VirtAddr(address)} is in no tree and wanted by {region.Name}";
        var format = plan.Regime.Trees[tree].Format;
        var found = Walker.Walk(format, ref memory, plan.AddressOf(plan.Roots[tree]).Value, address);
        if (region is null)
            return found.IsMapped ? $"{new VirtAddr(address)} is mapped to {new PhysAddr(found.Output)} and should not be" : null;
        if (!found.IsMapped)
            return $"{new VirtAddr(address)} of {region.Name} is not mapped: {found.Fault}";
        if (found.Output != region.ToPhys(new VirtAddr(address)).Value)
            return $"{new VirtAddr(address)} of {region.Name} leads to {new PhysAddr(found.Output)}, not to {region.ToPhys(new VirtAddr(address))}";
        var attributes = format.DecodeLeaf(found.Descriptor, found.Level, found.Limits);
        return attributes.Privileged == region.Attributes.Privileged && attributes.User == region.Attributes.User
            && attributes == AttributeSets.Translate(format, region.Attributes, region.Global)
            ? null
            : $"{new VirtAddr(address)} of {region.Name} has {attributes}, not {region.Attributes}";
    }

    private static IEnumerable<ulong> Addresses(PageTablePlan plan)
    {
        var edges = new SortedSet<ulong>();
        foreach (var region in plan.Map.Regions)
        {
            edges.Add(region.Virt.Start.Value);
            edges.Add(region.Virt.End.IsTop ? 0 : region.Virt.End.Value);
        }
        for (var i = 0; i < plan.Tables.Length; i++)
        {
            var table = plan.Tables[i];
            var format = plan.Regime.Trees[table.Tree].Format;
            var shift = format.LevelShift(table.Level);
            var isRoot = plan.Roots.Contains(i);
            foreach (var run in table.Entries.Where(r => !r.IsTable))
            {
                var start = isRoot ? RootAddress(format, table.Level, run.Index) : table.Virt + ((ulong)run.Index << shift);
                edges.Add(start);
                edges.Add(unchecked(start + ((ulong)run.Count << shift)));
            }
        }
        foreach (var edge in edges)
        {
            yield return unchecked(edge - 1);
            yield return edge;
        }
    }

    // The upper half of a root with two ranges is sign-extended.
    private static ulong RootAddress(ITranslationFormat format, int level, int index)
    {
        var address = (ulong)index << format.LevelShift(level);
        foreach (var range in format.InputRanges)
        {
            var high = range.Start.Value & ~((1UL << format.InputBits) - 1);
            if (format.InputBits < 64 && range.Contains(new VirtAddr(high | address)))
                return high | address;
        }
        return address;
    }
}
