using System.Globalization;
using System.Text;

namespace KmemKit.Runtime.Cma;

/// <summary>An area's numbers, in pages (<c>/sys/kernel/debug/cma</c>, <c>/sys/kernel/mm/cma</c>).</summary>
/// <remarks>Source: mm/cma_debug.c, mm/cma_sysfs.c.</remarks>
/// <param name="Name">The area's name.</param>
/// <param name="BasePfn">base_pfn.</param>
/// <param name="Total">count, total_pages.</param>
/// <param name="Used">used: allocated from the area; what is lent to movable pages does not count.</param>
/// <param name="LargestFree">maxchunk: the longest row that is not allocated.</param>
/// <param name="Allocated">alloc_pages_success: pages of all requests that were met so far.</param>
/// <param name="Failed">alloc_pages_fail: pages of all requests that were not.</param>
/// <param name="Released">release_pages_success.</param>
public sealed record CmaStatistics(string Name, ulong BasePfn, ulong Total, ulong Used, ulong LargestFree, ulong Allocated, ulong Failed, ulong Released)
{
    /// <summary>available_pages.</summary>
    public ulong Available => Total - Used;

    /// <summary>One line per value under the kernel's names of the files that hold them.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        foreach (var (name, value) in new (string, ulong)[]
        {
            ("base_pfn", BasePfn), ("count", Total), ("used", Used), ("maxchunk", LargestFree), ("total_pages", Total), ("available_pages", Available),
            ("alloc_pages_success", Allocated), ("alloc_pages_fail", Failed), ("release_pages_success", Released),
        })
        {
            text.Append(CultureInfo.InvariantCulture, $"{Name}/{name} {value}\n");
        }
        return text.ToString();
    }
}
