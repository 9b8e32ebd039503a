using System;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Policies;

namespace KmemKit.BoardCompiler.Layout.SixtyFour;

/// <summary>The memory layout of arm64 kernels, 3.7 to 6.9: all RAM is lowmem, as far as the linear map reaches.</summary>
/// <remarks>Source: arch/arm64/mm/init.c, arm64_memblock_init; the virtual addresses are <see cref="Arm64Rules"/>.</remarks>
internal static class Arm64Layout
{
    public static MemoryLayout? Plan(Board board, LinuxVersion version, DiagnosticBag diagnostics)
    {
        var policy = board.Policy;
        var pages = policy.PageGeometry?.Value ?? PageGeometry.FourKiB;
        var choices = VaBitsChoices(pages, version);
        var vaBits = policy.VaBits?.Value ?? (choices.Contains(48) ? 48 : choices[choices.Length - 1]);
        if (!choices.Contains(vaBits))
        {
            diagnostics.Add(DiagnosticTable.Layout.VaBitsUnusable, policy.VaBits?.Span ?? default, vaBits, pages, version, string.Join(", ", choices));
            return null;
        }
        var rules = Arm64Rules.For(version, vaBits, pages);
        var physicalBits = vaBits == 52 || (pages == PageGeometry.SixtyFourKiB && version >= new LinuxVersion(4, 16)) ? 52 : 48;

        var ram = BankCollection.Collect(board, physicalBits, memIsAmount: true, diagnostics);
        BankCollection.TakeHoles(board, ram, diagnostics);
        if (diagnostics.HasErrors || !BankCollection.CheckAny(board, ram, diagnostics))
            return null;

        var physOffset = policy.PhysOffset?.Value.Value ?? Alignment.Down(ram.Start, MemstartAlignment(board, pages, version));
        if (!AllLowmem.ReachesDown(board, physOffset, ram, diagnostics))
            return null;
        var ignored = BankCollection.DropBeyondLinearMap(ram, physOffset, rules.PageEnd.SizeFrom(rules.PageOffset).Value, diagnostics);
        if (!BankCollection.CheckAny(board, ram, diagnostics))
            return null;
        return AllLowmem.Assemble(board, $"linux-arm64-{version}", pages, rules.PageOffset, physOffset, ram, ignored,
            highMemory => Virtual(policy, version, rules, highMemory, diagnostics).ToImmutable(), [], diagnostics);
    }

    // CONFIG_ARM64_VA_BITS_*: arch/arm64/Kconfig.
    private static int[] VaBitsChoices(PageGeometry pages, LinuxVersion version) => pages.PageShift switch
    {
        12 => version >= new LinuxVersion(6, 9) ? [39, 48, 52] : [39, 48],
        14 => version >= new LinuxVersion(6, 9) ? [36, 47, 48, 52] : [36, 47, 48],
        _ => version >= new LinuxVersion(5, 4) ? [42, 48, 52] : [42, 48],
    };

    // ARM64_MEMSTART_ALIGN: the block that the linear map can use, and not less than a section of the sparse memory model.
    private static ulong MemstartAlignment(Board board, PageGeometry pages, LinuxVersion version)
    {
        if (version < new LinuxVersion(4, 6))
            return pages.PageSize;
        var shift = pages.PageShift switch { 12 => 30, 14 => 30, _ => 29 };
        var section = board.Policy.SectionSizeBits?.Value ?? MemoryModelPlanner.DefaultSectionSizeBits(board, pages);
        return 1UL << Math.Max(shift, section);
    }

    private static VirtualRangeList Virtual(
        Policy policy, LinuxVersion version, Arm64Rules rules, AddressLimit highMemory, DiagnosticBag diagnostics)
    {
        var ranges = new VirtualRangeList(diagnostics);
        void AddFixmap()
        {
            var start = policy.FixaddrStart?.Value.Value ?? rules.FixaddrFloor;
            if (start is { } from)
                ranges.Add("fixed", from, policy.FixaddrTop?.Value.Value ?? rules.FixaddrTop, SizeUnit.KB, policy.FixaddrStart?.Span ?? default);
        }
        void AddModules() => ranges.Add("modules", rules.ModulesStart, rules.ModulesEnd, SizeUnit.MB, default);
        void AddVmalloc() => ranges.Add("vmalloc", rules.VmallocStart, rules.VmallocEnd, SizeUnit.GB, default);
        void AddPciIo() => ranges.Add("PCI I/O", rules.PciIoStart, rules.PciIoEnd, SizeUnit.MB, default);
        void AddVmemmap() => ranges.Add("vmemmap", rules.VmemmapStart, rules.VmemmapEnd, SizeUnit.GB, default);
        void AddMemory() => ranges.Add("memory", rules.PageOffset, highMemory, SizeUnit.MB, default);
        void AddSections(params string[] names) => ranges.AddSections(policy, SizeUnit.KBRoundedUp, names);

        if (version < new LinuxVersion(4, 6))
        {
            AddVmalloc();
            AddVmemmap();
            AddFixmap();
            AddPciIo();
            AddModules();
            AddMemory();
            AddSections(".init", ".text", ".data", ".bss");
        }
        else if (version < new LinuxVersion(5, 4))
        {
            AddModules();
            AddVmalloc();
            AddSections(".text", ".rodata", ".init", ".data", ".bss");
            AddFixmap();
            AddPciIo();
            AddVmemmap();
            AddMemory();
        }
        else
        {
            // Kernels of this age print none; the order is that of the addresses.
            AddMemory();
            if (rules.BpfJitStart is { } bpf)
                ranges.Add("bpf jit", bpf, rules.ModulesStart, SizeUnit.MB, default);
            AddModules();
            AddVmalloc();
            AddSections(".text", ".rodata", ".init", ".data", ".bss");
            if (version >= new LinuxVersion(6, 9))
            {
                AddVmemmap();
                AddPciIo();
                AddFixmap();
            }
            else
            {
                AddFixmap();
                AddPciIo();
                AddVmemmap();
            }
        }
        return ranges;
    }
}
