using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Globalization;
using System.Numerics;
using System.Text;
using KmemKit.Architecture;

namespace KmemKit.Runtime.Proc;

/// <summary>Requests that blocks of one order serve.</summary>
/// <param name="Order">The order.</param>
/// <param name="Requests">How many.</param>
/// <param name="AskedBytes">Bytes asked for.</param>
/// <param name="BlockBytes">Bytes of the blocks: what <c>alloc_pages</c> takes.</param>
/// <param name="ExactBytes">Bytes of the pages that they reach into: what <c>alloc_pages_exact</c> keeps.</param>
public sealed record OrderWaste(int Order, ulong Requests, ulong AskedBytes, ulong BlockBytes, ulong ExactBytes);

/// <summary>Internal fragmentation: what blocks of 2^n pages have more than was asked for.</summary>
/// <param name="Orders">Orders that serve a request, by rising order.</param>
public sealed record InternalFragmentation(ImmutableArray<OrderWaste> Orders)
{
    /// <summary>Works it out for requests in bytes.</summary>
    /// <param name="pages">The page size.</param>
    /// <param name="sizes">Bytes of each request, at least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">A size is 0, or needs more than 2^52 pages.</exception>
    public static InternalFragmentation Of(PageGeometry pages, IEnumerable<ulong> sizes)
    {
        ArgumentNullException.ThrowIfNull(sizes);
        var orders = new SortedDictionary<int, OrderWaste>();
        foreach (var size in sizes)
        {
            ArgumentOutOfRangeException.ThrowIfZero(size, nameof(sizes));
            ArgumentOutOfRangeException.ThrowIfGreaterThan(size, 1UL << 62, nameof(sizes));
            var count = ((size - 1) >> pages.PageShift) + 1;
            var order = count == 1 ? 0 : BitOperations.Log2(count - 1) + 1;
            var sum = orders.TryGetValue(order, out var there) ? there : new OrderWaste(order, 0, 0, 0, 0);
            orders[order] = new OrderWaste(
                order, sum.Requests + 1, checked(sum.AskedBytes + size), checked(sum.BlockBytes + (pages.PageSize << order)), checked(sum.ExactBytes + (count << pages.PageShift)));
        }
        return new InternalFragmentation([.. orders.Values]);
    }

    /// <summary>The part of the blocks that nobody asked for, in thousandths, rounded down; 0 without a request.</summary>
    public int Waste
    {
        get
        {
            UInt128 asked = 0, taken = 0;
            foreach (var order in Orders)
                (asked, taken) = (asked + order.AskedBytes, taken + order.BlockBytes);
            return taken == 0 ? 0 : (int)((taken - asked) * 1000 / taken);
        }
    }

    /// <summary>A line per order, in kB rounded down, and the waste of all.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{"order",5} {"requests",10} {"asked",12} {"in blocks",12} {"exact",12}\n");
        foreach (var (order, requests, asked, block, exact) in Orders)
            text.Append(CultureInfo.InvariantCulture, $"{order,5} {requests,10} {asked >> 10,9} kB {block >> 10,9} kB {exact >> 10,9} kB\n");
        text.Append(CultureInfo.InvariantCulture, $"waste {Waste / 1000}.{Waste % 1000:000}\n");
        return text.ToString();
    }
}
