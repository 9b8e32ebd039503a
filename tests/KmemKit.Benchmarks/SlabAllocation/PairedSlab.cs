using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.Linq;
using System.Threading;
using KmemKit.BoardCompiler.Policies;
using KmemKit.Benchmarks.Native;
using KmemKit.Benchmarks.PageAllocation;
using KmemKit.Runtime.Slab;

namespace KmemKit.Benchmarks.SlabAllocation;

/// <summary>The issue's table: every workload on every heap in turns, each turn shorter than a time slice; the fastest turn counts.</summary>
internal static class PairedSlab
{
    /// <summary>A row: what it is called, bytes of an object, and how a heap runs it once: nanoseconds an allocation with its free.</summary>
    internal sealed record Row(string Name, nuint Size, Func<IRunner, double> Run);

    private static readonly Row[] s_rows =
    [
        new("64 B pair", 64, static r => r.Pairs(1024, 3000)),
        new("64 B, 1000 LIFO", 64, static r => r.Lifo(1000, 2000)),
        new("1024 B, 1000 live, random", 1024, static r => r.FillThenFree(1000, 800)),
        new("1024 B, 1000 live, replaced", 1024, static r => r.Replace(1000, 1024, 2000)),
        new("64 B, 100,000 live, random", 64, static r => r.FillThenFree(100_000, 12)),
        new("64 B, 100,000 live, replaced", 64, static r => r.Replace(100_000, 1024, 3000)),
        new("256 B, 100,000 live, random", 256, static r => r.FillThenFree(100_000, 12)),
        new("256 B, 100,000 live, replaced", 256, static r => r.Replace(100_000, 1024, 3000)),
        new("64 B, freed on the other thread", 64, static r => r.Remote(400_000, 5)),
    ];

    public static void Run(string? filter = null)
    {
        if (MallocPeer.NeedsStaticTls)
        {
            MallocPeer.RunAgain();
            return;
        }
        using var slub = new SlabMachine(ObjectAllocatorKind.Slub);
        using var slab = new SlabMachine(ObjectAllocatorKind.Slab);
        using var slob = new SlabMachine(ObjectAllocatorKind.Slob);
        var heaps = new List<(string Name, Func<nuint, IRunner> Make)> { ("glibc", static size => Of("glibc", new NativeHeap(MallocPeer.Glibc), size)) };
        foreach (var peer in new[] { MallocPeer.Mimalloc(), MallocPeer.Jemalloc() }.OfType<MallocPeer>())
            heaps.Add((peer.Name, size => Of(peer.Name, new NativeHeap(peer), size)));
        heaps.Add(("NativeMemory", static size => Of("NativeMemory", default(NetHeap), size)));
        heaps.Add(("kmalloc", size => slub.Kmalloc(size)));
        heaps.Add(("KmemCache", size => slub.Cache(size)));
        heaps.Add(("SLAB", size => slab.Kmalloc(size)));
        heaps.Add(("SLOB", size => slob.Kmalloc(size)));
        Console.WriteLine("ns an allocation with its free, the fastest turn");
        Console.WriteLine($"{"",-32}" + string.Concat(heaps.Select(static heap => $"{heap.Name,13}")) + "   kmalloc/glibc  kmalloc/mimalloc  cache/glibc  cache/mimalloc");
        foreach (var row in s_rows.Where(row => filter is null || row.Name.Contains(filter, StringComparison.Ordinal)))
            Print(row, heaps);
        FootprintReport.Write();
    }

    internal static IRunner Of<THeap>(string name, THeap heap, nuint size)
        where THeap : struct, IHeap => new Runner<THeap>(name, heap, heap, size);

