using System;
using KmemKit.Architecture;
using KmemKit.Architecture.Boards;
using KmemKit.Runtime.Memory;
using KmemKit.Runtime.Uclinux;

namespace KmemKit.Runtime.Mpu;

/// <summary>A task or compartment of the board as it runs: its stack, and the allocator of its heap.</summary>
/// <remarks>
/// The board's entries say where they are, by their names: <c>stack</c> is a stack, <c>heap</c> a heap, and of <c>ram</c>, where there is neither beside it, the upper
/// <see cref="StackOfRam"/> bytes are the stack and the rest is the heap. A heap is whole frames of 4 KiB, two or more: its frame table is in it.
/// </remarks>
public sealed class MpuDomain
{
    /// <summary>Bytes of stack in a domain that has one entry for all of its memory.</summary>
    public const ulong StackOfRam = 4096;

    internal MpuDomain(BoardDomain board, int index, PhysicalMemory memory)
    {
        (Board, Index) = (board, index);
        foreach (var entry in board.Entries)
        {
            if (Is(entry, "stack"))
                Stack = entry.Range;
            else if (Is(entry, "heap"))
                HeapRange = entry.Range;
        }
        foreach (var entry in board.Entries)
        {
            if (!Is(entry, "ram") || Stack is not null || HeapRange is not null || entry.Range.Size.Value <= StackOfRam)
                continue;
            var end = entry.Range.End.Value;
            Stack = PhysRange.FromBounds(new PhysAddr(end - StackOfRam), end);
            HeapRange = PhysRange.FromBounds(entry.Range.Start, end - StackOfRam);
        }
        if (HeapRange is not { } heap)
            return;
        try
        {
            Heap = new Kmalloc2Allocator(memory, heap);
        }
        catch (ArgumentException e)
        {
            throw new MpuBootException($"The heap of domain {board.Name}: {e.Message} Give it RAM from one frame of 4 KiB to another, two at least.", e);
        }
    }

    /// <summary>Its place among the kernel's domains.</summary>
    public int Index { get; }

    /// <summary>What the board says.</summary>
    public BoardDomain Board { get; }

    /// <summary>Its name; empty for the kernel alone.</summary>
    public string Name => Board.Name;

    /// <summary>Where its stack is, which grows down from the end; null without one.</summary>
    public PhysRange? Stack { get; }

    /// <summary>Where its heap is; null without one.</summary>
    public PhysRange? HeapRange { get; }

    /// <summary>The allocator of its heap; null without one.</summary>
    public IUclinuxAllocator? Heap { get; }

    private static bool Is(BoardProtectionEntry entry, string name) =>
        entry.Name.Split('@')[0] is var word && (word == name || word.StartsWith(name + "-", StringComparison.Ordinal));
}
