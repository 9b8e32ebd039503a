using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using KmemKit.BoardCompiler.Policies;
using KmemKit.Benchmarks.Native;
using KmemKit.Benchmarks.PageAllocation;
using KmemKit.Runtime.Slab;

namespace KmemKit.Benchmarks.SlabAllocation;

/// <summary>The issue's table: every workload on every heap in turns of some milliseconds, one heap after the other; what counts is the median of the ratios of a round.</summary>
internal static class PairedSlab
{
    private const int Rounds = 41;

    /// <summary>A row: what it is called, bytes of an object, and how a heap runs it.</summary>
    internal sealed record Row(string Name, nuint Size, Func<IRunner, Workload> Start);

    private static readonly Row[] s_rows =
    [
        new("64 B pair", 64, static r => r.Pairs(1_000_000)),
        new("64 B, 1000 LIFO", 64, static r => r.Lifo(1000, 1000)),
        new("1024 B, 1000 live, random", 1024, static r => r.FillThenFree(1000, 400)),
        new("1024 B, 1000 live, replaced", 1024, static r => r.Replace(1000, 400_000)),
        new("64 B, 100,000 live, random", 64, static r => r.FillThenFree(100_000, 4)),
        new("64 B, 100,000 live, replaced", 64, static r => r.Replace(100_000, 400_000)),
        new("256 B, 100,000 live, random", 256, static r => r.FillThenFree(100_000, 4)),
        new("256 B, 100,000 live, replaced", 256, static r => r.Replace(100_000, 400_000)),
        new("64 B, freed on the other thread", 64, static r => r.Remote(400_000)),
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
        Console.WriteLine($"ns an allocation with its free: median of {Rounds} turns of some milliseconds; ratios: median of those within a round, in brackets their quartiles");
        Console.WriteLine($"{"",-32}" + string.Concat(heaps.Select(static heap => $"{heap.Name,13}")));
        foreach (var row in s_rows.Where(row => filter is null || row.Name.Contains(filter, StringComparison.Ordinal)))
            Print(row, heaps);
        FootprintReport.Write();
    }

    internal static IRunner Of<THeap>(string name, THeap heap, nuint size)
        where THeap : struct, IHeap => new Runner<THeap>(name, heap, heap, size);

    private static void Print(Row row, List<(string Name, Func<nuint, IRunner> Make)> heaps)
    {
        var times = Workload.Measure([.. heaps.Select(heap => row.Start(heap.Make(row.Size)))], Rounds);
        Console.WriteLine($"{row.Name,-32}" + string.Concat(times.Select(static time => Format(Turns.Median(time)).PadLeft(13))));
        foreach (var ours in new[] { "kmalloc", "KmemCache" })
        {
            var ratios = heaps.Select(heap => heap.Name).Where(static name => name is "glibc" or "mimalloc")
                .Select(peer => $"of {peer} {Quartiles(times[At(ours)].Zip(times[At(peer)], static (own, other) => own / other))}");
            Console.WriteLine($"  {ours,-12}" + string.Join("   ", ratios));
        }

        int At(string name) => heaps.FindIndex(heap => heap.Name == name);
    }

    private static string Quartiles(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return $"{Format(sorted[sorted.Length / 2])} ({Format(sorted[sorted.Length / 4])} to {Format(sorted[sorted.Length * 3 / 4])})";
    }

    private static string Format(double value) => value.ToString("F2", CultureInfo.InvariantCulture);
}
