using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture.Mpu;

namespace KmemKit.BoardCompiler.Mpu;

/// <summary>The least table of RISC-V PMP entries: aligned powers of two, and ranges that start where the entry before ends.</summary>
/// <remarks>
/// Seen from entry 0, the highest priority, up: an entry may cover only what its class may decide and what is decided already, and the decided set only
/// grows; what can be done with a set can be done with every larger one. So of all ranges of a class only the largest are worth trying, and the state
/// is the decided set and where a chain may go on: behind the last entry, whatever its mode, for the base of a range inside what that entry decided
/// costs nothing (see PmpFormat). The search deepens from the lower bound, remembers what it has seen, and stops at a limit of states; then the best
/// table known is given with the bound that was proved.
/// </remarks>
internal sealed class ChainPlanner
{
    private readonly ChainSpace _space;
    private readonly bool _startsAtZero;
    private readonly Dictionary<Key, int> _seen = [];
    private readonly List<ChainMove> _path = [];
    private int _left;

    private ChainPlanner(ChainSpace space, bool startsAtZero)
    {
        _space = space;
        _startsAtZero = startsAtZero;
    }

    /// <summary>The least table, or the best that was found and the bound that is proved.</summary>
    /// <param name="map">The problem.</param>
    /// <param name="granule">Granularity.</param>
    /// <param name="startsAtZero">Whether the first entry is entry 0, whose range may start at address 0.</param>
    /// <param name="stateLimit">States to look at.</param>
    public static SpacePlan? Plan(CellMap map, ulong granule, bool startsAtZero = true, int stateLimit = 800)
    {
        var space = new ChainSpace(map, granule);
        var known = ChainSweep.Plan(space, startsAtZero);
        var planner = new ChainPlanner(space, startsAtZero) { _left = stateLimit };
        var decided = new ulong[space.Words];
        var bound = ChainBound.Of(space, decided, startsAtZero ? 0 : -1);
        for (; known is null || bound < known.Value.Length; bound++)
        {
            planner._seen.Clear();
            if (planner.Search(decided, startsAtZero ? 0 : -1, 0, bound))
                return Result(bound, planner.Entries());
            if (planner._left <= 0)
                break;
            // More entries than any unit has: nothing solves it.
            if (bound > 128)
                return null;
        }
        return known is { } swept ? Result(Math.Min(bound, swept.Length), swept) : null;
    }

    /// <summary>No table has fewer entries; known without a search.</summary>
    /// <param name="map">The problem.</param>
    /// <param name="granule">Granularity.</param>
    /// <exception cref="UnalignedException">An edge is inside a granule.</exception>
    public static int LowerBound(CellMap map, ulong granule)
    {
        var space = new ChainSpace(map, granule);
        return ChainBound.Of(space, new ulong[space.Words], 0);
    }

    private static SpacePlan Result(int bound, ImmutableArray<PaintedRegion> entries) => new(entries, bound, 0);

    private ImmutableArray<PaintedRegion> Entries()
    {
        var entries = ImmutableArray.CreateBuilder<PaintedRegion>();
        foreach (var move in _path)
        {
            if (move.OpensWithOff)
                entries.Add(new PaintedRegion(move.Start, 0, 0, 0, PmpMode.Off));
            entries.Add(new PaintedRegion(move.Start, move.End - move.Start, 0, move.Class, move.Mode));
        }
        return entries.ToImmutable();
    }

    /// <param name="decided">Pieces that earlier entries decide.</param>
    /// <param name="chain">Piece at which a range may start at the cost of one entry; -1 for none.</param>
    /// <param name="used">Entries so far.</param>
    /// <param name="limit">Entries there may be.</param>
    private bool Search(ulong[] decided, int chain, int used, int limit)
    {
        if (_space.IsSolved(decided))
            return true;
        if (used + Math.Max(1, ChainBound.Of(_space, decided, chain)) > limit || --_left < 0)
            return false;
        while (chain >= 0 && chain < _space.Pieces && ChainSpace.Has(decided, chain))
            chain++;
        if (chain == _space.Pieces)
            chain = -1;
        var key = new Key(decided, chain);
        if (_seen.TryGetValue(key, out var before) && before <= used)
            return false;
        _seen[key] = used;
        foreach (var move in Moves(decided, chain, limit - used))
        {
            var next = (ulong[])decided.Clone();
            var (first, last) = _space.PiecesIn(move.Start, move.End);
            for (var i = first; i < last; i++)
                ChainSpace.Set(next, i);
            _path.Add(move);
            if (Search(next, _space.ChainAt(move.End, next), used + move.Cost, limit))
                return true;
            _path.RemoveAt(_path.Count - 1);
            if (_left < 0)
                return false;
        }
        return false;
    }

