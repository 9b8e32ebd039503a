using System;
using System.Collections.Generic;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Slab;

namespace KmemKit.Runtime.Tests.ObjectCaches;

/// <summary>What a small system allocates at boot and in use: many caches of few objects, and buffers of odd sizes that come and go.</summary>
/// <remarks>The benchmarks' footprint report runs it too. The same calls for every allocator: nothing in it depends on addresses.</remarks>
internal sealed unsafe class SmallMemoryTrace(ObjectAllocator objects, Cpu cpu)
{
    private readonly List<(nint Item, int Bytes, KmemCache? Cache)> _live = [];
    private readonly Random _random = new(4);

    /// <summary>Bytes asked for and not freed.</summary>
    public long LiveBytes { get; private set; }

    /// <summary>Boot, then use, up to the peak.</summary>
    public void Fill()
    {
        for (var kind = 0; kind < 40; kind++)
        {
            var cache = objects.CreateCache($"kind-{kind}", 16 + (_random.Next(60) * 12), 0, SlabFlags.NoMerge)!;
            for (var i = _random.Next(2, 12); i > 0; i--)
                Keep((nint)cache.Alloc(cpu, GfpFlags.Kernel), cache.ObjectSize, cache);
        }
        for (var i = 0; i < 1800; i++)
        {
            if (_random.Next(3) == 0)
                FreeOne();
            var bytes = _random.Next(20, 700);
            Keep((nint)objects.Kmalloc(cpu, (nuint)bytes, GfpFlags.Kernel), bytes, null);
        }
    }

    /// <summary>Frees three of four objects in random order, and gives what is free back.</summary>
    public void Thin()
    {
        for (var left = _live.Count / 4; _live.Count > left;)
            FreeOne();
        objects.ShrinkAll(cpu);
    }

    private void Keep(nint item, int bytes, KmemCache? cache)
    {
        if (item == 0)
            throw new InvalidOperationException("The board is too small for the trace.");
        _live.Add((item, bytes, cache));
        LiveBytes += bytes;
    }

    private void FreeOne()
    {
        var at = _random.Next(_live.Count);
        var (item, bytes, cache) = _live[at];
        _live.RemoveAt(at);
        LiveBytes -= bytes;
        if (cache is null)
            objects.Kfree(cpu, (void*)item);
        else
            cache.Free(cpu, (void*)item);
    }
}
