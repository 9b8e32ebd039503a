using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Policies;
using Rules = KmemKit.BoardCompiler.Diagnostics.DiagnosticTable.Layout;

namespace KmemKit.BoardCompiler.Layout;

/// <summary>The contiguous areas of a layout: <c>shared-dma-pool</c> regions that are <c>reusable</c>, and the one that <c>cma=</c> asks for.</summary>
/// <remarks>
/// <para>A region of the devicetree has its place; it counts when it is aligned and lies in RAM of one zone. <c>cma=SIZE[@BASE[-LIMIT]]</c> takes the place of a region
/// that is <c>linux,cma-default</c>, and is placed as memblock does: at BASE where no LIMIT is given, else as high as it fits in BASE to LIMIT and below what devices reach,
/// in highmem first. What the kernel image and the boot allocator take is not known here, so the real address can be lower.</para>
/// <para>Source: kernel/dma/contiguous.c (early_cma, dma_contiguous_reserve, rmem_cma_setup), mm/cma.c (cma_declare_contiguous_nid, cma_activate_area).</para>
/// </remarks>
internal static class CmaPlanner
{
    private const ulong FourGiB = 1UL << 32;

    public static ImmutableArray<CmaRegion> Plan(MemoryLayout layout, DiagnosticBag diagnostics)
    {
        var alignment = BuddyGeometry.CmaAlignment(layout.Board, layout.Pages);
        var argument = layout.Board.Policy.Bootargs.Cma;
        var areas = ImmutableArray.CreateBuilder<CmaRegion>();
        foreach (var (region, range) in layout.Reserved)
        {
            if (region.IsCma && !range.IsEmpty)
                AddRegion(areas, layout, region, range, alignment, argument, diagnostics);
        }
        if (argument is { } cma && cma.Value.Size != 0)
            AddArgument(areas, layout, cma, alignment, diagnostics);
        return areas.ToImmutable();
    }

    private static void AddRegion(
        ImmutableArray<CmaRegion>.Builder areas, MemoryLayout layout, ReservedRegion region, PhysRange range, ulong alignment,
        Setting<CmaArgument>? argument, DiagnosticBag diagnostics)
    {
        if (region.CmaDefault && argument is { } given)
        {
            diagnostics.Add(KmemDiagnostic.Create(Rules.CmaDefaultBypassed, region.Span, region.NodePath, range)
                .WithRelated("cma= is here", given.Span));
            return;
        }
        if (range.Start.Value % alignment != 0 || range.Size.IsTop || range.Size.Value % alignment != 0)
        {
            diagnostics.Add(Rules.CmaNotAligned, region.Span, region.NodePath, range, new PhysAddr(alignment));
            return;
        }
        if (!IsInOneZone(layout, range))
        {
            diagnostics.Add(Rules.CmaNotInOneZone, region.Span, region.NodePath, range);
            return;
        }
        foreach (var other in areas)
        {
            if (region.CmaDefault && other.IsDefault)
                diagnostics.Add(KmemDiagnostic.Create(Rules.CmaDefaultTwice, region.Span, region.NodePath, other.Name).WithRelated("the other one is here", other.Span));
        }
        if (region.CmaDefault)
        {
            // The last one wins, as in the kernel.
            for (var i = 0; i < areas.Count; i++)
                areas[i] = areas[i] with { IsDefault = false };
        }
        areas.Add(new CmaRegion(region.Name, range, region.CmaDefault, region.Span));
    }

    private static void AddArgument(
        ImmutableArray<CmaRegion>.Builder areas, MemoryLayout layout, Setting<CmaArgument> argument, ulong alignment, DiagnosticBag diagnostics)
    {
        var (size, start, end) = argument.Value;
        var wanted = end is null && start is { } at ? $"at {new PhysAddr(at)}" : $"in {new PhysAddr(start ?? 0)} to {new PhysAddr(Limit(layout, end))}";
        if (size > ulong.MaxValue - alignment || (start ?? 0) > ulong.MaxValue - alignment)
        {
            diagnostics.Add(Rules.CmaUnplaced, argument.Span, new PhysAddr(size), new PhysAddr(alignment), wanted);
            return;
        }
        var rounded = Alignment.Up(size, alignment);
        if (rounded != size)
            diagnostics.Add(Rules.CmaRounded, argument.Span, new PhysAddr(size), new PhysAddr(rounded), new PhysAddr(alignment));
        if (FindPlace(layout, rounded, start ?? 0, end, start is not null && (end is null || end - start == size), alignment) is { } place)
            areas.Add(new CmaRegion("reserved", new PhysRange(new PhysAddr(place), rounded), true, argument.Span));
        else
            diagnostics.Add(Rules.CmaUnplaced, argument.Span, new PhysAddr(rounded), new PhysAddr(alignment), wanted);
    }

