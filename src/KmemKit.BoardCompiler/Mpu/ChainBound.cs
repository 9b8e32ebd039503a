using System.Collections.Generic;

namespace KmemKit.BoardCompiler.Mpu;

/// <summary>A lower bound for PMP tables.</summary>
/// <remarks>
/// Between two undecided pieces that no one class may decide, an entry has to begin or end, somewhere in what is decided between them: an edge. The
/// address register of an entry that is off, or a top of range, is one address and serves one edge; a power of two serves two, its start and its
/// end, if these are a start and an end of one. So there are at least as many entries as edges less the largest matching of edges by powers of two,
/// and less one where a chain goes on at an edge that is then not matched; the two ends of the space are edges where something has to be decided there;
/// an edge that only one other can be matched with is matched with it (which is optimal), and of the rest at most half are.
/// </remarks>
internal static class ChainBound
{
    /// <param name="space">The pieces.</param>
    /// <param name="decided">Those that are decided.</param>
    /// <param name="chain">The piece at which a range may start without an entry of its own; -1 for none.</param>
    public static int Of(ChainSpace space, ulong[] decided, int chain)
    {
        var edges = new List<(ulong Low, ulong High)>();
        var before = -1;
        for (var piece = 0; piece < space.Pieces; piece++)
        {
            if (ChainSpace.Has(decided, piece))
                continue;
            if (before >= 0 && (space.Allowed[before] & space.Allowed[piece]) == 0)
                edges.Add((space.Cuts[before + 1], space.Cuts[piece]));
            before = piece;
        }
        // Where the space itself ends and something has to be decided, an entry ends as well.
        if (before == space.Pieces - 1 && (space.Allowed[before] & 1) == 0)
            edges.Add((space.End, space.End));
        if (!ChainSpace.Has(decided, 0) && (space.Allowed[0] & 1) == 0)
            edges.Insert(0, (0, 0));
        var saved = Matching(edges);
        if (chain >= 0)
        {
            // The end of the entry before, as address 0 for entry 0, may serve one edge that it lies on: that one, then, needs no partner.
            for (var i = 0; i < edges.Count; i++)
            {
                if (edges[i].Low <= space.Cuts[chain + 1] && edges[i].High >= space.Cuts[chain])
                {
                    var others = new List<(ulong Low, ulong High)>(edges);
                    others.RemoveAt(i);
                    saved = System.Math.Max(saved, 1 + Matching(others));
                }
            }
        }
        var needed = edges.Count - saved;
        return needed > 0 ? needed : 0;
    }

    private static int Matching(List<(ulong Low, ulong High)> edges)
    {
        var neighbours = new List<int>[edges.Count];
        for (var i = 0; i < edges.Count; i++)
            neighbours[i] = [];
        for (var i = 0; i < edges.Count; i++)
        {
            for (var j = i + 1; j < edges.Count; j++)
            {
                if (!CanBeBlock(edges[i], edges[j]))
                    continue;
                neighbours[i].Add(j);
                neighbours[j].Add(i);
            }
        }
        var matched = 0;
        var leaves = new Queue<int>();
        for (var i = 0; i < edges.Count; i++)
        {
            if (neighbours[i].Count == 1)
                leaves.Enqueue(i);
        }
        while (leaves.Count > 0)
        {
            var leaf = leaves.Dequeue();
            if (neighbours[leaf].Count != 1)
                continue;
            var partner = neighbours[leaf][0];
            matched++;
            foreach (var other in neighbours[partner])
            {
                neighbours[other].Remove(partner);
                if (neighbours[other].Count == 1)
                    leaves.Enqueue(other);
            }
            neighbours[partner].Clear();
        }
        var rest = 0;
        foreach (var each in neighbours)
            rest += each.Count > 0 ? 1 : 0;
        return matched + rest / 2;
    }

    private static bool CanBeBlock((ulong Low, ulong High) start, (ulong Low, ulong High) end)
    {
        // Anywhere in a decided stretch: assume it.
        if (start.Low != start.High || end.Low != end.High)
            return true;
        var size = end.Low - start.Low;
        return size != 0 && (size & (size - 1)) == 0 && (start.Low & (size - 1)) == 0;
    }
}
