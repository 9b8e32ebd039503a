using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mpu;
using KmemKit.Architecture.Mpu.Pmp;
using KmemKit.BoardCompiler.Protection;

namespace KmemKit.BoardCompiler.Mpu;

/// <summary>Turns a policy into problems for the planners: one for each space of the unit and each domain.</summary>
/// <remarks>
/// What an address wants is what the policy says, in the words the format has for it. A class may decide there if it says the same; "no region" if the
/// background, or what lies behind, does. Where the unit's regions change nothing anything may; so it may where the policy says so for
/// addresses without anything behind them; and an entry that may be rounded may reach over what no entry covers, up to the ends of the aligned power
/// of two at its size (of its granules, for the formats that have no more need).
/// </remarks>
internal sealed class ProtectionCells
{
    private const ulong DefaultMapStep = 0x2000_0000;

    private readonly ProtectionPolicy _policy;
    private readonly MpuFormat _format;
    private readonly MpuSpace _space;
    private readonly ulong[] _points;
    private readonly Cell[][] _states;

    public ProtectionCells(ProtectionPolicy policy, MpuFormat format, MpuSpace space)
    {
        _policy = policy;
        _format = format;
        _space = space;
        _points = FindPoints();
        States = [null, .. policy.Domains.Select(d => d.Name)];
        var wants = States.Select(domain => _points.Select(p => Want(p, domain)).ToArray()).ToList();
        Classes = [.. wants.SelectMany(w => w).Distinct().Where(IsClass)];
        _states = new Cell[States.Length][];
        if (Classes.Length > CellMap.MostClasses)
            return;
        for (var i = 0; i < States.Length; i++)
            _states[i] = [.. _points.Select((p, at) => CellOf(p, States[i], wants[i][at]))];
        Locked = 0;
        for (var i = 0; format is PmpFormat && i < Classes.Length; i++)
            Locked |= PmpFormat.NeedsLock(Classes[i]) ? 1UL << (i + 1) : 0;
    }

    /// <summary>Null, for no domain, then the domains.</summary>
    public ImmutableArray<string?> States { get; }

    /// <summary>The sets of attributes that regions may need; more than <see cref="CellMap.MostClasses"/> cannot be planned.</summary>
    public ImmutableArray<MpuAttributes> Classes { get; }

    /// <summary>Classes that a region cannot give up again before reset.</summary>
    public ulong Locked { get; }

    /// <summary>The problem of one state.</summary>
    /// <param name="domain">The state.</param>
    /// <param name="behind">Regions of lower priority that are there already, the one that wins first.</param>
    /// <param name="forbidden">Classes not to be used.</param>
    public CellMap Map(string? domain, IReadOnlyList<PaintedRegion>? behind = null, ulong forbidden = 0)
    {
        var cells = _states[States.IndexOf(domain)];
        return new CellMap(_format.AddressBits, Classes, behind is null && forbidden == 0 ? cells : Over(cells, behind is null ? [] : [.. behind], forbidden));
    }

    /// <summary>What all states have in common: where they want different things, anything may be.</summary>
    public CellMap Common()
    {
        var everything = Everything;
        return new CellMap(_format.AddressBits, Classes, _points.Select((p, i) =>
        {
            var (allowed, exact) = (everything, everything);
            foreach (var state in _states)
                (allowed, exact) = (allowed & state[i].Allowed, exact & state[i].Exact);
            return allowed == 0 ? new Cell(p, everything, everything) : new Cell(p, allowed, exact);
        }));
    }

    /// <summary>All classes and none, as a mask.</summary>
    public ulong Everything => (1UL << (Classes.Length + 1)) - 1;

    /// <summary>Where what some state wants changes, from 0 up.</summary>
    public IReadOnlyList<ulong> Points => _points;

    /// <summary>What a state wants, point by point.</summary>
    /// <param name="state">Its place in <see cref="States"/>.</param>
    public IReadOnlyList<Cell> CellsOf(int state) => _states[state];

    /// <summary>The last point that is not above an address.</summary>
    public int PointAt(ulong address)
    {
        var at = Array.BinarySearch(_points, address);
        return at < 0 ? ~at - 1 : at;
    }

    /// <summary>What most states want: the classes that as many states as possible may have at an address.</summary>
    public CellMap Most()
    {
        var everything = Everything;
        return new CellMap(_format.AddressBits, Classes, _points.Select((p, i) =>
        {
            var (most, mask) = (0, 0UL);
            for (var painted = 0; painted <= Classes.Length; painted++)
            {
                var count = _states.Count(state => (state[i].Exact >> painted & 1) != 0);
                if (count > most)
                    (most, mask) = (count, 0);
                mask |= count == most ? 1UL << painted : 0;
            }
            return most == 0 ? new Cell(p, everything, everything) : new Cell(p, mask, mask);
        }));
    }

    /// <summary>Edges of regions, with those of their subregions.</summary>
    public static List<ulong> Edges(IReadOnlyList<PaintedRegion> regions)
    {
        var edges = new List<ulong>(regions.Count * 4);
        foreach (var region in regions)
        {
            var parts = region.Disabled == 0 ? 1UL : 8;
            for (var i = 0UL; i <= parts; i++)
                edges.Add(region.Start + i * (region.Size / parts));
        }
        return edges;
    }

