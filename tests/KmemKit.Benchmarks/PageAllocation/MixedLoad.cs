using System;
using System.Collections.Generic;
using System.Runtime.CompilerServices;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Pages;

namespace KmemKit.Benchmarks.PageAllocation;

/// <summary>What serves the mixed load. A struct, so that the loop is compiled for each by itself.</summary>
/// <typeparam name="THandle">What names a block; the default is no block.</typeparam>
internal interface IBlocks<THandle>
    where THandle : unmanaged
{
    THandle Take(int order);

    void Put(THandle block, int order);
}

/// <summary>A <see cref="MixedTrace"/> run on one allocator, stretch by stretch.</summary>
internal sealed class MixedLoad<TBlocks, THandle>
    where TBlocks : struct, IBlocks<THandle>
    where THandle : unmanaged
{
    /// <summary>Steps of a stretch: a fraction of a millisecond.</summary>
    public const int Stretch = 8192;

    private readonly MixedTrace _trace;
    private readonly uint[] _steps = new uint[Stretch];
    private readonly THandle[] _handles = new THandle[MixedTrace.Slots];
    private TBlocks _blocks;

    /// <param name="blocks">The allocator.</param>
    /// <param name="seed">The trace's number.</param>
    public MixedLoad(TBlocks blocks, int seed)
    {
        _trace = new MixedTrace(seed);
        _blocks = blocks;
        foreach (var step in _trace.DrawStart())
            _handles[step >> MixedTrace.SlotShift] = _blocks.Take((int)(step & MixedTrace.OrderMask));
    }

    /// <summary>Requests that were drawn so far.</summary>
    public long Requests { get; private set; }

    /// <summary>Of these, how many got no block.</summary>
    public long Failures { get; private set; }

    /// <summary>Draws the next stretch: not part of the measurement.</summary>
    public void Draw()
    {
        _trace.Draw(_steps);
        Requests += Stretch / 2;
    }

    /// <summary>Runs the stretch that was drawn.</summary>
    /// <returns>Operations: steps without the frees of blocks that there are not.</returns>
    public int Run()
    {
        var failed = Run(ref _blocks, _steps, _handles);
        Failures += failed;
        return Stretch - failed;
    }

    /// <summary>Draws and runs this many stretches.</summary>
    public void Warm(int stretches)
    {
        for (var i = 0; i < stretches; i++)
        {
            Draw();
            Run();
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int Run(ref TBlocks blocks, uint[] steps, THandle[] handles)
    {
        var failed = 0;
        for (var i = 0; i < steps.Length; i += 2)
        {
            ref var freed = ref handles[steps[i] >> MixedTrace.SlotShift];
            if (!IsNone(freed))
            {
                blocks.Put(freed, (int)(steps[i] & MixedTrace.OrderMask));
                freed = default;
            }
            ref var taken = ref handles[steps[i + 1] >> MixedTrace.SlotShift];
            taken = blocks.Take((int)(steps[i + 1] & MixedTrace.OrderMask));
            failed += IsNone(taken) ? 1 : 0;
        }
        return failed;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsNone(THandle handle) => EqualityComparer<THandle>.Default.Equals(handle, default);
}

/// <summary>No allocator at all: what the loop, its coin tosses and its slots cost alone.</summary>
internal struct NoBlocks : IBlocks<uint>
{
    private uint _last;

    public uint Take(int order) => _last |= (uint)order + 1;

    public readonly void Put(uint block, int order)
    {
    }
}

/// <summary>The page allocator, in memory that was filled and freed at random to one half.</summary>
internal readonly struct BlocksOfCpu : IBlocks<Page>
{
    private readonly Cpu _cpu;

    public BlocksOfCpu(BenchmarkMachine machine)
    {
        _cpu = machine.Allocator.Cpus[0];
        var all = new Page[MixedTrace.Fill];
        var count = _cpu.AllocPagesBulk(GfpFlags.Kernel, all);
        MixedTrace.Shuffle(all.AsSpan(0, count));
        _cpu.FreePagesBulk(all.AsSpan(0, count / 2));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Page Take(int order) => _cpu.AllocPages(GfpFlags.NoWait | GfpFlags.NoWarn, order);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Put(Page block, int order) => _cpu.FreePages(block, order);
}

/// <summary>The textbook's buddy system on the same pages.</summary>
internal readonly struct TextbookBlocks : IBlocks<uint>
{
    private readonly TextbookBuddy _buddy;

    public TextbookBlocks(BenchmarkMachine machine)
    {
        var map = machine.Allocator.Map;
        var largest = 1u << map.MaxOrder;
        var buddy = new TextbookBuddy((map.Frames + largest - 1) / largest * largest, map.MaxOrder);
        machine.TakeAll(page => buddy.Put(page, 0));
        var all = new uint[MixedTrace.Fill];
        for (var i = 0; i < all.Length; i++)
            all[i] = buddy.Take(0)!.Value;
        MixedTrace.Shuffle(all.AsSpan());
        foreach (var page in all.AsSpan(0, all.Length / 2))
            buddy.Put(page, 0);
        _buddy = buddy;
    }

    public uint Take(int order) => _buddy.Take(order) is { } page ? page + 1 : 0;

    public void Put(uint block, int order) => _buddy.Put(block - 1, order);
}
