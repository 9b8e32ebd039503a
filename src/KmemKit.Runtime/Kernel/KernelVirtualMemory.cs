using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Architecture.Mmu.Arm;
using KmemKit.Architecture.Mmu.Vmsav8;
using KmemKit.Architecture.Mmu.X86;
using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Policies;
using KmemKit.Runtime.Boot;
using KmemKit.Runtime.Highmem;
using KmemKit.Runtime.Ioremap;
using KmemKit.Runtime.Mmu;
using KmemKit.Runtime.Processor;
using KmemKit.Runtime.Tlb;
using KmemKit.Runtime.Vmalloc;

namespace KmemKit.Runtime.Kernel;

/// <summary>A booted board's kernel with its MMU on: tables with the linear map, CPUs that use them, vmalloc, ioremap, fixmap, kmap.</summary>
/// <remarks>
/// The format is the one that the board's kernel uses: arm64 by page size and CONFIG_ARM64_VA_BITS behind TTBR1, 32-bit Arm long descriptors with CONFIG_ARM_LPAE, x86 by
/// CONFIG_X86_PAE and CONFIG_X86_5LEVEL. The linear map is that of the layout, RAM by RAM, with the largest leaves that fit, readable and writable by the kernel
/// alone; memory that the platform took (<c>no-map</c>) is not mapped.
/// </remarks>
public sealed class KernelVirtualMemory
{
    private readonly Func<TlbProfile, ICpuPort> _newCpu;

    private KernelVirtualMemory(BootedMemory memory, IPageTables tables, Func<TlbProfile, ICpuPort> newCpu, ulong hugeBytes)
    {
        (Memory, Tables, _newCpu) = (memory, tables, newCpu);
        var layout = memory.Layout;
        Types = new MemoryTypeMap();
        Vmalloc = new VmallocSpace(tables, memory.Allocator, RangesOf(layout, "vmalloc"), hugeBytes);
        MapLinear();
        Io = new IoMapper(Vmalloc, tables, memory.Memory, Types);
        Addresses = new KernelAddresses(layout, tables, Vmalloc);
        var prot = Vmalloc.ProtOf(MemoryUse.Cached, layout.Pages.PageSize);
        if (RangesOf(layout, "fixmap") is [var fixmap, ..])
        {
            MakeTables(fixmap, prot);
            Fixmap = new Fixmap(tables, fixmap, layout.Pages);
            if (Fixmap.Count >= KmapAtomic.Depth * memory.Allocator.Cpus.Count)
                KmapAtomic = new KmapAtomic(Fixmap, memory.Allocator, prot);
        }
        if (RangesOf(layout, "pkmap") is [var pkmap, ..])
        {
            MakeTables(pkmap, prot);
            PkMap = new PkMap(tables, memory.Map, pkmap, prot);
        }
    }

    /// <summary>The board's memory.</summary>
    public BootedMemory Memory { get; }

    /// <summary>The kernel's tables.</summary>
    public IPageTables Tables { get; }

    /// <summary>What is mapped with which memory type.</summary>
    public MemoryTypeMap Types { get; }

    /// <summary>vmalloc and vmap.</summary>
    public VmallocSpace Vmalloc { get; }

    /// <summary>ioremap.</summary>
    public IoMapper Io { get; }

    /// <summary>What an address is; phys_to_virt and virt_to_phys.</summary>
    public KernelAddresses Addresses { get; }

    /// <summary>Fixed mappings; null where the layout has no range for them.</summary>
    public Fixmap? Fixmap { get; }

    /// <summary>kmap; null where the layout has no range for it.</summary>
    public PkMap? PkMap { get; }

    /// <summary>kmap_atomic; null where the fixmap has no room for it.</summary>
    public KmapAtomic? KmapAtomic { get; }

