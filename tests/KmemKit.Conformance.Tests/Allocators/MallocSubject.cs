using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using KmemKit.Conformance.Allocators;

namespace KmemKit.Conformance.Tests.Allocators;

/// <summary>A C allocator through P/Invoke: the host's <c>malloc</c>, whose addresses are pointers, held to 32 MiB so that it can run out.</summary>
internal sealed unsafe partial class MallocSubject : IAllocatorSubject
{
    private const ulong MostBytes = 32 << 20;

    private readonly HashSet<nint> _taken = [];
    private ulong _bytes;

    public AllocatorPromises Promises { get; } = AllocatorPromises.Objects(alignment: 8, largest: 64 << 10) with { Zeroes = true };

    public IReadOnlyList<AddressSpan> Arena { get; } = [new(0x1000, long.MaxValue)];

    public ulong FreeBytes => MostBytes - _bytes;

    public ulong? Allocate(ulong bytes, bool zeroed)
    {
        // What the heap itself takes for a block is counted too.
        if (bytes > Promises.Largest || _bytes + Cost(bytes) > MostBytes)
            return null;
        var block = zeroed ? CAlloc(1, (nuint)bytes) : MAlloc((nuint)bytes);
        if (block == 0)
            return null;
        _taken.Add(block);
        _bytes += Cost(bytes);
        return (ulong)block;
    }

    public bool Free(ulong address, ulong bytes)
    {
        if (!_taken.Remove((nint)address))
            return false;
        _bytes -= Cost(bytes);
        Free((nint)address);
        return true;
    }

    public void Write(ulong address, ReadOnlySpan<byte> source) => source.CopyTo(new Span<byte>((void*)address, source.Length));

    public void Read(ulong address, Span<byte> destination) => new ReadOnlySpan<byte>((void*)address, destination.Length).CopyTo(destination);

    public void Dispose()
    {
        foreach (var block in _taken)
            Free(block);
        _taken.Clear();
    }

    private static ulong Cost(ulong bytes) => Math.Max(32, bytes + 16);

    [LibraryImport("libc", EntryPoint = "malloc")]
    private static partial nint MAlloc(nuint bytes);

    [LibraryImport("libc", EntryPoint = "calloc")]
    private static partial nint CAlloc(nuint count, nuint bytes);

    [LibraryImport("libc", EntryPoint = "free")]
    private static partial void Free(nint block);
}
