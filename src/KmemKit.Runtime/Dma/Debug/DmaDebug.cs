using System;
using System.Collections.Generic;
using System.Globalization;
using KmemKit.Architecture;

namespace KmemKit.Runtime.Dma.Debug;

/// <summary>How memory was given to a device.</summary>
public enum DmaDebugType
{
    /// <summary>By dma_map_single or dma_map_page.</summary>
    Single,

    /// <summary>By dma_map_sg.</summary>
    Scattered,

    /// <summary>By dma_alloc_coherent.</summary>
    Coherent,
}

/// <summary>What a driver or device did wrong (kernel/dma/debug.c).</summary>
public enum DmaDebugError
{
    /// <summary>Memory is taken back that was not given, or was taken back already.</summary>
    NotMapped,

    /// <summary>Memory is taken back in another size than it was given.</summary>
    WrongSize,

    /// <summary>Memory is taken back, or handed over, in another direction than it was given.</summary>
    WrongDirection,

    /// <summary>Memory is taken back by another call than it was given by.</summary>
    WrongType,

    /// <summary>A part outside the mapping is handed over.</summary>
    BeyondMapping,

    /// <summary>Memory is given to devices twice, and one of them writes.</summary>
    Overlap,

    /// <summary>The processor touches memory that is the device's: a missing dma_sync for the CPU or unmap.</summary>
    CpuTouchesDeviceMemory,

    /// <summary>The device touches memory that the processor has: a missing dma_sync for the device.</summary>
    DeviceTouchesCpuMemory,

    /// <summary>The device touches memory that it was not given.</summary>
    DeviceAccessUnmapped,

    /// <summary>The device writes what it was given to read, or the other way round.</summary>
    DeviceAccessDirection,

    /// <summary>Memory is still given when the device goes.</summary>
    Leak,
}

/// <summary>A broken rule of the DMA API.</summary>
/// <param name="Error">Which.</param>
/// <param name="Device">Whose.</param>
/// <param name="Address">Device address it is about.</param>
/// <param name="Text">The report, as the kernel words it where it has one.</param>
public sealed record DmaDebugReport(DmaDebugError Error, DmaDevice Device, BusAddr Address, string Text);

/// <summary>Watches every mapping from map to unmap, and who has it (CONFIG_DMA_API_DEBUG, and beyond it: accesses of processor and device as well).</summary>
/// <remarks>A call that breaks a rule is reported and, where it would take away what is not there or is another's, not carried out.</remarks>
public sealed class DmaDebug
{
    private readonly Dictionary<DmaDevice, SortedList<ulong, Entry>> _entries = [];
    private readonly List<DmaDebugReport> _reports = [];
    private readonly object _gate = new();

    private sealed record Entry(BusAddr Bus, PhysAddr Memory, ulong Size, DmaDirection Direction, DmaDebugType Type)
    {
        public bool IsWithCpu { get; set; }
    }

    /// <summary>All reports so far, in order.</summary>
    public IReadOnlyList<DmaDebugReport> Reports
    {
        get
        {
            lock (_gate)
                return [.. _reports];
        }
    }

    /// <summary>Called with each report, while the faulty call is still on the stack.</summary>
    public event Action<DmaDebugReport>? Reported;

