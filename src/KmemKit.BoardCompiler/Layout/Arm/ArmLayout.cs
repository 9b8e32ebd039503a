using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Linear;
using KmemKit.BoardCompiler.Policies;

namespace KmemKit.BoardCompiler.Layout.Arm;

/// <summary>
/// The memory layout of 32-bit Arm kernels with an MMU, 2.6.32 to 6.9: banks, vmalloc_min, reclaim strategy, lowmem decision, what the platform takes,
/// virtual ranges. The order of these steps is the kernel's, and it matters: memory taken by a <c>no-map</c> region after the lowmem decision lowers the
/// page counts, memory missing before it lowers lowmem.
/// </summary>
internal static class ArmLayout
{
    private const ulong LowestPageOffset = 16UL << 20;

    public static MemoryLayout? Plan(Board board, LinuxVersion version, DiagnosticBag diagnostics)
    {
        var policy = board.Policy;
        var rules = ArmRules.For(version);
        var messages = new List<string>();
        var lpae = policy.ArmLpae?.Value ?? false;
        var highmemConfigured = policy.Highmem?.Value ?? false;
        var vipt = policy.ViptAliasingCache?.Value ?? false;
        var pageOffset = policy.PageOffset?.Value.Value ?? 0xc000_0000;
        var vmallocEnd = VmallocEnd(board, rules, version, pageOffset, diagnostics);
        if (!CheckPageOffset(policy, pageOffset, vmallocEnd, diagnostics))
            return null;

        var physOffset = policy.PhysOffset?.Value.Value ?? BankCollection.FirstByte(board);
        var ram = ArmBanks.Collect(board, rules, physOffset, lpae, diagnostics, messages);
        BankCollection.TakeHoles(board, ram, diagnostics);
        if (rules.Lowmem != LowmemRule.MeminfoUnsorted)
            ram.Sort();
        if (!BankCollection.CheckAny(board, ram, diagnostics))
            return null;

        var vmallocMin = ArmVmalloc.VmallocMin(policy, rules, vmallocEnd, pageOffset, diagnostics, messages);
        var strategy = policy.Reclaim?.Value ?? ReclaimStrategy.None;
        var reclaim = ReclaimPlan.Make(strategy, ram, pageOffset, physOffset, diagnostics, messages);
        vmallocMin += reclaim.VmallocHoleBytes;
        if (vmallocMin >= vmallocEnd)
        {
            diagnostics.Add(DiagnosticTable.Layout.NoRoomForVmalloc, policy.Reclaim?.Span ?? default, new VirtAddr(vmallocMin), new VirtAddr(vmallocEnd));
            return null;
        }

        var memblock = rules.Lowmem is LowmemRule.Memblock or LowmemRule.AdjustLowmemBounds;
        var lowmem = new ArmLowmem(rules, reclaim, vmallocMin, pageOffset, highmemConfigured && !(vipt && memblock), lpae, diagnostics, messages);
        if (rules.StartsAtPmd)
            SkipToFirstPmd(ram, version, diagnostics);
        if (!BankCollection.CheckAny(board, ram, diagnostics))
            return null;
        var split = lowmem.Split(ram);
        if (vipt && !memblock && !split.High.IsEmpty)
            split = DropHighmem(split, diagnostics, messages);

        var kept = Join(split.Low, split.High);
        var taken = ReservedPlacement.Place(board, PageGeometry.FourKiB, kept, split.LowmemLimit, diagnostics);
        var limitForCounts = split;
        if (rules.Lowmem == LowmemRule.AdjustLowmemBounds)
        {
            var mapped = kept.Copy();
            taken.RemoveNoMap(mapped);
            split = lowmem.AdjustBounds(mapped, rules.MarksNoMap ? kept : mapped, split.Ignored);
            limitForCounts = split;
        }
        else
        {
            limitForCounts = split with { Low = split.Low.Copy(), High = split.High.Copy() };
            taken.RemoveNoMap(limitForCounts.Low);
            taken.RemoveNoMap(limitForCounts.High);
        }
        if (split.LowmemLimit <= physOffset)
        {
            diagnostics.Add(DiagnosticTable.Layout.NoLowmem, policy.PhysOffset?.Span ?? ram.Pieces[0].Span,
                board.Name, new PhysAddr(physOffset), new PhysAddr(reclaim.ToPhys(vmallocMin)), ram.Pieces[0].Range);
            return null;
        }

        var highMemory = reclaim.ToVirt(split.LowmemLimit - 1) + 1;
        var vmallocStart = Alignment.Down(highMemory + ArmRules.VmallocOffset, ArmRules.VmallocOffset);
        if (vmallocStart >= vmallocEnd)
        {
            diagnostics.Add(DiagnosticTable.Layout.NoRoomForVmalloc, policy.VmallocEnd?.Span ?? default, new VirtAddr(highMemory), new VirtAddr(vmallocEnd));
            return null;
        }
        var virtualRanges = new ArmVirtualRanges(policy, rules, pageOffset, vmallocStart, vmallocEnd, highMemory, diagnostics).List(
            strategy, split, reclaim);
        // Zones of the meminfo kernels span the banks as they were before the platform took its part; but for those with vmalloc saving, which give
        // the zones their memory region by region (cancro: HighMem ends where the persistent memory at the top begins).
        var spanned = memblock || strategy == ReclaimStrategy.VmallocSaving ? limitForCounts : split;
        return LayoutAssembly.Assemble(board, diagnostics, new LayoutParts
        {
            Profile = $"linux-arm-{version}",
            Pages = PageGeometry.FourKiB,
            PageOffset = pageOffset,
            PhysOffset = physOffset,
            Low = limitForCounts.Low,
            High = limitForCounts.High,
            Ignored = split.Ignored,
            Taken = taken,
            SpannedEnd = Math.Max(spanned.Low.End, spanned.High.End),
            VmallocMin = vmallocMin,
            LowmemLimit = split.LowmemLimit,
            HighMemory = highMemory,
            Virtual = virtualRanges,
            Segments = Segments(reclaim, pageOffset, physOffset, split.LowmemLimit),
            Messages = messages,
        });
    }

