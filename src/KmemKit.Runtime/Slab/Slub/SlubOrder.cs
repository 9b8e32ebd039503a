using System;
using System.Numerics;

namespace KmemKit.Runtime.Slab.Slub;

/// <summary>How many pages make a slab: the fewest that hold enough objects and waste little (<c>calculate_order</c>).</summary>
/// <remarks>
/// At first a slab should hold min_objects and waste at most 1/16; then up to 1/8 and 1/4 may be wasted, then it may hold fewer. Where not even two objects
/// fit into the largest usual slab, it is as large as one object. Source: mm/slub.c, calculate_order and slab_order up to 6.8.
/// </remarks>
internal static class SlubOrder
{
    /// <summary>slub_max_order: PAGE_ALLOC_COSTLY_ORDER.</summary>
    public const int MaxOrder = 3;

    /// <summary>MAX_OBJS_PER_PAGE: the counters have 15 bits.</summary>
    public const int MaxObjects = 32767;

    /// <summary>4 * (fls(nr_cpu_ids) + 1): more CPUs, more objects, so that each comes for a slab less often.</summary>
    public static int MinObjects(int cpus) => 4 * (BitOperations.Log2((uint)cpus) + 2);

    /// <param name="size">Bytes of a slot.</param>
    /// <param name="pageShift">log2 of the page size.</param>
    /// <param name="cpus">nr_cpu_ids.</param>
    /// <param name="maxOrder">The page allocator's largest order.</param>
    /// <returns>-1 where no block of pages holds an object.</returns>
    public static int Calculate(int size, int pageShift, int cpus, int maxOrder)
    {
        var largest = Math.Min(MaxOrder, maxOrder);
        for (var objects = Math.Min(MinObjects(cpus), (1 << pageShift << largest) / size); objects > 1; objects--)
        {
            for (var fraction = 16; fraction >= 4; fraction /= 2)
            {
                var order = Find(size, objects, largest, fraction, pageShift);
                if (order <= largest)
                    return order;
            }
        }
        var single = Find(size, 1, largest, 1, pageShift);
        if (single <= largest)
            return single;
        single = Find(size, 1, maxOrder, 1, pageShift);
        return single <= maxOrder ? single : -1;
    }

    private static int Find(int size, int objects, int maxOrder, int fraction, int pageShift)
    {
        if ((1 << pageShift) / size > MaxObjects)
            return OrderOf((long)size * MaxObjects, pageShift) - 1;
        var order = OrderOf((long)objects * size, pageShift);
        for (; order <= maxOrder; order++)
        {
            var bytes = 1L << pageShift << order;
            if (bytes % size <= bytes / fraction)
                break;
        }
        return order;
    }

    /// <summary>get_order.</summary>
    public static int OrderOf(long bytes, int pageShift)
    {
        var last = (ulong)(bytes - 1) >> pageShift;
        return last == 0 ? 0 : BitOperations.Log2(last) + 1;
    }
}
