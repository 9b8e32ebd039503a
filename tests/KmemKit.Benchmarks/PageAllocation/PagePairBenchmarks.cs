using System;
using System.Runtime.CompilerServices;
using BenchmarkDotNet.Attributes;
using KmemKit.Benchmarks.Native;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Pages;

namespace KmemKit.Benchmarks.PageAllocation;

/// <summary>An allocation and its free, beside malloc and free of 64 bytes of glibc and mimalloc in the same run. Nanoseconds a pair.</summary>
[Config(typeof(SideBySideConfig))]
[BenchmarkCategory("pair")]
public class PagePairBenchmarks : IDisposable
{
    private const int Pairs = 4096;

    private BenchmarkMachine? _machine;
    private Cpu? _cpu;
    private readonly MallocPeer _mimalloc = MallocPeer.Mimalloc() ?? MallocPeer.Glibc;

    /// <summary>RAM of the board.</summary>
    internal ulong Megabytes { get; init; } = 1024;

    /// <summary>Size of its pages.</summary>
    internal int PageKib { get; init; } = 4;

    /// <summary>Boots 1 GiB.</summary>
    [GlobalSetup]
    public void SetUp()
    {
        _machine = new BenchmarkMachine(Megabytes, 1, PageKib);
        _cpu = _machine.Allocator.Cpus[0];
    }

    /// <summary>Ends it.</summary>
    [GlobalCleanup]
    public void Dispose()
    {
        _machine?.Dispose();
        _machine = null;
        GC.SuppressFinalize(this);
    }

    /// <summary>glibc.</summary>
    [Benchmark(Baseline = true, OperationsPerInvoke = Pairs)]
    public void Glibc64() => MallocPeer.Glibc.Pairs(Pairs, 64);

    /// <summary>mimalloc.</summary>
    [Benchmark(OperationsPerInvoke = Pairs)]
    public void Mimalloc64() => _mimalloc.Pairs(Pairs, 64);

    /// <summary>The loop alone: what the driver costs.</summary>
    [Benchmark(OperationsPerInvoke = Pairs)]
    public int EmptyLoop() => EmptyPairs(Pairs);

    /// <summary>One page.</summary>
    [Benchmark(OperationsPerInvoke = Pairs)]
    public void Order0() => Single(Pairs);

    /// <summary>8 pages.</summary>
    [Benchmark(OperationsPerInvoke = Pairs)]
    public void Order3() => Run(3, Pairs);

    /// <summary>512 pages.</summary>
    [Benchmark(OperationsPerInvoke = Pairs)]
    public void Order9() => Run(9, Pairs);

    /// <summary>1024 pages.</summary>
    [Benchmark(OperationsPerInvoke = Pairs)]
    public void Order10() => Run(10, Pairs);

    internal int EmptyPairs(int pairs)
    {
        var sum = 0;
        for (var i = 0; i < pairs; i++)
            sum = Nothing(sum);
        return sum;
    }

    internal void Single(int pairs) => Single(_cpu!, pairs);

    internal static void Single(Cpu cpu, int pairs)
    {
        for (var i = 0; i < pairs; i++)
            cpu.FreePage(cpu.AllocPage(GfpFlags.Kernel));
    }

    internal void Run(int order, int pairs)
    {
        var cpu = _cpu!;
        for (var i = 0; i < pairs; i++)
            cpu.FreePages(cpu.AllocPages(GfpFlags.Kernel, order), order);
    }

    // A thousand blocks of orders 0 to 3 are taken, then given back: more than the CPU's lists hold.
    internal void Waves(Page[] pages)
    {
        var cpu = _cpu!;
        for (var i = 0; i < pages.Length; i++)
            pages[i] = cpu.AllocPages(GfpFlags.Kernel, i & 3);
        for (var i = 0; i < pages.Length; i++)
            cpu.FreePages(pages[i], i & 3);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int Nothing(int value) => value;
}
