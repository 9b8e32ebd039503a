using System;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Layout.RiscV;
using KmemKit.BoardCompiler.Linear;
using KmemKit.BoardCompiler.Policies;

namespace KmemKit.BoardCompiler.Layout;

// The virtual side: lines of the layout block, the gaps between them, user space.
public static partial class AddressClassifier
{
    private static AddressMeaning LogicalVirtual(MemoryLayout layout, VirtAddr address, PhysAddr physical)
    {
        var behind = ClassifyPhysical(layout, physical);
        var section = SectionAt(layout, address);
        var where = section is null ? "" : $", in {section.Name} of the kernel image";
        return behind with { Name = section?.Name ?? "lowmem", MapsTo = physical.Value, Reason = $"kernel logical address of {physical}{where}" + After(behind.Reason) };
    }

    // "lowmem 0x0-0x…, mapped for good at …, reserved for x": only what is not said already.
    private static string After(string reason)
    {
        var at = reason.IndexOf(", reserved for ", StringComparison.Ordinal);
        return at < 0 ? "" : reason.Substring(at);
    }

    private static AddressMeaning WithoutMmu(MemoryLayout layout, VirtAddr address)
    {
        var physical = new PhysAddr(address.Value);
        var meaning = ClassifyPhysical(layout, physical);
        return meaning.Kind == AddressKind.Nothing
            ? meaning
            : meaning with { MapsTo = address.Value, Reason = "without MMU the address is the physical one: " + meaning.Reason };
    }

    private static AddressMeaning InLine(MemoryLayout layout, VirtualRange line, VirtAddr address)
    {
        var kind = line.Name switch
        {
            "vmalloc" => AddressKind.Vmalloc,
            "pkmap" => AddressKind.Pkmap,
            "fixmap" or "fixed" => AddressKind.Fixmap,
            "vector" or "vectors" => AddressKind.Vectors,
            "modules" => AddressKind.Modules,
            _ => AddressKind.Kernel,
        };
        var text = kind switch
        {
            AddressKind.Vmalloc => "mapped page by page at run time",
            AddressKind.Pkmap => "permanent kmap of a highmem page",
            AddressKind.Fixmap => "fixed at compile time, its page set at run time",
            AddressKind.Vectors => "exception vectors",
            AddressKind.Modules => "code and data of loadable modules",
            _ => "a range of the kernel",
        };
        var section = SectionAt(layout, address);
        var image = section is null ? "" : $", in {section.Name} of the kernel image";
        return new(kind, line.Name, null, $"{line.Name} {line.Range.Start}-{line.Range.End}: {text}{image}", default);
    }

    private static AddressMeaning OutsideAllLines(MemoryLayout layout, VirtAddr address)
    {
        if (GuardAt(layout, address) is { } guard)
            return guard;
        var limit = UserLimit(layout);
        if (limit is { } end && address.Value < end)
            return new(AddressKind.User, "user", null, $"user space 0x0-{AddressLimit.FromUInt64(end)}: each process maps its own", default);
        if (!IsCanonical(layout, address))
            return new(AddressKind.Nothing, "", null, "not an address of this architecture: " + WidthText(layout), default);
        return new(AddressKind.Nothing, "", null, "between the ranges of the kernel: nothing is mapped there", default);
    }

    private static AddressMeaning? GuardAt(MemoryLayout layout, VirtAddr address)
    {
        if (layout.Linear.Segments.IsEmpty || layout.HighMemory.IsTop || address.Value < layout.HighMemory.Value)
            return null;
        foreach (var line in layout.Virtual)
        {
            // The gap belongs to vmalloc's start alone, and is never more than vmalloc's alignment and x86's 8 MiB.
            if (line.Name == "vmalloc" && line.Range.Start > address && line.Range.Start.Value - layout.HighMemory.Value <= 16UL << 20)
            {
                return new(AddressKind.Guard, "guard", null,
                    $"gap {layout.HighMemory}-{line.Range.Start} between lowmem and vmalloc: an access past the end of lowmem faults", default);
            }
        }
        return null;
    }

    private static VirtualRange? NarrowestLine(MemoryLayout layout, VirtAddr address)
    {
        VirtualRange? best = null;
        foreach (var line in layout.Virtual)
        {
            if (IsSection(line.Name) || !line.Range.Contains(address))
                continue;
            if (best is null || line.Range.Size < best.Range.Size)
                best = line;
        }
        return best;
    }

    private static VirtualRange? SectionAt(MemoryLayout layout, VirtAddr address)
    {
        foreach (var line in layout.Virtual)
        {
            if (IsSection(line.Name) && line.Range.Contains(address))
                return line;
        }
        return null;
    }

    private static bool IsSection(string name) => name.Length > 0 && name[0] == '.';

    // "memory" is arm64's word for it, "direct" x86-64's.
    private static bool IsLinearLine(string name) => name is "lowmem" or "memory" or "direct";

    /// <summary>
    /// TASK_SIZE: 32-bit Arm keeps 16 MiB below PAGE_OFFSET for modules (arch/arm/include/asm/memory.h); i386 ends at PAGE_OFFSET; x86-64 one page below
    /// 2^47, or 2^56 with five levels (arch/x86/include/asm/page_64_types.h); arm64 at 2^VA_BITS; riscv32 at FIXADDR_START, riscv64 at
    /// half of what the paging mode reaches (arch/riscv/include/asm/pgtable.h). Null where nothing is known.
    /// </summary>
    internal static ulong? UserLimit(MemoryLayout layout) => layout.Board.Architecture switch
    {
        TargetArchitecture.Arm when layout.PageOffset.Value > 16UL << 20 => layout.PageOffset.Value - (16UL << 20),
        TargetArchitecture.X86 => layout.PageOffset.Value,
        TargetArchitecture.RiscV32 => layout.Virtual.FirstOrDefault(line => line.Name == "fixmap")?.Range.Start.Value,
        TargetArchitecture.X64 => (1UL << X64SignBit(layout)) - 4096,
        TargetArchitecture.Arm64 => 1UL << VaBits(layout),
        TargetArchitecture.RiscV64 => 1UL << (PagingMode.Of(layout).Bits - 1),
        _ => null,
    };

    // By where the direct map lies: a kernel too old for five levels has four whatever the policy asks.
    private static int X64SignBit(MemoryLayout layout) => layout.PageOffset.Value is >= 0xff00_0000_0000_0000 and < 0xffff_0000_0000_0000 ? 56 : 47;

    private static int VaBits(MemoryLayout layout) => layout.Board.Policy.VaBits is { Value: > 1 and < 64 } bits ? bits.Value : 48;

    private static bool IsCanonical(MemoryLayout layout, VirtAddr address) => layout.Board.Architecture switch
    {
        TargetArchitecture.Arm or TargetArchitecture.X86 or TargetArchitecture.RiscV32 => address.Value <= uint.MaxValue,
        // The upper half needs the sign's copies in all bits above; the lower half is user space and was handled.
        TargetArchitecture.X64 => address.Value >= unchecked(0UL - (1UL << X64SignBit(layout))),
        TargetArchitecture.Arm64 => address.Value >= unchecked(0UL - (1UL << VaBits(layout))),
        TargetArchitecture.RiscV64 => address.Value >= PagingMode.Of(layout).KernelHalf,
        _ => true,
    };

    private static string WidthText(MemoryLayout layout) => layout.Board.Architecture switch
    {
        TargetArchitecture.Arm or TargetArchitecture.X86 or TargetArchitecture.RiscV32 => "virtual addresses are 32 bits wide",
        _ => "the upper bits are not copies of the sign",
    };
}
