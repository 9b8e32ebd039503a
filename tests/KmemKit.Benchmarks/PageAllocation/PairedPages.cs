using System;
using System.Diagnostics;
using System.Globalization;
using System.Linq;
using System.Runtime.InteropServices;
using System.Threading;
using KmemKit.Benchmarks.Native;
using KmemKit.Runtime.Pages;

namespace KmemKit.Benchmarks.PageAllocation;

/// <summary>The benchmarks of this folder in turns with malloc (see <see cref="Turns"/>).</summary>
internal static class PairedPages
{
    private const int Rounds = 4000;
    private const int Pairs = 1024;

    public static void Run(string? part = null)
    {
        // Where it is missing, a line has said so, and its rows are glibc's.
        var mimalloc = MallocPeer.Mimalloc() ?? MallocPeer.Glibc;
        Console.WriteLine("ns a pair or operation, and over a glibc pair of 64 bytes in the same turns");
        (string Name, Action Run)[] parts =
        [
            ("pairs", () => OnePair(mimalloc)), ("threads", () => TwoThreads(mimalloc)), ("fill", Fill), ("mixed", () => Mixed(mimalloc)), ("sizes", Sizes), ("granules", Granules), ("boot", Boot),
        ];
        foreach (var (name, run) in parts)
        {
            if (part is null || part == name)
                run();
        }
    }

    private static void OnePair(MallocPeer mimalloc)
    {
        using var pairs = new PagePairBenchmarks();
        pairs.SetUp();
        var turns = new Turns()
            .Add("glibc, 64 bytes", Pairs, () => MallocPeer.Glibc.Pairs(Pairs, 64))
            .Add(mimalloc.Name + ", 64 bytes", Pairs, () => mimalloc.Pairs(Pairs, 64))
            .Add("driver loop", Pairs, () => pairs.EmptyPairs(Pairs))
            .Add("order 0, alloc_page", Pairs, () => pairs.Single(Pairs));
        foreach (var order in new[] { 0, 3, 4, 9, 10 })
            turns.Add($"order {order}, alloc_pages", Pairs, () => pairs.Run(order, Pairs));
        turns.Run(Rounds);
    }

    // Both threads do the same at the same time; each takes its own fastest turn, and the slower thread counts.
    private static void TwoThreads(MallocPeer mimalloc)
    {
        using var machine = new BenchmarkMachine(1024, 2);
        string[] names = ["glibc, each of 2 threads", mimalloc.Name + ", each of 2 threads", "order 0, each of 2 threads"];
        var best = new double[2, names.Length];
        using var barrier = new Barrier(2);
        var threads = Enumerable.Range(0, 2).Select(number => new Thread(() =>
        {
            var cpu = machine.Allocator.Cpus[number];
            Action[] loads = [() => MallocPeer.Glibc.Pairs(Pairs, 64), () => mimalloc.Pairs(Pairs, 64), () => PagePairBenchmarks.Single(cpu, Pairs)];
            for (var load = 0; load < loads.Length; load++)
            {
                best[number, load] = double.MaxValue;
                for (var turn = 0; turn < Rounds; turn++)
                {
                    if (turn % 64 == 0)
                        barrier.SignalAndWait();
                    var start = Stopwatch.GetTimestamp();
                    loads[load]();
                    best[number, load] = Math.Min(best[number, load], (Stopwatch.GetTimestamp() - start) * 1e9 / Stopwatch.Frequency / Pairs);
                }
            }
        })).ToArray();
        foreach (var thread in threads)
            thread.Start();
        foreach (var thread in threads)
            thread.Join();
        var times = names.Select((_, load) => Math.Max(best[0, load], best[1, load])).ToArray();
        for (var i = 0; i < names.Length; i++)
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{names[i],-36} {times[i],7:F2} {times[i] / times[0],6:F2}"));
    }

    private static void Fill()
    {
        foreach (var what in new[] { "fill with order 0", "free in order", "free shuffled" })
        {
            using var fill = new PageFillBenchmarks();
            fill.SetUp();
            var turns = new Turns().Add("glibc, 64 bytes", Pairs, () => MallocPeer.Glibc.Pairs(Pairs, 64));
            switch (what)
            {
                case "fill with order 0": turns.Add(what, PageFillBenchmarks.Stretch, fill.FillStretch, fill.EmptyAll); break;
                case "free in order": turns.Add(what, PageFillBenchmarks.Stretch, fill.FreeStretch, fill.FillAll); break;
                default: turns.Add(what, PageFillBenchmarks.Stretch, fill.FreeShuffledStretch, fill.FillAllShuffled); break;
            }
            turns.Run(Rounds / 2);
        }
    }

    // Behind this many stretches the live set is as mixed as it gets.
    private const int Steady = 1000;
    private const int MixedTurns = 1500;

