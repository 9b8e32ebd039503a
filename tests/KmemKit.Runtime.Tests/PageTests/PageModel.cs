using System;
using System.Collections.Generic;
using KmemKit.Architecture;
using KmemKit.Runtime.Pages;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.PageTests;

/// <summary>The plain picture of memory that the allocator is held against: one bit a frame, and a list of blocks.</summary>
internal sealed class PageModel
{
    private readonly bool[] _used;

    public PageModel(Machine machine)
    {
        Machine = machine;
        _used = new bool[machine.Map.Frames];
        for (var i = 0u; i < _used.Length; i++)
            _used[i] = !machine.Map.IsRam(i) || machine.Map.IsReserved(i);
    }

    public Machine Machine { get; }

    public List<(Page Page, int Order)> Blocks { get; } = [];

    public void Take(Page page, int order)
    {
        var frames = _used.AsSpan((int)page.Index, 1 << order);
        if ((page.Index & ((1u << order) - 1)) != 0)
            Assert.Fail($"the block of order {order} at {Frame(page.Index)} is not aligned to its size");
        if (frames.IndexOf(true) is var used and >= 0)
            Assert.Fail($"{Frame(page.Index + (uint)used)} was given out twice, or is not the allocator's");
        frames.Fill(true);
        Blocks.Add((page, order));
    }

    public (Page Page, int Order) Remove(int number)
    {
        var block = Blocks[number];
        Blocks[number] = Blocks[^1];
        Blocks.RemoveAt(Blocks.Count - 1);
        _used.AsSpan((int)block.Page.Index, 1 << block.Order).Clear();
        return block;
    }

    public bool IsUsed(uint index) => _used[index];

    /// <summary>Whether an ideal buddy allocator could serve the order.</summary>
    public bool HasRun(int order)
    {
        for (var first = 0u; first + (1u << order) <= _used.Length; first += 1u << order)
        {
            var free = true;
            for (var at = first; at < first + (1u << order) && free; at++)
                free = !_used[at];
            if (free)
                return true;
        }
        return false;
    }

    private PageFrame Frame(uint index) => Machine.Map.FrameAt(index);
}
