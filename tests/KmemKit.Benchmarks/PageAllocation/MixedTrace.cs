using System;

namespace KmemKit.Benchmarks.PageAllocation;

/// <summary>The mixed load: memory is filled page by page and half of it freed at random, then blocks of orders 0 to 4 come to and go from random slots.</summary>
internal static class MixedTrace
{
    /// <summary>Pages that are allocated before half of them is freed, of 1 GiB.</summary>
    public const int Fill = 240 * 1024;

    /// <summary>Slots for blocks.</summary>
    public const int Slots = 8192;

    /// <summary>The order in which the first half is freed.</summary>
    public static void Shuffle<T>(Span<T> pages) => new Random(2).Shuffle(pages);

    /// <summary>The next slot, and the order of the block that comes there if it is empty.</summary>
    public static int Next(ref uint random, out int order)
    {
        random = unchecked((random * 1664525) + 1013904223);
        order = (int)(((random >> 3) & 0xff) * 5 >> 8);
        return (int)(random >> 19);
    }

    /// <summary>How many of the trace's requests fail in the textbook's buddy system on the same pages.</summary>
    public static (long Failures, long Requests) FailuresOfTextbook(uint seed, long steps)
    {
        using var machine = new BenchmarkMachine(1024, 1);
        var buddy = new TextbookBuddy(machine.Allocator.Map.Frames);
        machine.TakeAll(page => buddy.Put(page, 0));
        var all = new uint[Fill];
        for (var i = 0; i < Fill; i++)
            all[i] = buddy.Take(0)!.Value;
        Shuffle(all.AsSpan());
        foreach (var page in all.AsSpan(0, Fill / 2))
            buddy.Put(page, 0);
        var blocks = new (uint Page, int Order)?[Slots];
        var (failures, requests, random) = (0L, 0L, seed);
        for (var step = 0L; step < steps; step++)
        {
            ref var block = ref blocks[Next(ref random, out var order)];
            if (block is { } held)
            {
                buddy.Put(held.Page, held.Order);
                block = null;
                continue;
            }
            requests++;
            block = buddy.Take(order) is { } page ? (page, order) : null;
            failures += block is null ? 1 : 0;
        }
        return (failures, requests);
    }
}
