using System;
using System.Collections.Generic;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Linear;
using KmemKit.BoardCompiler.Policies;

namespace KmemKit.BoardCompiler.Layout.X86;

/// <summary>
/// The memory layout of 32-bit x86 kernels with and without PAE: lowmem ends where the vmalloc reserve, counted down from VMALLOC_END, begins.
/// </summary>
/// <remarks>
/// Source: arch/x86/mm/init_32.c (find_low_pfn_range), arch/x86/include/asm/pgtable_32_types.h (2.6.28 to 6.9); before 2.6.28,
/// include/asm-i386/page.h: MAXMEM is what 1 GiB leaves after the reserve, and VMALLOC_START is rounded to 8 MiB. Where PKMAP_BASE and FIXADDR_START
/// are is a constant of each build: CONFIG_PKMAP_BASE and CONFIG_FIXADDR_START.
/// </remarks>
internal static class X86Layout
{
    public static readonly LinuxVersion Oldest = new(2, 6, 20);
    public static readonly LinuxVersion Newest = new(6, 9);

    private const ulong PageSize = 4096;
    private const ulong FourGiB = 1UL << 32;
    private const ulong VmallocOffset = 8UL << 20;
    private const ulong DefaultReserve = 128UL << 20;
    private const ulong FixaddrTop = 0xffff_f000;
    private const ulong AssumedFixaddrStart = 0xfff0_0000;

    public static MemoryLayout? Plan(Board board, LinuxVersion version, DiagnosticBag diagnostics)
    {
        var policy = board.Policy;
        var messages = new List<string>();
        var pae = policy.X86Pae?.Value ?? false;
        var highmem = policy.Highmem?.Value ?? true;
        var oldRule = version < new LinuxVersion(2, 6, 28);
        var pageOffset = policy.PageOffset?.Value.Value ?? 0xc000_0000;
        var pkmapSize = pae ? 2UL << 20 : 4UL << 20;
        var pkmap = policy.PkmapBase?.Value.Value ?? (pae ? 0xffc0_0000UL : 0xff80_0000UL);
        var vmallocEnd = policy.VmallocEnd?.Value.Value ?? (highmem ? pkmap : FixaddrStart(policy, diagnostics)) - 2 * PageSize;
        if (pageOffset % (pae ? 1UL << 30 : 4UL << 20) != 0 || pageOffset < 16UL << 20
            || vmallocEnd > uint.MaxValue || vmallocEnd < pageOffset + (64UL << 20))
        {
            diagnostics.Add(DiagnosticTable.Layout.PageOffsetUnusable, policy.PageOffset?.Span ?? default, new VirtAddr(pageOffset), "32-bit x86",
                $"it has to be a multiple of {(pae ? "1 GiB (PAE)" : "4 MiB")} with 64 MiB or more up to VMALLOC_END {new VirtAddr(vmallocEnd)}");
            return null;
        }

        var ram = BankCollection.Collect(board, 64, memIsAmount: false, diagnostics);
        BankCollection.TakeHoles(board, ram, diagnostics);
        var ignored = new Ram();
        DropBeyond(ram, ignored, pae ? 64UL << 30 : FourGiB, pae ? 36 : 32, diagnostics, messages);
        if (diagnostics.HasErrors || !BankCollection.CheckAny(board, ram, diagnostics))
            return null;

        var reserve = Reserve(policy, oldRule);
        // A reserve that leaves no lowmem would wrap in the kernel; here it is an error below.
        var room = (oldRule ? FourGiB : vmallocEnd) - pageOffset;
        var maxLow = room > reserve ? room - reserve : 0;
        var lowEnd = LowEnd(policy, ram, ignored, maxLow, highmem, diagnostics, messages);
        if (lowEnd == 0 || ram.Start >= lowEnd)
        {
            diagnostics.Add(DiagnosticTable.Layout.NoLowmem, ram.Pieces.Count == 0 ? default : ram.Pieces[0].Span, board.Name, PhysAddr.Zero,
                new PhysAddr(lowEnd), ram.Pieces.Count == 0 ? "none" : ram.Pieces[0].Range.ToString());
            return null;
        }

        var taken = ReservedPlacement.Place(board, PageGeometry.FourKiB, ram, lowEnd, diagnostics);
        var spannedEnd = ram.End;
        taken.RemoveNoMap(ram);
        var low = new Ram();
        var high = new Ram();
        foreach (var piece in ram.Pieces)
        {
            low.Add(piece with { End = Math.Min(piece.End, lowEnd) });
            high.Add(piece with { Start = Math.Max(piece.Start, lowEnd) });
        }
        if (highmem)
            messages.Add($"{(Math.Max(spannedEnd, lowEnd) - lowEnd) >> 20}MB HIGHMEM available.");
        messages.Add($"{lowEnd >> 20}MB LOWMEM available.");

        var highMemory = pageOffset + lowEnd;
        var vmallocStart = oldRule
            ? Alignment.Down(highMemory + 2 * VmallocOffset - 1, VmallocOffset)
            : highMemory + VmallocOffset;
        if (vmallocStart >= vmallocEnd)
        {
            diagnostics.Add(DiagnosticTable.Layout.NoRoomForVmalloc, policy.Bootargs.Vmalloc?.Span ?? default, new VirtAddr(highMemory), new VirtAddr(vmallocEnd));
            return null;
        }
        var ranges = new VirtualRangeList(diagnostics);
        if (policy.FixaddrStart is { } fixaddr)
            ranges.Add("fixmap", fixaddr.Value.Value, policy.FixaddrTop?.Value.Value ?? FixaddrTop, SizeUnit.KB, fixaddr.Span);
        if (highmem)
            ranges.Add("pkmap", pkmap, pkmap + pkmapSize, SizeUnit.KB, policy.PkmapBase?.Span ?? default);
        ranges.Add("vmalloc", vmallocStart, vmallocEnd, SizeUnit.MB, default);
        ranges.Add("lowmem", pageOffset, highMemory, SizeUnit.MB, default);
        ranges.AddSections(policy, SizeUnit.KB, ".init", ".data", ".text");
        return LayoutAssembly.Assemble(board, diagnostics, new LayoutParts
        {
            Profile = $"linux-x86-{version}",
            Pages = PageGeometry.FourKiB,
            PageOffset = pageOffset,
            PhysOffset = 0,
            Low = low,
            High = high,
            Ignored = ignored,
            Taken = taken,
            SpannedEnd = spannedEnd,
            LowmemLimit = lowEnd,
            HighMemory = highMemory,
            Virtual = ranges.ToImmutable(),
            Segments = [new LinearSegment(PhysAddr.Zero, new VirtAddr(pageOffset), lowEnd)],
            Messages = messages,
        });
    }

