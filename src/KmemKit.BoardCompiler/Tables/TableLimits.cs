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
/// What the pointer to each table says: nothing but where a format keeps a part of its pages' attributes there (ARM short descriptors: domain and PXN). Pages
/// of one table that need different pointers cannot be: a finding.
/// </summary>
internal static class TableLimits
{
    public static void Settle(TableRegime regime, List<DraftTable> drafts, ImmutableArray<PageAttributes> attributes, KernelMap map, DiagnosticBag diagnostics)
    {
        foreach (var parent in drafts)
        {
            var format = regime.Trees[parent.Tree].Format;
            foreach (var run in parent.Runs.Where(r => r.IsTable))
            {
                var table = drafts[run.Table];
                var leaves = table.Runs.Where(r => !r.IsTable).ToList();
                var wanted = leaves.Select(r => format.TableFor(attributes[r.Attributes], r.Shape)).Distinct().ToList();
                if (wanted.Count == 0)
                    continue;
                var fits = wanted.Where(w => leaves.All(r => Says(format, parent.Level, w, r, attributes[r.Attributes]))).ToList();
                if (fits.Count > 0)
                    table.Above = fits[0];
                else
                    Report(table, leaves, format, map, diagnostics);
            }
        }
    }

    private static bool Says(ITranslationFormat format, int level, TableAttributes above, EntryRun run, PageAttributes attributes) =>
        format.TryEncodeTable(0, level, above, out var pointer) == EncodingRefusal.None
        && format.TryEncodeLeaf(0, attributes, run.Shape, out var leaf) == EncodingRefusal.None
        && format.DecodeLeaf(leaf, run.Shape.Level, format.Limits(pointer, level)) == attributes;

    private static void Report(DraftTable table, List<EntryRun> leaves, ITranslationFormat format, KernelMap map, DiagnosticBag diagnostics)
    {
        var first = Region(leaves[0]);
        var other = leaves.Select(Region).FirstOrDefault(r => r is not null && r.Attributes != first?.Attributes) ?? first;
        diagnostics.Add(KmemDiagnostic.Create(Rules.PagesOfOneTable, first?.Span ?? default, first?.Name, first?.Attributes, other?.Name, other?.Attributes,
            new VirtAddr(table.Virt), format.Name).WithRelated("the other is here", other?.Span ?? default));

        MapRegion? Region(EntryRun run) => map.At(new VirtAddr(table.Virt + ((ulong)run.Index << format.LevelShift(table.Level))));
    }
}
