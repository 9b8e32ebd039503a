using System;
using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture;

namespace KmemKit.BoardCompiler.Boards;

/// <summary>Finds ranges that share addresses.</summary>
internal static class Overlaps
{
    /// <summary>
    /// Sorts by start and sweeps upwards beside the range that reaches furthest so far: every range that starts below its end overlaps it. Each
    /// range is reported once, with that one, so that a crowd of n ranges gives less than n findings; if nothing is reported, nothing overlaps.
    /// </summary>
    public static void Find<T>(IEnumerable<T> items, Func<T, PhysRange> rangeOf, Action<T, T> report)
    {
        var any = false;
        var furthest = default(T)!;
        // OrderBy is stable: of two equal ranges the one that the source has first is the first here.
        foreach (var item in items.Where(i => !rangeOf(i).IsEmpty).OrderBy(i => rangeOf(i).Start))
        {
            if (any && rangeOf(furthest).Overlaps(rangeOf(item)))
                report(furthest, item);
            if (!any || rangeOf(item).End > rangeOf(furthest).End)
                furthest = item;
            any = true;
        }
    }
}
