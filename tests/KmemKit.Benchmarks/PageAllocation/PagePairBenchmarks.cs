using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using BenchmarkDotNet.Attributes;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Gfp;

namespace KmemKit.Benchmarks.PageAllocation;

/// <summary>An allocation and its free, beside malloc and free of 64 bytes in the same run. Nanoseconds a pair.</summary>
[Config(typeof(SideBySideConfig))]
[BenchmarkCategory("pair")]
public unsafe partial class PagePairBenchmarks : IDisposable
{
    private const int Pairs = 4096;

    private BenchmarkMachine? _machine;
    private Cpu? _cpu;

    /// <summary>Boots 1 GiB.</summary>
    [GlobalSetup]
    public void SetUp()
    {
        _machine = new BenchmarkMachine(1024, 1);
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

    /// <summary>glibc, called as fast as C# can.</summary>
    [Benchmark(Baseline = true, OperationsPerInvoke = Pairs)]
    public void Malloc64() => MallocPairs(Pairs);

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

    internal void MallocPairs(int pairs)
    {
        for (var i = 0; i < pairs; i++)
            NativeFree(NativeMalloc(64));
    }

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

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int Nothing(int value) => value;

    [LibraryImport("libc", EntryPoint = "malloc")]
    [SuppressGCTransition]
    private static partial void* NativeMalloc(nuint size);

    [LibraryImport("libc", EntryPoint = "free")]
    [SuppressGCTransition]
    private static partial void NativeFree(void* memory);
}
