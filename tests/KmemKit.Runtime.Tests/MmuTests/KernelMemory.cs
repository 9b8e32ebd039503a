using System;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu.Arm;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Highmem;
using KmemKit.Runtime.Ioremap;
using KmemKit.Runtime.Pages;
using KmemKit.Runtime.Tests.PageTests;
using KmemKit.Runtime.Vmalloc;

namespace KmemKit.Runtime.Tests.MmuTests;

/// <summary>The kernel's virtual memory on a 32-bit Arm board, without a linear map in the tables: what maps pages by itself.</summary>
internal sealed class KernelMemory : IDisposable
{
    public const ulong Page = 4096;
    public static readonly VirtRange Range = VirtRange.FromBounds(new VirtAddr(0xf000_0000), 0xf100_0000UL);

    public KernelMemory(bool watch = true, ulong megabytes = 64, int cpus = 1)
    {
        Machine = new MmuMachine<ArmShortFormat>(watch: watch, megabytes: megabytes, cpus: cpus);
        Space = new VmallocSpace(Machine.Tables, Machine.Machine.Allocator, [Range], 1 << 20);
        Types = new MemoryTypeMap();
        Io = new IoMapper(Space, Machine.Tables, Machine.Machine.Memory, Types);
    }

    public MmuMachine<ArmShortFormat> Machine { get; }

    public VmallocSpace Space { get; }

    public MemoryTypeMap Types { get; }

    public IoMapper Io { get; }

    public Cpu Cpu => Machine.Cpu;

    public ulong FreePages => Machine.Machine.Allocator.Zones.Aggregate(0UL, (sum, zone) => sum + (ulong)zone.FreePages) + InLists;

    private ulong InLists => Machine.Machine.Allocator.Zones.Aggregate(0UL, (sum, zone) => sum + (ulong)Machine.Machine.Allocator.Cpus.Sum(cpu => cpu.PagesInLists(zone)));

    public void TakeAllPages()
    {
        while (!Cpu.AllocPage(GfpFlags.Kernel | GfpFlags.NoWarn | GfpFlags.HighMem).IsNull)
        {
        }
    }

    public void Dispose() => Machine.Dispose();
}
