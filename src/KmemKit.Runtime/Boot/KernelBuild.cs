using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Policies;
using KmemKit.Runtime.Zones;

namespace KmemKit.Runtime.Boot;

/// <summary>What the kernel of a board is built as: release and options that decide which lines it prints, and how large its own things are.</summary>
/// <remarks>
/// The policy's word goes first. Options that it has no key for are those of the kernels that the vectors come from: 32-bit Arm has CMA from 3.5 on and
/// no huge pages (innofw 4.4, zteorange 4.1), 64-bit Arm is its defconfig, x86 is a distribution's (twaite 3.2). A caller who knows better says so
/// with <c>with</c>.
/// </remarks>
public sealed record KernelBuild
{
    /// <summary>The release that is taken where the policy names none: the newest whose rules are known.</summary>
    public static LinuxVersion Newest { get; } = new(6, 9);

    /// <summary>The release.</summary>
    public required LinuxVersion Version { get; init; }

    /// <summary>The architecture.</summary>
    public required TargetArchitecture Architecture { get; init; }

    /// <summary>PAGE_SIZE.</summary>
    public PageGeometry Pages { get; init; }

    /// <summary>CONFIG_MMU.</summary>
    public bool UsesMmu { get; init; } = true;

    /// <summary>CONFIG_HIGHMEM.</summary>
    public bool HasHighmem { get; init; }

    /// <summary>CONFIG_NUMA.</summary>
    public bool IsNuma { get; init; }

    /// <summary>CONFIG_SMP.</summary>
    public bool IsSmp { get; init; }

    /// <summary>CONFIG_SPARSEMEM.</summary>
    public bool IsSparse { get; init; }

    /// <summary>CONFIG_CMA.</summary>
    public bool HasCma { get; init; }

    /// <summary>CONFIG_MEMORY_ISOLATION (from 3.6 on an option; before, all kernels have it).</summary>
    public bool HasIsolation { get; init; }

    /// <summary>CONFIG_TRANSPARENT_HUGEPAGE.</summary>
    public bool HasTransparentHugePages { get; init; }

    /// <summary>CONFIG_HUGETLB_PAGE.</summary>
    public bool HasHugetlb { get; init; }

    /// <summary>CONFIG_MEMORY_FAILURE.</summary>
    public bool HasMemoryFailure { get; init; }

    /// <summary>CONFIG_SWAP.</summary>
    public bool HasSwap { get; init; }

    /// <summary>CONFIG_ZSWAP.</summary>
    public bool HasZswap { get; init; }

    /// <summary>CONFIG_ZSMALLOC.</summary>
    public bool HasZsmalloc { get; init; }

    /// <summary>Whether the x86 CPU maps 1 GiB at a time (pdpe1gb).</summary>
    public bool HasGigabytePages { get; init; }

    /// <summary>The zone types that it is built with, by rising address.</summary>
    public required ImmutableArray<ZoneType> ZoneTypes { get; init; }

    /// <summary>
    /// sizeof(struct page) of that kernel in bytes: what its boot log counts as used for memmap. 32 on 32-bit (36 with CONFIG_MEMCG), 64 on 64-bit, 56 on
    /// x86-64 before 3.2. It is no measure of KmemKit's own descriptors, which take at most 32.
    /// </summary>
    public int PageDescriptorBytes { get; init; } = 32;

    /// <summary>VMALLOC_TOTAL in bytes; 0 without an MMU.</summary>
    public ulong VmallocBytes { get; init; }

    /// <summary>Whether its words have 64 bits.</summary>
    public bool Is64Bit => Architecture is TargetArchitecture.Arm64 or TargetArchitecture.X64 or TargetArchitecture.RiscV64;

    /// <summary>Whether it is an x86, of either width.</summary>
    public bool IsX86 => Architecture is TargetArchitecture.X86 or TargetArchitecture.X64;

    /// <summary>HPAGE_SIZE in bytes: what one entry of the second lowest table maps.</summary>
    public ulong HugePageBytes { get; init; }

