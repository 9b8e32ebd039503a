using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Linear;

namespace KmemKit.BoardCompiler.Layout;

/// <summary>What kernels share that have all RAM in one linear map, and no highmem: arm64, RISC-V, x86-64.</summary>
internal static class AllLowmem
{
    /// <summary>Whether the linear map begins at or below the first RAM; a finding where it does not.</summary>
    public static bool ReachesDown(Board board, ulong physOffset, Ram ram, DiagnosticBag diagnostics)
    {
        if (physOffset <= ram.Start)
            return true;
        diagnostics.Add(DiagnosticTable.Layout.NoLowmem, board.Policy.PhysOffset?.Span ?? default, board.Name, new PhysAddr(physOffset), "above it", ram.Pieces[0].Range);
        return false;
    }

    /// <summary>The layout, with reserved memory placed in what the linear map has.</summary>
    /// <param name="board">The board.</param>
    /// <param name="profile">Name of the rules.</param>
    /// <param name="pages">Page geometry.</param>
    /// <param name="pageOffset">PAGE_OFFSET.</param>
    /// <param name="physOffset">PHYS_OFFSET.</param>
    /// <param name="ram">RAM of the linear map; not empty.</param>
    /// <param name="ignored">RAM that the kernel does not use.</param>
    /// <param name="ranges">The virtual ranges, by where lowmem ends.</param>
    /// <param name="messages">What the kernel says at boot.</param>
    /// <param name="diagnostics">Gets the findings.</param>
    public static MemoryLayout Assemble(Board board, string profile, PageGeometry pages, ulong pageOffset, ulong physOffset, Ram ram, Ram ignored,
        Func<AddressLimit, ImmutableArray<VirtualRange>> ranges, List<string> messages, DiagnosticBag diagnostics)
    {
        var end = ram.End;
        var taken = ReservedPlacement.Place(board, pages, ram, end, diagnostics);
        taken.RemoveNoMap(ram);
        var highMemory = unchecked(pageOffset + (end - physOffset));
        var highLimit = highMemory == 0 ? AddressLimit.Top : highMemory;
        return LayoutAssembly.Assemble(board, diagnostics, new LayoutParts
        {
            Profile = profile,
            Pages = pages,
            PageOffset = pageOffset,
            PhysOffset = physOffset,
            Low = ram,
            High = new Ram(),
            Ignored = ignored,
            Taken = taken,
            SpannedEnd = end,
            LowmemLimit = end,
            HighMemory = highLimit,
            Virtual = ranges(highLimit),
            Segments = [new LinearSegment(new PhysAddr(physOffset), new VirtAddr(pageOffset), end - physOffset)],
            Messages = messages,
        });
    }
}
