using System;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.InteropServices;
using KmemKit.Architecture;
using KmemKit.Native.Machine;
using KmemKit.Native.Reports;
using KmemKit.Runtime.Dma;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Memory;

namespace KmemKit.Native.Exports;

/// <summary><c>struct scatterlist</c> of host/kmem_kernel.h.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct ScatterEntry
{
    public void* Page;
    public uint Offset;
    public uint Length;
    public ulong DmaAddress;
    public uint DmaLength;
    public uint Reserved;
}

/// <summary>The DMA API (include/linux/dma-mapping.h): the driver's side.</summary>
internal static unsafe class DmaExports
{
    private const ulong MappingError = ulong.MaxValue;
    private const int MostEntries = 1 << 16;

    /// <summary><c>dma_set_mask</c>, <c>dma_set_coherent_mask</c> or both.</summary>
    /// <param name="header">The device.</param>
    /// <param name="mask">A mask of ones from bit 0 on.</param>
    /// <param name="which">1 streaming, 2 coherent, 3 both.</param>
    /// <param name="at">The call.</param>
    [UnmanagedCallersOnly(EntryPoint = "kmemnet_kmem_dma_mask")]
    public static int SetMask(void* header, ulong mask, int which, CallSite* at)
    {
        try
        {
            var machine = NativeMachine.Current;
            using var call = machine.Enter(at);
            if (DeviceOf(machine, header, "dma_set_mask") is not { } device)
                return Caught.Einval;
            // dma_supported: some memory must be in reach.
            if (mask == 0 || (mask & unchecked(mask + 1)) != 0 || !device.Master.Windows.Any(w => w.Bus.Value <= mask))
                return Caught.Eio;
            if ((which & 1) != 0)
                device.Master.DmaMask = device.Header->DmaMask = mask;
            if ((which & 2) != 0)
                device.Master.CoherentDmaMask = device.Header->CoherentDmaMask = mask;
            return 0;
        }
        catch (Exception exception)
        {
            return Caught.Report(at, exception);
        }
    }

    /// <summary><c>dma_map_single</c>.</summary>
    [UnmanagedCallersOnly(EntryPoint = "kmemnet_dma_map_single")]
    public static ulong MapSingle(void* header, void* address, nuint size, int direction, CallSite* at)
    {
        try
        {
            var machine = NativeMachine.Current;
            using var call = machine.Enter(at);
            if (DeviceOf(machine, header, "dma_map_single") is not { } device || !IsDirection(machine, direction))
                return MappingError;
            if (!machine.Booted.Memory.TryToPhys(address, out var phys))
            {
                var window = machine.Windows.Find(address);
                NativeMachine.Warn(ReportKind.Dma, window is null
                    ? $"DMA-API: {device.Master}: device driver maps memory from stack or of the host program [addr={(nuint)address:x16}]"
                    : $"DMA-API: {device.Master}: rejecting DMA map of vmalloc or register memory [addr={(nuint)address:x16}] of {window.Site}", (nuint)address);
                return MappingError;
            }
            return Map(machine, call, device, phys, size, (DmaDirection)direction);
        }
        catch (Exception exception)
        {
            _ = Caught.Report(at, exception);
            return MappingError;
        }
    }

    /// <summary><c>dma_map_page</c>.</summary>
    [UnmanagedCallersOnly(EntryPoint = "kmemnet_dma_map_page")]
    public static ulong MapPage(void* header, void* page, nuint offset, nuint size, int direction, CallSite* at)
    {
        try
        {
            var machine = NativeMachine.Current;
            using var call = machine.Enter(at);
            if (DeviceOf(machine, header, "dma_map_page") is not { } device || !IsDirection(machine, direction)
                || PageExports.PageOf(machine, page, "dma_map_page") is not { IsNull: false } first || offset > machine.Booted.Memory.TotalBytes)
                return MappingError;
            return Map(machine, call, device, new PhysAddr(machine.Map.PageToPhys(first).Value + offset), size, (DmaDirection)direction);
        }
        catch (Exception exception)
        {
            _ = Caught.Report(at, exception);
            return MappingError;
        }
    }

