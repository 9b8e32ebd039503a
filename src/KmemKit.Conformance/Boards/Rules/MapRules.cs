using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Policies;
using KmemKit.Conformance.Rules;

namespace KmemKit.Conformance.Boards.Rules;

/// <summary>What holds for the memory map of every board.</summary>
internal static class MapRules
{
    private const string Kind = "Map";

    public static ImmutableArray<Rule<BoardSubject>> All { get; } =
    [
        new("map-banks-rise", Kind, "Banks are not empty, rise, and share nothing.", BanksRise),
        new("map-inside-address-space", Kind, "Banks and virtual ranges lie in the address space of the architecture.", InsideAddressSpace),
        new("map-banks-are-ram", Kind, "Every bank is RAM that the board describes, and none of what was taken out of it.", BanksAreRam),
        new("map-no-ram-lost", Kind, "From the first to the last byte of RAM every address is in one bank or in one hole.", NothingLost),
        new("map-reserved-never-free", Kind, "Memory that the kernel must not map is in no bank.", NoMapIsNoBank),
        new("map-reserved-placed", Kind, "Every reserved region has its place: as the board says, or where its alloc-ranges and alignment allow.", ReservedPlaced),
        new("map-zones-partition-ram", Kind, "Every frame of RAM is in one zone, and zones count what they hold.", ZonesPartition),
        new("map-virtual-disjoint", Kind, "The kernel's virtual ranges share nothing, but for what lies in the linear map.", VirtualDisjoint),
        new("map-linear-rises", Kind, "Segments of the linear map are not empty, rise and share nothing, in both address spaces, from PAGE_OFFSET up to high_memory.", LinearRises),
        new("map-linear-reaches-lowmem", Kind, "All of lowmem is in the linear map once, and highmem never.", LinearReaches),
    ];

    private static void BanksRise(BoardSubject board, Proof proof)
    {
        var banks = board.Layout.Banks;
        proof.Expect(!banks.IsEmpty, null, "at least one bank", "none");
        for (var i = 0; i < banks.Length; i++)
        {
            var place = BoardSubject.PlaceOf(banks[i].Span);
            proof.Expect(!banks[i].Range.IsEmpty, banks[i].Range.Start.Value, "a bank that is not empty", $"{banks[i].Range}", place);
            if (i > 0)
                proof.Expect(banks[i - 1].Range.End <= banks[i].Range.Start.Value, banks[i].Range.Start.Value, $"a bank behind {banks[i - 1].Range}", $"{banks[i].Range}", place);
        }
    }

    private static void InsideAddressSpace(BoardSubject board, Proof proof)
    {
        var layout = board.Layout;
        var is64 = layout.Board.Architecture is TargetArchitecture.Arm64 or TargetArchitecture.X64 or TargetArchitecture.RiscV64;
        var isWide = is64 || layout.Board.Architecture == TargetArchitecture.RiscV32 || (layout.Board.Policy.ArmLpae?.Value ?? false) || (layout.Board.Policy.X86Pae?.Value ?? false);
        AddressLimit phys = isWide ? AddressLimit.Top : 1UL << 32;
        AddressLimit virt = is64 ? AddressLimit.Top : 1UL << 32;
        foreach (var bank in layout.Banks)
            proof.Expect(bank.Range.End <= phys, bank.Range.Start.Value, $"a bank below {phys}", $"{bank.Range}", BoardSubject.PlaceOf(bank.Span));
        foreach (var range in layout.Virtual)
            proof.Expect(range.Range.End <= virt, range.Range.Start.Value, $"{range.Name} below {virt}", $"{range.Range}");
        foreach (var segment in layout.Linear.Segments)
            proof.Expect(segment.VirtRange.End <= virt, segment.Virt.Value, $"a segment below {virt}", $"{segment.VirtRange}");
    }

