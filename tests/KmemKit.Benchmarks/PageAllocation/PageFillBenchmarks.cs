using System;
using BenchmarkDotNet.Attributes;
using KmemKit.Benchmarks.Native;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Pages;

namespace KmemKit.Benchmarks.PageAllocation;

/// <summary>All memory page by page, and half-full memory with blocks of orders 0 to 4 coming and going. Nanoseconds an operation.</summary>
[Config(typeof(SideBySideConfig))]
public class PageFillBenchmarks : IDisposable
{
    private const int Fill = MixedTrace.Fill;

    /// <summary>Pages in a stretch of <see cref="PairedPages"/>.</summary>
    internal const int Stretch = 4096;

    private const int Pairs = 65_536;

    private BenchmarkMachine? _machine;
    private BenchmarkMachine? _mixedMachine;
    private MixedLoad<BlocksOfCpu, Page>? _mixed;
    private readonly MixedLoad<NoBlocks, uint> _mixedAlone = new(default, 1);
    private Cpu? _cpu;
    private Page[] _pages = [];
    private int[] _order = [];
    private int _at;

    /// <summary>Boots 1 GiB twice; the second is filled and then freed at random to one half.</summary>
    [GlobalSetup]
    public void SetUp()
    {
        _machine = new BenchmarkMachine(1024, 1);
        _cpu = _machine.Allocator.Cpus[0];
        _pages = new Page[Fill];
        _order = new int[Fill];
        for (var i = 0; i < Fill; i++)
            _order[i] = i;
        new Random(1).Shuffle(_order);
        _mixedMachine = new BenchmarkMachine(1024, 1);
        _mixed = new MixedLoad<BlocksOfCpu, Page>(new BlocksOfCpu(_mixedMachine), 1);
    }

    /// <summary>Ends them.</summary>
    [GlobalCleanup]
    public void Dispose()
    {
        _machine?.Dispose();
        _mixedMachine?.Dispose();
        (_machine, _mixedMachine) = (null, null);
        GC.SuppressFinalize(this);
    }

    /// <summary>glibc, 64 bytes: a pair.</summary>
    [Benchmark(Baseline = true, OperationsPerInvoke = Pairs)]
    public void Glibc64() => MallocPeer.Glibc.Pairs(Pairs, 64);

    /// <summary>Fill and free in the order of allocation: two operations a page.</summary>
    [Benchmark(OperationsPerInvoke = Fill)]
    public int FillThenFreeInOrder()
    {
        var count = _cpu!.AllocPagesBulk(GfpFlags.Kernel, _pages);
        _cpu.FreePagesBulk(_pages.AsSpan(0, count));
        return count;
    }

    /// <summary>Fill and free in random order: two operations a page.</summary>
    [Benchmark(OperationsPerInvoke = Fill)]
    public int FillThenFreeShuffled()
    {
        var count = _cpu!.AllocPagesBulk(GfpFlags.Kernel, _pages);
        foreach (var i in _order)
            _cpu.FreePages(_pages[i], 0);
        return count;
    }

    /// <summary>Blocks of orders 0 to 4 come to and go from random slots; the drawing of the trace is part of this figure, and of the next.</summary>
    [Benchmark(OperationsPerInvoke = MixedLoad<BlocksOfCpu, Page>.Stretch)]
    public void MixedAtHalfFragmentation() => _mixed!.Warm(1);

    /// <summary>The same trace without an allocator.</summary>
    [Benchmark(OperationsPerInvoke = MixedLoad<BlocksOfCpu, Page>.Stretch)]
    public void MixedTraceAlone() => _mixedAlone.Warm(1);

    internal bool FillStretch()
    {
        _at += _cpu!.AllocPagesBulk(GfpFlags.Kernel, _pages.AsSpan(_at, Stretch));
        return _at < Fill;
    }

    internal bool FreeStretch()
    {
        _cpu!.FreePagesBulk(_pages.AsSpan(_at, Stretch));
        _at += Stretch;
        return _at < Fill;
    }

    internal bool FreeShuffledStretch() => FreeStretch();

    internal void EmptyAll()
    {
        _cpu!.FreePagesBulk(_pages.AsSpan(0, _at));
        _at = 0;
    }

    internal void FillAll()
    {
        // The stretch before may have ended in the middle: nothing is allocated twice.
        while (_at != 0 && _at < Fill)
            FreeStretch();
        _at = 0;
        if (_cpu!.AllocPagesBulk(GfpFlags.Kernel, _pages) != Fill)
            throw new InvalidOperationException("Memory is too small for the benchmark.");
    }

    internal void FillAllShuffled()
    {
        FillAll();
        new Random(3).Shuffle(_pages);
    }
}