    /// <summary><c>dma_unmap_single</c>, <c>dma_unmap_page</c>.</summary>
    [UnmanagedCallersOnly(EntryPoint = "kmemnet_dma_unmap_single")]
    public static void UnmapSingle(void* header, ulong bus, nuint size, int direction, CallSite* at)
    {
        try
        {
            var machine = NativeMachine.Current;
            using var call = machine.Enter(at);
            if (DeviceOf(machine, header, "dma_unmap_single") is not { } device || !IsDirection(machine, direction))
                return;
            var before = machine.Dma.Debug!.Count;
            machine.Dma.Unmap(call.Cpu, device.Master, new BusAddr(bus), size, (DmaDirection)direction);
            if (machine.Dma.Debug.Count < before)
                machine.DmaSites.TryRemove((device.Master, bus), out _);
        }
        catch (Exception exception)
        {
            _ = Caught.Report(at, exception);
        }
    }

    /// <summary><c>dma_sync_single_range_for_cpu</c> and <c>_for_device</c>.</summary>
    [UnmanagedCallersOnly(EntryPoint = "kmemnet_kmem_dma_sync")]
    public static void Sync(void* header, ulong bus, nuint offset, nuint size, int direction, int isForCpu, CallSite* at)
    {
        try
        {
            var machine = NativeMachine.Current;
            using var call = machine.Enter(at);
            if (DeviceOf(machine, header, "dma_sync_single") is not { } device || !IsDirection(machine, direction))
                return;
            // A driver names a part by its own address as well as by an offset.
            var (start, before) = Start(machine, device, bus);
            if (isForCpu != 0)
                machine.Dma.SyncForCpu(device.Master, start, before + offset, size, (DmaDirection)direction);
            else
                machine.Dma.SyncForDevice(device.Master, start, before + offset, size, (DmaDirection)direction);
        }
        catch (Exception exception)
        {
            _ = Caught.Report(at, exception);
        }
    }

    /// <summary><c>dma_map_sg</c>.</summary>
    /// <returns>Entries that the device gets; 0 on an error.</returns>
    [UnmanagedCallersOnly(EntryPoint = "kmemnet_dma_map_sg")]
    public static int MapSg(void* header, ScatterEntry* list, int count, int direction, CallSite* at)
    {
        try
        {
            var machine = NativeMachine.Current;
            using var call = machine.Enter(at);
            if (DeviceOf(machine, header, "dma_map_sg") is not { } device || !IsDirection(machine, direction) || PiecesOf(machine, list, count) is not { } pieces)
                return 0;
            var stretches = new DmaStretch[pieces.Length];
            var error = machine.Dma.TryMapScattered(call.Cpu, device.Master, pieces, (DmaDirection)direction, stretches, out var filled);
            if (error != DmaError.None)
            {
                Log.Add($"{device.Master}: dma_map_sg of {count} entries: {error}");
                return 0;
            }
            for (var i = 0; i < filled; i++)
            {
                list[i].DmaAddress = stretches[i].Address.Value;
                list[i].DmaLength = checked((uint)stretches[i].Size);
                machine.DmaSites[(device.Master, stretches[i].Address.Value)] = call.Site;
            }
            for (var i = filled; i < count; i++)
                list[i].DmaLength = 0;
            machine.ScatterLists[(device.Master, (nuint)list)] = count;
            return filled;
        }
        catch (Exception exception)
        {
            _ = Caught.Report(at, exception);
            return 0;
        }
    }

