using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture.Mpu;

namespace KmemKit.BoardCompiler.Mpu;

/// <summary>Looks for PMP entries that stay, with which the states have fewest entries of their own.</summary>
/// <remarks>
/// Best first over what such entries decide, from the one that wins first down: a picture gives each piece of the address space the class of the first entry that
/// covers it, or none, and the search knows where a range may go on. The entry that decides the rest, all addresses or none, is chosen before all.
/// <list type="number">
/// <item>What is decided stays so, and a state has to lay at least what it takes to put that right; of the rest each entry to come saves a state one at most, and
/// one more where it goes on from an address that stays.</item>
/// <item>A range reaches as far as all states may have its class, or it is decided already: nothing is lost by that.</item>
/// </list>
/// What a state has to lay depends on the pieces that are wrong for it alone, and is looked up by these. The work is limited: in the spaces of ChainSplitTests the
/// best split was always reached in 4 granules, not always in 8, and a board with many entries is not searched at all.
/// </remarks>
internal sealed class ChainSplit
{
    /// <summary>Pieces of a policy that is worth the search: with more, the bounds alone take longer than the whole plan may.</summary>
    private const int MostPieces = 12;

    private const int Impossible = 1 << 16;

    /// <summary>Pieces of pictures and of tables that may be looked at: a few milliseconds.</summary>
    private const int MostWork = 200_000;

    private readonly ProtectionCells _cells;
    private readonly MpuFormat _format;
    private readonly ulong[] _cuts;
    private readonly ulong[][] _allowed;
    private readonly ulong[] _common;
    private readonly int _pieces;
    private readonly Dictionary<(int State, ulong Wrong), int> _bounds = [];
    private readonly Dictionary<(int State, ulong Wrong), int> _tables = [];
    private readonly List<Queue<Node>> _queues = [];
    private readonly List<(ulong Start, ulong Size)> _blocks;
    private readonly int _bound;
    private (int Used, int Writes) _best;
    private ImmutableArray<PaintedRegion>? _found;
    private int _work;

    private sealed record Node(ImmutableArray<PaintedRegion> Entries, byte[] Picture, ulong Decided, int Chain, int Behind);

    /// <param name="cells">The policy.</param>
    /// <param name="format">The unit.</param>
    /// <param name="bound">Entries that the fullest state needs alone, at least.</param>
    public ChainSplit(ProtectionCells cells, MpuFormat format, int bound)
    {
        (_cells, _format, _bound) = (cells, format, bound);
        _cuts = Cuts();
        _pieces = _cuts.Length - 1;
        _allowed = [.. Enumerable.Range(0, cells.States.Length).Select(s => _cuts.Take(_pieces).Select(c => cells.CellsOf(s)[cells.PointAt(c)].Allowed).ToArray())];
        _common = [.. Enumerable.Range(0, _pieces).Select(p => _allowed.Aggregate(ulong.MaxValue, (all, state) => all & state[p]))];
        _blocks = _pieces <= MostPieces ? Blocks() : [];
    }

    /// <summary>Entries that stay, the one that wins first; null where none were found that are better than what is known.</summary>
    /// <param name="best">Entries at a time, and those that states have of their own, of the best that is known.</param>
    /// <param name="least">No split has fewer of the latter.</param>
    public ImmutableArray<PaintedRegion>? Find((int Used, int Writes) best, int least)
    {
        _best = best;
        // Where the first look at each state would take all there is to spend, nothing would be found.
        if (_pieces > MostPieces || 3 * _pieces * _pieces * _allowed.Length * (_cells.Classes.Length + 1) > MostWork || _cuts.Any(cut => (cut & (_format.Granule - 1)) != 0))
            return null;
        var seen = new Dictionary<int, PictureSet>();
        for (var behind = 0; behind <= _cells.Classes.Length; behind++)
        {
            seen[behind] = new PictureSet(_pieces, _cells.Classes.Length + 1);
            Offer(new Node([], new byte[_pieces], 0, -1, behind));
        }
        while (_work < MostWork && (_best.Used > _bound || _best.Writes > least) && Next() is { } node)
        {
            if (IsHopeless(node))
                continue;
            foreach (var next in Grown(node))
            {
                _work += _pieces * _allowed.Length;
                // Zobrist keys, with the place where a range may go on mixed in.
                if (seen[node.Behind].Add(seen[node.Behind].KeyOf(next.Picture) ^ unchecked((ulong)(next.Chain + 2) * 0x9e3779b97f4a7c15UL), next.Entries.Length))
                    Offer(next);
            }
        }
        return _found;
    }

