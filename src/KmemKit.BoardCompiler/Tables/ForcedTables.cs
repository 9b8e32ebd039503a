using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.BoardCompiler.KernelMaps;

namespace KmemKit.BoardCompiler.Tables;

/// <summary>Where tables of the last level are wanted whatever is mapped: whole tables, by rising address, disjoint.</summary>
internal static class ForcedTables
{
    public static List<VirtRange> Of(IEnumerable<EmptyTables> wanted, ITranslationFormat format)
    {
        var ranges = new List<VirtRange>();
        foreach (var each in wanted.Where(w => !w.Virt.IsEmpty).OrderBy(w => w.Virt))
        {
            if (ranges.Count > 0 && ranges[ranges.Count - 1] is var last && last.End >= each.Virt.Start.Value)
                ranges[ranges.Count - 1] = VirtRange.FromBounds(last.Start, last.End > each.Virt.End ? last.End : each.Virt.End);
            else
                ranges.Add(each.Virt);
        }
        // Of a line that reaches out of the tree only the part inside counts.
        return [.. ranges.SelectMany(r => format.InputRanges.Select(i => i.Intersect(r))).Where(r => !r.IsEmpty).OrderBy(r => r)];
    }
}