    private static void BanksAreRam(BoardSubject board, Proof proof)
    {
        var source = board.Compilation.Board!;
        // mem= on the command line describes memory itself.
        var described = source.Policy.Bootargs.Text.Contains("mem=", StringComparison.Ordinal) ? board.Layout.Banks.Select(b => b.Range) : source.Banks.Select(b => b.Range);
        var ram = Ranges.Join(described);
        var page = board.Layout.Pages.PageSize;
        foreach (var bank in board.Layout.Banks)
        {
            var place = BoardSubject.PlaceOf(bank.Span);
            var inner = ram.Any(r => r.Start.Value <= Alignment.Up(bank.Range.Start.Value, page) && r.End >= Alignment.Down(bank.Range.End.Last + 1 == 0 ? bank.Range.End.Last : bank.Range.End.Value, page));
            proof.Expect(inner, bank.Range.Start.Value, $"a bank in {string.Join(" or ", ram)}", $"{bank.Range}", place);
            foreach (var hole in source.Holes)
                proof.Expect(!hole.Range.Overlaps(bank.Range), bank.Range.Start.Value, $"nothing of {hole.Range}, which {hole.NodePath} takes out", $"{bank.Range}", BoardSubject.PlaceOf(hole.Span));
        }
    }

    private static void NothingLost(BoardSubject board, Proof proof)
    {
        var pieces = board.Layout.Banks.Select(b => (b.Range, Place: BoardSubject.PlaceOf(b.Span), What: "bank"))
            .Concat(board.Layout.Holes.Select(h => (h.Range, Place: BoardSubject.PlaceOf(h.Span), What: "hole"))).OrderBy(p => p.Range).ToList();
        for (var i = 1; i < pieces.Count; i++)
        {
            proof.Expect(pieces[i - 1].Range.End == pieces[i].Range.Start.Value, pieces[i].Range.Start.Value,
                $"a {pieces[i].What} that starts where the {pieces[i - 1].What} {pieces[i - 1].Range} ends", $"{pieces[i].Range}", pieces[i].Place);
        }
        proof.Expect(pieces.Count > 0, null, "a bank", "none");
        // And nothing that the board describes lies outside of them.
        if (board.Compilation.Board!.Policy.Bootargs.Text.Contains("mem=", StringComparison.Ordinal) || pieces.Count == 0)
            return;
        var page = board.Layout.Pages.PageSize;
        foreach (var bank in board.Compilation.Board.Banks.Where(b => b.Range.Size >= page))
        {
            var first = Alignment.Up(bank.Range.Start.Value, page);
            var last = bank.Range.End.IsTop ? ulong.MaxValue : Alignment.Down(bank.Range.End.Value, page) - 1;
            if (first > last)
                continue;
            // A kernel that cannot hold the last page says so (arm_add_memory: "Truncating memory"), and the layout with it.
            var isTruncated = board.Layout.Messages.Any(m => m.Contains("Truncating", StringComparison.Ordinal) || m.Contains("Ignoring", StringComparison.Ordinal));
            foreach (var address in new[] { first, last })
            {
                var isThere = pieces.Any(p => p.Range.Contains(new PhysAddr(address)));
                proof.Expect(isThere || isTruncated || IsSaid(board, bank.Span), address, $"RAM of {bank.NodePath} {bank.Range} in a bank or a hole, or a diagnostic about it", "neither", BoardSubject.PlaceOf(bank.Span));
            }
        }
    }

    private static bool IsSaid(BoardSubject board, BoardCompiler.Sources.SourceSpan span) => board.Compilation.Diagnostics.Any(d => d.Span.File == span.File && d.Span.Start < span.End && span.Start < d.Span.End);

