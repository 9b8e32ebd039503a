using System.Collections.Generic;
using System.Linq;

namespace KmemKit.BoardCompiler.Streams;

/// <summary>Ids and masks for the stream mapping groups of an SMMUv2.</summary>
/// <remarks>
/// A StreamID that two groups match is a fault (Arm IHI 0062, 9.6.35, SMCF), so the groups of a plan share none. Groups with one target that differ in one bit are joined as long as
/// there are any: of disjoint groups that gives disjoint ones that match the same ids, and fewer of them. It is not proved to be the fewest.
/// </remarks>
internal static class StreamMatchPlanner
{
    /// <summary>The groups of one target, by rising id.</summary>
    public static List<(uint Id, uint Mask)> Join(IEnumerable<MasterStream> streams)
    {
        var groups = new List<(uint Id, uint Mask)>();
        foreach (var stream in streams)
        {
            foreach (var cube in CubesOf(stream))
            {
                // What is named twice counts once.
                List<(uint Id, uint Mask)> rest = [cube];
                foreach (var known in groups)
                    rest = [.. rest.SelectMany(r => Without(r, known))];
                groups.AddRange(rest);
            }
        }
        while (JoinOnce(groups))
        {
        }
        groups.Sort();
        return groups;
    }

    // A row in the largest aligned powers of two.
    private static IEnumerable<(uint Id, uint Mask)> CubesOf(MasterStream stream)
    {
        if (stream.Mask != 0)
        {
            yield return (stream.First & ~stream.Mask, stream.Mask);
            yield break;
        }
        for (ulong at = stream.First, left = stream.Count; left > 0;)
        {
            var size = 1UL;
            while (size * 2 <= left && at % (size * 2) == 0)
                size *= 2;
            yield return ((uint)at, (uint)(size - 1));
            at += size;
            left -= size;
        }
    }

    private static IEnumerable<(uint Id, uint Mask)> Without((uint Id, uint Mask) cube, (uint Id, uint Mask) taken)
    {
        while (((cube.Id ^ taken.Id) & ~(cube.Mask | taken.Mask)) == 0)
        {
            var open = cube.Mask & ~taken.Mask;
            if (open == 0)
                yield break;
            // Cut in two at a bit that the other one fixes: one half is clear of it.
            var bit = open & ~(open - 1);
            yield return ((cube.Id & ~bit) | (~taken.Id & bit), cube.Mask & ~bit);
            cube = ((cube.Id & ~bit) | (taken.Id & bit), cube.Mask & ~bit);
        }
        yield return cube;
    }

    private static bool JoinOnce(List<(uint Id, uint Mask)> groups)
    {
        groups.Sort();
        for (var i = 0; i < groups.Count; i++)
        {
            for (var j = i + 1; j < groups.Count; j++)
            {
                var difference = groups[i].Id ^ groups[j].Id;
                if (groups[i].Mask != groups[j].Mask || (difference & (difference - 1)) != 0)
                    continue;
                groups[i] = (groups[i].Id & ~difference, groups[i].Mask | difference);
                groups.RemoveAt(j);
                return true;
            }
        }
        return false;
    }
}
