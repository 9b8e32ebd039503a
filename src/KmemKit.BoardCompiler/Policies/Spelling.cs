using System;
using System.Collections.Generic;

namespace KmemKit.BoardCompiler.Policies;

/// <summary>Did-you-mean: the nearest known word, by the optimal string alignment distance (insert, delete, replace, swap of neighbours cost 1 each).</summary>
internal static class Spelling
{
    // A word of our own vocabulary is far shorter than this; a longer one is never its misspelling and is not worth a table of distances.
    private const int LongestCompared = 64;

    /// <summary>The candidate nearest to <paramref name="word"/> that a slip of the finger explains, or null.</summary>
    /// <remarks>
    /// Short names lie close together by nature (CONFIG_ARM and CONFIG_ARC), so what counts as a slip grows with the length of the part that
    /// differs from word to word: nothing below 4 characters, 1 up to 7, 2 above. A tie goes to the candidate that comes first.
    /// </remarks>
    public static string? Nearest(string word, IEnumerable<string> candidates, string commonPrefix = "")
    {
        string? best = null;
        var bestDistance = int.MaxValue;
        foreach (var candidate in candidates)
        {
            var length = Math.Min(word.Length, candidate.Length) - commonPrefix.Length;
            var allowed = length < 4 ? 0 : length < 8 ? 1 : 2;
            if (allowed == 0 || Math.Abs(word.Length - candidate.Length) > allowed)
                continue;
            var distance = Distance(word, candidate);
            if (distance <= allowed && distance < bestDistance)
                (best, bestDistance) = (candidate, distance);
        }
        return best;
    }

    /// <summary>How many slips lie between the two words.</summary>
    public static int Distance(string a, string b)
    {
        if (a.Length > LongestCompared || b.Length > LongestCompared)
            return a == b ? 0 : int.MaxValue;
        var twoBack = new int[b.Length + 1];
        var previous = new int[b.Length + 1];
        var current = new int[b.Length + 1];
        for (var j = 0; j <= b.Length; j++)
            previous[j] = j;
        for (var i = 1; i <= a.Length; i++)
        {
            current[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var cost = a[i - 1] == b[j - 1] ? 0 : 1;
                var distance = Math.Min(Math.Min(previous[j] + 1, current[j - 1] + 1), previous[j - 1] + cost);
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                    distance = Math.Min(distance, twoBack[j - 2] + 1);
                current[j] = distance;
            }
            (twoBack, previous, current) = (previous, current, twoBack);
        }
        return previous[b.Length];
    }
}
