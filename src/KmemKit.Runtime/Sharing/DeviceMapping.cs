using System;
using System.Collections.Immutable;
using KmemKit.Architecture;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Dma;

namespace KmemKit.Runtime.Sharing;

/// <summary>A buffer in a device's addresses, by the DMA API (dma_map_sgtable).</summary>
/// <param name="Device">The device.</param>
/// <param name="Direction">Which way data goes.</param>
/// <param name="Stretches">What the device is given, in order.</param>
public sealed record DeviceMapping(DmaDevice Device, DmaDirection Direction, ImmutableArray<DmaStretch> Stretches)
{
    /// <summary>The only stretch's address.</summary>
    /// <exception cref="SharingException">There are more: the device needs one behind the other.</exception>
    public BusAddr Address => Stretches.Length == 1
        ? Stretches[0].Address
        : throw new SharingException(SharingError.NotContiguous, Device.Name, $"the buffer is {Stretches.Length} stretches of device addresses.");

    internal static DeviceMapping Map(DmaMapper mapper, Cpu cpu, DmaDevice device, BufferMemory memory, DmaDirection direction, string subject)
    {
        var stretches = new DmaStretch[memory.Pieces.Length];
        var error = mapper.TryMapScattered(cpu, device, memory.Pieces.AsSpan(), direction, stretches, out var count);
        return error == DmaError.None
            ? new DeviceMapping(device, direction, [.. stretches.AsSpan(0, count)])
            : throw new SharingException(error == DmaError.NoMemory ? SharingError.NoMemory : SharingError.MapFailed, subject, $"{device} cannot be given its memory: {error}.");
    }

    internal void Unmap(DmaMapper mapper, Cpu cpu, BufferMemory memory) => mapper.UnmapScattered(cpu, Device, memory.Pieces.AsSpan(), Stretches.AsSpan(), Direction);

    internal void Sync(DmaMapper mapper, bool forCpu)
    {
        foreach (var stretch in Stretches)
        {
            if (forCpu)
                mapper.SyncForCpu(Device, stretch.Address, 0, stretch.Size, Direction);
            else
                mapper.SyncForDevice(Device, stretch.Address, 0, stretch.Size, Direction);
        }
    }
}
