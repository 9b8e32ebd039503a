using System;
using System.Collections.Generic;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Policies;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.BoardCompiler.Layout.Arm;

/// <summary>
/// What the chosen msm reclaim strategy does with the holes of a board, and the __pa/__va arithmetic that follows from it.
/// </summary>
/// <remarks>
/// Source: arch/arm/mm/{mmu,init}.c and arch/arm/mach-msm/include/mach/memory.h of the msm 3.4 kernel. Only holes that start at or below
/// PHYS_OFFSET + 256 MiB count (MAX_HOLE_ADDRESS).
/// <code>
///   DontMapHole     phys  |--bank--|####hole####|--bank----|      VmallocSaving   phys  |--bank--|####hole####|--bank--|
///                   virt  |--bank--|--bank----|                                   virt  |--bank--|  vmalloc   |--bank--|
/// </code>
/// </remarks>
internal sealed class ReclaimPlan
{
    private const ulong MaxHoleOffset = 256UL << 20;

    private readonly ulong _pageOffset;
    private readonly ulong _physOffset;

    private ReclaimPlan(ulong pageOffset, ulong physOffset)
    {
        _pageOffset = pageOffset;
        _physOffset = physOffset;
    }

    /// <summary>The hole left out of the linear map; empty where there is none.</summary>
    public PhysRange UnmappedHole { get; private set; }

    /// <summary>The virtual address that the end of <see cref="UnmappedHole"/> is mapped at.</summary>
    public ulong HoleEndVirt { get; private set; }

    /// <summary>The holes whose virtual addresses go to vmalloc, by rising address.</summary>
    public IReadOnlyList<PhysRange> VmallocHoles { get; private set; } = [];

    /// <summary>Bytes of <see cref="VmallocHoles"/>.</summary>
    public ulong VmallocHoleBytes { get; private set; }

    /// <summary>Whether a hole is left out of the linear map.</summary>
    public bool HasUnmappedHole => !UnmappedHole.IsEmpty;

    public static ReclaimPlan Make(
        ReclaimStrategy strategy, Ram ram, ulong pageOffset, ulong physOffset, DiagnosticBag diagnostics, List<string> messages)
    {
        var plan = new ReclaimPlan(pageOffset, physOffset);
        if (strategy == ReclaimStrategy.None)
            return plan;
        var holes = CountedHoles(ram, physOffset);
        if (strategy == ReclaimStrategy.VmallocSaving)
        {
            var ranges = new List<PhysRange>();
            foreach (var (hole, _) in holes)
            {
                ranges.Add(hole);
                plan.VmallocHoleBytes += hole.Size.Value;
            }
            plan.VmallocHoles = ranges;
            return plan;
        }
        var largest = default((PhysRange Hole, SourceSpan Span));
        foreach (var candidate in holes)
        {
            // A later hole of the same size wins.
            if (candidate.Hole.Size >= largest.Hole.Size)
                largest = candidate;
        }
        if (!largest.Hole.IsEmpty)
            plan.LeaveUnmapped(largest.Hole, largest.Span, diagnostics, messages);
        return plan;
    }

    /// <summary>__va as the macro computes it: 32 bits, wrapping.</summary>
    public ulong ToVirt(ulong phys) => unchecked((uint)(HasUnmappedHole && phys >= UnmappedHole.End.Value
        ? phys - UnmappedHole.End.Value + HoleEndVirt
        : phys - _physOffset + _pageOffset));

    /// <summary>__pa, wide: what physical address a kernel address stands for.</summary>
    public ulong ToPhys(ulong virt) => HasUnmappedHole && virt >= HoleEndVirt
        ? virt - HoleEndVirt + UnmappedHole.End.Value
        : unchecked(virt - _pageOffset + _physOffset);

    private static List<(PhysRange Hole, SourceSpan Span)> CountedHoles(Ram ram, ulong physOffset)
    {
        var holes = new List<(PhysRange, SourceSpan)>();
        for (var i = 0; i + 1 < ram.Pieces.Count; i++)
        {
            var start = ram.Pieces[i].End;
            var end = ram.Pieces[i + 1].Start;
            if (start < end && start > physOffset && start <= physOffset + MaxHoleOffset)
                holes.Add((PhysRange.FromBounds(new PhysAddr(start), end), ram.Pieces[i + 1].Span));
        }
        return holes;
    }

    private void LeaveUnmapped(PhysRange hole, SourceSpan span, DiagnosticBag diagnostics, List<string> messages)
    {
        var end = hole.End.Value;
        if (!hole.Start.IsAligned(ArmRules.SectionSize) || end % ArmRules.SectionSize != 0)
            diagnostics.Add(DiagnosticTable.Layout.HoleNotSectionAligned, span, hole);
        var virt = hole.Start.Value - _physOffset + _pageOffset;
        var virtOffset = virt % ArmRules.PmdSize;
        var physOffset = end % ArmRules.PmdSize;
        UnmappedHole = hole;
        HoleEndVirt = virt;
        if (virtOffset == 0 == (physOffset == 0))
            return;
        // The kernel maps whole PMDs, so both sides have to sit alike in one: the virtual side moves up.
        HoleEndVirt = virt + Math.Max(virtOffset, physOffset);
        var from = new VirtAddr(virt).ToString();
        var to = new VirtAddr(HoleEndVirt).ToString();
        diagnostics.Add(DiagnosticTable.Layout.VirtualHole, span, from, to, hole);
        messages.Add($"Physical memory hole is not aligned. There will be a virtual memory hole from {from.Substring(2)} to {to.Substring(2)}");
    }
}