    private static void Print(Row row, List<(string Name, Func<nuint, IRunner> Make)> heaps)
    {
        var runners = heaps.Select(heap => (heap.Name, Runner: heap.Make(row.Size))).ToArray();
        var best = new double[runners.Length];
        Array.Fill(best, double.MaxValue);
        // In turns, so that a disturbance of the machine does not hit one alone.
        for (var turn = 0; turn < 3; turn++)
        {
            for (var i = 0; i < runners.Length; i++)
                best[i] = Math.Min(best[i], row.Run(runners[i].Runner));
        }
        double Of(string name) => Array.FindIndex(runners, runner => runner.Name == name) is var at && at >= 0 ? best[at] : double.NaN;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{row.Name,-32}{string.Concat(best.Select(static ns => ns.ToString("F2", CultureInfo.InvariantCulture).PadLeft(13)))}")
            + string.Create(CultureInfo.InvariantCulture,
                $"{Of("kmalloc") / Of("glibc"),16:F2}{Of("kmalloc") / Of("mimalloc"),18:F2}{Of("KmemCache") / Of("glibc"),13:F2}{Of("KmemCache") / Of("mimalloc"),16:F2}"));
    }
}

/// <summary>Runs workloads on one heap; each gives the nanoseconds of its fastest turn.</summary>
internal interface IRunner
{
    double Pairs(int pairs, int turns);

    /// <summary>The same without a clock.</summary>
    void Repeat(int pairs, int turns);

    double Lifo(int count, int turns);

    double FillThenFree(int count, int turns);

    double Replace(int count, int times, int turns);

    double Remote(int count, int turns);
}

/// <param name="name">The heap's name.</param>
/// <param name="heap">The heap.</param>
/// <param name="other">The same heap as another thread uses it.</param>
/// <param name="size">Bytes of an object.</param>
internal sealed class Runner<THeap>(string name, THeap heap, THeap other, nuint size) : IRunner
    where THeap : struct, IHeap
{
    public double Pairs(int pairs, int turns) => Best(turns, pairs, () => Workloads.Pairs(heap, size, pairs));

    public void Repeat(int pairs, int turns)
    {
        for (var turn = 0; turn < turns; turn++)
            Workloads.Pairs(heap, size, pairs);
    }

    public double Lifo(int count, int turns)
    {
        var slots = new nint[count];
        return Best(turns, count, () => Workloads.Lifo(heap, size, slots));
    }

    public double FillThenFree(int count, int turns)
    {
        var slots = new nint[count];
        var order = Enumerable.Range(0, count).ToArray();
        new Random(1).Shuffle(order);
        return Best(turns, count, () => Workloads.FillThenFree(heap, size, slots, order));
    }

    public double Replace(int count, int times, int turns)
    {
        var slots = new nint[count];
        Workloads.Fill(heap, size, slots);
        var random = 1u;
        // Until the live set is as mixed as it gets.
        random = Workloads.Replace(heap, size, slots, 4 * count, random);
        var best = Best(turns, times, () => random = Workloads.Replace(heap, size, slots, times, random));
        Workloads.Empty(heap, slots);
        return best;
    }

    public double Remote(int count, int turns)
    {
        var ring = new Ring();
        var receiver = new Thread(() =>
        {
            while (!ring.IsClosed)
                Workloads.Receive(other, ring);
        }) { Name = name };
        receiver.Start();
        var best = Best(turns, count, () => Workloads.Send(heap, size, ring, count));
        ring.Close();
        receiver.Join();
        return best;
    }

    private static double Best(int turns, int operations, Action action)
    {
        action();
        var best = long.MaxValue;
        // A slow heap does not get more time for it, but three turns.
        var end = Stopwatch.GetTimestamp() + (Stopwatch.Frequency / 5);
        for (var turn = 0; turn < turns && (turn < 3 || Stopwatch.GetTimestamp() < end); turn++)
        {
            var start = Stopwatch.GetTimestamp();
            action();
            best = Math.Min(best, Stopwatch.GetTimestamp() - start);
        }
        return best * 1e9 / Stopwatch.Frequency / operations;
    }
}
