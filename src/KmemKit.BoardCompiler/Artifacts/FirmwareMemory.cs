using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Protection;
using KmemKit.BoardCompiler.Writers;

namespace KmemKit.BoardCompiler.Artifacts;

/// <summary>Decides which memory of a board a linker may use: RAM without what is reserved in it, on-chip RAM, flash, and each reserved region by itself.</summary>
/// <remarks>
/// Invariant: regions of kind <see cref="FirmwareRegionKind.Ram"/> are disjoint from one another and from every reserved region, so that a section placed
/// in one is nobody else's memory.
/// </remarks>
public static class FirmwareMemory
{
    // dts/bindings of Linux (mtd) and Zephyr (flash_controller, mtd).
    private static readonly string[] FlashCompatibles = ["cfi-flash", "jedec-flash", "mtd-rom", "soc-nv-flash", "st,stm32-nv-flash"];

    /// <summary>The regions: RAM by rising address, on-chip RAM and flash in the order of the tree, reserved memory in the board's order.</summary>
    public static ImmutableArray<FirmwareRegion> Plan(MemoryLayout layout)
    {
        if (layout is null)
            throw new ArgumentNullException(nameof(layout));
        var regions = new List<FirmwareRegion>();
        AddRam(regions, layout);
        foreach (var device in NamedRange.Devices(layout.Board).Where(d => d.Enabled))
        {
            var isFlash = device.Device!.Compatible.Any(c => FlashCompatibles.Contains(c, StringComparer.Ordinal));
            if (device.Device.IsSram)
                regions.Add(new FirmwareRegion(device.Name, device.Range, FirmwareRegionKind.Sram, device.NodePath, device.Span));
            else if (isFlash)
                regions.Add(new FirmwareRegion(device.Name, device.Range, FirmwareRegionKind.Flash, device.NodePath, device.Span) { Writable = false });
        }
        foreach (var reserved in NamedRange.Reserved(layout))
        {
            var region = reserved.Region!;
            var what = (region.NodePath.Length > 0 ? region.NodePath : region.Name) + (region.NoMap ? ", no-map" : "") + (region.Reusable ? ", reusable" : "");
            regions.Add(new FirmwareRegion(reserved.Name, reserved.Range, FirmwareRegionKind.Reserved, what, reserved.Span));
        }
        return [.. regions.Where(r => !r.Range.IsEmpty).Select(r => Protect(r, layout.Board.Protection))];
    }

    private static void AddRam(List<FirmwareRegion> regions, MemoryLayout layout)
    {
        foreach (var bank in Joined(layout.Banks))
        {
            var node = layout.Board.Banks.FirstOrDefault(b => b.Range.Contains(bank.Range));
            var name = node is { Labels.Length: > 0 } ? node.Labels[0] : "ram";
            AddressLimit start = bank.Range.Start.Value;
            foreach (var taken in layout.Reserved.Select(r => r.Range).Where(r => r.Overlaps(bank.Range)).OrderBy(r => r))
            {
                Add(start, taken.Start.Value);
                start = start < taken.End ? taken.End : start;
            }
            Add(start, bank.Range.End);

            void Add(AddressLimit from, AddressLimit to)
            {
                if (from < to)
                    regions.Add(new FirmwareRegion(name, PhysRange.FromBounds(new PhysAddr(from.Value), to), FirmwareRegionKind.Ram, node?.NodePath ?? "memory", bank.Span));
            }
        }
    }

    // Where lowmem ends is nothing that a linker needs to know.
    private static IEnumerable<LayoutBank> Joined(ImmutableArray<LayoutBank> banks)
    {
        LayoutBank? open = null;
        foreach (var bank in banks)
        {
            if (open is not null && open.Range.End == bank.Range.Start.Value && open.Span.Equals(bank.Span))
            {
                open = open with { Range = PhysRange.FromBounds(open.Range.Start, bank.Range.End) };
                continue;
            }
            if (open is not null)
                yield return open;
            open = bank;
        }
        if (open is not null)
            yield return open;
    }

    // A policy that decides about a whole region alike says what the program may do there; where it cuts the region, the kind alone says it.
    private static FirmwareRegion Protect(FirmwareRegion region, ProtectionPolicy? policy)
    {
        if (policy?.At(region.Range.Start.Value, null) is not { } entry || !entry.Range.Contains(region.Range)
            || policy.Entries.Any(e => e != entry && e.Range.Overlaps(region.Range) && entry.Range.Contains(e.Range)))
            return region;
        var rights = entry.Attributes.RightsOf(Privilege.Privileged) | entry.Attributes.RightsOf(Privilege.User);
        return region with
        {
            Readable = (rights & AccessRights.Read) != 0,
            Writable = region.Writable && (rights & AccessRights.Write) != 0,
            Executable = region.Executable && (rights & AccessRights.Execute) != 0,
        };
    }
}
