using System;
using System.Collections.Generic;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Slab;

namespace KmemKit.Runtime.Tests.ObjectCaches;

/// <summary>What a small system allocates at boot and in use: many caches of few objects, buffers of odd sizes, some of it freed again.</summary>
internal static unsafe class SmallMemoryTrace
{
    public static void Run(ObjectAllocator objects, Cpu cpu)
    {
        var random = new Random(4);
        var live = new List<nint>();
        for (var kind = 0; kind < 40; kind++)
        {
            var cache = objects.CreateCache($"kind-{kind}", 16 + (random.Next(60) * 12), 0, SlabFlags.NoMerge)!;
            for (var i = random.Next(2, 12); i > 0; i--)
                live.Add((nint)cache.Alloc(cpu, GfpFlags.Kernel));
        }
        for (var i = 0; i < 1200; i++)
        {
            if (random.Next(3) == 0 && live.Count > 0)
            {
                var at = random.Next(live.Count);
                objects.Kfree(cpu, (void*)Owned(live[at]));
                live.RemoveAt(at);
            }
            var item = objects.Kmalloc(cpu, (nuint)random.Next(20, 700), GfpFlags.Kernel);
            if (item is not null)
                live.Add((nint)item | 1);
        }

        // Objects of caches stay: only what kmalloc gave is freed by kfree with SLOB.
        nint Owned(nint item) => (item & 1) != 0 ? item & ~1 : 0;
    }
}
