using System;
using KmemKit.Architecture;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Dma.Debug;

namespace KmemKit.Runtime.Dma;

/// <summary>A stretch of device addresses, as a driver programs it into the device (sg_dma_address, sg_dma_len).</summary>
/// <param name="Address">First device address.</param>
/// <param name="Size">Bytes.</param>
public readonly record struct DmaStretch(BusAddr Address, ulong Size);

public sealed unsafe partial class DmaMapper
{
    /// <summary>
    /// Gives scattered memory to a device (dma_map_sg). Behind an SMMU pieces whose inner edges are granules become one range, whatever their number; without one each piece is
    /// mapped by itself, and pieces that turn out to be neighbours on the bus are joined.
    /// </summary>
    /// <param name="cpu">The CPU that maps.</param>
    /// <param name="device">The device.</param>
    /// <param name="pieces">The memory, in the order in which the device shall see it.</param>
    /// <param name="direction">Which way data goes.</param>
    /// <param name="stretches">Room for as many as there are pieces.</param>
    /// <param name="count">How many of them were filled.</param>
    /// <param name="attributes">Attributes.</param>
    /// <returns>On an error nothing is mapped.</returns>
    public DmaError TryMapScattered(
        Cpu cpu, DmaDevice device, ReadOnlySpan<DmaPiece> pieces, DmaDirection direction, Span<DmaStretch> stretches, out int count,
        DmaAttributes attributes = DmaAttributes.None)
    {
        ArgumentNullException.ThrowIfNull(cpu);
        ArgumentNullException.ThrowIfNull(device);
        if (stretches.Length < pieces.Length)
            throw new ArgumentException("There must be room for one stretch a piece.", nameof(stretches));
        count = 0;
        if (pieces.IsEmpty)
            return DmaError.Invalid;
        // The usual list, of whole granules that lie anywhere, is one range behind an SMMU: found out in one pass.
        if (device.Domain is { } space && AreGranulesOfRam(pieces, space.Granule))
        {
            var error = space.TryMapGranules(cpu, pieces, AccessOf(device, direction, attributes), device.DmaMask, out var bus);
            if (error != DmaError.None)
                return error;
            Keep(device, pieces, bus, (ulong)pieces.Length * space.Granule, direction, stretches, ref count, attributes);
            return DmaError.None;
        }
        foreach (var piece in pieces)
        {
            if (piece.Size == 0 || !_memory.HasRam(piece.Address, piece.Size))
                return DmaError.Invalid;
        }
        return device.Domain is { } domain
            ? MapRuns(cpu, device, domain, pieces, direction, stretches, ref count, attributes)
            : MapPieces(cpu, device, pieces, direction, stretches, ref count, attributes);
    }

    /// <summary>Takes scattered memory back (dma_unmap_sg).</summary>
    /// <param name="cpu">The CPU that unmaps.</param>
    /// <param name="device">The device.</param>
    /// <param name="pieces">As they were mapped.</param>
    /// <param name="stretches">As <see cref="TryMapScattered"/> filled them.</param>
    /// <param name="direction">As it was mapped.</param>
    /// <param name="attributes">As it was mapped.</param>
    public void UnmapScattered(
        Cpu cpu, DmaDevice device, ReadOnlySpan<DmaPiece> pieces, ReadOnlySpan<DmaStretch> stretches, DmaDirection direction,
        DmaAttributes attributes = DmaAttributes.None)
    {
        ArgumentNullException.ThrowIfNull(device);
        if (device.Domain is { } domain)
        {
            foreach (var stretch in stretches)
            {
                if (Debug is { } debug && !debug.Unmapping(device, stretch.Address, stretch.Size, direction, DmaDebugType.Scattered))
                    continue;
                if (!device.IsCoherent && (attributes & DmaAttributes.SkipCpuSync) == 0)
                    device.Caches.ForCpu(TryToPhys(device, stretch.Address, out var phys) ? phys : default, stretch.Size, direction);
                domain.Unmap(cpu, stretch.Address, stretch.Size);
            }
            return;
        }
        // A stretch of several pieces is bounced piece by piece, and so given back.
        var (at, used) = (0, 0UL);
        foreach (var piece in pieces)
        {
            Unmap(cpu, device, stretches[at].Address + used, piece.Size, direction, attributes);
            used += piece.Size;
            if (used == stretches[at].Size)
                (at, used) = (at + 1, 0);
        }
    }

