using System;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Sources;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Memblock;
using KmemKit.Runtime.Memory;

namespace KmemKit.Benchmarks.PageAllocation;

/// <summary>A 64-bit board with one Normal zone, booted up to the page allocator.</summary>
internal sealed class BenchmarkMachine : IDisposable
{
    /// <param name="megabytes">RAM.</param>
    /// <param name="cpus">CPUs.</param>
    /// <param name="pageKib">Size of a page: 4, 16 or 64.</param>
    public BenchmarkMachine(ulong megabytes, int cpus, int pageKib = 4)
    {
        var size = megabytes << 20;
        var source = new SourceFile("bench.dts",
            $$"""
            /dts-v1/;
            / {
            	compatible = "bench,board";
            	#address-cells = <2>;
            	#size-cells = <2>;
            	memory@100000000 { device_type = "memory"; reg = <0x1 0x0 {{size >> 32}} {{size & uint.MaxValue}}>; };
            };
            """);
        var board = BoardPipeline.Compile(new BoardInput(source)
        {
            Defconfig = new SourceFile("bench_defconfig", $"CONFIG_ARM64=y\nCONFIG_ARM64_{pageKib}K_PAGES=y\nCONFIG_ARM64_VA_BITS=48\nCONFIG_ZONE_DMA=n\nCONFIG_ZONE_DMA32=n\n"),
            RequireLayout = true,
        });
        var layout = board.Layout ?? throw new InvalidOperationException(string.Join('\n', board.Diagnostics));
        Layout = layout;
        Memory = PhysicalMemory.Create(layout);
        Allocator = PageAllocator.Boot(layout, Memory, Memblock.FromLayout(layout), new PageAllocatorOptions { Cpus = cpus });
    }

    public MemoryLayout Layout { get; }

    public PhysicalMemory Memory { get; }

    public PageAllocator Allocator { get; }

    /// <summary>Takes all pages that the allocator has, reserves included.</summary>
    /// <param name="each">Is told the number of each, counted from the first of RAM.</param>
    public void TakeAll(Action<uint> each)
    {
        var first = (1UL << 32) >> Allocator.Map.Pages.PageShift;
        while (Allocator.Cpus[0].AllocPage(GfpFlags.MemAlloc | GfpFlags.NoWarn) is { IsNull: false } page)
            each((uint)(Allocator.Map.PageToPfn(page).Number - first));
    }

    public void Dispose()
    {
        Allocator.Dispose();
        Memory.Dispose();
    }
}
