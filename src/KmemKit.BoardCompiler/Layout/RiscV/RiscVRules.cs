using KmemKit.Architecture;
using KmemKit.BoardCompiler.Policies;

namespace KmemKit.BoardCompiler.Layout.RiscV;

/// <summary>
/// The fixed virtual addresses of RISC-V kernels by release and paging mode. All arithmetic is modulo 2^64, as the kernel's unsigned long is.
/// </summary>
/// <remarks>
/// Source: arch/riscv/include/asm/{page,pgtable,fixmap,kasan}.h and Documentation/arch/riscv/vm-layout.rst of 5.4, 5.13, 5.17, 6.3, 6.11, and boot logs of 5.7 to
/// 6.12 (tests/vectors/layout).
/// <code>
///   to 5.12, 32-bit | fixmap | PCI I/O | vmemmap | vmalloc | linear map, the image in it                             |
///   5.13 to 5.16    | kasan  | fixmap | PCI I/O | vmemmap | vmalloc | linear map               | modules, BPF | image |
///   from 5.17       |        | fixmap | PCI I/O | vmemmap | vmalloc | linear map      | kasan   | modules, BPF | image |
/// </code>
/// </remarks>
internal sealed class RiscVRules
{
    public static readonly LinuxVersion Oldest = new(5, 4);
    public static readonly LinuxVersion Newest = new(6, 12);

    private const ulong MiB = 1UL << 20;
    private const ulong GiB = 1UL << 30;

    /// <summary>KERNEL_LINK_ADDR of 64-bit kernels from 5.13 on.</summary>
    private const ulong ImageStart = 0xffff_ffff_8000_0000;

    // MODULES_LOWEST_VADDR: 2 GiB below the image.
    private const ulong ModulesFloor = ImageStart - 2 * GiB;

    private RiscVRules()
    {
    }

    public ulong PageOffset { get; private init; }

    /// <summary>Bytes that the linear map can have.</summary>
    public ulong LinearSize { get; private init; }

    /// <summary>Start of the image's own map, which reaches to 2^64; null where the image is in the linear map.</summary>
    public ulong? KernelStart { get; private init; }

    /// <summary>The lowest address of a module; null where modules are in vmalloc.</summary>
    public ulong? ModulesStart { get; private init; }

    public ulong VmallocStart { get; private init; }

    public ulong VmemmapStart { get; private init; }

    public ulong PciIoStart { get; private init; }

    public ulong FixmapStart { get; private init; }

    /// <summary>KASAN's shadow, where the kernel has one; empty where it has none.</summary>
    public (ulong Start, ulong End) Kasan { get; private init; }

    /// <summary>PAGE_OFFSET where the policy does not move it.</summary>
    public static ulong UsualPageOffset(LinuxVersion version, PagingMode mode)
    {
        if (mode == PagingMode.Sv32)
            return 0xc000_0000;
        if (version < new LinuxVersion(5, 17))
            return 0xffff_ffe0_0000_0000;
        if (mode == PagingMode.Sv57)
            return 0xff60_0000_0000_0000;
        if (mode == PagingMode.Sv48)
            return 0xffff_af80_0000_0000;
        return version < new LinuxVersion(6, 11) ? 0xffff_ffd8_0000_0000 : 0xffff_ffd6_0000_0000;
    }

    /// <param name="version">The release.</param>
    /// <param name="mode">The paging mode.</param>
    /// <param name="pageOffset">PAGE_OFFSET.</param>
    /// <param name="structPageShift">STRUCT_PAGE_MAX_SHIFT.</param>
    public static RiscVRules For(LinuxVersion version, PagingMode mode, ulong pageOffset, int structPageShift)
    {
        unchecked
        {
            var is64 = mode != PagingMode.Sv32;
            var ownImage = is64 && version >= new LinuxVersion(5, 13);
            var toTop = is64 ? 0 - pageOffset : (1UL << 32) - pageOffset;
            // KERN_VIRT_SIZE: a quarter of the addresses, and before that all from PAGE_OFFSET up.
            var kernel = version >= new LinuxVersion(5, 17) ? 1UL << (mode.Bits - 2) : toTop;
            var vmalloc = pageOffset - (kernel >> 1);
            var vmemmap = vmalloc - (1UL << (mode.Bits - 12 - 1 + structPageShift));
            var pciIo = vmemmap - 16 * MiB;
            return new RiscVRules
            {
                PageOffset = pageOffset,
                LinearSize = ownImage && version < new LinuxVersion(6, 11) ? kernel - 4 * GiB : kernel,
                KernelStart = ownImage ? ImageStart : null,
                ModulesStart = ownImage ? ModulesFloor : null,
                VmallocStart = vmalloc,
                VmemmapStart = vmemmap,
                PciIoStart = pciIo,
                FixmapStart = pciIo - FixmapSize(version, mode),
                Kasan = is64 ? KasanShadow(version, mode) : default,
            };
        }
    }

    // FIXADDR_SIZE. The early map of the devicetree moved into it in 6.3, and in stable releases of that week.
    private static ulong FixmapSize(LinuxVersion version, PagingMode mode)
    {
        var withDevicetree = version >= new LinuxVersion(6, 3) || (version.Major, version.Minor) switch
        {
            (5, 15) => version.Patch >= 110,
            (6, 1) => version.Patch >= 27,
            (6, 2) => version.Patch >= 14,
            _ => false,
        };
        var usual = mode.SuperpageBytes;
        if (!withDevicetree)
            return usual;
        return usual + (mode == PagingMode.Sv32 ? usual : usual + 2 * MiB);
    }

    // One byte for eight: of the 2^38 addresses from -2^38 up, and from 5.17 of the mode's half, right below the modules.
    private static (ulong Start, ulong End) KasanShadow(LinuxVersion version, PagingMode mode)
    {
        unchecked
        {
            if (version < new LinuxVersion(5, 6))
                return default;
            if (version < new LinuxVersion(5, 17))
                return (0xffff_ffc0_0000_0000, 0xffff_ffc8_0000_0000);
            return (Alignment.Down(ModulesFloor - (1UL << (mode.Bits - 1 - 3)), mode.RootEntryBytes), ModulesFloor);
        }
    }
}