    private static void NoMapIsNoBank(BoardSubject board, Proof proof)
    {
        foreach (var reserved in board.Layout.Reserved.Where(r => r.Region.NoMap))
        {
            foreach (var bank in board.Layout.Banks)
                proof.Expect(!bank.Range.Overlaps(reserved.Range), reserved.Range.Start.Value, $"nothing of {reserved.Region.Name} {reserved.Range} in a bank", $"{bank.Range}", BoardSubject.PlaceOf(reserved.Region.Span));
        }
        if (proof.Checked == 0)
            proof.HasNothing("The board has no memory with no-map.");
    }

    private static void ReservedPlaced(BoardSubject board, Proof proof)
    {
        foreach (var reserved in board.Layout.Reserved)
        {
            var (region, range) = (reserved.Region, reserved.Range);
            var place = BoardSubject.PlaceOf(region.Span);
            if (region.Range is { } given)
            {
                proof.Expect(range == given, range.Start.Value, $"{region.Name} at {given}", $"{range}", place);
                continue;
            }
            if (range.IsEmpty)
                continue;
            proof.Expect(region.DynamicSize is null || range.Size >= region.DynamicSize.Value, range.Start.Value, $"0x{region.DynamicSize:x} bytes for {region.Name}", $"{range}", place);
            if (region.DynamicAlignment != 0)
                proof.Expect(range.Start.Value % region.DynamicAlignment == 0, range.Start.Value, $"{region.Name} aligned to 0x{region.DynamicAlignment:x}", $"{range}", place);
            if (!region.AllocRanges.IsEmpty)
                proof.Expect(region.AllocRanges.Any(a => a.Contains(range)), range.Start.Value, $"{region.Name} in {string.Join(" or ", region.AllocRanges)}", $"{range}", place);
        }
        if (proof.Checked == 0)
            proof.HasNothing("The board reserves nothing.");
    }

    private static void ZonesPartition(BoardSubject board, Proof proof)
    {
        var (layout, shift) = (board.Layout, board.Layout.Pages.PageShift);
        // Frames that are RAM whole.
        var frames = Ranges.Join(layout.Banks.Select(b => b.Range)).Select(r => (First: (r.Start.Value + (layout.Pages.PageSize - 1)) >> shift, End: r.End.IsTop ? 1UL << (64 - shift) : r.End.Value >> shift))
            .Where(f => f.First < f.End).ToList();
        var zones = layout.Zones;
        foreach (var zone in zones)
        {
            proof.Expect(zone.Present <= zone.Spanned, zone.Start.Number << shift, $"no more pages present than the {zone.Spanned} that zone {zone.Name} spans", $"{zone.Present}");
            proof.Expect(zone.Present > 0, zone.Start.Number << shift, $"zone {zone.Name} with pages", "none");
        }
        for (var i = 0; i < zones.Length; i++)
        {
            foreach (var other in zones.Skip(i + 1).Where(z => z.Node == zones[i].Node))
            {
                var shares = other.Start.Number < zones[i].Start.Number + zones[i].Spanned && zones[i].Start.Number < other.Start.Number + other.Spanned;
                proof.Expect(!shares, other.Start.Number << shift, $"zones {zones[i].Name} and {other.Name} of node {other.Node} apart", $"frames {zones[i].Start.Number}+{zones[i].Spanned} and {other.Start.Number}+{other.Spanned}");
            }
        }
        var total = frames.Aggregate(0UL, (sum, f) => sum + (f.End - f.First));
        var present = zones.Aggregate(0UL, (sum, z) => sum + z.Present);
        proof.Expect(total == present, null, $"{total} frames of RAM in zones", $"{present}");
        if (zones.Select(z => z.Node).Distinct().Count() > 1)
            return;
        foreach (var zone in zones)
        {
            var (first, end) = (zone.Start.Number, zone.Start.Number + zone.Spanned);
            var held = frames.Aggregate(0UL, (sum, f) => sum + (Math.Min(f.End, end) > Math.Max(f.First, first) ? Math.Min(f.End, end) - Math.Max(f.First, first) : 0));
            proof.Expect(held == zone.Present, first << shift, $"{held} frames of RAM present in zone {zone.Name}", $"{zone.Present}");
        }
    }

