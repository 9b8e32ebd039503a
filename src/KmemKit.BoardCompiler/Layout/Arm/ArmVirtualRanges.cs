using System.Collections.Immutable;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Policies;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.BoardCompiler.Layout.Arm;

/// <summary>The lines of the "Virtual kernel memory layout" block of 32-bit Arm, in the order the kernel prints them.</summary>
/// <remarks>
/// Source: arch/arm/mm/init.c, mem_init, 2.6.35 to 5.0; later kernels print none, and get the same list. With
/// <c>CONFIG_ENABLE_VMALLOC_SAVING</c> vmalloc and lowmem take turns, top down (msm 3.4, print_vmalloc_lowmem_info).
/// </remarks>
internal sealed class ArmVirtualRanges(
    Policy policy, ArmRules rules, ulong pageOffset, ulong vmallocStart, ulong vmallocEnd, ulong highMemory, DiagnosticBag diagnostics)
{
    private const ulong ConsistentEnd = 0xffe0_0000;
    private const ulong PkmapSize = 2UL << 20;

    private readonly VirtualRangeList _lines = new(diagnostics);

    public ImmutableArray<VirtualRange> List(ReclaimStrategy strategy, LowmemSplit split, ReclaimPlan reclaim)
    {
        Add("vector", 0xffff_0000, 0xffff_1000, SizeUnit.KB);
        if (policy.UserAccessibleTimers?.Value ?? false)
            Add("timers", 0xfffe_f000, 0xffff_0000, SizeUnit.KB);
        _lines.Add("fixmap", policy.FixaddrStart?.Value.Value ?? rules.FixmapStart, policy.FixaddrTop?.Value.Value ?? rules.FixmapEnd,
            SizeUnit.KB, policy.FixaddrStart?.Span ?? policy.FixaddrTop?.Span ?? default);
        if (rules.PrintsDma)
        {
            var size = policy.ConsistentDmaSize?.Value ?? 2UL << 20;
            _lines.Add("DMA", size < ConsistentEnd ? ConsistentEnd - size : 0, ConsistentEnd, SizeUnit.MB, default);
        }
        if (strategy == ReclaimStrategy.VmallocSaving)
        {
            AddVmallocAndLowmemInTurns(split, reclaim);
        }
        else
        {
            Add("vmalloc", vmallocStart, vmallocEnd, SizeUnit.MB);
            Add("lowmem", pageOffset, highMemory, SizeUnit.MB);
        }
        var highmem = policy.Highmem?.Value ?? false;
        if (highmem)
        {
            var pkmap = policy.PkmapBase?.Value.Value ?? pageOffset - PkmapSize;
            Add("pkmap", pkmap, pkmap + PkmapSize, SizeUnit.MB);
        }
        if (policy.Modules?.Value ?? false)
        {
            var below = (policy.Thumb2Kernel?.Value ?? false) ? 8UL << 20 : 16UL << 20;
            Add("modules", pageOffset - below, highmem ? pageOffset - PkmapSize : pageOffset, SizeUnit.MB);
        }
        string[] order = rules.InitBeforeText ? [".init", ".text", ".data", ".bss"] : [".text", ".init", ".data", ".bss"];
        _lines.AddSections(policy, SizeUnit.KBRoundedUp, order);
        return _lines.ToImmutable();
    }

    private void AddVmallocAndLowmemInTurns(LowmemSplit split, ReclaimPlan reclaim)
    {
        Add("vmalloc", vmallocStart, vmallocEnd, SizeUnit.MB);
        var banks = split.Low.Pieces;
        for (var i = banks.Count - 1; i >= 0; i--)
        {
            Add("lowmem", reclaim.ToVirt(banks[i].Start), reclaim.ToVirt(banks[i].End - 1) + 1, SizeUnit.MB);
            foreach (var hole in reclaim.VmallocHoles)
            {
                if (hole.End == banks[i].Start)
                    Add("vmalloc", reclaim.ToVirt(hole.Start.Value), reclaim.ToVirt(hole.End.Value), SizeUnit.MB);
            }
        }
    }

    private void Add(string name, ulong start, ulong end, SizeUnit unit) =>
        _lines.Add(name, start, end, unit, default(SourceSpan));
}
