using System;

namespace KmemKit.Benchmarks.PageAllocation;

/// <summary>
/// The mixed load: memory is filled page by page and half of it freed at random, then blocks of orders 0 to 4 live in random slots, half of which are full: one
/// block goes, another comes.
/// </summary>
/// <remarks>
/// The steps are drawn before they are run, a stretch at a time, so that the loop under measurement draws nothing and tosses no coin, and every allocator gets the same ones.
/// A step is a word of slot and order; steps that free and steps that request take turns. Where a request failed, the step that would free its block is passed over.
/// </remarks>
internal sealed class MixedTrace
{
    /// <summary>Pages that are allocated before half of them is freed, of 1 GiB.</summary>
    public const int Fill = 240 * 1024;

    /// <summary>Slots for blocks.</summary>
    public const int Slots = 8192;

    /// <summary>Orders 0 to one less.</summary>
    public const int Orders = 5;

    /// <summary>Where a step's slot begins; below it is the order.</summary>
    public const int SlotShift = 3;

    /// <summary>The bits of the order.</summary>
    public const uint OrderMask = 7;

    private readonly Random _random;
    private readonly int[] _orders = new int[Slots];

    /// <param name="seed">The trace's number.</param>
    public MixedTrace(int seed)
    {
        _random = new Random(seed);
        Array.Fill(_orders, -1);
    }

    /// <summary>The order in which the first half is freed.</summary>
    public static void Shuffle<T>(Span<T> pages) => new Random(2).Shuffle(pages);

    /// <summary>The requests that fill the first half of the slots.</summary>
    public uint[] DrawStart()
    {
        var steps = new uint[Slots / 2];
        foreach (ref var step in steps.AsSpan())
            step = DrawRequest();
        return steps;
    }

    /// <summary>Draws the next steps: a free, a request, and so on.</summary>
    /// <param name="steps">An even number; all of it is filled.</param>
    public void Draw(Span<uint> steps)
    {
        for (var i = 0; i < steps.Length; i += 2)
        {
            var slot = DrawSlot(isFull: true);
            steps[i] = ((uint)slot << SlotShift) | (uint)_orders[slot];
            _orders[slot] = -1;
            steps[i + 1] = DrawRequest();
        }
    }

    private uint DrawRequest()
    {
        var slot = DrawSlot(isFull: false);
        _orders[slot] = _random.Next(Orders);
        return ((uint)slot << SlotShift) | (uint)_orders[slot];
    }

    private int DrawSlot(bool isFull)
    {
        while (true)
        {
            var slot = _random.Next(Slots);
            if (_orders[slot] >= 0 == isFull)
                return slot;
        }
    }
}
