using System;
using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mpu;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Protection;
using KmemKit.BoardCompiler.Sources;
using Rules = KmemKit.BoardCompiler.Diagnostics.DiagnosticTable.Mmu;

namespace KmemKit.BoardCompiler.KernelMaps;

/// <summary>Which physical addresses outside RAM a map reaches: registers of devices, on-chip memory, and what the protection policy names.</summary>
/// <remarks>
/// Without a policy, and with one that leaves the rest to privileged code (<c>privileged-background</c>): every range of every enabled device. Else what
/// the policy grants, and nothing else. Registers are Device memory, never executed; <c>mmio-sram</c> is Normal memory.
/// System RAM is never mapped a second time as a device (ioremap's rule, arch/arm/mm/ioremap.c: "Don't allow RAM to be mapped with mismatched attributes").
/// </remarks>
internal sealed class IoRuns(MemoryLayout layout, PagePolicy? policy, ulong page, int physicalBits, bool shareable, DiagnosticBag diagnostics)
{
    private readonly List<IoRun> _runs = [];

    private Board Board => layout.Board;

    /// <summary>By rising address, disjoint; runs of one memory type that touch are one.</summary>
    public List<IoRun> Collect()
    {
        if (policy is null || policy.PrivilegedBackground)
        {
            foreach (var device in Board.Devices.Where(d => d.Enabled))
            {
                foreach (var range in device.Ranges)
                    AddDevice(device, range);
            }
        }
        if (policy is not null)
        {
            foreach (var entry in policy.Entries)
                AddEntry(entry);
        }
        return Join();
    }

    private void AddDevice(BoardDevice device, DeviceRange range)
    {
        var name = device.Labels.IsDefaultOrEmpty ? device.NodePath.Substring(device.NodePath.LastIndexOf('/') + 1) : device.Labels[0];
        var attributes = device.IsSram
            ? new MpuAttributes(AccessRights.ReadWrite, AccessRights.None, MpuMemoryType.NormalWriteBackWriteAllocate, shareable)
            : new MpuAttributes(AccessRights.ReadWrite, AccessRights.None, MpuMemoryType.Device, true);
        if (RamIn(range.Range) is { } bank)
        {
            diagnostics.Add(KmemDiagnostic.Create(Rules.DeviceOverRam, range.Span, name, range.Range, bank.Range).WithRelated("the memory is here", bank.Span));
            return;
        }
        if (IsBeyond(range.Range))
            diagnostics.Add(Rules.DeviceBeyondTables, range.Span, name, range.Range, physicalBits);
        else
            Add(name, range.Range, attributes, false, range.Span);
    }

    private void AddEntry(ProtectionEntry entry)
    {
        if (entry.Attributes.Privileged == 0 && entry.Attributes.User == 0)
            return;
        if (IsBeyond(entry.Range))
        {
            diagnostics.Add(Rules.EntryBeyondTables, entry.Span, entry.Name, entry.Range, physicalBits);
            return;
        }
        // What of it is RAM has its place by the layout already.
        var rest = new List<PhysRange> { entry.Range };
        foreach (var bank in layout.Banks)
        {
            if (bank.Kind == BankKind.Highmem && bank.Range.Overlaps(entry.Range))
                diagnostics.Add(KmemDiagnostic.Create(Rules.EntryInHighmem, entry.Span, entry.Name, entry.Range, bank.Range).WithRelated("the memory is here", bank.Span));
            rest = [.. rest.SelectMany(r => Without(r, bank.Range))];
        }
        foreach (var range in rest)
        {
            var attributes = new MpuAttributes(AccessRights.None, AccessRights.None, entry.Attributes.Memory, entry.Attributes.Shareable);
            Add(entry.Name, range, attributes, true, entry.Span);
        }
    }

    private void Add(string name, PhysRange range, MpuAttributes attributes, bool isRequired, SourceSpan span)
    {
        var start = Alignment.Down(range.Start.Value, page);
        var last = range.End.Last | (page - 1);
        if (last != ulong.MaxValue)
            _runs.Add(new IoRun(name, start, last + 1, attributes, isRequired, span));
        else
            diagnostics.Add(Rules.DeviceBeyondTables, span, name, range, physicalBits);
    }

    private LayoutBank? RamIn(PhysRange range) => layout.Banks.FirstOrDefault(b => b.Range.Overlaps(range));

    private bool IsBeyond(PhysRange range) => range.End.IsTop || (physicalBits < 64 && range.End.Value > 1UL << physicalBits);

    private static IEnumerable<PhysRange> Without(PhysRange range, PhysRange taken)
    {
        if (!range.Overlaps(taken))
        {
            yield return range;
            yield break;
        }
        if (range.Start < taken.Start)
            yield return PhysRange.FromBounds(range.Start, taken.Start.Value);
        if (taken.End < range.End)
            yield return PhysRange.FromBounds(new PhysAddr(taken.End.Value), range.End);
    }

    // Cut at every edge; in each cell what the narrowest says counts, entries before devices, whose rights are laid over later; devices of two memory types are a finding.
    private List<IoRun> Join()
    {
        var joined = new List<IoRun>();
        var edges = new SortedSet<ulong>(_runs.SelectMany(r => new[] { r.Start, r.End })).ToArray();
        for (var i = 0; i + 1 < edges.Length; i++)
        {
            var here = _runs.Where(r => r.Start <= edges[i] && edges[i] < r.End).OrderByDescending(r => r.IsRequired).ThenBy(r => r.Size).ToArray();
            if (here.Length == 0)
                continue;
            var winner = here[0];
            // None of them is an entry's then.
            if (!winner.IsRequired && here.FirstOrDefault(r => r.Attributes.Memory != winner.Attributes.Memory) is { } other)
            {
                diagnostics.Add(KmemDiagnostic.Create(Rules.PageWithTwoTypes, winner.Span, new PhysAddr(edges[i]), winner.Name, winner.Attributes.Memory,
                    other.Name, other.Attributes.Memory).WithRelated("the other is here", other.Span));
            }
            var cell = winner with { Start = edges[i], End = edges[i + 1] };
            if (joined.Count > 0 && joined[joined.Count - 1] is var last && last.End == cell.Start && last.Name == cell.Name && last.Attributes == cell.Attributes)
                joined[joined.Count - 1] = last with { End = cell.End, IsRequired = last.IsRequired || cell.IsRequired };
            else
                joined.Add(cell);
        }
        return joined;
    }
}
