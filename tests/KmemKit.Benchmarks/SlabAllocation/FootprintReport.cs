using System;
using System.Globalization;
using System.Linq;
using KmemKit.Benchmarks.PageAllocation;
using KmemKit.BoardCompiler.Policies;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Slab;
using KmemKit.Runtime.Tests.ObjectCaches;

namespace KmemKit.Benchmarks.SlabAllocation;

/// <summary>What SLAB, SLUB and SLOB take for the same trace on the same small board, and what they still hold when three of four objects are gone.</summary>
/// <remarks>
/// Footprint: SLAB and SLUB round sizes up and keep at least a slab for each cache; SLOB does neither. Fragmentation: what is left of a page's objects
/// keeps the page; caches keep what lives long apart from what does not, SLOB mixes it.
/// </remarks>
internal static class FootprintReport
{
    public static void Write()
    {
        Console.WriteLine($"{"small-memory trace on 8 MiB",-32}{"asked",12}{"pages",8}{"KiB",8}{"over asked",12}{"left after thinning",22}{"pages",8}{"over asked",12}");
        foreach (var kind in new[] { ObjectAllocatorKind.Slab, ObjectAllocatorKind.Slub, ObjectAllocatorKind.Slob })
        {
            using var machine = new BenchmarkMachine(8, 1);
            var before = FreePages(machine.Allocator);
            using var objects = ObjectAllocator.Boot(
                machine.Layout, machine.Memory, machine.Allocator, new ObjectAllocatorOptions { Kind = kind, KmallocMinSize = 8 });
            var trace = new SmallMemoryTrace(objects, machine.Allocator.Cpus[0]);
            trace.Fill();
            var (asked, pages) = (trace.LiveBytes, before - FreePages(machine.Allocator));
            trace.Thin();
            var (left, held) = (trace.LiveBytes, before - FreePages(machine.Allocator));
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{kind.ToString().ToUpperInvariant(),-32}{asked,12}{pages,8}{pages * 4,8}{Over(pages, asked),11:F0}%{left,22}{held,8}{Over(held, left),11:F0}%"));
        }
    }

    private static double Over(long pages, long bytes) => (100.0 * pages * 4096 / bytes) - 100;

    private static long FreePages(PageAllocator pages)
    {
        pages.DrainAllPages(pages.Cpus[0]);
        return pages.Zones.Sum(static zone => zone.FreePages);
    }
}