    /// <summary><c>dma_unmap_sg</c>, with the number of entries that was given to dma_map_sg.</summary>
    [UnmanagedCallersOnly(EntryPoint = "kmemnet_dma_unmap_sg")]
    public static void UnmapSg(void* header, ScatterEntry* list, int count, int direction, CallSite* at)
    {
        try
        {
            var machine = NativeMachine.Current;
            using var call = machine.Enter(at);
            if (DeviceOf(machine, header, "dma_unmap_sg") is not { } device || !IsDirection(machine, direction) || PiecesOf(machine, list, count) is not { } pieces)
                return;
            var stretches = new List<DmaStretch>();
            for (var i = 0; i < count && list[i].DmaLength != 0; i++)
                stretches.Add(new DmaStretch(new BusAddr(list[i].DmaAddress), list[i].DmaLength));
            // Checked before anything is taken back: the list says which entries belong together.
            if (machine.ScatterLists.TryGetValue((device.Master, (nuint)list), out var mapped) && mapped != count)
            {
                NativeMachine.Warn(ReportKind.Dma, $"DMA-API: {device.Master}: device driver frees DMA sg list with different entry count [map count={mapped}] [unmap count={count}]", (nuint)list);
                return;
            }
            if (mapped == 0)
            {
                NativeMachine.Warn(ReportKind.Dma, $"DMA-API: {device.Master}: device driver tries to free DMA memory it has not allocated [sg list={(nuint)list:x16}]", (nuint)list);
                return;
            }
            machine.ScatterLists.TryRemove((device.Master, (nuint)list), out _);
            machine.Dma.UnmapScattered(call.Cpu, device.Master, pieces, CollectionsMarshal.AsSpan(stretches), (DmaDirection)direction);
            foreach (var stretch in stretches)
                machine.DmaSites.TryRemove((device.Master, stretch.Address.Value), out _);
        }
        catch (Exception exception)
        {
            _ = Caught.Report(at, exception);
        }
    }

    /// <summary><c>dma_alloc_coherent</c>.</summary>
    [UnmanagedCallersOnly(EntryPoint = "kmemnet_dma_alloc_coherent")]
    public static void* AllocCoherent(void* header, nuint size, ulong* bus, GfpFlags flags, CallSite* at)
    {
        try
        {
            var machine = NativeMachine.Current;
            using var call = machine.Enter(at);
            if (bus == null || DeviceOf(machine, header, "dma_alloc_coherent") is not { } device || size > machine.Booted.Memory.TotalBytes)
                return null;
            var error = machine.Dma.TryAllocCoherent(call.Cpu, device.Master, size, Gfp.Checked(flags), out var allocation);
            if (error != DmaError.None)
            {
                Log.Add($"{device.Master}: dma_alloc_coherent of {size} bytes: {error}");
                return null;
            }
            HostWindow? window = null;
            var pointer = machine.Booted.Memory.PointerTo(allocation!.Address, size);
            if (allocation.Places is { } places)
            {
                var view = VmallocExports.ViewOf(machine, places);
                window = new HostWindow(WindowKind.Coherent, view, (nuint)view.Base, size, default, default, call.Site);
                machine.Windows.Add(window);
                pointer = view.Base;
            }
            *bus = allocation.Bus.Value;
            machine.DmaSites[(device.Master, *bus)] = call.Site;
            machine.Coherent[(device.Master, *bus)] = new CoherentBlock(allocation, (nuint)pointer, window);
            return pointer;
        }
        catch (Exception exception)
        {
            _ = Caught.Report(at, exception);
            return null;
        }
    }

