using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.KernelMaps;
using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Tables;
using KmemKit.Runtime.Boot;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Highmem;
using KmemKit.Runtime.Ioremap;
using KmemKit.Runtime.Memory;
using KmemKit.Runtime.Mmu;
using KmemKit.Runtime.Processes;
using KmemKit.Runtime.Processor;
using KmemKit.Runtime.Slab;
using KmemKit.Runtime.Tlb;
using KmemKit.Runtime.Vmalloc;

namespace KmemKit.Runtime.Kernel;

/// <summary>A board that runs with its MMU on: memory, page tables, CPUs, the allocators of a kernel, and what a driver needs of it.</summary>
/// <remarks>
/// <para>Boot goes the way of the board. The page tables are planned (<see cref="PageTablePlanner"/>, what <c>kmem tables</c> prints); memory comes up with their place
/// reserved; their image is written there and nowhere changed; the CPUs start from it; the kernel then takes the identity map away and goes on with the same tables,
/// which grow and shrink from the page allocator. What is mapped, with which rights and in which leaves, is what the plan says, byte for byte.</para>
/// <para>Two boots of one board are equal: nothing depends on time, on chance or on the host's addresses. Each CPU (<see cref="Cpus"/>, and the page allocator's of the same number)
/// is for one thread at a time.</para>
/// </remarks>
public class MmuKernel : IDriverKernel, IDisposable
{
    private readonly TranslationUnit _unit;
    private bool _disposed;

    private protected MmuKernel(PageTablePlan plan, BootedMemory memory, MmuKernelOptions options)
    {
        Plan = plan;
        Booted = memory;
        var layout = memory.Layout;
        Tlbs = new TlbDomain();
        if (options.WatchTranslations)
            Tlbs.Watch();
        LoadImage();
        _unit = TranslationUnit.Of(plan, memory, Tlbs);
        var tlb = options.Tlb ?? TlbProfiles.Of(layout.Board.Architecture, layout.Board.Cpus.FirstOrDefault()?.Compatible ?? []);
        Cpus = [.. memory.Allocator.Cpus.Select(_ => _unit.NewCpu(tlb))];
        Types = new MemoryTypeMap();
        Vmalloc = new VmallocSpace(Tables, memory.Allocator, RangesOf("vmalloc"), Math.Min(_unit.HugeBytes, layout.Pages.PageSize << memory.Map.MaxOrder));
        TakeOver();
        if (!options.KeepIdentityMap)
            DropIdentityMap();
        Io = new IoMapper(Vmalloc, Tables, memory.Memory, Types);
        Addresses = new KernelAddresses(layout, Tables, Vmalloc);
        var prot = Vmalloc.ProtOf(MemoryUse.Cached, layout.Pages.PageSize);
        if (RangesOf("fixmap").Concat(RangesOf("fixed")).FirstOrDefault() is { IsEmpty: false } fixmap)
        {
            Fixmap = new Fixmap(Tables, fixmap, layout.Pages);
            if (Fixmap.Count >= KmapAtomic.Depth * memory.Allocator.Cpus.Count)
                KmapAtomic = new KmapAtomic(Fixmap, memory.Allocator, prot);
        }
        if (RangesOf("pkmap").FirstOrDefault() is { IsEmpty: false } pkmap)
            PkMap = new PkMap(Tables, memory.Map, pkmap, prot);
    }

    /// <summary>The board.</summary>
    public string BoardName => Layout.Board.Name;

    /// <summary>Its memory layout.</summary>
    public MemoryLayout Layout => Booted.Layout;

    /// <summary>The tables that it was booted from; those of now are <see cref="Tables"/>.</summary>
    public PageTablePlan Plan { get; }

    /// <summary>Its memory as boot brought it up: early allocations, boot log, /proc.</summary>
    public BootedMemory Booted { get; }

    /// <summary>RAM and bus: devices are put there (<see cref="PhysicalMemory.RequestMemRegion"/>).</summary>
    public PhysicalMemory Memory => Booted.Memory;

    /// <summary>The page allocator.</summary>
    public PageAllocator Allocator => Booted.Allocator;

