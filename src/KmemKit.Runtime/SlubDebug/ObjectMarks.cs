using System;
using System.Runtime.CompilerServices;
using KmemKit.Runtime.Kasan;
using KmemKit.Runtime.Memory;

namespace KmemKit.Runtime.SlubDebug;

/// <summary>A byte for each 8 bytes of RAM that says whether an allocated object starts there: for caches whose options add nothing to an object.</summary>
/// <remarks>
/// The kernel walks the slab's free list instead (on_freelist), with the slab's lock held. Of the same make as KASAN's shadow: host memory, which costs nothing
/// until it is touched and is not charged to the board.
/// </remarks>
internal sealed unsafe class ObjectMarks(PhysicalMemory memory) : IDisposable
{
    private readonly ShadowMemory _bytes = new(memory);

    /// <summary>Whether each slot's start has a byte of its own.</summary>
    /// <param name="distance">Bytes between objects.</param>
    /// <param name="alignment">Of each.</param>
    public static bool Fits(int distance, int alignment) => ((distance | alignment) & (ShadowMemory.GranuleSize - 1)) == 0;

    /// <summary>Whether an allocated object starts at an address of RAM; an address inside of one is no start.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool IsAllocated(byte* at) => ((nuint)at & (ShadowMemory.GranuleSize - 1)) == 0 && *_bytes.Of(at) != 0;

    /// <summary>An object is allocated from now on, or free.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Set(byte* at, bool isAllocated) => *_bytes.Of(at) = isAllocated ? (byte)1 : (byte)0;

    public void Dispose() => _bytes.Dispose();
}
