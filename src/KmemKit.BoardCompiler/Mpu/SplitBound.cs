using System;
using System.Collections.Generic;

namespace KmemKit.BoardCompiler.Mpu;

/// <summary>A lower bound for the regions that all states together have of their own, whatever stays.</summary>
/// <remarks>
/// Where two states want different things one of them decides by a region of its own. Of such addresses those count that no one region can decide two of, because
/// neither state may have one class at both: that many regions the two states have of their own at least. Each state is in as many pairs as there are other states, so the
/// sum over all pairs, by that number, bounds the sum over all states. And a state lays, over regions that stay, at least what it needs alone less these.
/// </remarks>
internal static class SplitBound
{
    /// <param name="cells">The policy.</param>
    /// <param name="alone">Of each state, no table of its own has fewer.</param>
    /// <param name="used">Static regions and those of the fullest state together, at most.</param>
    public static int Of(ProtectionCells cells, IReadOnlyList<int> alone, int used)
    {
        var (sum, most, count) = (0, 0, cells.States.Length);
        for (var one = 0; one < count; one++)
        {
            for (var other = one + 1; other < count; other++)
            {
                var pair = Pair(cells.CellsOf(one), cells.CellsOf(other), cells.Locked | 1);
                (sum, most) = (sum + pair, Math.Max(most, pair));
            }
        }
        // The larger half of the worst pair is one state's, and leaves less for what stays.
        var (left, beyond) = (used - (most + 1) / 2, 0);
        foreach (var table in alone)
            beyond += Math.Max(0, table - left);
        return count < 2 ? 0 : Math.Max(beyond, (sum + count - 2) / (count - 1));
    }

    private static int Pair(IReadOnlyList<Cell> one, IReadOnlyList<Cell> other, ulong never)
    {
        var chosen = new List<(ulong One, ulong Other)>();
        for (var i = 0; i < one.Count; i++)
        {
            if ((one[i].Allowed & other[i].Allowed) != 0)
                continue;
            var (mine, its) = (one[i].Allowed & ~never, other[i].Allowed & ~never);
            if ((mine | its) != 0 && !chosen.Exists(c => (c.One & mine) != 0 || (c.Other & its) != 0))
                chosen.Add((mine, its));
        }
        return chosen.Count;
    }
}
