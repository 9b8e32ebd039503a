using System.Collections.Generic;
using System.Collections.Immutable;
using KmemKit.Architecture;
using KmemKit.Runtime.Dma;
using KmemKit.Runtime.Memory;

namespace KmemKit.Runtime.Sharing.Pipeline;

/// <summary>What a device can reach, and what of it it has to.</summary>
/// <param name="Device">The device's name.</param>
/// <param name="Reachable">Bytes of RAM that its accesses can reach now.</param>
/// <param name="Needed">Bytes of its buffers and rings.</param>
public sealed record DeviceReach(string Device, ulong Reachable, ulong Needed)
{
    /// <summary>Bytes that it could reach and need not.</summary>
    public ulong Excess => Reachable - Needed;

    /// <summary>A device's reach: what its domain's tables map, or what of RAM its bus shows.</summary>
    public static DeviceReach Of(PhysicalMemory memory, DmaDevice device, IReadOnlyList<PhysRange> needed)
    {
        System.ArgumentNullException.ThrowIfNull(memory);
        System.ArgumentNullException.ThrowIfNull(device);
        System.ArgumentNullException.ThrowIfNull(needed);
        var seen = new List<PhysRange>();
        if (device.Domain is { } domain)
        {
            seen.AddRange(domain.ReachableMemory());
        }
        else
        {
            foreach (var window in device.Windows)
                seen.Add(window.Memory);
        }
        var reachable = 0UL;
        foreach (var range in RamPlan.Merge(seen))
        {
            foreach (var ram in memory.Ram)
                reachable += range.Intersect(ram).Size.Value;
        }
        var bytes = 0UL;
        foreach (var range in RamPlan.Merge([.. needed]))
            bytes += range.Size.Value;
        return new DeviceReach(device.Name, reachable, bytes);
    }
}

/// <summary>What a pipeline cost in one world.</summary>
/// <param name="World">Its name.</param>
/// <param name="Roles">Who does what in it.</param>
/// <param name="WithSmmu">Whether the devices are behind an SMMU.</param>
/// <param name="CopiedBytes">Bytes that the processor copied: between drivers' buffers, and through bounce buffers.</param>
/// <param name="DeviceMaps">Times a buffer was given to a device.</param>
/// <param name="CpuMaps">Times one was mapped for the kernel.</param>
/// <param name="BufferBytes">Bytes of all buffers.</param>
/// <param name="LargestRow">Bytes of the longest stretch of physical memory that a buffer lies in: contiguous memory that had to be there.</param>
/// <param name="CacheLines">Lines that were cleaned or thrown away.</param>
/// <param name="Devices">What each device can reach.</param>
public sealed record PipelineResult(
    string World, SharingRoles Roles, bool WithSmmu, ulong CopiedBytes, ulong DeviceMaps, ulong CpuMaps, ulong BufferBytes, ulong LargestRow, ulong CacheLines,
    ImmutableArray<DeviceReach> Devices);
