using System;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Runtime.Boot;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Kernel;
using KmemKit.Runtime.Processes;
using KmemKit.Runtime.Tests.Harness;
using KmemKit.Runtime.Tlb;

namespace KmemKit.Runtime.Tests.ProcessTests;

/// <summary>A booted board with processes, whose pages are counted: what it has when it ends is what it had when it began.</summary>
internal sealed class ProcessMachine : IDisposable
{
    /// <summary>Boards by the format of their tables.</summary>
    public static readonly string[] Formats = ["arm-short", "arm-lpae", "vmsav8-64-4k", "x86-32", "x86-pae", "x86-64", "sv32", "sv39", "sv48"];

    private readonly long _free;

    public ProcessMachine(string format = "arm-short", ProcessOptions? options = null, bool watch = false, int cpus = 2, TlbProfile? tlb = null, params string[] config)
    {
        Kernel = MmuKernel.Boot(LayoutOf(format, config), new MmuKernelOptions
        {
            Memory = new MemoryBootOptions { Pages = new PageAllocatorOptions { Cpus = cpus } },
            Tlb = tlb ?? new TlbProfile("small", 64, 4),
            WatchTranslations = watch,
        });
        Kernel.Tlbs.BugReported += bug => Bugs.Add(bug.Message);
        // The kernel keeps a table of its own that has been used once.
        Kernel.Vmalloc.Vfree(Cpu, Kernel.Vmalloc.Vmalloc(Cpu, 16 * Page)!.Value);
        Kernel.Vmalloc.Purge(Cpu);
        _free = FreePages;
        Table = Kernel.StartProcesses(options);
    }

    public System.Collections.Generic.List<string> Bugs { get; } = [];

    public MmuKernel Kernel { get; }

    public ProcessTable Table { get; }

    public ulong Page => Kernel.Layout.Pages.PageSize;

    public Cpu Cpu => Kernel.Allocator.Cpus[0];

    public long FreePages
    {
        get
        {
            Kernel.Allocator.DrainAllPages();
            return Kernel.Allocator.Zones.Sum(zone => (long)zone.FreePages);
        }
    }

    /// <summary>Pages that are missing once all processes have ended.</summary>
    public long Lost()
    {
        Table.Dispose();
        return _free - FreePages;
    }

    public Process Start(string name = "init") => Table.Start(name)!;

    public void Dispose() => Kernel.Dispose();

    private static BoardCompiler.Layout.MemoryLayout LayoutOf(string format, string[] config) => format switch
    {
        "arm-short" => TestBoards.Repository("qemu/virt-cortex-a15", null, ["CONFIG_ARM_LPAE=n", .. config]),
        "arm-lpae" => TestBoards.Repository("qemu/virt-cortex-a15", null, ["CONFIG_ARM_LPAE=y", .. config]),
        "vmsav8-64-4k" => TestBoards.Repository("qemu/virt-cortex-a53", null, config),
        "x86-32" => TestBoards.Repository("pc/pc-32", null, config),
        "x86-pae" => TestBoards.Repository("pc/pc-pae", null, config),
        "x86-64" => TestBoards.Repository("pc/pc-64", null, config),
        "sv32" => TestBoards.Repository("qemu/virt-sv32", null, config),
        "sv39" => TestBoards.Repository("qemu/virt-sv48", null, ["CONFIG_PGTABLE_LEVELS=3", .. config]),
        "sv48" => TestBoards.Repository("qemu/virt-sv48", null, config),
        _ => throw new ArgumentOutOfRangeException(nameof(format), format, null),
    };
}
