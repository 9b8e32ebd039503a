using System;
using System.Collections.Generic;
using KmemKit.Conformance.Allocators;

namespace KmemKit.Conformance.Tests.Allocators;

/// <summary>A team's own heap in C (<c>C/heap.c</c>) behind P/Invoke: addresses are pointers into its arena.</summary>
internal sealed unsafe class CHeap : IAllocatorSubject
{
    private const ulong Bytes = 256 << 10;

    private readonly CHeapLibrary _library;
    private readonly nint _heap;

    /// <summary>The right one.</summary>
    public CHeap()
        : this(CHeapLibrary.Of(CHeapFault.None))
    {
    }

    public CHeap(CHeapLibrary library)
    {
        _library = library;
        _heap = library.Create((nuint)Bytes);
        Arena = [new AddressSpan(library.Arena(_heap), Bytes)];
    }

    // A block has a header of 16 bytes, and is rounded up to 16.
    public AllocatorPromises Promises { get; } = AllocatorPromises.Objects(alignment: 16, largest: 16 << 10) with { Zeroes = true, Merges = true, CountsFree = true, RefusesBadFrees = true };

    public IReadOnlyList<AddressSpan> Arena { get; }

    public ulong FreeBytes => _library.FreeBytes(_heap);

    public ulong? Allocate(ulong bytes, bool zeroed)
    {
        // Nothing in front of the heap refuses what is too large: its own arithmetic has to.
        if (bytes > Promises.Largest && bytes < Bytes)
            return null;
        var block = zeroed ? _library.Zalloc(_heap, (nuint)bytes) : _library.Alloc(_heap, (nuint)bytes);
        return block == 0 ? null : (ulong)block;
    }

    public bool Free(ulong address, ulong bytes) => _library.Free(_heap, (nuint)address);

    public void Write(ulong address, ReadOnlySpan<byte> source) => source.CopyTo(new Span<byte>((void*)address, source.Length));

    public void Read(ulong address, Span<byte> destination) => new ReadOnlySpan<byte>((void*)address, destination.Length).CopyTo(destination);

    public void Dispose() => _library.Destroy(_heap);
}

/// <summary>What can be wrong with the heap: the numbers of <c>heap.c</c>.</summary>
public enum CHeapFault
{
    None,

    /// <summary>The rest of a block that is split is forgotten, now and then.</summary>
    LosesTheRest,

    /// <summary>A block has no room for its header.</summary>
    ShortByAHeader,

    /// <summary>Free neighbours stay apart.</summary>
    NeverJoins,

    /// <summary>The arena is taken for longer than it is.</summary>
    EndsTooLate,

    /// <summary>A size near 2^64 wraps to a small one.</summary>
    Overflows,

    /// <summary>The last word of a zeroed block is left as it was.</summary>
    CallocSkips,
}
