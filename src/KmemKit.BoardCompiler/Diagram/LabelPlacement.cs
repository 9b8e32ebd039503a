using System;
using System.Collections.Generic;

namespace KmemKit.BoardCompiler.Diagram;

/// <summary>Moves labels of one column apart, each as near to its place as can be.</summary>
/// <remarks>
/// The places rise. Labels that would overlap form a cluster, which stands where the mean of its wishes is; clusters that meet become one (the
/// pool-adjacent-violators method of isotonic regression), so that the sum of the squared distances is the least there is.
/// </remarks>
internal static class LabelPlacement
{
    /// <summary>Tops of labels of one height.</summary>
    /// <param name="wishes">Where each label's middle would like to be, rising.</param>
    /// <param name="height">Height of a label with the room below it.</param>
    /// <param name="top">No label starts above it.</param>
    public static double[] Spread(IReadOnlyList<double> wishes, double height, double top)
    {
        // With i heights taken off, "apart" becomes "not falling".
        var clusters = new List<(double Sum, int Count)>();
        for (var i = 0; i < wishes.Count; i++)
        {
            clusters.Add((wishes[i] - (height / 2) - (i * height), 1));
            while (clusters.Count > 1 && Mean(clusters[clusters.Count - 2]) > Mean(clusters[clusters.Count - 1]))
            {
                var (last, before) = (clusters[clusters.Count - 1], clusters[clusters.Count - 2]);
                clusters.RemoveAt(clusters.Count - 1);
                clusters[clusters.Count - 1] = (before.Sum + last.Sum, before.Count + last.Count);
            }
        }
        var tops = new double[wishes.Count];
        var next = 0;
        foreach (var cluster in clusters)
        {
            for (var i = 0; i < cluster.Count; i++, next++)
                tops[next] = Math.Max(top, Mean(cluster)) + (next * height);
        }
        return tops;
    }

    private static double Mean((double Sum, int Count) cluster) => cluster.Sum / cluster.Count;
}
