using KmemKit.Architecture;
using KmemKit.BoardCompiler.Policies;

namespace KmemKit.BoardCompiler.Layout.SixtyFour;

/// <summary>
/// The fixed virtual addresses of arm64 kernels by version, VA_BITS and page size. All arithmetic is modulo 2^64, as the kernel's unsigned long is.
/// </summary>
/// <remarks>
/// Source: arch/arm64/include/asm/{memory,pgtable,fixmap}.h of 3.7, 4.6, 5.4, 5.11, 5.17, 6.5 and 6.9, and Documentation/arm64/memory.rst.
/// <code>
///   to 5.3   | (vmalloc) modules | vmalloc … fixed, PCI I/O, vmemmap | linear map |        the linear map is the upper half
///   from 5.4 | linear map | (bpf jit) modules | vmalloc … fixed, PCI I/O, vmemmap |        the linear map is the lower half
/// </code>
/// </remarks>
internal sealed class Arm64Rules
{
    public static readonly LinuxVersion Oldest = new(3, 7);
    public static readonly LinuxVersion Newest = new(6, 9);

    private const ulong KiB64 = 64UL << 10;
    private const ulong MiB = 1UL << 20;
    private const ulong GiB = 1UL << 30;
    private const ulong PciIoSize = 16 * MiB;

    // STRUCT_PAGE_MAX_SHIFT: struct page takes at most 64 bytes.
    private const int StructPageShift = 6;

    private Arm64Rules()
    {
    }

    public ulong PageOffset { get; private init; }

    /// <summary>Where the linear map ends; the value 2^64 where it is the upper half.</summary>
    public AddressLimit PageEnd { get; private init; }

    public ulong ModulesStart { get; private init; }

    public ulong ModulesEnd { get; private init; }

    public ulong VmallocStart { get; private init; }

    public ulong VmallocEnd { get; private init; }

    public ulong VmemmapStart { get; private init; }

    public ulong VmemmapEnd { get; private init; }

    public ulong PciIoStart { get; private init; }

    public ulong PciIoEnd => PciIoStart + PciIoSize;

    public ulong FixaddrTop { get; private init; }

    /// <summary>Where the fixmap, which grows down, may reach; null where only the build knows.</summary>
    public ulong? FixaddrFloor { get; private init; }

    /// <summary>Start of the 128 MiB for the BPF JIT (5.4 to 5.16); null elsewhere.</summary>
    public ulong? BpfJitStart { get; private init; }

    public static Arm64Rules For(LinuxVersion version, int vaBits, PageGeometry pages)
    {
        var shift = pages.PageShift;
        if (version < new LinuxVersion(4, 6))
            return Original(vaBits, shift);
        if (version < new LinuxVersion(5, 4))
            return KernelInVmalloc(vaBits, shift);
        return Flipped(version, vaBits, shift);
    }

    private static ulong MinusPowerOf2(int bits) => bits >= 64 ? 0 : unchecked(0UL - (1UL << bits));

    private static int PudShift(int vaBits, int pageShift)
    {
        // PUD_SIZE with folded levels: the size of one entry of the level below the top, or of the top level where there are only two.
        var bitsPerLevel = pageShift - 3;
        var levels = (vaBits - pageShift + bitsPerLevel - 1) / bitsPerLevel;
        return levels >= 4 ? pageShift + 2 * bitsPerLevel : pageShift + (levels - 1) * bitsPerLevel;
    }

    private static Arm64Rules Original(int vaBits, int pageShift)
    {
        unchecked
        {
            var pud = 1UL << PudShift(vaBits, pageShift);
            var pageOffset = MinusPowerOf2(vaBits - 1);
            var vmemmapSize = Alignment.Up(1UL << (vaBits - pageShift + StructPageShift), pud);
            var modules = pageOffset - 64 * MiB;
            var pciIo = modules - 2 * MiB - PciIoSize;
            var vmallocEnd = pageOffset - pud - vmemmapSize - KiB64;
            return new Arm64Rules
            {
                PageOffset = pageOffset,
                PageEnd = AddressLimit.Top,
                ModulesStart = modules,
                ModulesEnd = pageOffset,
                VmallocStart = MinusPowerOf2(vaBits),
                VmallocEnd = vmallocEnd,
                VmemmapStart = vmallocEnd + KiB64,
                VmemmapEnd = vmallocEnd + KiB64 + vmemmapSize,
                PciIoStart = pciIo,
                FixaddrTop = pciIo - 2 * MiB,
            };
        }
    }