    // cma_declare_contiguous_nid; a base of 0 is none.
    private static ulong? FindPlace(MemoryLayout layout, ulong size, ulong start, ulong? end, bool isFixed, ulong alignment)
    {
        var free = new Ram();
        foreach (var bank in layout.Banks)
            free.Add(new RamPiece(bank.Range.Start.Value, bank.Range.End.Value, bank.Span, 0));
        Merge(free);
        foreach (var (_, range) in layout.Reserved)
        {
            if (!range.IsEmpty)
                free.Remove(range.Start.Value, range.End.IsTop ? ulong.MaxValue : range.End.Value);
        }
        var lowmemEnd = layout.LowmemLimit.IsTop ? ulong.MaxValue : layout.LowmemLimit.Value;
        if (isFixed && start != 0)
        {
            var fits = start % alignment == 0 && size <= ulong.MaxValue - start && Contains(free, start, start + size)
                && IsInOneZone(layout, new PhysRange(new PhysAddr(start), size));
            return fits ? start : null;
        }
        var from = Alignment.Up(start, alignment);
        var limit = Alignment.Down(Limit(layout, end), alignment);
        // The whole area has to lie in one zone; the kernel leaves it unusable where it does not, and finds out only then.
        ulong? place = null;
        if (from < lowmemEnd && limit > lowmemEnd)
        {
            place = ReservedPlacement.FindTopDown(free, lowmemEnd, limit, size, alignment);
            limit = lowmemEnd;
        }
        place ??= ReservedPlacement.FindTopDown(free, from, limit, size, alignment);
        return place is { } found && IsInOneZone(layout, new PhysRange(new PhysAddr(found), size)) ? found : null;
    }

    // Where devices reach, and RAM ends: arm_dma_limit, arm64_dma_phys_limit, dma32_phys_limit of RISC-V, max_pfn_mapped.
    private static ulong Limit(MemoryLayout layout, ulong? end)
    {
        var policy = layout.Board.Policy;
        var ramEnd = layout.Banks.IsEmpty ? 0 : layout.Banks[layout.Banks.Length - 1].Range.End.Value;
        var first = layout.Banks.IsEmpty ? 0 : layout.Banks[0].Range.Start.Value;
        var dmaSize = Math.Min(policy.ZoneDmaSize?.Value ?? FourGiB, FourGiB);
        var limit = layout.Board.Architecture switch
        {
            TargetArchitecture.Arm => policy.ZoneDmaSize is null ? FourGiB : first + dmaSize,
            TargetArchitecture.X86 => layout.LowmemLimit.IsTop ? ulong.MaxValue : layout.LowmemLimit.Value,
            TargetArchitecture.RiscV64 => FourGiB,
            TargetArchitecture.Arm64 => HasDeviceZone(layout) ? Alignment.Down(first, FourGiB) + dmaSize : ulong.MaxValue,
            _ => ulong.MaxValue,
        };
        limit = Math.Min(limit, ramEnd);
        return end is { } given && given != 0 ? Math.Min(limit, given) : limit;
    }

    private static bool HasDeviceZone(MemoryLayout layout)
    {
        foreach (var zone in layout.Zones)
        {
            if (zone.Name is "DMA" or "DMA32")
                return true;
        }
        return false;
    }

    private static bool IsInOneZone(MemoryLayout layout, PhysRange range)
    {
        var first = range.Start.Value >> layout.Pages.PageShift;
        var end = layout.Pages.PagesIn(range.End);
        var ram = new Ram();
        foreach (var bank in layout.Banks)
            ram.Add(new RamPiece(bank.Range.Start.Value, bank.Range.End.Value, bank.Span, 0));
        Merge(ram);
        if (range.End.IsTop || !Contains(ram, range.Start.Value, range.End.Value))
            return false;
        foreach (var zone in layout.Zones)
        {
            if (first >= zone.Start.Number && end <= zone.Start.Number + zone.Spanned)
                return true;
        }
        return false;
    }

    // Banks that touch are one to memblock.
    private static void Merge(Ram ram)
    {
        var merged = new List<RamPiece>();
        ram.Sort();
        foreach (var piece in ram.Pieces)
        {
            if (merged.Count > 0 && merged[merged.Count - 1].End == piece.Start)
                merged[merged.Count - 1] = merged[merged.Count - 1] with { End = piece.End };
            else
                merged.Add(piece);
        }
        ram.Clear();
        foreach (var piece in merged)
            ram.Add(piece);
    }

    private static bool Contains(Ram ram, ulong start, ulong end)
    {
        foreach (var piece in ram.Pieces)
        {
            if (start >= piece.Start && end <= piece.End)
                return true;
        }
        return false;
    }
}
