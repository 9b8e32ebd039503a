using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Linear;

namespace KmemKit.BoardCompiler.Layout;

/// <summary>What an architecture decides; the rest of a layout follows from it in the same way everywhere.</summary>
internal sealed record LayoutParts
{
    public required string Profile { get; init; }

    public required PageGeometry Pages { get; init; }

    public required ulong PageOffset { get; init; }

    public required ulong PhysOffset { get; init; }

    /// <summary>RAM in the linear map, after the platform took its part.</summary>
    public required Ram Low { get; init; }

    /// <summary>Highmem RAM, after the platform took its part.</summary>
    public required Ram High { get; init; }

    /// <summary>RAM that the kernel drops.</summary>
    public required Ram Ignored { get; init; }

    public required TakenMemory Taken { get; init; }

    /// <summary>Where the last zone ends.</summary>
    public required ulong SpannedEnd { get; init; }

    public ulong? VmallocMin { get; init; }

    public required ulong LowmemLimit { get; init; }

    public required AddressLimit HighMemory { get; init; }

    public required ImmutableArray<VirtualRange> Virtual { get; init; }

    public required ImmutableArray<LinearSegment> Segments { get; init; }

    public required List<string> Messages { get; init; }
}

/// <summary>Turns an architecture's decisions into the layout: whole pages, holes, zones, memory model, linear map.</summary>
internal static class LayoutAssembly
{
    public static MemoryLayout Assemble(Board board, DiagnosticBag diagnostics, LayoutParts parts)
    {
        var banks = ImmutableArray.CreateBuilder<LayoutBank>();
        var low = WholePages(parts.Low, parts.Pages, diagnostics);
        var high = WholePages(parts.High, parts.Pages, diagnostics);
        foreach (var piece in low.Pieces)
            banks.Add(new LayoutBank(piece.Range, BankKind.Lowmem, piece.Span));
        foreach (var piece in high.Pieces)
            banks.Add(new LayoutBank(piece.Range, BankKind.Highmem, piece.Span));
        banks.Sort(static (left, right) => left.Range.CompareTo(right.Range));
        return new MemoryLayout
        {
            Board = board,
            Profile = parts.Profile,
            Pages = parts.Pages,
            PageOffset = new VirtAddr(parts.PageOffset),
            PhysOffset = new PhysAddr(parts.PhysOffset),
            Banks = banks.ToImmutable(),
            Holes = Holes(banks, parts),
            Reserved = parts.Taken.Regions,
            Virtual = parts.Virtual,
            VmallocMin = parts.VmallocMin is { } min ? new VirtAddr(min) : null,
            LowmemLimit = parts.LowmemLimit,
            HighMemory = parts.HighMemory,
            Linear = new LinearMap(parts.Segments, LinearRam(low, parts.Segments)),
            Zones = ZonePlanner.Plan(board, parts, low, high, diagnostics),
            Model = MemoryModelPlanner.Plan(board, parts.Pages, banks),
            LowPages = low.TotalSize >> parts.Pages.PageShift,
            HighPages = high.TotalSize >> parts.Pages.PageShift,
            Messages = parts.Messages.ToImmutableArray(),
        };
    }

    private static Ram WholePages(Ram ram, PageGeometry pages, DiagnosticBag diagnostics)
    {
        var whole = new Ram();
        foreach (var piece in ram.Pieces)
        {
            var (start, end) = Ram.WholePages(piece.Start, piece.End, pages, piece.Span, diagnostics);
            whole.Add(piece with { Start = start, End = end });
        }
        whole.Sort();
        return whole;
    }

    // What a no-map region or the kernel took keeps its reason; what is left between the banks is a gap.
    private static ImmutableArray<PhysicalHole> Holes(ImmutableArray<LayoutBank>.Builder banks, LayoutParts parts)
    {
        var reasons = new List<PhysicalHole>();
        var ram = new Ram();
        foreach (var bank in banks)
            ram.Add(new RamPiece(bank.Range.Start.Value, bank.Range.End.Value, default, 0));
        foreach (var piece in parts.Ignored.Pieces)
            AddUncovered(reasons, ram, piece, HoleKind.Ignored);
        foreach (var (region, range) in parts.Taken.Regions)
        {
            if (region.NoMap && !range.IsEmpty && !range.End.IsTop)
                AddUncovered(reasons, ram, new RamPiece(range.Start.Value, range.End.Value, region.Span, 0), HoleKind.NoMap);
        }
        reasons.Sort(static (left, right) => left.Range.CompareTo(right.Range));

        var holes = ImmutableArray.CreateBuilder<PhysicalHole>();
        var pieces = new List<PhysicalHole>(reasons);
        foreach (var bank in banks)
            pieces.Add(new PhysicalHole(bank.Range, HoleKind.Gap, default));
        pieces.Sort(static (left, right) => left.Range.CompareTo(right.Range));
        ulong? end = null;
        foreach (var piece in pieces)
        {
            if (end is { } last && piece.Range.Start.Value > last)
                holes.Add(new PhysicalHole(PhysRange.FromBounds(new PhysAddr(last), piece.Range.Start.Value), HoleKind.Gap, default));
            end = Math.Max(end ?? 0, piece.Range.End.Value);
        }
        holes.AddRange(reasons);
        holes.Sort(static (left, right) => left.Range.CompareTo(right.Range));
        return holes.ToImmutable();
    }

    private static void AddUncovered(List<PhysicalHole> holes, Ram covered, RamPiece piece, HoleKind kind)
    {
        var rest = new Ram();
        rest.Add(piece);
        foreach (var other in covered.Pieces)
            rest.Remove(other.Start, other.End);
        foreach (var uncovered in rest.Pieces)
        {
            holes.Add(new PhysicalHole(uncovered.Range, kind, uncovered.Span));
            covered.Add(uncovered);
        }
    }

    // A segment boundary cuts RAM, so that each piece has one offset.
    private static ImmutableArray<PhysRange> LinearRam(Ram low, ImmutableArray<LinearSegment> segments)
    {
        var ram = ImmutableArray.CreateBuilder<PhysRange>();
        foreach (var segment in segments)
        {
            foreach (var piece in low.Pieces)
            {
                var part = piece.Range.Intersect(segment.PhysRange);
                if (part.IsEmpty)
                    continue;
                if (ram.Count > 0 && ram[ram.Count - 1].End == part.Start.Value && ram[ram.Count - 1].Start >= segment.Phys)
                    ram[ram.Count - 1] = PhysRange.FromBounds(ram[ram.Count - 1].Start, part.End);
                else
                    ram.Add(part);
            }
        }
        return ram.ToImmutable();
    }
}