    private static void Mixed(MallocPeer mimalloc)
    {
        var failures = new (long Ours, long Ideal, long Requests)[3];
        for (var seed = 0; seed < failures.Length; seed++)
        {
            using var machine = new BenchmarkMachine(1024, 1);
            var ours = new MixedLoad<BlocksOfCpu, Page>(new BlocksOfCpu(machine), seed);
            new Turns()
                .Add("glibc, pair of 64 bytes", Pairs, () => MallocPeer.Glibc.Pairs(Pairs, 64))
                .AddDrawn("mixed 0-4: the loop alone", Warmed(new MixedLoad<NoBlocks, uint>(default, seed)))
                .AddDrawn("mixed 0-4, half fragmented", Warmed(ours), isNetOf: 1)
                .AddDrawn("mixed 0-4, glibc", Warmed(new MixedLoad<MallocBlocks, nint>(new MallocBlocks(MallocPeer.Glibc), seed)), isNetOf: 1)
                .AddDrawn($"mixed 0-4, {mimalloc.Name}", Warmed(new MixedLoad<MallocBlocks, nint>(new MallocBlocks(mimalloc), seed)), isNetOf: 1)
                .Run(MixedTurns);
            using var other = new BenchmarkMachine(1024, 1);
            var ideal = new MixedLoad<TextbookBlocks, uint>(new TextbookBlocks(other), seed);
            ideal.Warm(Steady + MixedTurns + 1);
            if (ideal.Requests != ours.Requests)
                throw new InvalidOperationException("The two buddies were not given the same trace.");
            failures[seed] = (ours.Failures, ideal.Failures, ours.Requests);
        }
        var requests = failures.Sum(static seed => seed.Requests);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"mixed: {100.0 * failures.Sum(static seed => seed.Ours) / requests:F3} % of {requests} requests failed; of the textbook's buddy {100.0 * failures.Sum(static seed => seed.Ideal) / requests:F3} %"));
        Console.WriteLine("  by trace: " + string.Join(", ", failures.Select(static seed => $"{seed.Ours} to {seed.Ideal}")));
    }

    private static MixedLoad<TBlocks, THandle> Warmed<TBlocks, THandle>(MixedLoad<TBlocks, THandle> load)
        where TBlocks : struct, IBlocks<THandle>
        where THandle : unmanaged
    {
        load.Warm(Steady);
        return load;
    }

    // The same load on boards of 128 MiB to 64 GiB.
    private static void Sizes()
    {
        var pages = new Page[1024];
        var sizes = new ulong[] { 128, 1024, 8192, 65536 };
        var machines = sizes.Select(megabytes => new PagePairBenchmarks { Megabytes = megabytes }).ToArray();
        var turns = new Turns();
        for (var i = 0; i < sizes.Length; i++)
        {
            var machine = machines[i];
            machine.SetUp();
            turns.Add($"1024 blocks of orders 0-3, {sizes[i]} MiB", 2 * pages.Length, () => machine.Waves(pages));
        }
        Console.WriteLine("over the smallest board");
        turns.Run(Rounds / 4);
        foreach (var machine in machines)
            machine.Dispose();
    }

    // The page sizes of arm64, with as many pages for use of each (descriptors take fewer large ones). What an operation costs must not depend on how long a page is.
    private static void Granules()
    {
        (int PageKib, ulong Megabytes)[] sizes = [(4, 1024), (16, 4072), (64, 16264)];
        var machines = Array.ConvertAll(sizes, static size => new PagePairBenchmarks { PageKib = size.PageKib, Megabytes = size.Megabytes });
        var turns = new Turns().Add("glibc, 64 bytes", Pairs, () => MallocPeer.Glibc.Pairs(Pairs, 64));
        foreach (var machine in machines)
        {
            machine.SetUp();
            turns.Add($"order 0, {machine.PageKib} KiB pages", Pairs, () => machine.Single(Pairs));
            turns.Add($"order 3, {machine.PageKib} KiB pages", Pairs, () => machine.Run(3, Pairs));
        }
        turns.Run(Rounds);
        foreach (var machine in machines)
            machine.Dispose();
        foreach (var (pageKib, megabytes) in sizes)
        {
            using var machine = new BenchmarkMachine(megabytes, 1, pageKib);
            var ours = Warmed(new MixedLoad<BlocksOfCpu, Page>(new BlocksOfCpu(machine), seed: 0));
            new Turns()
                .Add("glibc, pair of 64 bytes", Pairs, () => MallocPeer.Glibc.Pairs(Pairs, 64))
                .AddDrawn($"mixed 0-4, {pageKib} KiB pages", ours)
                .Run(MixedTurns);
            using var other = new BenchmarkMachine(megabytes, 1, pageKib);
            var ideal = new MixedLoad<TextbookBlocks, uint>(new TextbookBlocks(other), seed: 0);
            ideal.Warm(Steady + MixedTurns + 1);
            Console.WriteLine($"  {ours.Failures} of {ours.Requests} requests failed; of the textbook's buddy {ideal.Failures}");
        }
    }

    private static unsafe void Boot()
    {
        foreach (var gibibytes in new[] { 4UL, 64UL, 1024UL })
        {
            var best = double.MaxValue;
            var bytes = 0UL;
            for (var turn = 0; turn < 5; turn++)
            {
                var start = Stopwatch.GetTimestamp();
                using var machine = new BenchmarkMachine(gibibytes << 10, 2);
                best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalMilliseconds);
                bytes = machine.Allocator.Map.MetadataBytes;
            }
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"boot of {gibibytes} GiB: {best:F1} ms, {bytes >> 20} MiB of descriptors and maps"));
        }
        const int Bytes = 256 << 20;
        var memory = NativeMemory.Alloc(Bytes);
        NativeMemory.Fill(memory, Bytes, 1);
        var clear = Stopwatch.GetTimestamp();
        NativeMemory.Clear(memory, Bytes);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"clearing 256 MiB of touched memory: {Stopwatch.GetElapsedTime(clear).TotalMilliseconds:F1} ms"));
        NativeMemory.Free(memory);
    }
}
