using System.Runtime.InteropServices;

namespace KmemKit.Runtime.Buddy;

/// <summary>A CPU's stack of free blocks of one order and type (<c>struct per_cpu_pages</c>).</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct PerCpuList
{
    /// <summary>Descriptor numbers; room for <see cref="High"/> and a refill.</summary>
    public uint* Stack;

    public int Count;

    /// <summary>Up to here a free only stores: <see cref="Full"/>, or 0 while memory is tight and the slow path looks for the block's buddy first.</summary>
    public int High;

    /// <summary>Blocks that move at a time.</summary>
    public int Batch;

    /// <summary>At this many, a batch goes back to the zone; 0 where there is no list.</summary>
    public int Full;

    // To 32 bytes: a list is found by a shift.
    private readonly long _padding;

    /// <summary>Orders that have lists: all. Where a list would hold more than 1/128 of the zone, it holds nothing.</summary>
    /// <remarks>The kernel has lists for orders 0 to 3 and for huge pages; here a pair of any order costs the same as one page where the zone is large.</remarks>
    public const int Orders = 16;

    /// <summary>PAGE_ALLOC_COSTLY_ORDER.</summary>
    public const int CostlyOrder = 3;

    /// <summary>Lists of an order: three types, and an empty one for flags that name two, so that no branch is needed for those.</summary>
    public const int TypesPerOrder = 4;

    /// <summary>Lists of a CPU in a zone.</summary>
    public const int PerZone = Orders * TypesPerOrder;
}

/// <summary>What a CPU does with a request whose flags name these zones, worked out before it comes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct RequestPlan
{
    /// <summary>The CPU's lists in the first zone to try.</summary>
    public PerCpuList* Lists;

    /// <summary>That zone's free pages.</summary>
    public long* Free;

    /// <summary>Low watermark and lowmem reserve: more than this must stay free for the fast path.</summary>
    public long Threshold;

    /// <summary>Number of that zone.</summary>
    public int Zone;

    private readonly int _padding;

    /// <summary>How many plans a CPU has: one for each way to set the zone flags.</summary>
    public const int Count = 16;
}

/// <summary>Who may touch a CPU's lists: its owner without a locked instruction, or another CPU that drains them.</summary>
/// <remarks>
/// The owner sets Busy, then looks at Drain. A drainer sets Drain, makes a barrier in every thread of the process (membarrier), then waits for Busy to
/// be clear. So one of the two always sees the other, and the owner's side costs two stores and a load. The words are on one line of their own.
/// </remarks>
[StructLayout(LayoutKind.Sequential, Size = 64)]
internal unsafe struct CpuGate
{
    public int Busy;

    public int Drain;

    /// <summary>The pageblock word of the last free, and the lists that go with it: the owner's alone.</summary>
    /// <remarks>
    /// A free compares instead of computing: the address of the list then does not wait for the page's pageblock word, whose address waits for the page,
    /// which waits for the list it was just taken from. That chain of loads took 9 ns a pair; the compare is predicted.
    /// </remarks>
    public int LastBlock;

    public PerCpuList* LastLists;
}

/// <summary>The memory of a CPU from its gate on: plans, then lists zone by zone, so that one pointer finds them all.</summary>
internal static unsafe class CpuArea
{
    /// <summary>Bytes before the first list: a gate of 64 and plans of 32.</summary>
    public const int ListsAt = 64 + (RequestPlan.Count * 32);

    /// <summary>The plans, by zone flags.</summary>
    public static RequestPlan* Plans(CpuGate* gate) => (RequestPlan*)(gate + 1);

    /// <summary>The lists, by zone, order and type.</summary>
    public static PerCpuList* Lists(CpuGate* gate) => (PerCpuList*)((byte*)gate + ListsAt);
}