    /// <summary>
    /// Where what some state wants changes; and, if there is room, where blocks end that are aligned and begin or end there: a part of what all want alike may stay, and
    /// a state lay the rest together with something beside it.
    /// </summary>
    private ulong[] Cuts()
    {
        var end = _format.AddressSpace.End.Value;
        ulong[] coarse = [.. _cells.Points, end];
        var fine = new SortedSet<ulong>(coarse);
        for (var i = 0; i + 2 < coarse.Length; i++)
        {
            for (var at = coarse[i]; at != 0 && at < coarse[i + 1]; at += at & ~(at - 1))
                fine.Add(at);
            for (var at = coarse[i + 1]; at > coarse[i]; at &= at - 1)
                fine.Add(at);
        }
        return fine.Count <= MostPieces + 1 ? [.. fine] : coarse;
    }

    private static int Count(Node node) => node.Entries.Length + (node.Behind == 0 ? 0 : 1);

    private void Offer(Node node)
    {
        if (IsHopeless(node))
            return;
        var (count, most, sum, missing) = (Count(node), 0, 0, 0);
        for (var state = 0; state < _allowed.Length; state++)
        {
            var (all, isPossible) = Wrong(node, state, ulong.MaxValue);
            var own = _tables.TryGetValue((state, all), out var known) ? known : Bound(state, all);
            (most, sum, missing) = (Math.Max(most, own), sum + own, missing + (isPossible ? 0 : 1));
        }
        if (missing == 0 && (count + most, sum).CompareTo(_best) < 0)
            Evaluate(node, count);
        var rank = sum + missing + Math.Max(0, count + most - _best.Used);
        while (_queues.Count <= rank)
            _queues.Add(new Queue<Node>());
        _queues[rank].Enqueue(node);
    }

    private void Evaluate(Node node, int count)
    {
        var (most, sum) = (0, 0);
        for (var state = 0; state < _allowed.Length; state++)
        {
            var own = Table(state, Wrong(node, state, ulong.MaxValue).Pieces);
            (most, sum) = (Math.Max(most, own), sum + own);
        }
        if ((count + most, sum).CompareTo(_best) >= 0)
            return;
        _best = (count + most, sum);
        _found = node.Behind == 0 ? node.Entries : node.Entries.Add(new PaintedRegion(0, _format.AddressSpace.End.Value, 0, node.Behind, PmpMode.Napot));
    }

    /// <summary>Whether nothing that grows from it can be better than the best.</summary>
    private bool IsHopeless(Node node)
    {
        var (count, most) = (Count(node), 0);
        Span<int> fixedOwn = stackalloc int[_allowed.Length];
        for (var state = 0; state < fixedOwn.Length; state++)
        {
            var (wrong, isPossible) = Wrong(node, state, node.Decided);
            if (!isPossible)
                return true;
            fixedOwn[state] = Bound(state, wrong);
            most = Math.Max(most, fixedOwn[state]);
        }
        if (count + most > _best.Used)
            return true;
        var (left, sum) = (_best.Used - count - most, 0);
        for (var state = 0; state < fixedOwn.Length; state++)
            sum += Math.Max(fixedOwn[state], Bound(state, Wrong(node, state, ulong.MaxValue).Pieces) - left - (left > 0 ? 1 : 0));
        return (Math.Max(_bound, count + most), sum).CompareTo(_best) >= 0;
    }

    /// <summary>Pieces that a state has to put right, and whether it can: what it cannot is left out.</summary>
    private (ulong Pieces, bool IsPossible) Wrong(Node node, int state, ulong among)
    {
        var (wrong, isPossible) = (0UL, true);
        for (var piece = 0; piece < _pieces; piece++)
        {
            if ((among >> piece & 1) == 0)
                continue;
            var painted = (node.Decided >> piece & 1) != 0 ? node.Picture[piece] : node.Behind;
            if ((_allowed[state][piece] >> painted & 1) != 0)
                continue;
            if ((_allowed[state][piece] & ~(_cells.Locked | 1)) == 0)
                isPossible = false;
            else
                wrong |= 1UL << piece;
        }
        return (wrong, isPossible);
    }

    private int Bound(int state, ulong wrong)
    {
        if (wrong == 0)
            return 0;
        if (_bounds.TryGetValue((state, wrong), out var bound))
            return bound;
        _work += 3 * _pieces * _pieces;
        // Entries to come that stay may be locked, those of a state may not: with both allowed the bound holds for both.
        return _bounds[(state, wrong)] = Math.Max(1, ChainPlanner.LowerBound(Map(state, wrong, 1), _format.Granule));
    }

    private int Table(int state, ulong wrong)
    {
        if (wrong == 0)
            return 0;
        if (_tables.TryGetValue((state, wrong), out var own))
            return own;
        _work += 10 * _pieces * _pieces;
        var plan = ChainPlanner.Plan(Map(state, wrong, _cells.Locked | 1), _format.Granule, true, 100);
        return _tables[(state, wrong)] = plan?.Regions.Length ?? Impossible;
    }

