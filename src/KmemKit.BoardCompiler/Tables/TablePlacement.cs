using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.KernelMaps;
using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Policies;
using Rules = KmemKit.BoardCompiler.Diagnostics.DiagnosticTable.Mmu;

namespace KmemKit.BoardCompiler.Tables;

/// <summary>Where an image goes.</summary>
/// <param name="Start">Its base; null for the highest free place in lowmem.</param>
/// <param name="IsGiven">Whether the place is the caller's own, so that it is not asked whether it is free.</param>
internal readonly record struct TablePlace(PhysAddr? Start, bool IsGiven = false);

/// <summary>Puts the tables one behind the other and the image into memory.</summary>
/// <remarks>
/// Tables of more bytes come first, so that each is aligned without a gap; among equals the roots, then by tree, level and address. A base that nobody gives is
/// the highest free place in lowmem, as memblock would have it (below 4 GiB on x86, whose CR3 is loaded by 32-bit code).
/// </remarks>
internal static class TablePlacement
{
    public static PageTablePlan? Place(KernelMap map, TableRegime regime, List<DraftTable> drafts, List<int> roots, ImmutableArray<PageAttributes> attributes,
        TablePlace at, DiagnosticBag diagnostics)
    {
        var order = Enumerable.Range(0, drafts.Count).OrderByDescending(i => AlignmentOf(i)).ThenByDescending(i => drafts[i].Bytes)
            .ThenByDescending(roots.Contains).ThenBy(i => drafts[i].Tree).ThenBy(i => Depth(i)).ThenBy(i => drafts[i].Virt).ToArray();
        var numbers = new int[drafts.Count];
        for (var i = 0; i < order.Length; i++)
            numbers[order[i]] = i;
        var tables = ImmutableArray.CreateBuilder<PlannedTable>(drafts.Count);
        ulong offset = 0;
        foreach (var i in order)
        {
            var draft = drafts[i];
            offset = Alignment.Up(offset, AlignmentOf(i));
            tables.Add(new PlannedTable(draft.Tree, draft.Level, draft.Virt, offset, draft.Bytes,
                [.. draft.Runs.Select(r => r.IsTable ? r with { Table = numbers[r.Table] } : r)]) { Above = draft.Above });
            offset += (ulong)draft.Bytes;
        }
        var alignment = Math.Max(AlignmentOf(order[0]), 1UL << regime.Trees[0].Format.PageShift);
        if ((at.IsGiven ? at.Start : BaseOf(map, regime, offset, alignment, at.Start, diagnostics)) is not { } start)
            return null;
        var newRoots = roots.Select(r => numbers[r]).ToImmutableArray();
        return new PageTablePlan
        {
            Map = map,
            Regime = regime,
            Base = start,
            BaseIsChosen = at.Start is null,
            Alignment = alignment,
            Tables = tables.ToImmutable(),
            Roots = newRoots,
            Attributes = attributes,
            Bytes = offset,
            Registers = TableFormats.Registers(regime, [.. newRoots.Select(r => start.Value + tables[r].Offset)]),
            Levels = Levels(regime, tables),
        };

        ulong AlignmentOf(int i) => (ulong)regime.Trees[drafts[i].Tree].Format.TableAlignment(drafts[i].Level);

        int Depth(int i) => -regime.Trees[drafts[i].Tree].Format.LevelShift(drafts[i].Level);
    }

    private static PhysAddr? BaseOf(KernelMap map, TableRegime regime, ulong bytes, ulong alignment, PhysAddr? at, DiagnosticBag diagnostics)
    {
        var layout = map.Layout;
        var span = layout.Banks.IsEmpty ? layout.Board.Tree.Root.Span : layout.Banks[0].Span;
        var outputBits = regime.Trees.Min(t => t.Format.OutputBits);
        var taken = map.VectorsPage is { } vectors ? new[] { ("vectors", vectors) } : [];
        if (at is null)
        {
            var isX86 = layout.Board.Architecture is TargetArchitecture.X86 or TargetArchitecture.X64;
            var limit = isX86 ? 1UL << 32 : outputBits >= 64 ? ulong.MaxValue : 1UL << outputBits;
            var beyond = PhysRange.FromBounds(new PhysAddr(limit), AddressLimit.Top);
            if (FreeRam.Highest(layout, bytes, alignment, taken.Select(t => t.Item2).Append(beyond)) is { } found)
                return new PhysAddr(found);
            diagnostics.Add(Rules.NoRoomForTables, span, layout.Board.Name, bytes, alignment);
            return null;
        }
        var start = at.Value;
        if (start.Value % alignment != 0)
        {
            diagnostics.Add(Rules.BaseUnaligned, span, start, regime.Name, alignment, new PhysAddr(Alignment.Down(start.Value, alignment)));
            return null;
        }
        if (start.Value > ulong.MaxValue - bytes || (outputBits < 64 && start.Value + bytes > 1UL << outputBits))
        {
            diagnostics.Add(Rules.BaseBeyond, span, start, bytes, regime.Name, outputBits);
            return null;
        }
        var range = new PhysRange(start, bytes);
        // Memory that the board keeps for something, or that is on the chip, is the owner's to give.
        var isGiven = layout.Reserved.Any(r => r.Range.Contains(range))
            || layout.Board.Devices.Any(d => d.IsSram && d.Ranges.Any(r => r.Range.Contains(range)));
        if (!isGiven && FreeRam.WhyNot(layout, range, taken) is { } reason)
        {
            diagnostics.Add(Rules.BaseNotFree, span, range, reason);
            return null;
        }
        return start;
    }

    private static ImmutableArray<LevelUse> Levels(TableRegime regime, IReadOnlyList<PlannedTable> tables)
    {
        var levels = ImmutableArray.CreateBuilder<LevelUse>();
        foreach (var group in tables.GroupBy(t => t.Level).OrderByDescending(g => regime.Trees[g.First().Tree].Format.LevelShift(g.Key)))
        {
            var runs = group.SelectMany(t => t.Entries).ToList();
            var isLast = regime.Trees[group.First().Tree].Format.LastLevel == group.Key;
            levels.Add(new LevelUse(group.Key, isLast, runs.Where(r => !r.IsTable).Sum(r => (long)r.Count),
                runs.Where(r => !r.IsTable && r.Shape.Count > 1).Sum(r => (long)r.Count), group.Count(), runs.Count(r => r.IsTable)));
        }
        return levels.ToImmutable();
    }
}