    /// <summary>Object caches and kmalloc.</summary>
    public ObjectAllocator Objects => Booted.Objects;

    /// <summary>The CPUs: number n is the page allocator's CPU n.</summary>
    public ImmutableArray<IMmuCpu> Cpus { get; }

    /// <summary>The first CPU.</summary>
    public IMmuCpu Cpu => Cpus[0];

    /// <summary>The CPUs' TLBs, and where mistakes with translations are reported.</summary>
    public TlbDomain Tlbs { get; }

    /// <summary>The kernel's tables.</summary>
    public IPageTables Tables => _unit.Kernel;

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

    ICpuPort IDriverKernel.Cpu => Cpu;

    internal TranslationUnit Unit => _unit;

    /// <summary>Boots a compiled board.</summary>
    /// <exception cref="ArgumentException">It has no layout, or runs without MMU.</exception>
    /// <exception cref="MemoryBootException">Its memory cannot be booted.</exception>
    /// <exception cref="NotSupportedException">No format of tables is known for its architecture.</exception>
    public static MmuKernel Boot(BoardCompilation compilation, MmuKernelOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(compilation);
        return compilation.Layout is { } layout
            ? Boot(layout, options)
            : throw new ArgumentException($"{compilation.Name} has no layout: {string.Join("; ", compilation.Diagnostics)}", nameof(compilation));
    }

    /// <summary>Boots a layout.</summary>
    /// <inheritdoc cref="Boot(BoardCompilation, MmuKernelOptions?)"/>
    public static MmuKernel Boot(MemoryLayout layout, MmuKernelOptions? options = null) =>
        Boot(layout, options ?? new MmuKernelOptions(), static (plan, memory, choice) => new MmuKernel(plan, memory, choice));

    /// <summary>Boots from page tables that were planned before: what machines of one board share is not done again for each.</summary>
    /// <inheritdoc cref="Boot(BoardCompilation, MmuKernelOptions?)"/>
    public static MmuKernel Boot(PageTablePlan plan, MmuKernelOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(plan);
        return Boot(plan, options ?? new MmuKernelOptions(), static (tables, memory, choice) => new MmuKernel(tables, memory, choice));
    }

    /// <summary>Memory of the kernel: kmalloc, and vmalloc for what is too large for it (<c>kvmalloc</c>).</summary>
    public unsafe VirtAddr? Alloc(ulong bytes)
    {
        ArgumentOutOfRangeException.ThrowIfZero(bytes);
        if (bytes > (ulong)Objects.KmallocMaxSize)
            return bytes / Layout.Pages.PageSize > Allocator.TotalPages ? null : Vmalloc.Vmalloc(Allocator.Cpus[0], bytes, caller: "kvmalloc");
        var block = Objects.Kmalloc(Allocator.Cpus[0], (nuint)bytes, GfpFlags.Kernel);
        return block is null ? null : Objects.AddressOf(block);
    }

    /// <inheritdoc/>
    public unsafe void Free(VirtAddr block)
    {
        if (Vmalloc.Contains(block))
            Vmalloc.Vfree(Allocator.Cpus[0], block);
        else
            Objects.Kfree(Allocator.Cpus[0], Objects.PointerTo(block));
    }

    /// <summary>ioremap. What boot has mapped for the device already is given again, as 32-bit Arm does with static mappings.</summary>
    /// <returns>Null where ioremap refuses the range (RAM, another mapping with another type) or there are no addresses; <see cref="Io"/> says why.</returns>
    public VirtAddr? MapDevice(PhysRange registers)
    {
        if (registers.IsEmpty)
            throw new ArgumentException("A device has at least one register.", nameof(registers));
        if (StaticMapping(registers) is { } known)
            return known.Virt.Start + (registers.Start.Value - known.Phys.Value);
        try
        {
            return Io.Ioremap(Allocator.Cpus[0], registers.Start, registers.Size.Value, "driver");
        }
        catch (IoremapException)
        {
            return null;
        }
    }

