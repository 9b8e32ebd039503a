using System;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Dma.Debug;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Pages;
using KmemKit.Runtime.Zones;

namespace KmemKit.Runtime.Dma;

/// <summary>Memory that processor and device use at the same time (dma_alloc_coherent).</summary>
/// <param name="First">Its first page.</param>
/// <param name="Pages">How many pages; physically in a row unless the device has an SMMU.</param>
/// <param name="Address">Physical address of the first page.</param>
/// <param name="Bus">What the device gets.</param>
/// <param name="Size">Bytes asked for.</param>
public sealed record DmaAllocation(Page First, ulong Pages, PhysAddr Address, BusAddr Bus, ulong Size)
{
    /// <summary>Every page; null where they are a row.</summary>
    internal Page[]? Scattered { get; init; }

    /// <summary>Physical address of each page.</summary>
    public PhysAddr[]? Places { get; init; }
}

public sealed unsafe partial class DmaMapper
{
    /// <summary>
    /// Allocates zeroed memory for a device (dma_alloc_coherent). Without an SMMU it is a row of pages that the device reaches, from the contiguous area where one is and more
    /// than a page is asked for, else from the zone that its mask allows. Behind an SMMU single pages do, wherever they are.
    /// </summary>
    /// <param name="cpu">The CPU that allocates.</param>
    /// <param name="device">The device.</param>
    /// <param name="size">Bytes, at least 1.</param>
    /// <param name="flags">As for pages; zones are the device's matter.</param>
    /// <param name="allocation">The memory; null on an error.</param>
    /// <param name="attributes">Attributes.</param>
    public DmaError TryAllocCoherent(
        Cpu cpu, DmaDevice device, ulong size, GfpFlags flags, out DmaAllocation? allocation, DmaAttributes attributes = DmaAttributes.None)
    {
        ArgumentNullException.ThrowIfNull(cpu);
        ArgumentNullException.ThrowIfNull(device);
        allocation = null;
        if (size == 0)
            return DmaError.Invalid;
        flags &= ~(GfpFlags.DmaZone | GfpFlags.Dma32Zone | GfpFlags.HighMem | GfpFlags.Movable);
        var error = device.Domain is { } domain && (attributes & DmaAttributes.ForceContiguous) == 0
            ? AllocScattered(cpu, device, domain, size, flags | GfpFlags.Zero, attributes, out allocation)
            : AllocRow(cpu, device, size, flags | GfpFlags.Zero, attributes, out allocation);
        if (allocation is not null)
            Debug?.Mapped(device, allocation.Bus, allocation.Address, size, DmaDirection.Bidirectional, DmaDebugType.Coherent);
        return error;
    }

    /// <summary>Gives coherent memory back (dma_free_coherent).</summary>
    public void FreeCoherent(Cpu cpu, DmaDevice device, DmaAllocation allocation)
    {
        ArgumentNullException.ThrowIfNull(cpu);
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(allocation);
        if (Debug is { } debug && !debug.Unmapping(device, allocation.Bus, allocation.Size, DmaDirection.Bidirectional, DmaDebugType.Coherent))
            return;
        device.Domain?.Unmap(cpu, allocation.Bus, allocation.Pages * cpu.Allocator.Map.Pages.PageSize);
        if (allocation.Scattered is { } pages)
            cpu.FreePagesBulk(pages);
        else
            FreeRow(cpu, allocation.First, allocation.Pages);
    }

    private static DmaError AllocScattered(
        Cpu cpu, DmaDevice device, DmaDomain domain, ulong size, GfpFlags flags, DmaAttributes attributes, out DmaAllocation? allocation)
    {
        allocation = null;
        var map = cpu.Allocator.Map;
        var pageSize = map.Pages.PageSize;
        // Each granule of the translation must be memory in a row.
        var order = cpu.GetOrder(Math.Max(domain.Granule, pageSize));
        var blocks = (int)((size + (pageSize << order) - 1) / (pageSize << order));
        var pages = new Page[blocks << order];
        var pieces = new DmaPiece[blocks];
        for (var i = 0; i < blocks; i++)
        {
            var block = cpu.AllocPages(flags & ~GfpFlags.Comp, order);
            if (block.IsNull)
            {
                cpu.FreePagesBulk(pages.AsSpan(0, i << order));
                return DmaError.NoMemory;
            }
            if (order > 0)
                cpu.SplitPage(block, order);
            for (var j = 0; j < 1 << order; j++)
                pages[(i << order) + j] = new Page(block.Index + (uint)j);
            pieces[i] = new DmaPiece(map.PageToPhys(block), pageSize << order);
        }
        var error = domain.TryMap(cpu, pieces, AccessOf(device, DmaDirection.Bidirectional, attributes), device.CoherentDmaMask, out var bus);
        if (error != DmaError.None)
        {
            cpu.FreePagesBulk(pages);
            return error;
        }
        allocation = new DmaAllocation(pages[0], (ulong)pages.Length, pieces[0].Address, bus, size)
        {
            Scattered = pages, Places = [.. pages.Select(map.PageToPhys)],
        };
        return DmaError.None;
    }

