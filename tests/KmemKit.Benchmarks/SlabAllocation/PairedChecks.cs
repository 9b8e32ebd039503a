using System;
using System.Collections.Generic;
using System.Diagnostics;
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
    private const int Pairs = 1024;

    // One guarded allocation in so many turns of 1024 pairs: some 28,000 a second, where the kernel takes 10.
    private const int TurnsPerSample = 10;

    public static void Run()
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
        var best = new double[rows.Count];
        Array.Fill(best, double.MaxValue);
        for (var turn = 0; turn < 3; turn++)
        {
            for (var i = 0; i < rows.Count; i++)
                best[i] = Math.Min(best[i], rows[i].Runner.Pairs(Pairs, 1000));
        }
        Console.WriteLine("64 B pair, ns an allocation with its free, the fastest turn; ratio to glibc in the same run");
        for (var i = 0; i < rows.Count; i++)
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{rows[i].Name,-28}{best[i],10:F2}{best[i] / best[0],8:F2}"));
        PrintSampling();
        foreach (var machine in machines)
            machine.Dispose();

        SlabMachine Machine(MemoryCheckOptions? options, ObjectAllocatorKind kind = ObjectAllocatorKind.Slub)
        {
            machines.Add(new SlabMachine(kind, options is null ? null : new MemoryChecks(options)));
            return machines[^1];
        }
    }

    // Samples are part of the price here, so that all turns count: each machine's median of means, and the two in turns.
    private static void PrintSampling()
    {
        using var plain = new SlabMachine(ObjectAllocatorKind.Slub);
        using var checks = new MemoryChecks(new MemoryCheckOptions { KfenceObjects = 255, KfenceSampleInterval = 0 });
        using var sampled = new SlabMachine(ObjectAllocatorKind.Slub, checks);
        checks.StartKfence(sampled.Objects.Pages.Cpus[0]);
        var (without, with) = (plain.Kmalloc(Size), sampled.Kmalloc(Size));
        var (off, on) = (new List<double>(), new List<double>());
        for (var round = 0; round < 300; round++)
        {
            off.Add(Mean(without, static () => { }));
            on.Add(Mean(with, checks.SampleNow));
        }
        var (before, after) = (Median(off), Median(on));
        Console.WriteLine($"KFENCE, one guarded allocation in {Pairs * TurnsPerSample} pairs; all turns count");
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"off {before:F3}   on {after:F3}   {after / before:F3}"));
    }

    private static double Mean(IRunner runner, Action sample)
    {
        const int rounds = 5;
        var start = Stopwatch.GetTimestamp();
        for (var i = 0; i < rounds; i++)
        {
            sample();
            runner.Repeat(Pairs, TurnsPerSample);
        }
        return (Stopwatch.GetTimestamp() - start) * 1e9 / Stopwatch.Frequency / (Pairs * TurnsPerSample * rounds);
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    private static MemoryCheckOptions Slub(string letters) => new() { SlubDebug = SlubDebugOptions.Parse(letters, out _) };
}
