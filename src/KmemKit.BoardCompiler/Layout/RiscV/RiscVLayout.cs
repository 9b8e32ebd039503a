using System;
using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Policies;
using Rules = KmemKit.BoardCompiler.Diagnostics.DiagnosticTable.Layout;

namespace KmemKit.BoardCompiler.Layout.RiscV;

/// <summary>The memory layout of RISC-V kernels with paging, 5.4 to 6.12: all RAM from the kernel image on, or from 6.4 all of it, is lowmem.</summary>
/// <remarks>Source: arch/riscv/mm/init.c, setup_vm and setup_bootmem; the virtual addresses are <see cref="RiscVRules"/>.</remarks>
internal static class RiscVLayout
{
    public static MemoryLayout? Plan(Board board, LinuxVersion version, DiagnosticBag diagnostics)
    {
        var is64 = board.Architecture == TargetArchitecture.RiscV64;
        if (PagingModeChoice.Of(board, version, diagnostics) is not { } mode || PageOffsetOf(board, version, mode, diagnostics) is not { } pageOffset)
            return null;
        var rules = RiscVRules.For(version, mode, pageOffset, StructPageShift(board, is64));
        if (!HasRoom(board, rules, mode, diagnostics))
            return null;

        // MAX_PHYSMEM_BITS; a 32-bit kernel's phys_addr_t has 32, though its tables could say 34.
        var ram = BankCollection.Banks(board, is64 ? 56 : 32, diagnostics);
        BankCollection.TakeHoles(board, ram, diagnostics);
        if (diagnostics.HasErrors || !BankCollection.CheckAny(board, ram, diagnostics) || ImagePlace(board, version, mode, ram, diagnostics) is not { } image)
            return null;
        var messages = new List<string>();
        var startsWithRam = KernelImage.MapStartsWithRam(board.Architecture, version);
        var ignored = startsWithRam ? new Ram() : DropBelow(ram, image, messages, diagnostics);
        BankCollection.LimitByMem(board, ram, memIsAmount: true, diagnostics);
        if (!BankCollection.CheckAny(board, ram, diagnostics))
            return null;
        var physOffset = startsWithRam ? board.Policy.PhysOffset?.Value.Value ?? Alignment.Down(ram.Start, mode.SuperpageBytes) : image;
        if (!AllLowmem.ReachesDown(board, physOffset, ram, diagnostics))
            return null;
        foreach (var piece in BankCollection.DropBeyondLinearMap(ram, physOffset, rules.LinearSize, diagnostics).Pieces)
            ignored.Add(piece);
        if (!BankCollection.CheckAny(board, ram, diagnostics))
            return null;
        return AllLowmem.Assemble(board, $"linux-riscv{(is64 ? 64 : 32)}-{version}", PageGeometry.FourKiB, pageOffset, physOffset, ram, ignored,
            new RiscVVirtualRanges(rules, board.Policy, version, diagnostics).Make, messages, diagnostics);
    }

    // STRUCT_PAGE_MAX_SHIFT: 64 bytes; with 32 bits 32, and with the pointer of CONFIG_MEMCG more than that.
    private static int StructPageShift(Board board, bool is64) => is64 || board.Policy.MemoryCgroups is { Value: true } ? 6 : 5;

    /// <summary>
    /// PAGE_OFFSET. From 5.17 on CONFIG_PAGE_OFFSET is that of the widest mode, and narrower ones have constants of their own.
    /// </summary>
    private static ulong? PageOffsetOf(Board board, LinuxVersion version, PagingMode mode, DiagnosticBag diagnostics)
    {
        var usual = RiscVRules.UsualPageOffset(version, mode);
        if (board.Policy.PageOffset is not { } given || given.Value.Value == usual)
            return usual;
        if (mode != PagingMode.Sv32 && version >= new LinuxVersion(5, 17) && mode != PagingModeChoice.WidestOf(version))
        {
            if (given.Value.Value != RiscVRules.UsualPageOffset(version, PagingModeChoice.WidestOf(version)))
                diagnostics.Add(Rules.ParameterWithoutEffect, given.Span, "CONFIG_PAGE_OFFSET", $"Linux {version} has {new VirtAddr(usual)} with {mode.Name}, whatever it says");
            return usual;
        }
        // setup_vm: BUG_ON((PAGE_OFFSET % PGDIR_SIZE) != 0).
        if (given.Value.Value >= mode.KernelHalf && given.Value.Value % mode.RootEntryBytes == 0 && given.Value.Value != 0)
            return given.Value.Value;
        diagnostics.Add(Rules.PageOffsetUnusable, given.Span, given.Value, board.Name,
            $"{mode.Name} needs a multiple of {new VirtAddr(mode.RootEntryBytes)} at or above {new VirtAddr(mode.KernelHalf)}");
        return null;
    }

    // A linear map that starts low leaves no room for what is below it.
    private static bool HasRoom(Board board, RiscVRules rules, PagingMode mode, DiagnosticBag diagnostics)
    {
        if (rules.FixmapStart >= mode.KernelHalf && rules.FixmapStart < rules.PageOffset)
            return true;
        diagnostics.Add(Rules.PageOffsetUnusable, board.Policy.PageOffset?.Span ?? default, new VirtAddr(rules.PageOffset), board.Name,
            "vmalloc, vmemmap, PCI I/O and fixmap have no room below it");
        return false;
    }

    // setup_vm: BUG_ON((kernel_map.phys_addr % PMD_SIZE) != 0).
    private static ulong? ImagePlace(Board board, LinuxVersion version, PagingMode mode, Ram ram, DiagnosticBag diagnostics)
    {
        var policy = board.Policy;
        var place = KernelImage.PlaceOf(board, version);
        var why = place % mode.SuperpageBytes != 0 ? $"that is no multiple of {new PhysAddr(mode.SuperpageBytes)}"
            : !ram.Pieces.Any(piece => piece.Start <= place && place < piece.End) ? "there is no RAM"
            : policy.PhysOffset is { } offset && offset.Value.Value != place && !KernelImage.MapStartsWithRam(board.Architecture, version)
                ? $"CONFIG_PHYS_OFFSET says {offset.Value}, and that is the same address for this kernel"
            : null;
        if (why is null)
            return place;
        diagnostics.Add(Rules.ImagePlaceUnusable, policy.KernelPhys?.Span ?? policy.PhysOffset?.Span ?? ram.Pieces[0].Span, board.Name, new PhysAddr(place), why);
        return null;
    }

    // MIN_MEMBLOCK_ADDR is the image's address: what is below cannot be addressed.
    private static Ram DropBelow(Ram ram, ulong image, List<string> messages, DiagnosticBag diagnostics)
    {
        var ignored = new Ram();
        foreach (var piece in ram.Pieces)
        {
            if (piece.Start >= image)
                continue;
            var lost = piece with { End = Math.Min(piece.End, image) };
            var message = FormattableString.Invariant($"OF: fdt: Ignoring memory {(piece.End < image ? "block" : "range")} 0x{piece.Start:x} - 0x{lost.End:x}");
            messages.Add(message);
            diagnostics.Add(Rules.RamBelowImage, piece.Span, message, lost.Size, new PhysAddr(image));
            ignored.Add(lost);
        }
        ram.Remove(0, image);
        return ignored;
    }
}