    /// <summary>Whether the release is <paramref name="major"/>.<paramref name="minor"/> or later.</summary>
    public bool IsSince(int major, int minor) => Version >= new LinuxVersion(major, minor);

    /// <summary>The kernel that a layout is made for.</summary>
    public static KernelBuild Of(MemoryLayout layout)
    {
        System.ArgumentNullException.ThrowIfNull(layout);
        var board = layout.Board;
        var version = board.Policy.LinuxVersion?.Value ?? Newest;
        var is64 = board.Architecture is TargetArchitecture.Arm64 or TargetArchitecture.X64 or TargetArchitecture.RiscV64;
        var x86 = board.Architecture is TargetArchitecture.X86 or TargetArchitecture.X64;
        var large = x86 || is64;
        var highmem = board.Policy.Highmem?.Value ?? false;
        var cma = board.UsesMmu && version >= new LinuxVersion(3, 5) && !x86;
        cma |= board.Policy.Bootargs.Cma is { Value.Size: > 0 } || layout.Reserved.Any(static placed => placed.Region.Reusable);
        return new KernelBuild
        {
            Version = version,
            Architecture = board.Architecture,
            Pages = layout.Pages,
            UsesMmu = board.UsesMmu,
            HasHighmem = highmem,
            IsNuma = board.Policy.Numa?.Value ?? false,
            IsSmp = large || board.Cpus.Count(static cpu => cpu.Enabled) > 1,
            IsSparse = layout.Model.Kind == MemoryModelKind.Sparse,
            HasCma = cma,
            HasIsolation = cma || large || version < new LinuxVersion(3, 6),
            HasTransparentHugePages = large && board.UsesMmu,
            HasHugetlb = large && board.UsesMmu,
            HasMemoryFailure = large && board.UsesMmu,
            HasSwap = board.UsesMmu,
            ZoneTypes = ZoneTypesOf(board, version, highmem),
            PageDescriptorBytes = !is64 ? board.Policy.MemoryCgroups is { Value: true } ? 36 : 32 : board.Architecture == TargetArchitecture.X64 && version < new LinuxVersion(3, 2) ? 56 : 64,
            VmallocBytes = board.UsesMmu ? VmallocOf(layout) : 0,
            HugePageBytes = layout.Pages.PageSize << (HasFourByteEntries(board) ? 10 : layout.Pages.PageShift - 3),
        };
    }

    private static bool HasFourByteEntries(Board board) => board.Architecture == TargetArchitecture.RiscV32
        || (board.Architecture == TargetArchitecture.X86 && !(board.Policy.X86Pae?.Value ?? false));

    // The options behind the boundaries of the layout's ZonePlanner, whether such memory is there or not.
    private static ImmutableArray<ZoneType> ZoneTypesOf(Board board, LinuxVersion version, bool highmem)
    {
        var (dma, dma32) = board.Architecture switch
        {
            TargetArchitecture.X86 => (true, false),
            TargetArchitecture.X64 => (true, true),
            TargetArchitecture.Arm64 => (version < new LinuxVersion(4, 16) || version >= new LinuxVersion(5, 5), version >= new LinuxVersion(4, 16)),
            TargetArchitecture.RiscV64 => (false, true),
            _ => (board.Policy.ZoneDma?.Value ?? board.Policy.ZoneDmaSize is not null, false),
        };
        var types = ImmutableArray.CreateBuilder<ZoneType>();
        if (dma && (board.Policy.ZoneDma?.Value ?? true))
            types.Add(ZoneType.Dma);
        if (dma32 && (board.Policy.ZoneDma32?.Value ?? true))
            types.Add(ZoneType.Dma32);
        types.Add(ZoneType.Normal);
        if (highmem)
            types.Add(ZoneType.HighMem);
        types.Add(ZoneType.Movable);
        return types.ToImmutable();
    }

    // vmalloc saving has several.
    private static ulong VmallocOf(MemoryLayout layout) => layout.Virtual.Where(static range => range.Name == "vmalloc")
        .Aggregate(0UL, static (sum, range) => sum + range.Range.Size.Wrapped);
}
