using System;
using System.Diagnostics;
using System.Globalization;
using System.Linq;
using System.Threading;

namespace KmemKit.Benchmarks.PageAllocation;

/// <summary>The benchmarks of this folder in turns with malloc, each turn shorter than a time slice; the fastest turn counts (see <see cref="Translation.PairedComparison"/>).</summary>
internal static class PairedPages
{
    private const int Turns = 4000;
    private const int Pairs = 1024;

    public static void Run()
    {
        using var pairs = new PagePairBenchmarks();
        pairs.SetUp();
        Console.WriteLine("ns a pair, the fastest of {0} turns of {1}; and over malloc + free of 64 bytes", Turns, Pairs);
        var malloc = Best(() => pairs.MallocPairs(Pairs), Turns) / Pairs;
        Print("malloc + free, 64 bytes", malloc, malloc);
        Print("order 0, constant", Best(() => pairs.Single(Pairs), Turns) / Pairs, malloc);
        Print("driver loop", Best(() => pairs.EmptyPairs(Pairs), Turns) / Pairs, malloc);
        foreach (var order in new[] { 0, 3, 4, 9, 10 })
            Print($"order {order}", Best(() => pairs.Run(order, Pairs), Turns) / Pairs, malloc);
        TwoThreads(malloc);
        using var fill = new PageFillBenchmarks();
        fill.SetUp();
        Console.WriteLine("ns an operation, the fastest stretch");
        Print("fill with order 0", Best(fill.FillStretch, 2000, fill.EmptyAll) / PageFillBenchmarks.Stretch, malloc);
        fill.EmptyAll();
        Print("free in order", Best(fill.FreeStretch, 2000, fill.FillAll) / PageFillBenchmarks.Stretch, malloc);
        Print("free shuffled", Best(fill.FreeShuffledStretch, 2000, fill.FillAllShuffled) / PageFillBenchmarks.Stretch, malloc);
        Print("mixed 0-4, half fragmented", Best(() => fill.MixedSteps(Pairs), Turns) / Pairs, malloc);
        using var ideal = new PageFillBenchmarks { HasLists = false };
        ideal.SetUp();
        for (var turn = 0; turn <= Turns; turn++)
            ideal.MixedSteps(Pairs);
        Console.WriteLine("mixed: {0} of {1} requests failed; of the buddy alone, without CPU lists, {2} of {3}",
            fill.MixedFailures, fill.MixedRequests, ideal.MixedFailures, ideal.MixedRequests);
        foreach (var gibibytes in new[] { 4UL, 1024UL })
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"boot of {gibibytes} GiB: {Boot(gibibytes << 10):F1} ms"));
    }

    // Each thread takes its own fastest turn; the slower thread counts.
    private static void TwoThreads(double malloc)
    {
        using var machine = new BenchmarkMachine(1024, 2);
        var best = new double[2];
        var threads = Enumerable.Range(0, 2).Select(number => new Thread(() =>
        {
            var cpu = machine.Allocator.Cpus[number];
            best[number] = Best(() => PagePairBenchmarks.Single(cpu, Pairs), 4 * Turns) / Pairs;
        })).ToArray();
        foreach (var thread in threads)
            thread.Start();
        foreach (var thread in threads)
            thread.Join();
        Print("order 0, each of 2 threads", best.Max(), malloc);
    }

    private static double Boot(ulong megabytes)
    {
        var best = double.MaxValue;
        for (var turn = 0; turn < 5; turn++)
        {
            var start = Stopwatch.GetTimestamp();
            using var machine = new BenchmarkMachine(megabytes, 2);
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        }
        return best;
    }

    // again: when an action says that it is at its end, what starts it anew, outside the measurement.
    private static double Best(Func<bool> action, int turns, Action again)
    {
        var best = long.MaxValue;
        again();
        for (var turn = 0; turn < turns; turn++)
        {
            var start = Stopwatch.GetTimestamp();
            var more = action();
            var time = Stopwatch.GetTimestamp() - start;
            best = Math.Min(best, time);
            if (!more)
                again();
        }
        return best * 1e9 / Stopwatch.Frequency;
    }

    private static double Best(Action action, int turns) => Best(
        () =>
        {
            action();
            return true;
        },
        turns,
        action);

    private static void Print(string what, double ns, double malloc) =>
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{what,-28} {ns,7:F2} {ns / malloc,6:F2}"));
}