    private static ulong FixaddrStart(Policy policy, DiagnosticBag diagnostics)
    {
        if (policy.FixaddrStart is { } given)
            return given.Value.Value;
        diagnostics.Add(DiagnosticTable.Layout.FixaddrAssumed, default, new VirtAddr(AssumedFixaddrStart));
        return AssumedFixaddrStart;
    }

    // vmalloc= asks for the area; the guard of 8 MiB comes on top (not in the old kernels).
    private static ulong Reserve(Policy policy, bool oldRule)
    {
        const ulong Most = FourGiB;
        if (policy.Bootargs.Vmalloc is { } request)
            return Math.Min(request.Value, Most) + (oldRule ? 0 : VmallocOffset);
        return Math.Min(policy.VmallocReserve?.Value ?? DefaultReserve, Most);
    }

    private static void DropBeyond(Ram ram, Ram ignored, ulong end, int bits, DiagnosticBag diagnostics, List<string> messages)
    {
        if (ram.End <= end)
            return;
        foreach (var piece in ram.Pieces)
        {
            if (piece.End <= end)
                continue;
            var lost = piece with { Start = Math.Max(piece.Start, end) };
            ignored.Add(lost);
            var word = bits == 32 ? "Warning only 4GB will be used. Use a HIGHMEM64G enabled kernel" : "Warning only 64GB will be used";
            diagnostics.Add(DiagnosticTable.Layout.RamIgnored, piece.Span, $"{word}. Ignoring RAM at {lost.Range}", new PhysAddr(lost.Size));
        }
        messages.Add(bits == 32 ? "Warning only 4GB will be used." : "Warning only 64GB will be used.");
        if (bits == 32)
            messages.Add("Use a HIGHMEM64G enabled kernel.");
        ram.Remove(end, ulong.MaxValue);
    }

    /// <summary>find_low_pfn_range: where lowmem ends; <c>highmem=</c> moves pages over, and what highmem may not take is dropped.</summary>
    private static ulong LowEnd(
        Policy policy, Ram ram, Ram ignored, ulong maxLow, bool highmem, DiagnosticBag diagnostics, List<string> messages)
    {
        var arguments = policy.Bootargs;
        var end = Alignment.Down(ram.End, PageSize);
        ulong? wanted = arguments.NoHighmem is { Value: true } ? 0 : arguments.Highmem?.Value & ~(PageSize - 1);
        var span = arguments.Highmem?.Span ?? arguments.NoHighmem?.Span ?? default;
        if (end <= maxLow)
        {
            if (wanted is not { } move || move == 0)
                return end;
            if (!highmem)
            {
                diagnostics.Add(DiagnosticTable.Layout.ParameterWithoutEffect, span, "highmem=", "the kernel has no highmem (CONFIG_HIGHMEM)");
                return end;
            }
            if (move >= end || end - move < 64UL << 20)
            {
                diagnostics.Add(DiagnosticTable.Layout.ParameterWithoutEffect, span, "highmem=", "it would leave less than 64 MiB of lowmem");
                return end;
            }
            return end - move;
        }
        if (!highmem)
        {
            messages.Add($"Warning only {maxLow >> 20}MB will be used.");
            messages.Add(end > FourGiB ? "Use a HIGHMEM64G enabled kernel." : "Use a HIGHMEM enabled kernel.");
            Drop(ram, ignored, maxLow, $"Warning only {maxLow >> 20}MB will be used. Use a HIGHMEM enabled kernel", diagnostics);
            return maxLow;
        }
        if (wanted is { } limit)
        {
            if (limit > end - maxLow)
                diagnostics.Add(DiagnosticTable.Layout.ParameterWithoutEffect, span, "highmem=", "the board has less highmem than that");
            else if (limit < end - maxLow)
                Drop(ram, ignored, maxLow + limit, $"highmem={new PhysAddr(limit)} limits highmem", diagnostics);
        }
        return maxLow;
    }

    private static void Drop(Ram ram, Ram ignored, ulong from, string message, DiagnosticBag diagnostics)
    {
        var (lost, span) = ram.MoveFrom(from, ignored);
        diagnostics.Add(DiagnosticTable.Layout.RamIgnored, span, message, new PhysAddr(lost));
    }
}
