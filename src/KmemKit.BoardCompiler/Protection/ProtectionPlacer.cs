using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Devicetree;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Mpu.Placement;
using Rules = KmemKit.BoardCompiler.Diagnostics.DiagnosticTable.Mpu;

namespace KmemKit.BoardCompiler.Protection;

/// <summary>Reads entries with a size and no address, and gives them addresses.</summary>
/// <remarks>
/// The spelling is that of <c>/reserved-memory</c> (reserved-memory.yaml of dt-schema): <c>size</c>, <c>alignment</c> and <c>alloc-ranges</c>, in the cells of the
/// protection node; <c>alloc-ranges</c> of the protection node counts for entries that have none. What an entry holds the whole of the ranges it is carved
/// out of; everything else in them, entries with an address as well as reserved memory, is kept clear of.
/// </remarks>
internal sealed class ProtectionPlacer(Board board, DeviceTreeNode protection, CellFormat format, DiagnosticBag diagnostics)
{
    private readonly List<(int Domain, int Entry, PlacementRequest Request)> _requests = [];

    /// <summary>Whether the entry asks for a place.</summary>
    public static bool Asks(DeviceTreeNode node) => node.Property("size") is not null && node.Property("reg") is null && node.Property("region") is null;

    /// <summary>The request of an entry; null, with a finding, where it is malformed.</summary>
    public PlacementRequest? Read(DeviceTreeNode node, string? domain)
    {
        var size = node.Property("size")!;
        if (size.CellCount() != format.SizeCells || RegEntry.ReadSize(size, 0, format.SizeCells) is not { IsTop: false, Value: > 0 } bytes)
        {
            diagnostics.Add(Rules.BadPlacement, size.Span, node.Path, $"size is a number other than 0 in {format.SizeCells} cells");
            return null;
        }
        ulong alignment = 1;
        if (node.Property("alignment") is { } property
            && (property.CellCount() != format.SizeCells || !property.TryReadU64(out alignment) || !Alignment.IsPowerOfTwo(alignment)))
        {
            diagnostics.Add(Rules.BadPlacement, property.Span, node.Path, $"alignment is a power of two in {format.SizeCells} cells");
            return null;
        }
        var owner = node.Property("alloc-ranges") is not null ? node : protection;
        if (owner.Property("alloc-ranges") is not { } ranges)
        {
            diagnostics.Add(Rules.BadPlacement, size.Span, node.Path, "neither it nor the protection node has alloc-ranges");
            return null;
        }
        var pool = RegEntry.ReadAll(owner, ranges, format, diagnostics)
            .Select(e => e.Address.FitsIn64Bits ? RegEntry.RangeOf(e.Address.Value, e.Size) : null).OfType<PhysRange>().Where(r => !r.IsEmpty).OrderBy(r => r).ToImmutableArray();
        if (pool.IsEmpty || pool.Zip(pool.Skip(1), (a, b) => a.Overlaps(b)).Any(o => o))
        {
            diagnostics.Add(Rules.BadPlacement, ranges.Span, node.Path, "alloc-ranges are ranges that are not empty and share nothing");
            return null;
        }
        return new PlacementRequest(node.Name, domain, bytes.Value, alignment, pool, node.Path, size.Span);
    }

    /// <summary>Remembers where the entry of a request is.</summary>
    public void Add(int domain, int entry, PlacementRequest request) => _requests.Add((domain, entry, request));

    private static ulong Free(ImmutableArray<PhysRange> pool, IEnumerable<PhysRange> taken)
    {
        ulong free = 0;
        foreach (var range in pool)
        {
            var at = range.Start.Value;
            foreach (var other in taken.Select(t => range.Intersect(t)).Where(r => !r.IsEmpty).OrderBy(r => r))
            {
                free += other.Start.Value > at ? other.Start.Value - at : 0;
                at = Math.Max(at, other.Start.Value + other.Size.Value);
            }
            free += range.Start.Value + range.Size.Value - at;
        }
        return free;
    }

    /// <summary>The policy with an address for each request; those without room are findings, and are left out.</summary>
    public ProtectionPolicy Place(ProtectionPolicy policy)
    {
        if (_requests.Count == 0)
            return policy;
        var pools = ImmutableArray.CreateBuilder<PlacedPool>();
        var ranges = new Dictionary<PlacementRequest, PhysRange>();
        var asked = new HashSet<(int, int)>(_requests.Select(r => (r.Domain, r.Entry)));
        var taken = policy.Entries.Where((_, i) => !asked.Contains((-1, i)))
            .Concat(policy.Domains.SelectMany((d, at) => d.Entries.Where((_, i) => !asked.Contains((at, i))))).Select(e => e.Range)
            .Concat(board.Reserved.Where(r => r.Range is not null).Select(r => r.Range!.Value)).ToList();
        foreach (var group in _requests.Select(r => r.Request).GroupBy(r => string.Join(" ", r.Pool)))
        {
            var requests = group.ToImmutableArray();
            var pool = requests[0].Pool;
            var obstacles = taken.Where(t => !pool.All(t.Contains)).ToList();
            if (PlacementPlanner.Plan(board.Mpu?.Format, pool, obstacles, requests) is { } placed)
            {
                pools.Add(placed);
                taken.AddRange(placed.Items.Select(i => i.Range));
                foreach (var item in placed.Items)
                    ranges[item.Request] = item.Range;
                if (!placed.IsLeast)
                    diagnostics.Add(Rules.PlacementNotProved, requests[0].Span, requests.Length, placed.Regions, placed.LowerBound);
                continue;
            }
            var free = Free(pool, obstacles);
            diagnostics.Add(Rules.NoPlace, requests[0].Span, string.Join(", ", requests.Select(r => $"{r.NodePath} ({r.Size} bytes)")),
                requests.Aggregate(0UL, (sum, r) => sum + r.Size), string.Join(", ", pool), free);
        }
        return policy with
        {
            Entries = Filled(policy.Entries, -1),
            Domains = [.. policy.Domains.Select((d, at) => d with { Entries = Filled(d.Entries, at) })],
            Pools = pools.ToImmutable(),
        };

        ImmutableArray<ProtectionEntry> Filled(ImmutableArray<ProtectionEntry> entries, int domain)
        {
            var result = ImmutableArray.CreateBuilder<ProtectionEntry>();
            for (var i = 0; i < entries.Length; i++)
            {
                if (!asked.Contains((domain, i)))
                    result.Add(entries[i]);
                else if (ranges.TryGetValue(_requests.First(r => r.Domain == domain && r.Entry == i).Request, out var range))
                    result.Add(entries[i] with { Range = range });
            }
            return result.ToImmutable();
        }
    }
}
