using System;
using System.Collections.Generic;
using System.Globalization;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.BoardCompiler.Layout.Arm;

/// <summary>What an Arm kernel's lowmem decision gives.</summary>
/// <param name="Low">RAM below the limit.</param>
/// <param name="High">RAM that is highmem.</param>
/// <param name="Ignored">RAM that the kernel drops, with the reason's place.</param>
/// <param name="LowmemLimit">arm_lowmem_limit: the physical end of lowmem; 0 where there is none.</param>
internal sealed record LowmemSplit(Ram Low, Ram High, Ram Ignored, ulong LowmemLimit);

/// <summary>
/// The lowmem decision of 32-bit Arm kernels: which banks are lowmem, which are cut in two, what is ignored. Three algorithms in the course of the
/// years, each with its own corners; the messages are the kernel's of the time.
/// </summary>
/// <remarks>
/// Source: arch/arm/mm/mmu.c, sanity_check_meminfo (2.6.32 to 3.15 over meminfo, 3.16 to 4.10 over memblock) and adjust_lowmem_bounds (from 4.11).
/// <code>
///             PHYS_OFFSET                limit = __pa(vmalloc_min)
///                  |                        |
///   RAM:    |--bank 0--|   hole   |---bank 1--------------|   |--bank 2--|
///   kind:   |  lowmem  |          |  lowmem |   highmem   |   |  highmem |
/// </code>
/// </remarks>
internal sealed class ArmLowmem(
    ArmRules rules, ReclaimPlan reclaim, ulong vmallocMin, ulong pageOffset, bool highmem, bool lpae, DiagnosticBag diagnostics, List<string> messages)
{
    private readonly ulong _limit = reclaim.ToPhys(vmallocMin);

    /// <summary>The decision before the platform takes its part; <paramref name="ram"/> is in the order that the rule wants.</summary>
    public LowmemSplit Split(Ram ram) => rules.Lowmem switch
    {
        LowmemRule.MeminfoUnsorted or LowmemRule.MeminfoSorted => SplitMeminfo(ram),
        LowmemRule.Memblock => SplitMemblock(ram),
        _ => AdjustBounds(ram, ram, new Ram()),
    };

    private LowmemSplit SplitMeminfo(Ram ram)
    {
        var low = new Ram();
        var high = new Ram();
        var ignored = new Ram();
        var limit = 0UL;
        var sticky = false;
        foreach (var bank in ram.Pieces)
        {
            var virt = reclaim.ToVirt(bank.Start);
            // 2.6.32 compared with >, later kernels with >=: no difference, because a bank of no size at the limit is highmem either way.
            var outside = bank.Start > uint.MaxValue || virt >= vmallocMin || virt < pageOffset;
            var room = outside ? 0 : vmallocMin - virt;
            if (highmem)
            {
                sticky |= outside;
                if (sticky)
                {
                    high.Add(bank);
                    continue;
                }
                var cut = bank.Start + Math.Min(room, bank.Size);
                low.Add(bank with { End = cut });
                high.Add(bank with { Start = cut });
                sticky |= cut < bank.End;
                limit = Math.Max(limit, cut);
                continue;
            }
            if (outside)
            {
                Report(bank.Span, bank.Size, $"Ignoring RAM at {Hex(bank.Start)}-{Hex(bank.End - 1)} (vmalloc region overlap).");
                ignored.Add(bank);
                continue;
            }
            var end = bank.Start + Math.Min(room, bank.Size);
            if (end < bank.End)
            {
                Report(bank.Span, bank.End - end,
                    $"Truncating RAM at {Hex(bank.Start)}-{Hex(bank.End - 1)} to -{Hex(end - 1)} (vmalloc region overlap).");
                ignored.Add(bank with { Start = end });
            }
            low.Add(bank with { End = end });
            limit = Math.Max(limit, end);
        }
        return new LowmemSplit(low, high, ignored, limit);
    }

    private LowmemSplit SplitMemblock(Ram ram)
    {
        var low = new Ram();
        var high = new Ram();
        var ignored = new Ram();
        var limit = 0UL;
        foreach (var (region, pieces) in MergedRegions(ram))
        {
            if (region.Start >= _limit)
            {
                if (!highmem)
                    Report(region.Span, region.Size, $"Ignoring RAM at {Address(region.Start)}-{Address(region.End)} (!CONFIG_HIGHMEM)");
                AddAll(highmem ? high : ignored, pieces);
                continue;
            }
            var end = Math.Min(region.End, _limit);
            if (end < region.End && !highmem)
                Report(region.Span, region.End - end, $"Truncating RAM at {Address(region.Start)}-{Address(region.End)} to -{Address(end)}");
            AddSplit(pieces, end, low, highmem ? high : ignored);
            limit = Math.Max(limit, end);
        }
        return new LowmemSplit(low, high, ignored, limit);
    }

    /// <summary>
    /// adjust_lowmem_bounds: the limit is the end of the highest RAM below it. Without highmem, all from the last whole PMD below the limit to the end
    /// of DRAM is dropped, and DRAM counts the NOMAP regions in.
    /// </summary>
    /// <param name="mapped">RAM that is not NOMAP.</param>
    /// <param name="dram">All RAM that memblock knows, NOMAP included.</param>
    /// <param name="ignoredBefore">What an earlier pass dropped.</param>
    public LowmemSplit AdjustBounds(Ram mapped, Ram dram, Ram ignoredBefore)
    {
        var lowmemLimit = 0UL;
        var memblockLimit = 0UL;
        foreach (var (region, _) in MergedRegions(mapped))
        {
            if (region.Start >= _limit)
                continue;
            lowmemLimit = Math.Max(lowmemLimit, Math.Min(_limit, region.End));
            if (memblockLimit != 0)
                continue;
            if (region.Start % ArmRules.PmdSize != 0)
                memblockLimit = region.Start;
            else if (region.End % ArmRules.PmdSize != 0)
                memblockLimit = lowmemLimit;
        }
        if (memblockLimit == 0)
            memblockLimit = lowmemLimit;
        memblockLimit -= memblockLimit % ArmRules.PmdSize;

        var ignored = ignoredBefore.Copy();
        var kept = mapped.Copy();
        if (!highmem && dram.End > lowmemLimit)
        {
            var (lost, span) = kept.MoveFrom(memblockLimit, ignored);
            Report(span, lost, $"Ignoring RAM at {Address(memblockLimit)}-{Address(dram.End)}");
        }
        var low = new Ram();
        var high = new Ram();
        AddSplit(kept.Pieces, lowmemLimit, low, high);
        return new LowmemSplit(low, high, ignored, lowmemLimit);
    }

    /// <summary>Regions as memblock holds them: what touches is one. Each comes with its pieces and the place of its first.</summary>
    private static IEnumerable<(RamPiece Region, List<RamPiece> Pieces)> MergedRegions(Ram ram)
    {
        var pieces = new List<RamPiece>();
        foreach (var piece in ram.Pieces)
        {
            if (pieces.Count > 0 && pieces[pieces.Count - 1].End != piece.Start)
            {
                yield return (pieces[0] with { End = pieces[pieces.Count - 1].End }, pieces);
                pieces = [];
            }
            pieces.Add(piece);
        }
        if (pieces.Count > 0)
            yield return (pieces[0] with { End = pieces[pieces.Count - 1].End }, pieces);
    }

    private static void AddAll(Ram target, List<RamPiece> pieces)
    {
        foreach (var piece in pieces)
            target.Add(piece);
    }

    private static void AddSplit(IEnumerable<RamPiece> pieces, ulong at, Ram below, Ram above)
    {
        foreach (var piece in pieces)
        {
            below.Add(piece with { End = Math.Min(piece.End, at) });
            above.Add(piece with { Start = Math.Max(piece.Start, at) });
        }
    }

    private void Report(SourceSpan span, ulong bytes, string message)
    {
        messages.Add(message);
        diagnostics.Add(DiagnosticTable.Layout.RamIgnored, span, message, "0x" + bytes.ToString("x", CultureInfo.InvariantCulture));
    }

    // %.8llx
    private static string Hex(ulong value) => value.ToString("x8", CultureInfo.InvariantCulture);

    // %pa: as wide as phys_addr_t
    private string Address(ulong value) => "0x" + value.ToString(lpae ? "x16" : "x8", CultureInfo.InvariantCulture);
}
