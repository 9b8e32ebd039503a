using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Policies;
using KmemKit.Runtime.Memblock;
using KmemKit.Runtime.Memory;

namespace KmemKit.Runtime.Boot;

/// <summary>Memory that early boot takes and never gives back.</summary>
/// <param name="Name">What for: <c>kernel image</c>, <c>swapper_pg_dir</c>, <c>vectors</c>, <c>zero page</c>, <c>NODE_DATA(0)</c>, a hash table's name.</param>
/// <param name="Range">Where.</param>
public sealed record EarlyAllocation(string Name, PhysRange Range);

/// <summary>What a kernel takes from memblock before the page allocator runs, in its order.</summary>
/// <remarks>
/// <para>Reserved where they are: the kernel image, if the policy gives its sections; the first-level table in front of the image (32-bit Arm:
/// <c>swapper_pg_dir</c>, 16 KiB, 20 KiB with LPAE, at PHYS_OFFSET + TEXT_OFFSET less its size); the vectors of an MPU core that has them in RAM.
/// Allocated: vectors, zero page, per-node data of a NUMA kernel. Page tables below the first level come with the MMU.</para>
/// <para>Sources: arch/arm/mm/{mmu,nommu}.c (arm_mm_memblock_reserve, devicemaps_init, paging_init), arch/arm64/mm/mmu.c, arch/x86/mm/numa.c.</para>
/// </remarks>
internal sealed class EarlyAllocations
{
    /// <summary>Name of planned tables among what is in place.</summary>
    public const string PageTables = "page tables";

    private const ulong TextOffset = 0x8000;

    private readonly MemoryLayout _layout;
    private readonly KernelBuild _build;
    private readonly Memblock.Memblock _memblock;
    private readonly PhysicalMemory _memory;
    private readonly List<EarlyAllocation> _done = [];
    private readonly ImmutableArray<EarlyAllocation> _inPlace;

    public EarlyAllocations(MemoryLayout layout, KernelBuild build, Memblock.Memblock memblock, PhysicalMemory memory, ImmutableArray<EarlyAllocation> inPlace)
    {
        _inPlace = inPlace;
        _layout = layout;
        _build = build;
        _memblock = memblock;
        _memory = memory;
    }

    public IReadOnlyList<EarlyAllocation> Done => _done;

    /// <summary>The image and what stands at fixed places (<c>arm_memblock_init</c> and its like).</summary>
    public void ReserveFixed()
    {
        var image = KernelImage.Placement(_layout).ToArray();
        foreach (var range in image)
            Reserve("kernel image", range);
        foreach (var (name, range) in _inPlace)
            Reserve(name, range);
        if (!IsInPlace(PageTables))
        {
            if (_build.Architecture == TargetArchitecture.Arm && _build.UsesMmu)
                Reserve("swapper_pg_dir", FirstLevelTable());
            else if (_build.UsesMmu && image.Length == 0)
                Allocate("swapper_pg_dir", _build.Pages.PageSize, _build.Pages.PageSize);
        }
        if (HasVectorsInRam(out var vectors))
            Reserve("vectors", vectors);
    }

    /// <summary>What paging_init allocates beside page tables, then the nodes' data.</summary>
    public void AllocateForPaging()
    {
        var page = _build.Pages.PageSize;
        if (_build.Architecture == TargetArchitecture.Arm && _build.UsesMmu && !IsInPlace("vectors"))
            Allocate("vectors", _build.IsSince(3, 11) ? 2 * page : page, page);
        // Elsewhere the zero page is part of the image's .bss.
        if (_build.Architecture == TargetArchitecture.Arm || KernelImage.Of(_layout.Board.Policy) == KernelImage.None)
            Allocate("zero page", page, page);
        if (!_build.IsNuma)
            return;
        foreach (var node in _layout.Zones.Select(static zone => zone.Node).Distinct())
            Allocate($"NODE_DATA({node})", NodeDataBytes, 64, node);
    }

    /// <summary>A hash table's memory; where there is no such row of free bytes, it is halved (<c>alloc_large_system_hash</c>).</summary>
    public SystemHash Allocate(SystemHash hash)
    {
        while (true)
        {
            if (TryAllocate(hash.Name, hash.Bytes, Memblock.Memblock.DefaultAlignment))
                return hash;
            if (hash.Bytes <= _build.Pages.PageSize)
                throw NoRoom(hash.Name, hash.Bytes);
            hash = hash with { Entries = hash.Entries / 2, Bytes = hash.Bytes / 2 };
        }
    }

    // sizeof(pg_data_t) in whole lines, as kernels print it: 0x5000 on x86-64 (2.6.3x to 3.x), 0x2900 on arm64 (5.x).
    private ulong NodeDataBytes => _build.IsX86 ? 0x5000UL : 0x2900;

    private PhysRange FirstLevelTable()
    {
        var size = _layout.Board.Policy.ArmLpae?.Value ?? false ? 0x5000UL : 0x4000;
        // Right below the image, which starts at TEXT_OFFSET where nothing else is said.
        var text = KernelImage.Placement(_layout).Select(static range => range.Start.Value).DefaultIfEmpty(_layout.PhysOffset.Value + TextOffset).Min();
        return new PhysRange(new PhysAddr(Math.Max(size, text) - size), size);
    }

    // nommu.c: CONFIG_VECTORS_BASE, two pages at 0, on cores that have their vectors there; M-profile cores have a table of their own.
    private bool HasVectorsInRam(out PhysRange range)
    {
        range = new PhysRange(PhysAddr.Zero, 2 * _build.Pages.PageSize);
        return _build.Architecture == TargetArchitecture.Arm && !_build.UsesMmu && _memblock.IsMemory(PhysAddr.Zero) && !IsMProfile(_layout.Board);
    }

    private static bool IsMProfile(Board board) =>
        board.Cpus.Any(static cpu => cpu.Compatible.Any(static name => name.StartsWith("arm,cortex-m", StringComparison.Ordinal)));

    private bool IsInPlace(string name) => _inPlace.Any(taken => taken.Name == name);

    private void Reserve(string name, PhysRange range)
    {
        if (range.IsEmpty)
            return;
        _memblock.Reserve(range.Start, range.Size);
        _done.Add(new EarlyAllocation(name, range));
    }

    private void Allocate(string name, ulong size, ulong alignment, int node = Memblock.Memblock.NoNode)
    {
        if (!TryAllocate(name, size, alignment, node))
            throw NoRoom(name, size);
    }

    private unsafe bool TryAllocate(string name, ulong size, ulong alignment, int node = Memblock.Memblock.NoNode)
    {
        if (_memblock.Alloc(size, alignment, node: node) is not { } at)
            return false;
        if (_memory.PointerTo(at, size) is null)
            throw NoRoom(name, size);
        _done.Add(new EarlyAllocation(name, new PhysRange(at, size)));
        return true;
    }

    private static MemoryBootException NoRoom(string name, ulong size) => new($"there is no row of {size} free bytes for {name}");
}