    private List<ChainMove> Moves(ulong[] decided, int chain, int most)
    {
        var moves = new List<(ChainMove Move, int Gain)>();
        for (var painted = 1; painted <= _space.Classes; painted++)
        {
            var wants = _space.Wants[painted];
            for (var first = 0; first < _space.Pieces; first++)
            {
                if (!May(first))
                    continue;
                var last = first;
                while (last < _space.Pieces && May(last))
                    last++;
                AddRun(first, last);
                first = last;
            }

            bool May(int piece) => ChainSpace.Has(decided, piece) || ChainSpace.Has(wants, piece);

            void AddRun(int first, int last)
            {
                if (Gain(first, last) == 0)
                    return;
                foreach (var end in Ends(first, last))
                {
                    // Entry 0 alone has a base without a predecessor: address 0.
                    if (chain >= first && chain < end)
                        Add(new ChainMove(_space.Cuts[chain], _space.Cuts[end], painted, PmpMode.Tor, false));
                    if (chain != first && most >= 2)
                        Add(new ChainMove(_space.Cuts[first], _space.Cuts[end], painted, PmpMode.Tor, true));
                }
                ulong covered = 0;
                for (var piece = first; piece < last; piece++)
                {
                    if (_space.Cuts[piece] < covered || ChainSpace.Has(decided, piece))
                        continue;
                    var (start, size) = _space.Block(piece, first, last, decided);
                    if (size == 0)
                        continue;
                    covered = start + size;
                    Add(new ChainMove(start, covered, painted, size == 4 ? PmpMode.Na4 : PmpMode.Napot, false));
                }
            }

            void Add(ChainMove move)
            {
                var (from, to) = _space.PiecesIn(move.Start, move.End);
                if (Gain(from, to) is > 0 and var gain)
                    moves.Add((move, gain));
            }
        }
        return [.. moves.OrderBy(m => m.Move.Cost).ThenByDescending(m => m.Gain).Select(m => m.Move)];

        int Gain(int first, int last)
        {
            var gain = 0;
            for (var i = first; i < last; i++)
                gain += ChainSpace.Has(decided, i) ? 0 : (_space.Allowed[i] & 1) == 0 ? 64 : 1;
            return gain;
        }
    }

    /// <summary>
    /// Where a range in the run may end: with the run; or, as no range can end with the space, before its last piece and before each block that does.
    /// </summary>
    private IEnumerable<int> Ends(int first, int last)
    {
        if (last < _space.Pieces)
        {
            yield return last;
            yield break;
        }
        for (var end = last - 1; end > first; end--)
        {
            var left = _space.End - _space.Cuts[end];
            if (end == last - 1 || (left & (left - 1)) == 0)
                yield return end;
        }
    }

    private readonly struct Key(ulong[] decided, int chain) : IEquatable<Key>
    {
        private readonly ulong[] _decided = decided;
        private readonly int _chain = chain;

        public bool Equals(Key other) => _chain == other._chain && _decided.AsSpan().SequenceEqual(other._decided);

        public override bool Equals(object? obj) => obj is Key other && Equals(other);

        public override int GetHashCode()
        {
            unchecked
            {
                ulong hash = 14695981039346656037UL ^ (uint)_chain;
                foreach (var word in _decided)
                    hash = (hash ^ word) * 1099511628211UL ^ hash >> 29;
                return (int)(hash ^ hash >> 32);
            }
        }
    }
}