    private static ulong VmallocEnd(Board board, ArmRules rules, LinuxVersion version, ulong pageOffset, DiagnosticBag diagnostics)
    {
        if (board.Policy.VmallocEnd is { } given)
            return given.Value.Value;
        if (rules.VmallocEnd != 0)
            return rules.VmallocEnd;
        if (ArmPlatform.VmallocEnd(board, pageOffset) is { } known)
            return known;
        const ulong Assumed = 0xff00_0000;
        diagnostics.Add(DiagnosticTable.Layout.VmallocEndAssumed, board.Policy.LinuxVersion?.Span ?? default,
            version, board.Compatible.IsDefaultOrEmpty ? board.Name : board.Compatible[0], new VirtAddr(Assumed));
        return Assumed;
    }

    private static bool CheckPageOffset(Policy policy, ulong pageOffset, ulong vmallocEnd, DiagnosticBag diagnostics)
    {
        var reason = pageOffset % ArmRules.PmdSize != 0 ? "it is not a multiple of 2 MiB"
            : pageOffset < LowestPageOffset ? "modules need 16 MiB below it"
            : vmallocEnd > uint.MaxValue ? $"VMALLOC_END {new VirtAddr(vmallocEnd)} is beyond 32 bits"
            : vmallocEnd < pageOffset + (64UL << 20) ? $"VMALLOC_END {new VirtAddr(vmallocEnd)} leaves less than 64 MiB above it"
            : null;
        if (reason is null)
            return true;
        diagnostics.Add(DiagnosticTable.Layout.PageOffsetUnusable, policy.PageOffset?.Span ?? policy.VmallocEnd?.Span ?? default,
            new VirtAddr(pageOffset), "32-bit Arm", reason);
        return false;
    }

    private static void SkipToFirstPmd(Ram ram, LinuxVersion version, DiagnosticBag diagnostics)
    {
        var first = ram.Pieces[0];
        var start = Alignment.Up(first.Start, ArmRules.PmdSize);
        if (start == first.Start)
            return;
        var lost = ram.Remove(first.Start, start);
        diagnostics.Add(DiagnosticTable.Layout.FirstBankNotPmdAligned, first.Span, first.Range, version, new PhysAddr(lost), new PhysAddr(start));
    }

    private static LowmemSplit DropHighmem(LowmemSplit split, DiagnosticBag diagnostics, List<string> messages)
    {
        const string Message = "HIGHMEM is not supported with VIPT aliasing cache, ignoring high memory";
        messages.Add(Message);
        var ignored = split.Ignored.Copy();
        foreach (var piece in split.High.Pieces)
            ignored.Add(piece);
        diagnostics.Add(DiagnosticTable.Layout.RamIgnored, split.High.Pieces[0].Span, Message, new PhysAddr(split.High.TotalSize));
        return split with { High = new Ram(), Ignored = ignored };
    }

    private static Ram Join(Ram low, Ram high)
    {
        var all = low.Copy();
        foreach (var piece in high.Pieces)
            all.Add(piece);
        all.Sort();
        return all;
    }

    private static ImmutableArray<LinearSegment> Segments(ReclaimPlan reclaim, ulong pageOffset, ulong physOffset, ulong lowmemLimit)
    {
        var phys = new PhysAddr(physOffset);
        var virt = new VirtAddr(pageOffset);
        if (!reclaim.HasUnmappedHole || lowmemLimit <= reclaim.UnmappedHole.End.Value)
            return [new LinearSegment(phys, virt, lowmemLimit - physOffset)];
        var resume = reclaim.UnmappedHole.End.Value;
        return
        [
            new LinearSegment(phys, virt, reclaim.UnmappedHole.Start - phys),
            new LinearSegment(new PhysAddr(resume), new VirtAddr(reclaim.HoleEndVirt), lowmemLimit - resume),
        ];
    }
}