    /// <inheritdoc/>
    public void UnmapDevice(VirtAddr registers)
    {
        // iounmap leaves static mappings alone.
        if (Plan.Map.At(registers) is not { Rule: MapRule.StaticIo })
            Io.Iounmap(Allocator.Cpus[0], registers);
    }

    /// <summary>Lets processes run on this kernel. One table at a time: dispose of it to have another.</summary>
    /// <param name="options">How; null for the board's split and the kernel's defaults.</param>
    public ProcessTable StartProcesses(ProcessOptions? options = null) => new(this, options ?? new ProcessOptions());

    /// <summary>Gives the board's memory back to the host.</summary>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Gives the board's memory back to the host.</summary>
    protected virtual void Dispose(bool disposing)
    {
        if (!disposing || _disposed)
            return;
        _disposed = true;
        Booted.Dispose();
    }

    private protected static TKernel Boot<TKernel>(MemoryLayout layout, MmuKernelOptions options, Func<PageTablePlan, BootedMemory, MmuKernelOptions, TKernel> make)
    {
        ArgumentNullException.ThrowIfNull(layout);
        var planned = BoardTables.Of(layout);
        return planned.Plan is { } plan
            ? Boot(plan, options, make)
            : throw new ArgumentException($"{layout.Board.Name} has no page tables: {string.Join("; ", planned.Diagnostics)}", nameof(layout));
    }

    private static TKernel Boot<TKernel>(PageTablePlan plan, MmuKernelOptions options, Func<PageTablePlan, BootedMemory, MmuKernelOptions, TKernel> make)
    {
        var inPlace = options.Memory.InPlace.Add(new EarlyAllocation(EarlyAllocations.PageTables, plan.Range));
        if (plan.Map.VectorsPage is { } vectors)
            inPlace = inPlace.Add(new EarlyAllocation("vectors", vectors));
        var memory = BootedMemory.Boot(plan.Map.Layout, options.Memory with { InPlace = inPlace });
        try
        {
            return make(plan, memory, options);
        }
        catch
        {
            memory.Dispose();
            throw;
        }
    }

    private unsafe void LoadImage()
    {
        var image = TableImage.Write(Plan);
        var host = Memory.PointerTo(Plan.Base, Plan.Bytes);
        if (host is null)
            throw new MemoryBootException($"The page tables' place {Plan.Range} is no RAM.");
        image.CopyTo(new Span<byte>(host, image.Length));
    }

    // What the image has mapped is known from now on: memory types, and addresses of the vmalloc range that are taken.
    private void TakeOver()
    {
        foreach (var region in Plan.Map.Regions)
        {
            if (region.Rule == MapRule.Identity || Tables.AttributesAt(region.Virt.Start) is not { } attributes)
                continue;
            Types.TryAdd(new TypedMapping(region.PhysRange, attributes.Memory, region.Virt.Start, region.Rule == MapRule.LinearMap ? "the linear map" : region.Name));
            if (region.Rule == MapRule.StaticIo && Vmalloc.Contains(region.Virt.Start))
                Vmalloc.TryRegister(region.Virt, region.Phys, attributes.Memory, region.Name);
        }
    }

    private void DropIdentityMap()
    {
        foreach (var cpu in Cpus)
            _unit.UseKernelTables(cpu);
        foreach (var region in Plan.Map.Regions.Where(region => region.Rule == MapRule.Identity))
        {
            if (_unit.HasSecondTree)
                continue;
            var result = Tables.Unmap(Allocator.Cpus[0], region.Virt.Start, region.Virt.Size.Value);
            if (!result.IsOk)
                throw new MemoryBootException($"The identity map {region.Virt} cannot be taken away: {result}.");
        }
        // Of the other tree nothing may be left in a TLB either.
        Tlbs.Invalidate(TlbScope.AddressSpace(0, globals: false));
    }

    private MapRegion? StaticMapping(PhysRange registers) =>
        Plan.Map.Regions.FirstOrDefault(region => region.Rule == MapRule.StaticIo && region.PhysRange.Contains(registers));

    private IEnumerable<VirtRange> RangesOf(string name) => Layout.Virtual.Where(range => range.Name == name).Select(range => range.Range);
}