    /// <summary>Turns the MMU of a booted board on.</summary>
    /// <param name="memory">The board's memory; it stays the caller's.</param>
    /// <param name="domain">The TLBs; null for new ones.</param>
    /// <exception cref="NotSupportedException">No format of tables is known for the board's architecture.</exception>
    /// <exception cref="MemoryBootException">There is no memory for the tables.</exception>
    public static KernelVirtualMemory Boot(BootedMemory memory, TlbDomain? domain = null)
    {
        ArgumentNullException.ThrowIfNull(memory);
        var tlbs = domain ?? new TlbDomain();
        var layout = memory.Layout;
        var policy = layout.Board.Policy;
        var bits = policy.VaBits?.Value ?? 48;
        return layout.Board.Architecture switch
        {
            TargetArchitecture.Arm when policy.ArmLpae?.Value ?? false => Boot(memory, default(ArmLpaeFormat), tlbs),
            TargetArchitecture.Arm => Boot(memory, default(ArmShortFormat), tlbs),
            TargetArchitecture.Arm64 => layout.Pages.PageShift switch
            {
                14 => Boot(memory, new Vmsav8Format<Granule16K>(bits, isUpper: true), tlbs),
                16 => Boot(memory, new Vmsav8Format<Granule64K>(bits, isUpper: true), tlbs),
                _ => Boot(memory, new Vmsav8Format<Granule4K>(bits, isUpper: true), tlbs),
            },
            TargetArchitecture.X86 when policy.X86Pae?.Value ?? false => Boot(memory, default(X86Format<Pae>), tlbs),
            TargetArchitecture.X86 => Boot(memory, default(X86Format<TwoLevel>), tlbs),
            TargetArchitecture.X64 when layout.PageOffset.Value < 0xffff_0000_0000_0000 => Boot(memory, default(X86Format<FiveLevel>), tlbs),
            TargetArchitecture.X64 => Boot(memory, default(X86Format<FourLevel>), tlbs),
            _ => throw new NotSupportedException($"No kernel page tables are known for {layout.Board.Architecture}."),
        };
    }

    /// <summary>Another CPU that has the kernel's tables.</summary>
    /// <param name="profile">Its TLB.</param>
    public ICpuPort AddCpu(TlbProfile profile)
    {
        ArgumentNullException.ThrowIfNull(profile);
        return _newCpu(profile);
    }

    private static KernelVirtualMemory Boot<TFormat>(BootedMemory memory, TFormat format, TlbDomain domain)
        where TFormat : struct, ITranslationFormat
    {
        var tables = PageTables.Create(memory.Allocator.Cpus[0], memory.Memory, format, domain)
            ?? throw new MemoryBootException("There is no page for the root of the kernel's tables.");
        var huge = format.Shapes.Where(static shape => shape.Count == 1).Skip(1).Select(static shape => shape.Bytes).FirstOrDefault(memory.Layout.Pages.PageSize);
        return new KernelVirtualMemory(
            memory, tables,
            profile =>
            {
                var cpu = new MmuCpu<TFormat>(memory.Memory, new TlbModel(profile, domain));
                cpu.SetTables(format, tables.Root, 0);
                return cpu;
            },
            // No larger than the page allocator's blocks.
            Math.Min(huge, memory.Layout.Pages.PageSize << memory.Map.MaxOrder));
    }

    private static ImmutableArray<VirtRange> RangesOf(MemoryLayout layout, string name) =>
        [.. layout.Virtual.Where(range => range.Name == name).Select(range => range.Range)];

    private void MapLinear()
    {
        var layout = Memory.Layout;
        var prot = Vmalloc.ProtOf(MemoryUse.Cached, ulong.MaxValue);
        foreach (var (virt, phys) in LinearPieces(layout))
        {
            var result = Tables.Map(Memory.Allocator.Cpus[0], virt, phys.Start, phys.Size.Value, prot);
            if (!result.IsOk)
                throw new MemoryBootException($"The linear map of {phys} at {virt}: {result}.");
            Types.TryAdd(new TypedMapping(phys, prot.Attributes.Memory, virt, "the linear map"));
        }
    }

    // From boot on, so that nothing is allocated where nobody may sleep (early_fixmap_init, kmap_init).
    private void MakeTables(VirtRange range, PageProt prot)
    {
        var cpu = Memory.Allocator.Cpus[0];
        if (!Tables.Map(cpu, range.Start, PhysAddr.Zero, range.Size.Value, prot).IsOk || !Tables.UnmapOnly(cpu, range.Start, range.Size.Value).IsOk)
            throw new MemoryBootException($"There are no pages for the tables of {range}.");
        Tables.Domain.Invalidate(TlbScope.Range(range.Start, range.Last, null, globals: true));
    }

    // RAM of the linear map in pieces with one difference each, whole pages.
    private static IEnumerable<(VirtAddr Virt, PhysRange Phys)> LinearPieces(MemoryLayout layout)
    {
        var page = layout.Pages.PageSize;
        foreach (var segment in layout.Linear.Segments)
        {
            var span = new PhysRange(segment.Phys, segment.Size);
            foreach (var ram in layout.Linear.Ram)
            {
                var piece = span.Intersect(ram);
                if (piece.IsEmpty)
                    continue;
                var first = (piece.Start.Value + (page - 1)) & ~(page - 1);
                var end = (piece.Last.Value + 1) & ~(page - 1);
                if (end > first)
                    yield return (segment.Virt + (first - segment.Phys.Value), new PhysRange(new PhysAddr(first), end - first));
            }
        }
    }
}