    private static DmaError AllocRow(Cpu cpu, DmaDevice device, ulong size, GfpFlags flags, DmaAttributes attributes, out DmaAllocation? allocation)
    {
        allocation = null;
        var map = cpu.Allocator.Map;
        var pages = ((size - 1) >> map.Pages.PageShift) + 1;
        var bytes = pages * map.Pages.PageSize;
        var reached = false;
        var zones = device.Domain is null ? s_zones : [GfpFlags.None];
        foreach (var zone in zones)
        {
            if (device.Domain is null && !MayReach(cpu, device, zone))
                continue;
            reached = true;
            var first = TakeRow(cpu, pages, flags | zone, zone == GfpFlags.None);
            if (first.IsNull)
                continue;
            var address = map.PageToPhys(first);
            BusAddr bus;
            var error = device.Domain is { } domain
                ? domain.TryMap(cpu, [new DmaPiece(address, bytes)], AccessOf(device, DmaDirection.Bidirectional, attributes), device.CoherentDmaMask, out bus)
                : device.TryToBus(address, bytes, device.CoherentDmaMask, out bus) ? DmaError.None : DmaError.NotReachable;
            if (error == DmaError.None)
            {
                allocation = new DmaAllocation(first, pages, address, bus, size);
                return DmaError.None;
            }
            // The zone reaches further than the device: the next one is lower.
            FreeRow(cpu, first, pages);
            if (device.Domain is not null)
                return error;
        }
        return reached ? DmaError.NoMemory : DmaError.NotReachable;
    }

    private static readonly GfpFlags[] s_zones = [GfpFlags.None, GfpFlags.Dma32Zone, GfpFlags.DmaZone];

    private static Page TakeRow(Cpu cpu, ulong pages, GfpFlags flags, bool mayUseArea)
    {
        // As dma_alloc_contiguous: the default area serves callers that can sleep and want more than a page.
        if (pages > 1 && mayUseArea && (flags & GfpFlags.DirectReclaim) != 0 && cpu.Allocator.CmaAreas.FirstOrDefault(a => a.IsDefault) is { } area
            && area.Alloc(cpu, pages, cpu.GetOrder(pages * cpu.Allocator.Map.Pages.PageSize)) is { IsOk: true } row)
        {
            for (var i = 0u; i < pages; i++)
                new Span<byte>(cpu.Allocator.Map.PageData(new Page(row.First.Index + i)), (int)cpu.Allocator.Map.Pages.PageSize).Clear();
            return row.First;
        }
        var order = cpu.GetOrder(pages * cpu.Allocator.Map.Pages.PageSize);
        if (order > cpu.Allocator.Map.MaxOrder)
            return Page.Null;
        var first = cpu.AllocPages((flags & ~GfpFlags.Comp) | GfpFlags.NoWarn, order);
        if (first.IsNull)
            return first;
        if (order > 0)
            cpu.SplitPage(first, order);
        for (var i = (uint)pages; i < 1u << order; i++)
            cpu.FreePage(new Page(first.Index + i));
        return first;
    }

    private static void FreeRow(Cpu cpu, Page first, ulong pages)
    {
        foreach (var area in cpu.Allocator.CmaAreas)
        {
            if (area.Release(cpu, first, pages))
                return;
        }
        cpu.FreeContigRange(first, pages);
    }

    // Whether some memory of the zones that a request may come from is in reach: else there is nothing to try.
    private static bool MayReach(Cpu cpu, DmaDevice device, GfpFlags zone)
    {
        var map = cpu.Allocator.Map;
        foreach (var candidate in cpu.Allocator.Zones)
        {
            var fits = zone switch
            {
                GfpFlags.DmaZone => candidate.Type == ZoneType.Dma,
                GfpFlags.Dma32Zone => candidate.Type is ZoneType.Dma or ZoneType.Dma32,
                _ => candidate.Type is ZoneType.Dma or ZoneType.Dma32 or ZoneType.Normal,
            };
            if (!fits || candidate.ManagedPages == 0)
                continue;
            var memory = new PhysRange(map.Pages.ToAddress(candidate.Start), candidate.SpannedPages * map.Pages.PageSize);
            foreach (var window in device.Windows)
            {
                var seen = window.Memory.Intersect(memory);
                if (!seen.IsEmpty && window.ToBus(seen.Start).Value <= device.CoherentDmaMask)
                    return true;
            }
        }
        return false;
    }
}
