using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Threading;

namespace KmemKit.Runtime.Slab;

/// <summary>A CPU's free objects of one cache (<c>struct array_cache</c> of SLAB, a sheaf of SLUB): one cache line, found by one addition.</summary>
/// <remarks>
/// <para>Fast path, alloc: Busy = 1; an object if 0 &lt; Count &lt;= Limit; Busy = 0. Fast path, free: Busy = 1; push if Count &lt; Limit; Busy = 0. Both are one
/// unsigned comparison, and Limit 0 sends everybody to the slow path: for caches that a debugger watches always, else while another CPU drains.</para>
/// <para>Who drains sets Draining and Limit = 0, makes a barrier in every thread of the process (membarrier), then waits for Busy to be clear. So either the
/// owner sees Limit 0 or the drainer sees Busy, and the owner uses no locked instruction.</para>
/// </remarks>
[StructLayout(LayoutKind.Sequential, Size = Bytes)]
internal unsafe struct ObjectArray
{
    public const int Bytes = 64;

    public int Count;

    /// <summary>Beside Count, so that one store sets both (<see cref="Leave"/>).</summary>
    public int Busy;

    /// <summary>Capacity, or 0.</summary>
    public int Limit;

    /// <summary>Objects that move at a time between the array and the slabs.</summary>
    public int Batch;

    public byte** Stack;

    /// <summary>What the stack holds; 0 where there is none.</summary>
    public int Capacity;

    public int Draining;

    /// <summary>Used since the last reap: its objects are left alone once more.</summary>
    public int Touched;

    /// <summary>Sets Count and clears Busy.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Leave(ObjectArray* self, int count) => Volatile.Write(ref *(ulong*)self, (uint)count);
}

/// <summary>The first line of a CPU's arrays: those of cache n follow at n times a line.</summary>
[StructLayout(LayoutKind.Sequential, Size = ObjectArray.Bytes)]
internal unsafe struct ObjectCpu
{
    /// <summary>Owner number of the last kfree, and the array that goes with it.</summary>
    /// <remarks>
    /// kfree compares instead of computing: else the array's address waits for the page's owner, whose address waits for the object, which waits for the
    /// array it was just taken from. The compare is predicted.
    /// </remarks>
    public int LastOwner;

    public ObjectArray* LastArray;

    /// <summary>A sampling checker waits for an allocation.</summary>
    public int Armed;
}

/// <summary>Who owns a page, as the map's table of owners says.</summary>
internal static class PageOwner
{
    /// <summary>Nobody who frees by address.</summary>
    public const int None = 0;

    /// <summary>Numbers of caches are below.</summary>
    public const int MaxCaches = 2048;

    /// <summary>A block of pages of kmalloc.</summary>
    public const int Large = 0x7ffd;

    /// <summary>Claimed by a sampling checker.</summary>
    public const int Guarded = 0x7ffe;

    /// <summary>A page of SLOB, which all its caches share.</summary>
    public const int Slob = 0x7fff;

    /// <summary>Beside a cache's number: a slab of fewer pages than the cache's others.</summary>
    public const int Small = 0x8000;
}