    private static void VirtualDisjoint(BoardSubject board, Proof proof)
    {
        // Sections of the image lie in the linear map, vectors in the fixmap's window of old kernels.
        string[] apart = ["vmalloc", "lowmem", "pkmap", "modules", "fixmap", "DMA"];
        var ranges = board.Layout.Virtual.Where(v => apart.Contains(v.Name) && !v.Range.IsEmpty).OrderBy(v => v.Range).ToList();
        for (var i = 1; i < ranges.Count; i++)
        {
            proof.Expect(ranges[i - 1].Range.End <= ranges[i].Range.Start.Value, ranges[i].Range.Start.Value, $"{ranges[i].Name} behind {ranges[i - 1].Name} {ranges[i - 1].Range}", $"{ranges[i].Range}");
        }
        if (ranges.Count < 2)
            proof.HasNothing("The layout has no two virtual ranges.");
    }

    private static void LinearRises(BoardSubject board, Proof proof)
    {
        var (layout, segments) = (board.Layout, board.Layout.Linear.Segments);
        for (var i = 0; i < segments.Length; i++)
        {
            proof.Expect(segments[i].Size > 0, segments[i].Phys.Value, "a segment that is not empty", "0 bytes");
            if (i == 0)
                continue;
            proof.Expect(segments[i - 1].PhysRange.End <= segments[i].Phys.Value, segments[i].Phys.Value, $"a segment behind {segments[i - 1].PhysRange}", $"{segments[i].PhysRange}");
            proof.Expect(segments[i - 1].VirtRange.End <= segments[i].Virt.Value, segments[i].Virt.Value, $"a segment behind {segments[i - 1].VirtRange}", $"{segments[i].VirtRange}");
        }
        if (segments.IsEmpty)
        {
            proof.HasNothing("The layout has no linear map.");
            return;
        }
        var first = segments[0];
        var offset = unchecked(first.Virt.Value - first.Phys.Value);
        var wanted = unchecked(layout.PageOffset.Value - layout.PhysOffset.Value);
        proof.Expect(offset == wanted, first.Phys.Value, $"the first segment 0x{wanted:x} above its physical addresses, as PAGE_OFFSET is above PHYS_OFFSET", $"0x{offset:x}");
        proof.Expect(segments[^1].VirtRange.End <= layout.HighMemory || !layout.Board.UsesMmu, segments[^1].Virt.Value, $"the linear map up to high_memory {layout.HighMemory}", $"{segments[^1].VirtRange}");
    }

    private static void LinearReaches(BoardSubject board, Proof proof)
    {
        foreach (var bank in board.Layout.Banks)
        {
            var reached = board.Layout.Linear.Segments.Aggregate(0UL, (sum, s) => sum + s.PhysRange.Intersect(bank.Range).Size.Wrapped);
            var wanted = bank.Kind == BankKind.Lowmem ? bank.Range.Size.Wrapped : 0;
            proof.Expect(reached == wanted, bank.Range.Start.Value, $"0x{wanted:x} bytes of {bank.Kind} {bank.Range} in the linear map", $"0x{reached:x}", BoardSubject.PlaceOf(bank.Span));
        }
    }
}

/// <summary>Ranges as sets of addresses.</summary>
internal static class Ranges
{
    /// <summary>Ranges that touch or overlap as one, by rising address.</summary>
    public static List<PhysRange> Join(IEnumerable<PhysRange> ranges)
    {
        var joined = new List<PhysRange>();
        foreach (var range in ranges.Where(r => !r.IsEmpty).OrderBy(r => r))
        {
            if (joined.Count > 0 && joined[^1].End >= range.Start.Value)
                joined[^1] = PhysRange.FromBounds(joined[^1].Start, joined[^1].End > range.End ? joined[^1].End : range.End);
            else
                joined.Add(range);
        }
        return joined;
    }
}