    private CellMap Map(int state, ulong wrong, ulong never) => new(_format.AddressBits, _cells.Classes, Enumerable.Range(0, _pieces).Select(piece =>
    {
        var allowed = _allowed[state][piece] & ~never | ((wrong >> piece & 1) == 0 ? 1UL : 0);
        return new Cell(_cuts[piece], allowed, allowed);
    }));

    private Node? Next()
    {
        foreach (var queue in _queues)
        {
            if (queue.Count > 0)
                return queue.Dequeue();
        }
        return null;
    }

    private IEnumerable<Node> Grown(Node node)
    {
        var chain = node.Chain;
        while (chain >= 0 && chain < _pieces && (node.Decided >> chain & 1) != 0)
            chain++;
        for (var painted = 1; painted <= _cells.Classes.Length; painted++)
        {
            for (var start = 0; start < _pieces; start++)
            {
                var isChain = start == chain;
                if (!isChain && start > 0 && IsFree(node, start - 1, painted))
                    continue;
                for (var end = start + 1; end < _pieces; end++)
                {
                    if ((end < _pieces - 1 && IsFree(node, end, painted)) || !Gains(node, start, end))
                        continue;
                    if (isChain)
                        yield return With(node, painted, start, end, end, new PaintedRegion(_cuts[start], _cuts[end] - _cuts[start], 0, painted, PmpMode.Tor));
                    else
                    {
                        yield return With(node, painted, start, end, end, new PaintedRegion(_cuts[start], 0, 0, 0, PmpMode.Off),
                            new PaintedRegion(_cuts[start], _cuts[end] - _cuts[start], 0, painted, PmpMode.Tor));
                    }
                }
            }
            foreach (var (start, size) in _blocks)
            {
                var (first, last) = (Array.BinarySearch(_cuts, start), Array.BinarySearch(_cuts, start + size));
                var (cutsFirst, cutsLast) = (first < 0, last < 0);
                (first, last) = (first < 0 ? ~first : first, last < 0 ? ~last - 1 : last);
                // A part of a piece that is free is as free as before.
                if ((cutsFirst && !IsFree(node, first - 1, painted)) || (cutsLast && !IsFree(node, last, painted)) || !Gains(node, first, last))
                    continue;
                var next = cutsLast && (node.Decided >> last & 1) == 0 ? -1 : last < _pieces ? last : -1;
                yield return With(node, painted, first, last, next, new PaintedRegion(start, size, 0, painted, size == 4 ? PmpMode.Na4 : PmpMode.Napot));
            }
        }
    }

    private bool IsFree(Node node, int piece, int painted) => (node.Decided >> piece & 1) != 0 || (_common[piece] >> painted & 1) != 0;

    private static bool Gains(Node node, int first, int last)
    {
        for (var piece = first; piece < last; piece++)
        {
            if ((node.Decided >> piece & 1) == 0)
                return true;
        }
        return false;
    }

    private static Node With(Node node, int painted, int first, int last, int chain, params PaintedRegion[] entries)
    {
        var (picture, decided) = ((byte[])node.Picture.Clone(), node.Decided);
        for (var piece = first; piece < last; piece++)
        {
            if ((decided >> piece & 1) == 0)
                picture[piece] = (byte)painted;
            decided |= 1UL << piece;
        }
        return new Node(node.Entries.AddRange(entries), picture, decided, chain, node.Behind);
    }

    /// <summary>Aligned blocks that begin or end with a piece, each set of whole pieces and of pieces in part once.</summary>
    private List<(ulong Start, ulong Size)> Blocks()
    {
        var blocks = new SortedSet<(ulong Start, ulong Size)>();
        for (var size = _format.Granule; size < _format.AddressSpace.End.Value; size <<= 1)
        {
            foreach (var cut in _cuts)
            {
                if (cut < _format.AddressSpace.End.Value)
                    blocks.Add((cut & ~(size - 1), size));
                if (cut > 0)
                    blocks.Add(((cut - 1) & ~(size - 1), size));
            }
        }
        var kept = new Dictionary<(int, int), (ulong Start, ulong Size)>();
        foreach (var block in blocks)
        {
            var key = (Array.BinarySearch(_cuts, block.Start), Array.BinarySearch(_cuts, block.Start + block.Size));
            var (first, last) = (key.Item1 < 0 ? ~key.Item1 : key.Item1, key.Item2 < 0 ? ~key.Item2 - 1 : key.Item2);
            if (first < last && !kept.ContainsKey(key))
                kept[key] = block;
        }
        return [.. kept.Values];
    }
}