    private Cell[] Over(Cell[] cells, PaintedRegion[] behind, ulong forbidden)
    {
        var isExclusive = _format.Shape == MpuShape.BaseAndLimit;
        var edges = Edges(behind);
        edges.Sort();
        var result = new Cell[cells.Length + edges.Count];
        var (at, edge, count) = (0, 0, 0);
        for (ulong point = 0; ; )
        {
            var cell = cells[at] with { Start = point };
            var winner = 0;
            for (var i = 0; i < behind.Length && winner == 0; i++)
            {
                ref readonly var region = ref behind[i];
                winner = region.Covers(point) ? region.Class : 0;
            }
            if (winner != 0)
            {
                cell = new Cell(point, Moved(cell.Allowed, winner), Moved(cell.Exact, winner));
                // Base-and-limit regions may not overlap: what is covered stays covered.
                if (isExclusive)
                    cell = cell with { Allowed = cell.Allowed & 1, Exact = cell.Exact & 1 };
            }
            result[count++] = new Cell(point, cell.Allowed & ~forbidden, cell.Exact & ~forbidden);
            while (edge < edges.Count && edges[edge] <= point)
                edge++;
            var next = edge < edges.Count ? edges[edge] : _format.AddressSpace.End.Value;
            if (at + 1 < cells.Length && cells[at + 1].Start <= next)
                next = cells[++at].Start;
            if (next >= _format.AddressSpace.End.Value)
                return result.AsSpan(0, count).ToArray();
            point = next;
        }

        static ulong Moved(ulong mask, int winner) => (mask & ~1UL) | (mask >> winner & 1);
    }

    private ulong[] FindPoints()
    {
        var points = new SortedSet<ulong> { 0 };
        var ranges = _policy.Entries.Concat(_policy.Domains.SelectMany(d => d.Entries)).Select(e => e.Range)
            .Concat(AllEntries().Where(e => e.AllowRounding).Select(e => Window(e.Range)))
            .Concat(_policy.Populated ?? [])
            .Append(_format.Ungoverned).Append(_format.NeverExecuted);
        foreach (var range in ranges)
        {
            points.Add(range.Start.Value);
            points.Add(range.End.IsTop ? 0 : range.End.Value);
        }
        for (ulong at = 0; _policy.PrivilegedBackground && _format is not PmpFormat && at <= uint.MaxValue; at += DefaultMapStep)
            points.Add(at);
        return [.. points.Where(p => p < _format.AddressSpace.End.Value)];
    }

    private IEnumerable<ProtectionEntry> AllEntries() => _policy.Entries.Concat(_policy.Domains.SelectMany(d => d.Entries));

    /// <summary>How far an entry may be rounded.</summary>
    private PhysRange Window(PhysRange range)
    {
        var unit = _format.Granule;
        if (_format.Shape == MpuShape.PowerOfTwo)
        {
            while (unit < range.Size.Value)
                unit <<= 1;
        }
        var start = range.Start.Value & ~(unit - 1);
        var end = Math.Min((range.End.Value + unit - 1) & ~(unit - 1), _format.AddressSpace.End.Value);
        return new PhysRange(new PhysAddr(start), end - start);
    }

    private MpuAttributes Want(ulong address, string? domain) => Effective(_policy.AttributesAt(address, domain, _format), address);

    private MpuAttributes Effective(MpuAttributes attributes, ulong address)
    {
        var canonical = _format.Canonical(attributes, _space);
        return _format.NeverExecuted.Contains(new PhysAddr(address))
            ? _format.Canonical(canonical with { Privileged = canonical.Privileged & AccessRights.ReadWrite, User = canonical.User & AccessRights.ReadWrite }, _space)
            : canonical;
    }

    private bool IsClass(MpuAttributes attributes) => _format.CheckAttributes(attributes, _space) == MpuFault.None;

    private Cell CellOf(ulong address, string? domain, MpuAttributes want)
    {
        var everything = (1UL << (Classes.Length + 1)) - 1;
        var here = new PhysAddr(address);
        if (_format.Ungoverned.Contains(here))
            return new Cell(address, everything, everything);
        var uncovered = _policy.At(address, domain) is null;
        if (uncovered && _policy.Populated is { } populated && !populated.Any(r => r.Contains(here)))
            return new Cell(address, everything, everything);
        var background = _policy.PrivilegedBackground || _format is PmpFormat ? _format.DefaultMap(address) : MpuAttributes.Deny;
        var exact = Effective(background, address) == want ? 1UL : 0;
        for (var i = 0; i < Classes.Length; i++)
            exact |= Effective(Classes[i], address) == want ? 1UL << (i + 1) : 0;
        var allowed = exact;
        if (uncovered)
        {
            var entries = domain is null ? _policy.Entries : _policy.Entries.Concat(_policy.DomainOf(domain).Entries);
            foreach (var entry in entries.Where(e => e.AllowRounding && Window(e.Range).Contains(here)))
                allowed |= 1UL << (Classes.IndexOf(Effective(entry.Attributes, address)) + 1);
        }
        return new Cell(address, allowed, exact);
    }
}
