using KmemKit.Architecture;

namespace KmemKit.Runtime.Dma;

/// <summary>What a driver's mappings cost in cache maintenance by address: lines cleaned to memory and lines thrown away (Arm DDI 0487, DC CVAC, IVAC, CIVAC).</summary>
/// <remarks>
/// The rule is the kernel's (arch_sync_dma_for_device and for_cpu): towards the device the lines are cleaned, before the device writes they are thrown away, and again
/// before the processor reads, for it may have fetched lines early. A line that a buffer has in part only is never thrown away but cleaned and thrown away: the other part
/// belongs to somebody.
/// </remarks>
public sealed class CacheMaintenance
{
    /// <summary>Bytes of a line.</summary>
    public ulong LineBytes { get; init; } = 64;

    /// <summary>Lines cleaned: written to memory and kept.</summary>
    public ulong Cleaned { get; private set; }

    /// <summary>Lines invalidated: thrown away.</summary>
    public ulong Invalidated { get; private set; }

    /// <summary>Lines cleaned and invalidated.</summary>
    public ulong CleanedAndInvalidated { get; private set; }

    /// <summary>Maintenance calls.</summary>
    public ulong Operations { get; private set; }

    internal void ForDevice(PhysAddr address, ulong size, DmaDirection direction)
    {
        if (direction == DmaDirection.FromDevice)
            Invalidate(address, size);
        else
            Clean(address, size);
    }

    internal void ForCpu(PhysAddr address, ulong size, DmaDirection direction)
    {
        if (direction != DmaDirection.ToDevice)
            Invalidate(address, size);
    }

    private void Clean(PhysAddr address, ulong size)
    {
        Operations++;
        Cleaned += Lines(address.Value, size);
    }

    private void Invalidate(PhysAddr address, ulong size)
    {
        Operations++;
        var lines = Lines(address.Value, size);
        var partFirst = address.Value % LineBytes != 0;
        var partLast = (address.Value + size) % LineBytes != 0;
        var part = lines == 1 ? (partFirst || partLast ? 1UL : 0) : (partFirst ? 1UL : 0) + (partLast ? 1UL : 0);
        CleanedAndInvalidated += part;
        Invalidated += lines - part;
    }

    private ulong Lines(ulong start, ulong size) => ((start + size - 1) / LineBytes) - (start / LineBytes) + 1;
}
