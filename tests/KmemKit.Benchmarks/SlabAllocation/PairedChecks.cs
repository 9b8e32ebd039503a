using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using KmemKit.Benchmarks.Native;
using KmemKit.BoardCompiler.Policies;
using KmemKit.Runtime.Checks;

namespace KmemKit.Benchmarks.SlabAllocation;

/// <summary>What checks cost: the 64 B pair without any, with each and with all, in turns in one run, beside glibc and mimalloc.</summary>
internal static class PairedChecks
{
    private const nuint Size = 64;
    // Some 0.1 to 0.3 ms a turn: shorter than a time slice.
    private const int Pairs = 4096;
    private const int Rounds = 1001;

    // One guarded allocation in so many pairs: some 28,000 a second, where the kernel takes 10.
    private const int PairsPerSample = 10_240;
    private const int TurnsPerRound = 10;

    public static void Run(string? filter = null)
    {
        if (MallocPeer.NeedsStaticTls)
        {
            MallocPeer.RunAgain();
            return;
        }
        var machines = new List<SlabMachine>();
        var rows = new List<(string Name, IRunner Runner)>
        {
            ("glibc", PairedSlab.Of("glibc", new NativeHeap(MallocPeer.Glibc), Size)),
        };
        if (MallocPeer.Mimalloc() is { } mimalloc)
            rows.Add((mimalloc.Name, PairedSlab.Of(mimalloc.Name, new NativeHeap(mimalloc), Size)));
        rows.Add(("kmalloc", Machine(null).Kmalloc(Size)));
        foreach (var letters in new[] { "F", "Z", "P", "U", "FZPU" })
            rows.Add(($"slub_debug={letters}", Machine(Slub(letters)).Kmalloc(Size)));
        rows.Add(("slub_debug=FZPU, SLAB", Machine(Slub("FZPU"), ObjectAllocatorKind.Slab).Kmalloc(Size)));
        rows.Add(("KASAN", Machine(new MemoryCheckOptions { Kasan = true }).Kmalloc(Size)));
        rows.Add(("KASAN, slub_debug=FZPU", Machine(Slub("FZPU") with { Kasan = true }).Kmalloc(Size)));
        rows.RemoveAll(row => filter is not null && row.Name != "glibc" && !row.Name.Contains(filter, StringComparison.Ordinal));
        var times = Workload.Measure([.. rows.Select(static row => row.Runner.Pairs(Pairs))], Rounds);
        Console.WriteLine($"64 B pair, ns an allocation with its free: fastest and median of {Rounds} turns, the fastest's ratio to glibc's, the median of the ratios within a round");
        for (var i = 0; i < rows.Count; i++)
        {
            var ratio = Turns.Median(times[i].Zip(times[0], static (own, other) => own / other));
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{rows[i].Name,-28}{times[i].Min(),10:F2}{Turns.Median(times[i]),10:F2}{times[i].Min() / times[0].Min(),8:F2}{ratio,8:F2}"));
        }
        if (filter is null)
            PrintSampling();
        foreach (var machine in machines)
            machine.Dispose();

        SlabMachine Machine(MemoryCheckOptions? options, ObjectAllocatorKind kind = ObjectAllocatorKind.Slub)
        {
            machines.Add(new SlabMachine(kind, options is null ? null : new MemoryChecks(options)));
            return machines[^1];
        }
    }

    // A sample is part of each turn: its price is in every figure.
    private static void PrintSampling()
    {
        using var plain = new SlabMachine(ObjectAllocatorKind.Slub);
        using var checks = new MemoryChecks(new MemoryCheckOptions { KfenceObjects = 255, KfenceSampleInterval = 0 });
        using var sampled = new SlabMachine(ObjectAllocatorKind.Slub, checks);
        checks.StartKfence(sampled.Objects.Pages.Cpus[0]);
        var (without, with) = (plain.Kmalloc(Size), sampled.Kmalloc(Size));
        var loads = new Workload[]
        {
            new(Turn(without.Pairs(PairsPerSample), static () => { }), PairsPerSample * TurnsPerRound),
            new(Turn(with.Pairs(PairsPerSample), checks.SampleNow), PairsPerSample * TurnsPerRound),
        };
        var times = Workload.Measure(loads, 301);
        Console.WriteLine($"KFENCE, one guarded allocation in {PairsPerSample} pairs");
        var ratio = Turns.Median(times[1].Zip(times[0], static (on, off) => on / off));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"off {Turns.Median(times[0]):F3}   on {Turns.Median(times[1]):F3}   {ratio:F3}"));
    }

    private static Action Turn(Workload pairs, Action sample) => () =>
    {
        for (var i = 0; i < TurnsPerRound; i++)
        {
            sample();
            pairs.Turn();
        }
    };

    private static MemoryCheckOptions Slub(string letters) => new() { SlubDebug = SlubDebugOptions.Parse(letters, out _) };
}