    private static Arm64Rules KernelInVmalloc(int vaBits, int pageShift)
    {
        unchecked
        {
            var pud = 1UL << PudShift(vaBits, pageShift);
            var pageOffset = MinusPowerOf2(vaBits - 1);
            var modules = MinusPowerOf2(vaBits);
            var vmemmapSize = 1UL << (vaBits - pageShift - 1 + StructPageShift);
            var vmemmap = pageOffset - vmemmapSize;
            var pciIo = vmemmap - 2 * MiB - PciIoSize;
            return new Arm64Rules
            {
                PageOffset = pageOffset,
                PageEnd = AddressLimit.Top,
                ModulesStart = modules,
                ModulesEnd = modules + 128 * MiB,
                VmallocStart = modules + 128 * MiB,
                VmallocEnd = pageOffset - pud - vmemmapSize - KiB64,
                VmemmapStart = vmemmap,
                VmemmapEnd = pageOffset,
                PciIoStart = pciIo,
                FixaddrTop = pciIo - 2 * MiB,
            };
        }
    }

    private static Arm64Rules Flipped(LinuxVersion version, int vaBits, int pageShift)
    {
        unchecked
        {
            // With 52 bits the image has to work on hardware that has 48 (16 KiB pages: 47), so everything above the linear map sits in those.
            var vaBitsMin = vaBits <= 48 ? vaBits : pageShift == 14 && version >= new LinuxVersion(6, 9) ? 47 : 48;
            var pageOffset = MinusPowerOf2(vaBits);
            var pageEnd = MinusPowerOf2(vaBitsMin - 1);
            var vmemmapSize = (pageEnd - pageOffset) >> (pageShift - StructPageShift);
            var bpf = version < new LinuxVersion(5, 17);
            var modules = pageEnd + (bpf ? 128 * MiB : 0);
            var modulesEnd = modules + (version < new LinuxVersion(6, 5) ? 128 * MiB : 2 * GiB);
            ulong vmemmap, pciIo, fixaddrTop, vmallocEnd;
            ulong? floor = null;
            if (version < new LinuxVersion(5, 11))
            {
                vmemmap = 0 - vmemmapSize - 2 * MiB;
                pciIo = vmemmap - 2 * MiB - PciIoSize;
                fixaddrTop = pciIo - 2 * MiB;
                vmallocEnd = 0 - (1UL << PudShift(vaBits, pageShift)) - vmemmapSize - KiB64;
            }
            else if (version < new LinuxVersion(6, 9))
            {
                vmemmap = MinusPowerOf2(vaBits - (pageShift - StructPageShift));
                pciIo = vmemmap - 8 * MiB - PciIoSize;
                fixaddrTop = vmemmap - 32 * MiB;
                vmallocEnd = vmemmap - 256 * MiB;
                floor = vmallocEnd;
            }
            else
            {
                var vmemmapEnd = 0 - GiB;
                vmemmap = vmemmapEnd - vmemmapSize;
                pciIo = vmemmapEnd + 8 * MiB;
                fixaddrTop = 0 - 8 * MiB;
                vmallocEnd = vmemmap - 8 * MiB;
                floor = pciIo + PciIoSize;
            }
            return new Arm64Rules
            {
                PageOffset = pageOffset,
                PageEnd = pageEnd,
                BpfJitStart = bpf ? pageEnd : null,
                ModulesStart = modules,
                ModulesEnd = modulesEnd,
                VmallocStart = modulesEnd,
                VmallocEnd = vmallocEnd,
                VmemmapStart = vmemmap,
                VmemmapEnd = vmemmap + vmemmapSize,
                PciIoStart = pciIo,
                FixaddrTop = fixaddrTop,
                FixaddrFloor = floor,
            };
        }
    }
}
