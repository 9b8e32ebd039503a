using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace KmemKit.Runtime.Buddy;

/// <summary>What is fixed in size of a zone's free blocks: the lock, and counts by type and order.</summary>
/// <remarks>
/// Lives outside the managed heap, on cache lines of its own: the lock and the counters are what CPUs share. Free is alone with the lock-holder's data
/// because every allocation reads it for the watermark.
/// </remarks>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct FreeAreaHeader
{
    /// <summary>0 free, 1 held.</summary>
    public int Lock;

    private fixed byte _lockLine[60];

    /// <summary>Free pages that any request may use: NR_FREE_PAGES without <see cref="FreeCma"/> and <see cref="FreeHighAtomic"/>.</summary>
    public long Free;

    /// <summary>NR_FREE_CMA_PAGES.</summary>
    public long FreeCma;

    /// <summary>By type: bit k is set when order k has a block.</summary>
    public fixed uint NonEmpty[8];

    /// <summary>NR_FREE_HIGHATOMIC.</summary>
    public long FreeHighAtomic;

    private fixed byte _freeLine[8];

    /// <summary>By type and order.</summary>
    public fixed uint Count[FreeArea.Types * FreeArea.OrderSlots];

    /// <summary>By type and order: a <see cref="FreeIndex"/> of five words each.</summary>
    public fixed ulong Index[FreeArea.Types * FreeArea.OrderSlots * 5];

    static FreeAreaHeader()
    {
        if (Unsafe.SizeOf<FreeIndex>() != 5 * sizeof(ulong))
            throw new System.PlatformNotSupportedException("KmemKit runs on 64-bit hosts.");
    }
}
