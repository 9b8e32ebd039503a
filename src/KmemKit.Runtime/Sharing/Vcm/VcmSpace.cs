using System;
using KmemKit.Architecture;
using KmemKit.Runtime.Dma;
using KmemKit.Runtime.Sharing;

namespace KmemKit.Runtime.Sharing.Vcm;

/// <summary>Device addresses that were reserved and may be backed (struct vcm res).</summary>
/// <param name="Address">The first.</param>
/// <param name="Size">Bytes; 0 in a one-to-one space, whose addresses are the memory's.</param>
public sealed record VcmReservation(BusAddr Address, ulong Size);

/// <summary>A device's addresses as the manager hands them out (struct vcm): a window of an SMMU domain, or one to one with memory for a device that has none.</summary>
public sealed class VcmSpace : IDisposable
{
    private readonly SharingHost _host;
    private readonly GenPool? _addresses;
    private readonly DmaDevice _device;

    /// <summary>A space of a device (vcm_create, vcm_assoc).</summary>
    /// <param name="host">The board.</param>
    /// <param name="device">The device.</param>
    /// <param name="window">Addresses of its domain that are the manager's from now on; ignored where it has no domain.</param>
    /// <exception cref="Iova.IovaException">Part of the window is in use.</exception>
    public VcmSpace(SharingHost host, DmaDevice device, PhysRange window)
    {
        ArgumentNullException.ThrowIfNull(host);
        ArgumentNullException.ThrowIfNull(device);
        (_host, _device, Name) = (host, device, "vcm of " + device.Name);
        if (device.Domain is not { } domain)
            return;
        domain.ReserveWindow(window);
        _addresses = new GenPool(Name, window, host.Cpu.Allocator.Map.Pages.PageShift);
    }

    /// <summary>For errors.</summary>
    public string Name { get; }

    /// <summary>Reservations that are held.</summary>
    public int Reservations { get; private set; }

    internal VcmReservation Reserve(VcmBuffer buffer, string client)
    {
        BusAddr address = default;
        if (_addresses is not null)
        {
            if (!_addresses.TryAllocate(buffer.Memory.Size, 1, out var first))
                throw new SharingException(SharingError.NoMemory, client, $"{Name} has no {buffer.Memory.Size} device addresses in a row left.");
            address = new BusAddr(first.Value);
        }
        Reservations++;
        return new VcmReservation(address, _addresses is null ? 0 : buffer.Memory.Size);
    }

    internal void Unreserve(VcmReservation reservation)
    {
        _addresses?.Free(new PhysAddr(reservation.Address.Value), reservation.Size);
        Reservations--;
    }

    internal BusAddr Back(VcmReservation reservation, VcmBuffer buffer, DmaDirection direction, string client)
    {
        if (_device.Domain is { } domain)
        {
            var access = DmaMapper.AccessOf(_device, direction, DmaAttributes.None);
            var error = domain.TryMapAt(_host.Cpu, reservation.Address, buffer.Memory.Pieces.AsSpan(), access);
            return error == DmaError.None ? reservation.Address : throw new SharingException(
                error == DmaError.NoMemory ? SharingError.NoMemory : SharingError.MapFailed, client, $"buffer {buffer.Number} cannot be bound in {Name}: {error}.");
        }
        var row = buffer.Memory.Row($"buffer {buffer.Number} in {Name}");
        return _device.TryToBus(row.Start, row.Size.Value, _device.DmaMask, out var bus)
            ? bus
            : throw new SharingException(SharingError.MapFailed, client, $"{_device} does not reach buffer {buffer.Number} at {row}.");
    }

    internal void Unback(VcmReservation reservation, VcmBuffer buffer) => _device.Domain?.UnmapAt(_host.Cpu, reservation.Address, buffer.Memory.Size);

    /// <summary>Gives the window back to the domain (vcm_free).</summary>
    /// <exception cref="SharingException">Addresses of it are reserved.</exception>
    public void Dispose()
    {
        if (Reservations != 0)
            throw new SharingException(SharingError.Busy, Name, $"{Reservations} reservations are held.");
    }
}
