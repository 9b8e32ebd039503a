using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Globalization;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Writers;

namespace KmemKit.BoardCompiler.Diagram;

/// <summary>Decides which ranges of a layout are drawn.</summary>
internal static class DiagramRanges
{
    // Devices nearer than this are one block: a bus has dozens, each a page long.
    private const ulong DeviceGap = 1UL << 20;

    // As large as this, a device is a block of its own: flash, a PCI window.
    private const ulong LargeDevice = 8UL << 20;

    /// <summary>The physical column: memory, holes, reserved memory, on-chip RAM, and devices in groups.</summary>
    public static ImmutableArray<DiagramRange> Physical(MemoryLayout layout)
    {
        var ranges = new List<DiagramRange>();
        foreach (var bank in layout.Banks)
            Add(bank.Kind == BankKind.Lowmem ? BlockKind.Lowmem : BlockKind.Highmem, LayoutJsonWriter.NameOf(bank.Kind), bank.Range);
        var reserved = NamedRange.Reserved(layout);
        foreach (var hole in layout.Holes)
        {
            // A no-map region is drawn under its own name and not as the hole that it leaves.
            if (hole.Kind != HoleKind.NoMap || !IsCovered(hole.Range, reserved.Where(r => r.Region!.NoMap).Select(r => r.Range)))
                Add(BlockKind.Hole, "hole, " + LayoutJsonWriter.NameOf(hole.Kind), hole.Range);
        }
        foreach (var region in reserved)
            Add(BlockKind.Reserved, region.Name + (region.Region!.NoMap ? ", no-map" : "") + (region.Region.Reusable ? ", reusable" : ""), region.Range);
        AddDevices(ranges, layout.Board);
        return Inset(ranges);

        void Add(BlockKind kind, string name, PhysRange range)
        {
            if (!range.IsEmpty)
                ranges.Add(new DiagramRange(kind, name, range.Start.Value, range.End));
        }
    }

    /// <summary>The virtual column: the ranges of the kernel, and user space below.</summary>
    public static ImmutableArray<DiagramRange> Virtual(MemoryLayout layout)
    {
        var ranges = new List<DiagramRange>();
        foreach (var line in layout.Virtual.Where(v => !v.Range.IsEmpty))
        {
            var kind = line.Name switch
            {
                "lowmem" or "memory" or "direct" => BlockKind.Lowmem,
                "vmalloc" => BlockKind.Vmalloc,
                _ => BlockKind.Kernel,
            };
            ranges.Add(new DiagramRange(kind, line.Name, line.Range.Start.Value, line.Range.End));
        }
        if (layout.Board.UsesMmu && AddressClassifier.UserLimit(layout) is { } limit && limit > 0 && ranges.All(r => r.Start >= limit))
            ranges.Add(new DiagramRange(BlockKind.User, "user", 0, limit));
        return Inset(ranges);
    }

    private static void AddDevices(List<DiagramRange> ranges, Board board)
    {
        var memory = ranges.ToList();
        var devices = NamedRange.Devices(board).Where(d => d.Enabled && !d.Range.IsEmpty).OrderBy(d => d.Range).ToList();
        foreach (var sram in devices.Where(d => d.Device!.IsSram))
        {
            ranges.Add(new DiagramRange(BlockKind.Sram, sram.Name, sram.Range.Start.Value, sram.Range.End));
            memory.Add(ranges[ranges.Count - 1]);
        }
        var group = new List<NamedRange>();
        AddressLimit end = 0;
        foreach (var device in devices.Where(d => !d.Device!.IsSram))
        {
            var start = device.Range.Start.Value;
            var isFar = end < start && start - end.Value > DeviceGap;
            if (group.Count > 0 && (isFar || IsLarge(device) || IsLarge(group[0]) || memory.Any(m => group[0].Range.Start.Value <= m.Start && m.Start < start)))
                Close();
            group.Add(device);
            end = group.Count == 1 || end < device.Range.End ? device.Range.End : end;
        }
        if (group.Count > 0)
            Close();

        static bool IsLarge(NamedRange device) => device.Range.Size > LargeDevice - 1;

        void Close()
        {
            var names = group.Select(d => d.Name).Distinct(StringComparer.Ordinal).ToList();
            var name = names.Count == 1 ? names[0] : names.Count.ToString(CultureInfo.InvariantCulture) + " devices: " + string.Join(", ", names);
            ranges.Add(new DiagramRange(BlockKind.Device, name, group[0].Range.Start.Value, end));
            group.Clear();
        }
    }

    // A range that lies in another one is drawn inside of it; of two that overlap in part, the later one.
    private static ImmutableArray<DiagramRange> Inset(List<DiagramRange> ranges)
    {
        bool Contains(DiagramRange outer, DiagramRange inner) => outer.Start <= inner.Start && inner.End <= outer.End;
        bool Overlaps(DiagramRange a, DiagramRange b) => a.End > b.Start && b.End > a.Start;
        bool IsInset(int i) => ranges.Where((other, j) => j != i && Overlaps(other, ranges[i]) && (Contains(other, ranges[i])
            ? !Contains(ranges[i], other) || j < i
            : j < i && !Contains(ranges[i], other))).Any();
        var result = ranges.Select((range, i) => range with { IsInset = IsInset(i) }).ToList();
        return [.. result.Where(r => !r.IsInset), .. result.Where(r => r.IsInset)];
    }

    private static bool IsCovered(PhysRange range, IEnumerable<PhysRange> by)
    {
        AddressLimit at = range.Start.Value;
        foreach (var part in by.OrderBy(r => r))
        {
            if (part.Start.Value <= at && part.End > at)
                at = part.End;
        }
        return at >= range.End;
    }
}
