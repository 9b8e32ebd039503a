using System;
using System.Runtime.CompilerServices;
using KmemKit.Runtime.Memory;

namespace KmemKit.Runtime.Mmu;

/// <summary>The largest piece of RAM, in which most tables are: what walks look into without asking who has an address.</summary>
internal unsafe struct TableWindow
{
    private readonly byte* _host;
    private readonly ulong _start;
    private ulong _size;

    /// <summary>The window of a memory; <see cref="Close"/> it when that goes.</summary>
    /// <param name="memory">The memory.</param>
    public TableWindow(PhysicalMemory memory) => memory.MainWindow.Deconstruct(out _host, out _start, out _size);

    /// <summary>The part of it that a walk can put out; the rest is an address size fault.</summary>
    /// <param name="outputBits">Bits of an output address.</param>
    public readonly TableWindow Within(int outputBits)
    {
        var within = this;
        var end = outputBits >= 64 ? ulong.MaxValue : 1UL << outputBits;
        within._size = _start >= end ? 0 : Math.Min(_size, end - _start);
        return within;
    }

    /// <summary>Where it is in the host, where it begins, and its bytes.</summary>
    public readonly void Deconstruct(out byte* host, out ulong start, out ulong bytes)
    {
        host = _host;
        start = _start;
        // What is reached are 8 bytes: the last 7 have no address of their own here.
        bytes = _size == 0 ? 0 : _size + 7;
    }

    /// <summary>Nothing is in it any longer.</summary>
    public void Close() => _size = 0;

    /// <summary>The host address of 8 bytes.</summary>
    /// <returns>False where they are elsewhere, or nowhere.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly bool TryReach(ulong address, out byte* host)
    {
        var offset = unchecked(address - _start);
        host = unchecked(_host + offset);
        return offset < _size;
    }
}
