using BenchmarkDotNet.Attributes;
using KmemKit.BoardCompiler.KernelMaps;
using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Tables;
using KmemKit.Tests.Shared;

namespace KmemKit.Benchmarks.PageTables;

/// <summary>Planning a board's page tables as a build does it, with the image that is written and walked again.</summary>
/// <remarks>There is no peer: nobody else plans them at build time. By the way shown: the cost follows what differs in the map and not its size.</remarks>
[Config(typeof(SideBySideConfig))]
[MemoryDiagnoser]
public class TablePlannerBenchmarks
{
    private MemoryLayout _layout = null!;

    /// <summary>A phone of 2010, a virtual machine with 1 GiB, a PC with 8 GiB.</summary>
    [Params("qcom/msm7x27", "qemu/virt-cortex-a53", "pc/pc-64")]
    public string Board { get; set; } = "";

    /// <summary>Compiles the board.</summary>
    [GlobalSetup]
    public void Setup() => _layout = RepositoryBoards.Compile(Board).Layout!;

    /// <summary>The kernel's map.</summary>
    [Benchmark]
    public PageTablePlanResult Kernel() => PageTablePlanner.Plan(_layout);

    /// <summary>Everything one to one.</summary>
    [Benchmark]
    public PageTablePlanResult Flat() => PageTablePlanner.Plan(_layout, new PageTableOptions { Style = MapStyle.Flat });

    /// <summary>The bytes of the kernel's tables.</summary>
    [Benchmark]
    public byte[] Image() => TableImage.Write(_plan ??= PageTablePlanner.Plan(_layout).Plan!);

    private PageTablePlan? _plan;
}