    /// <summary>Mappings that are alive.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
            {
                var count = 0;
                foreach (var list in _entries.Values)
                    count += list.Count;
                return count;
            }
        }
    }

    /// <summary>The processor reads or writes memory: a harness or CPU port says so.</summary>
    public void CpuAccess(PhysAddr address, ulong size, bool isWrite)
    {
        lock (_gate)
        {
            foreach (var (device, list) in _entries)
            {
                foreach (var entry in list.Values)
                {
                    // The processor may read what the device only reads; coherent memory is both's at all times.
                    if (entry.Type == DmaDebugType.Coherent || entry.IsWithCpu || (!isWrite && entry.Direction == DmaDirection.ToDevice)
                        || address.Value >= entry.Memory.Value + entry.Size || entry.Memory.Value >= address.Value + size)
                        continue;
                    Report(DmaDebugError.CpuTouchesDeviceMemory, device, entry.Bus,
                        $"the processor {(isWrite ? "writes" : "reads")} memory that the device has {Describe(entry)} [at={address}]");
                }
            }
        }
    }

    /// <summary>The device reads or writes: the port through which it does so says it.</summary>
    public void DeviceAccess(DmaDevice device, BusAddr bus, ulong size, bool isWrite)
    {
        ArgumentNullException.ThrowIfNull(device);
        lock (_gate)
        {
            if (Find(device, bus) is not { } entry || bus.Value + size > entry.Bus.Value + entry.Size)
            {
                Report(DmaDebugError.DeviceAccessUnmapped, device, bus,
                    $"device {(isWrite ? "writes" : "reads")} DMA memory it was not given [device address={bus}] [size={Text(size)} bytes]");
            }
            else if (entry.Direction == (isWrite ? DmaDirection.ToDevice : DmaDirection.FromDevice))
            {
                Report(DmaDebugError.DeviceAccessDirection, device, bus, $"device {(isWrite ? "writes" : "reads")} against the direction of its mapping {Describe(entry)}");
            }
            else if (entry.IsWithCpu)
            {
                Report(DmaDebugError.DeviceTouchesCpuMemory, device, bus,
                    $"device {(isWrite ? "writes" : "reads")} memory that was synced for the processor and not back {Describe(entry)}");
            }
        }
    }

    /// <summary>The driver lets the device go: what is still mapped is a leak.</summary>
    /// <returns>How many mappings were left.</returns>
    public int ReleaseDevice(DmaDevice device)
    {
        ArgumentNullException.ThrowIfNull(device);
        lock (_gate)
        {
            if (!_entries.Remove(device, out var list))
                return 0;
            foreach (var entry in list.Values)
            {
                Report(DmaDebugError.Leak, device, entry.Bus,
                    $"device driver has pending DMA allocations while released from device [count={Text((ulong)list.Count)}] One of leaked entries details: {Describe(entry)}");
            }
            return list.Count;
        }
    }

    internal void Mapped(DmaDevice device, BusAddr bus, PhysAddr memory, ulong size, DmaDirection direction, DmaDebugType type)
    {
        var entry = new Entry(bus, memory, size, direction, type);
        lock (_gate)
        {
            foreach (var (other, mappings) in _entries)
            {
                foreach (var mapped in mappings.Values)
                {
                    if ((mapped.Direction == DmaDirection.ToDevice && direction == DmaDirection.ToDevice) || mapped.Type == DmaDebugType.Coherent
                        || type != DmaDebugType.Single || mapped.Type != DmaDebugType.Single
                        || memory.Value >= mapped.Memory.Value + mapped.Size || mapped.Memory.Value >= memory.Value + size)
                        continue;
                    Report(DmaDebugError.Overlap, device, bus,
                        $"cacheline tracking EEXIST, overlapping mappings aren't supported {Describe(entry)}, which {other} has {Describe(mapped)}");
                }
            }
            if (!_entries.TryGetValue(device, out var list))
                _entries.Add(device, list = []);
            list[bus.Value] = entry;
        }
    }

    internal bool Unmapping(DmaDevice device, BusAddr bus, ulong size, DmaDirection direction, DmaDebugType type)
    {
        lock (_gate)
        {
            if (!_entries.TryGetValue(device, out var list) || !list.TryGetValue(bus.Value, out var entry))
            {
                Report(DmaDebugError.NotMapped, device, bus,
                    $"device driver tries to free DMA memory it has not allocated [device address={bus}] [size={Text(size)} bytes]");
                return false;
            }
            if (entry.Size != size)
            {
                Report(DmaDebugError.WrongSize, device, bus,
                    $"device driver frees DMA memory with different size [device address={bus}] [map size={Text(entry.Size)} bytes] [unmap size={Text(size)} bytes]");
                return false;
            }
            if (entry.Type != type)
            {
                Report(DmaDebugError.WrongType, device, bus,
                    $"device driver frees DMA memory with wrong function [device address={bus}] [size={Text(size)} bytes] [mapped as {entry.Type}] [unmapped as {type}]");
                return false;
            }
            if (entry.Direction != direction)
            {
                // Taken back all the same, as it was given: the memory must not stay the device's.
                Report(DmaDebugError.WrongDirection, device, bus,
                    $"device driver frees DMA memory with different direction {Describe(entry)} [unmapped with {Name(direction)}]");
            }
            list.Remove(bus.Value);
            return true;
        }
    }

    internal bool Syncing(DmaDevice device, BusAddr bus, ulong offset, ulong size, DmaDirection direction, bool forCpu)
    {
        lock (_gate)
        {
            if (!_entries.TryGetValue(device, out var list) || !list.TryGetValue(bus.Value, out var entry))
            {
                Report(DmaDebugError.NotMapped, device, bus,
                    $"device driver tries to sync DMA memory it has not allocated [device address={bus}] [size={Text(size)} bytes]");
                return false;
            }
            if (size > entry.Size || offset > entry.Size - size)
            {
                Report(DmaDebugError.BeyondMapping, device, bus,
                    $"device driver syncs DMA memory outside allocated range {Describe(entry)} [sync offset+size={Text(offset)}+{Text(size)}]");
                return false;
            }
            if (entry.Direction != direction && entry.Direction != DmaDirection.Bidirectional)
                Report(DmaDebugError.WrongDirection, device, bus, $"device driver syncs DMA memory with different direction {Describe(entry)} [synced with {Name(direction)}]");
            entry.IsWithCpu = forCpu;
            return true;
        }
    }

    // The mapping that holds an address: the one with the highest start at or below it.
    private Entry? Find(DmaDevice device, BusAddr bus)
    {
        if (!_entries.TryGetValue(device, out var list))
            return null;
        var (low, high) = (0, list.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (list.Keys[middle] <= bus.Value)
                low = middle + 1;
            else
                high = middle;
        }
        return low > 0 && bus.Value - list.Keys[low - 1] < list.Values[low - 1].Size ? list.Values[low - 1] : null;
    }

    private void Report(DmaDebugError error, DmaDevice device, BusAddr address, string text)
    {
        var report = new DmaDebugReport(error, device, address, $"DMA-API: {device}: {text}");
        _reports.Add(report);
        Reported?.Invoke(report);
    }

    private static string Describe(Entry entry) =>
        $"[device address={entry.Bus}] [size={Text(entry.Size)} bytes] [mapped with {Name(entry.Direction)}] [mapped as {entry.Type}]";

    private static string Name(DmaDirection direction) => direction switch
    {
        DmaDirection.ToDevice => "DMA_TO_DEVICE",
        DmaDirection.FromDevice => "DMA_FROM_DEVICE",
        _ => "DMA_BIDIRECTIONAL",
    };

    private static string Text(ulong value) => value.ToString(CultureInfo.InvariantCulture);
}