    private DmaError MapRuns(
        Cpu cpu, DmaDevice device, DmaDomain domain, ReadOnlySpan<DmaPiece> pieces, DmaDirection direction, Span<DmaStretch> stretches, ref int count,
        DmaAttributes attributes)
    {
        var access = AccessOf(device, direction, attributes);
        for (var first = 0; first < pieces.Length;)
        {
            // As long as one piece ends and the next begins at a granule, they are one range.
            var end = first + 1;
            var size = pieces[first].Size;
            while (end < pieces.Length && ((pieces[end - 1].Address.Value + pieces[end - 1].Size) & (domain.Granule - 1)) == 0
                && pieces[end].Address.IsAligned(domain.Granule))
            {
                size += pieces[end++].Size;
            }
            var error = domain.TryMap(cpu, pieces[first..end], access, device.DmaMask, out var bus);
            if (error != DmaError.None)
            {
                foreach (var stretch in stretches[..count])
                {
                    Debug?.Unmapping(device, stretch.Address, stretch.Size, direction, DmaDebugType.Scattered);
                    domain.Unmap(cpu, stretch.Address, stretch.Size);
                }
                count = 0;
                return error;
            }
            Keep(device, pieces[first..end], bus, size, direction, stretches, ref count, attributes);
            first = end;
        }
        return DmaError.None;
    }

    // What follows a mapping that was made.
    private void Keep(
        DmaDevice device, ReadOnlySpan<DmaPiece> pieces, BusAddr bus, ulong size, DmaDirection direction, Span<DmaStretch> stretches, ref int count, DmaAttributes attributes)
    {
        if (!device.IsCoherent && (attributes & DmaAttributes.SkipCpuSync) == 0)
        {
            foreach (var piece in pieces)
                device.Caches.ForDevice(piece.Address, piece.Size, direction);
        }
        Debug?.Mapped(device, bus, pieces[0].Address, size, direction, DmaDebugType.Scattered);
        stretches[count++] = new DmaStretch(bus, size);
    }

    // Whether each piece is one granule, and RAM is from the lowest to the highest of them.
    private bool AreGranulesOfRam(ReadOnlySpan<DmaPiece> pieces, ulong granule)
    {
        var (lowest, highest, other) = (ulong.MaxValue, 0UL, 0UL);
        foreach (ref readonly var piece in pieces)
        {
            var at = piece.Address.Value;
            other |= (at & (granule - 1)) | (piece.Size ^ granule);
            lowest = Math.Min(lowest, at);
            highest = Math.Max(highest, at);
        }
        return other == 0 && highest <= ulong.MaxValue - granule && _memory.HasRam(new PhysAddr(lowest), highest - lowest + granule);
    }

    private DmaError MapPieces(
        Cpu cpu, DmaDevice device, ReadOnlySpan<DmaPiece> pieces, DmaDirection direction, Span<DmaStretch> stretches, ref int count, DmaAttributes attributes)
    {
        for (var i = 0; i < pieces.Length; i++)
        {
            var error = TryMap(cpu, device, pieces[i].Address, pieces[i].Size, direction, out var bus, attributes);
            if (error != DmaError.None)
            {
                UnmapScattered(cpu, device, pieces[..i], stretches[..count], direction, attributes | DmaAttributes.SkipCpuSync);
                count = 0;
                return error;
            }
            if (count > 0 && stretches[count - 1].Address.Value + stretches[count - 1].Size == bus.Value)
                stretches[count - 1] = stretches[count - 1] with { Size = stretches[count - 1].Size + pieces[i].Size };
            else
                stretches[count++] = new DmaStretch(bus, pieces[i].Size);
        }
        return DmaError.None;
    }
}
