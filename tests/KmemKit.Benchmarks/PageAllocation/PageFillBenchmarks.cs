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

    private const int StepsPerCall = 65_536;

    private BenchmarkMachine? _machine;
    private BenchmarkMachine? _mixed;
    private Cpu? _cpu;
    private Page[] _pages = [];
    private int[] _order = [];
    private (Page Page, int Order)[] _blocks = [];
    private readonly (uint Page, int Order)[] _driverBlocks = new (uint, int)[MixedTrace.Slots];
    private uint _driverRandom = 12345;
    private uint _random;
    private int _at;

    /// <summary>Where the random steps start.</summary>
    internal uint Seed { get; init; } = 12345;

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
        _mixed = new BenchmarkMachine(1024, 1);
        var cpu = _mixed.Allocator.Cpus[0];
        var all = new Page[MixedTrace.Fill];
        var count = cpu.AllocPagesBulk(GfpFlags.Kernel, all);
        MixedTrace.Shuffle(all.AsSpan(0, count));
        cpu.FreePagesBulk(all.AsSpan(0, count / 2));
        _blocks = new (Page, int)[MixedTrace.Slots];
        _random = Seed;
    }

    /// <summary>Ends them.</summary>
    [GlobalCleanup]
    public void Dispose()
    {
        _machine?.Dispose();
        _mixed?.Dispose();
        (_machine, _mixed) = (null, null);
        GC.SuppressFinalize(this);
    }

    /// <summary>glibc, 64 bytes: a pair.</summary>
    [Benchmark(Baseline = true, OperationsPerInvoke = StepsPerCall)]
    public void Glibc64() => MallocPeer.Glibc.Pairs(StepsPerCall, 64);

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

    /// <summary>A random slot is freed when it holds a block, else filled with orders 0 to 4.</summary>
    [Benchmark(OperationsPerInvoke = StepsPerCall)]
    public void MixedAtHalfFragmentation() => MixedSteps(StepsPerCall);

    internal long MixedFailures { get; private set; }

    internal long MixedRequests { get; private set; }

    internal void MixedSteps(int steps)
    {
        var cpu = _mixed!.Allocator.Cpus[0];
        var blocks = _blocks;
        var (requests, failed) = (0, 0);
        var random = _random;
        for (var i = 0; i < steps; i++)
        {
            ref var block = ref blocks[MixedTrace.Next(ref random, out var order)];
            if (!block.Page.IsNull)
            {
                cpu.FreePages(block.Page, block.Order);
                block.Page = Page.Null;
                continue;
            }
            block = (cpu.AllocPages(GfpFlags.NoWait | GfpFlags.NoWarn, order), order);
            requests++;
            failed += block.Page.IsNull ? 1 : 0;
        }
        _random = random;
        MixedRequests += requests;
        MixedFailures += failed;
    }

    // The same trace without an allocator: what its coin tosses and its slots cost alone.
    internal void MixedDriver(int steps)
    {
        var blocks = _driverBlocks;
        var random = _driverRandom;
        for (var i = 0; i < steps; i++)
        {
            ref var block = ref blocks[MixedTrace.Next(ref random, out var order)];
            if (block.Page != 0)
            {
                block.Page = 0;
                continue;
            }
            block = (random | 1, order);
        }
        _driverRandom = random;
    }

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