    /// <summary><c>dma_free_coherent</c>.</summary>
    [UnmanagedCallersOnly(EntryPoint = "kmemnet_dma_free_coherent")]
    public static void FreeCoherent(void* header, nuint size, void* pointer, ulong bus, CallSite* at)
    {
        try
        {
            var machine = NativeMachine.Current;
            using var call = machine.Enter(at);
            if (DeviceOf(machine, header, "dma_free_coherent") is not { } device)
                return;
            if (!machine.Coherent.TryGetValue((device.Master, bus), out var block))
            {
                NativeMachine.Warn(ReportKind.Dma, $"DMA-API: {device.Master}: device driver tries to free DMA memory it has not allocated [device address=0x{bus:x16}] [size={size} bytes]", (nuint)pointer);
                return;
            }
            if (block.Allocation.Size != size || block.Pointer != (nuint)pointer)
            {
                NativeMachine.Warn(ReportKind.Dma, block.Allocation.Size != size
                    ? $"DMA-API: {device.Master}: device driver frees DMA memory with different size [device address=0x{bus:x16}] [map size={block.Allocation.Size} bytes] [unmap size={size} bytes]"
                    : $"DMA-API: {device.Master}: device driver frees DMA memory with different CPU address [device address=0x{bus:x16}] [cpu alloc address={block.Pointer:x16}] [cpu free address={(nuint)pointer:x16}]", (nuint)pointer);
                return;
            }
            if (!machine.Coherent.TryRemove((device.Master, bus), out _))
                return;
            machine.DmaSites.TryRemove((device.Master, bus), out _);
            if (block.Window is { } window)
                machine.Windows.TryEnd(window, call.Site);
            machine.Dma.FreeCoherent(call.Cpu, device.Master, block.Allocation);
        }
        catch (Exception exception)
        {
            _ = Caught.Report(at, exception);
        }
    }

    /// <summary>The device of a handle; null, and a report, where it is none.</summary>
    internal static NativeDevice? DeviceOf(NativeMachine machine, void* header, string what)
    {
        if (machine.Devices.Of(header) is { } device)
            return device;
        NativeMachine.Warn(ReportKind.Dma, $"{what}: {(nuint)header:x16} is no device of the board", (nuint)header);
        return null;
    }

    private static ulong Map(NativeMachine machine, in CpuLease call, NativeDevice device, PhysAddr phys, nuint size, DmaDirection direction)
    {
        var error = machine.Dma.TryMap(call.Cpu, device.Master, phys, size, direction, out var bus);
        if (error == DmaError.None)
        {
            machine.DmaSites[(device.Master, bus.Value)] = call.Site;
            return bus.Value;
        }
        Log.Add($"{device.Master}: DMA of {size} bytes at {phys}: {error}");
        return MappingError;
    }

    private static (BusAddr Start, ulong Before) Start(NativeMachine machine, NativeDevice device, ulong bus)
    {
        if (machine.DmaSites.ContainsKey((device.Master, bus)))
            return (new BusAddr(bus), 0);
        var best = ulong.MaxValue;
        foreach (var (owner, start) in machine.DmaSites.Keys)
        {
            if (owner == device.Master && start <= bus && (best == ulong.MaxValue || start > best))
                best = start;
        }
        return best == ulong.MaxValue ? (new BusAddr(bus), 0) : (new BusAddr(best), bus - best);
    }

    private static bool IsDirection(NativeMachine machine, int direction)
    {
        if (direction is >= 0 and <= 2)
            return true;
        NativeMachine.Warn(ReportKind.Dma, $"DMA direction {direction} is none of DMA_BIDIRECTIONAL, DMA_TO_DEVICE and DMA_FROM_DEVICE");
        return false;
    }

    private static DmaPiece[]? PiecesOf(NativeMachine machine, ScatterEntry* list, int count)
    {
        if (list == null || count is <= 0 or > MostEntries)
        {
            NativeMachine.Warn(ReportKind.Dma, $"a scatter list of {count} entries at {(nuint)list:x16}");
            return null;
        }
        var pieces = new DmaPiece[count];
        for (var i = 0; i < count; i++)
        {
            if (PageExports.PageOf(machine, list[i].Page, "scatter list") is not { IsNull: false } page)
                return null;
            pieces[i] = new DmaPiece(new PhysAddr(machine.Map.PageToPhys(page).Value + list[i].Offset), list[i].Length);
        }
        return pieces;
    }
}
