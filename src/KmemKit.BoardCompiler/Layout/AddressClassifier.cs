using KmemKit.Architecture;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Linear;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.BoardCompiler.Layout;

/// <summary>Says of any physical or virtual address what it is under a layout and what it maps to. Total: every address has an answer.</summary>
/// <remarks>
/// Physical addresses are asked in the order in which the hardware and the kernel decide: memory the platform took, RAM, devices, then why there is no
/// RAM. Virtual addresses: the linear map where RAM is behind it, then the narrowest line of the layout block, then the hole the
/// linear map has there, then the guard gap, then user space.
/// </remarks>
public static partial class AddressClassifier
{
    /// <summary>What the physical address is.</summary>
    public static AddressMeaning ClassifyPhysical(MemoryLayout layout, PhysAddr address)
    {
        foreach (var placed in layout.Reserved)
        {
            if (placed.Region.NoMap && placed.Range.Contains(address))
            {
                return new(AddressKind.Reserved, placed.Region.Name, null,
                    $"no-map region {Named(placed.Region.Name, placed.Range)}: the kernel must not map it", placed.Region.Span);
            }
        }
        foreach (var bank in layout.Banks)
        {
            if (bank.Range.Contains(address))
                return InBank(layout, bank, address);
        }
        if (DeviceAt(layout.Board, address) is { } device)
            return device;
        foreach (var hole in layout.Holes)
        {
            if (hole.Range.Contains(address))
                return InHole(layout, hole, address);
        }
        return new(AddressKind.Nothing, "", null, "no RAM, no device and no reserved memory of the board is there", default);
    }

    /// <summary>What the virtual address is.</summary>
    public static AddressMeaning ClassifyVirtual(MemoryLayout layout, VirtAddr address)
    {
        if (!layout.Board.UsesMmu)
            return WithoutMmu(layout, address);

        var status = layout.Linear.VirtToPhys(address, out var physical);
        if (status == TranslationStatus.Ok)
            return LogicalVirtual(layout, address, physical);

        var range = NarrowestLine(layout, address);
        if (range is not null && !IsLinearLine(range.Name))
            return InLine(layout, range, address);
        if (status == TranslationStatus.Hole)
        {
            var behind = ClassifyPhysical(layout, physical);
            return new(AddressKind.Hole, behind.Name, null,
                $"the linear map's offset leads to {physical}, where no RAM is: {behind.Reason}", behind.Span);
        }
        if (range is not null)
            return new(AddressKind.Hole, range.Name, null, $"within the {range.Name} line, but no segment of the linear map maps it", default);
        return OutsideAllLines(layout, address);
    }

    private static AddressMeaning InBank(MemoryLayout layout, LayoutBank bank, PhysAddr address)
    {
        var reserved = ReservedNote(layout, address, out var span);
        if (!span.IsKnown)
            span = bank.Span;
        if (layout.Linear.PhysToVirt(address, out var virtual_) == TranslationStatus.Ok)
        {
            return new(AddressKind.Logical, "lowmem", virtual_.Value,
                $"lowmem {Range(bank.Range)}, mapped for good at {virtual_}{reserved}", span);
        }
        return bank.Kind == BankKind.Highmem
            ? new(AddressKind.Highmem, "highmem", null, $"highmem {Range(bank.Range)}: no permanent address, kmap() gives a temporary one{reserved}", span)
            : new(AddressKind.Hole, "lowmem", null, $"lowmem {Range(bank.Range)}, but outside the linear map{reserved}", span);
    }

    private static string ReservedNote(MemoryLayout layout, PhysAddr address, out SourceSpan span)
    {
        foreach (var placed in layout.Reserved)
        {
            if (!placed.Range.Contains(address))
                continue;
            span = placed.Region.Span;
            return $", reserved for {Named(placed.Region.Name, placed.Range)}";
        }
        span = default;
        return "";
    }

    // The innermost one: a bus that claims a window contains the devices on it.
    private static AddressMeaning? DeviceAt(Board board, PhysAddr address)
    {
        BoardDevice? best = null;
        DeviceRange? bestRange = null;
        foreach (var device in board.Devices)
        {
            foreach (var range in device.Ranges)
            {
                if (range.Range.Contains(address) && (bestRange is null || range.Range.Size < bestRange.Range.Size))
                    (best, bestRange) = (device, range);
            }
        }
        if (best is null || bestRange is null)
            return null;
        var name = best.Labels.IsDefaultOrEmpty ? best.NodePath : best.Labels[0];
        var offset = AddressLimit.FromUInt64(address - bestRange.Range.Start);
        var what = best.IsSram ? "on-chip memory " : "device ";
        var state = best.Enabled ? "" : ", disabled";
        var part = bestRange.Name is null ? "" : $" ({bestRange.Name})";
        return new(AddressKind.Device, name, null, $"{what}{best.NodePath}{part} {Range(bestRange.Range)}, offset {offset}{state}", bestRange.Span);
    }

    private static AddressMeaning InHole(MemoryLayout layout, PhysicalHole hole, PhysAddr address)
    {
        var text = hole.Kind switch
        {
            HoleKind.NoMap => $"taken by the platform (no-map) {Range(hole.Range)}",
            HoleKind.Ignored => $"RAM that this layout cannot reach and the kernel ignores {Range(hole.Range)}",
            _ when hole.Span.IsKnown => $"removed from the banks {Range(hole.Range)}",
            _ => $"gap between banks {Range(hole.Range)}",
        };
        // The fault of the unchecked macros is worth seeing: they do give an address here, and it is not this one's.
        if (layout.Linear.PhysToVirt(address, out var unchecked_) == TranslationStatus.Hole)
            text += $"; the unchecked macro would give {unchecked_}";
        return new(AddressKind.Hole, LayoutName(hole.Kind), null, text, hole.Span);
    }

    private static string LayoutName(HoleKind kind) => kind switch
    {
        HoleKind.NoMap => "no-map",
        HoleKind.Ignored => "ignored",
        _ => "gap",
    };

    private static string Range(PhysRange range) => $"{range.Start}-{range.End}";

    private static string Named(string name, PhysRange range) => $"{name} {Range(range)}";
}
