using System;
using System.Diagnostics;
using System.Globalization;

namespace KmemKit.Benchmarks.Translation;

/// <summary>The pairs of <see cref="TranslationBenchmarks"/> in turns of some ten microseconds.</summary>
/// <remarks>
/// A benchmark that measures one side for a second and then the other one compares the machine's other work of two different seconds. Here the sides
/// take turns, each turn is shorter than a time slice, and the fastest turn of each side counts: the one that nothing disturbed.
/// </remarks>
internal static class PairedComparison
{
    private const int Turns = 4000;
    private const int AddressesPerTurn = 16384;

    public static void Run()
    {
        Console.WriteLine("ns per address, the fastest of {0} turns each: gcc, written, and written / gcc", Turns);
        foreach (var map in BenchmarkMap.All)
        {
            var pair = new TranslationBenchmarks { Map = map.Name };
            pair.Compile();
            Compare(map.Name, "random", () => pair.GccRandom(), () => pair.WrittenRandom());
            Compare(map.Name, "random, back", () => pair.GccBack(), () => pair.WrittenBack());
            Compare(map.Name, "predictable", () => pair.GccPredictable(), () => pair.WrittenPredictable());
            Compare(map.Name, "chain", () => pair.GccChain(), () => pair.WrittenChain());
            Compare(map.Name, "span", pair.GccSpan, pair.WrittenSpan);
            pair.Release();
        }
    }

    private static void Compare(string map, string what, Action gcc, Action written)
    {
        var (best, bestWritten) = (long.MaxValue, long.MaxValue);
        for (var turn = 0; turn < Turns; turn++)
        {
            best = Math.Min(best, Time(gcc));
            bestWritten = Math.Min(bestWritten, Time(written));
        }
        var unit = 1e9 / Stopwatch.Frequency / AddressesPerTurn;
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{map,-20} {what,-13} {best * unit,7:F3} {bestWritten * unit,7:F3} {(double)bestWritten / best,6:F2}"));
    }

    private static long Time(Action action)
    {
        var start = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetTimestamp() - start;
    }
}
