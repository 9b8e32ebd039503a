using System;
using KmemKit.Architecture;
using KmemKit.Runtime.Dma;
using KmemKit.Runtime.Dma.Ports;
using KmemKit.Runtime.Smmu.Boards;

namespace KmemKit.Conformance.Harness.Masters;

/// <summary>A device of the machine that accesses memory by itself, behind its SMMU where the board has one in front of it: each access goes to the trace and meets watchpoints.</summary>
public sealed class HarnessMaster
{
    private readonly FirmwareHarness _machine;
    private readonly BoardMaster _master;

    internal HarnessMaster(FirmwareHarness machine, BoardMaster master, string name)
    {
        (_machine, _master, Name) = (machine, master, name);
        Port = new ObservedPort(machine, this, master.Port);
    }

    /// <summary>As the test called it.</summary>
    public string Name { get; }

    /// <summary>As the DMA API knows it: what a driver gives to <see cref="FirmwareHarness.Dma"/>.</summary>
    public DmaDevice Device => _master.Device;

    /// <summary>The way to memory: what a model reads and writes through.</summary>
    public IDmaPort Port { get; }

    /// <summary>The SMMU in front of it; null where its addresses are those of its bus.</summary>
    public RunningSmmu? Smmu => _master.Smmu;

    /// <summary>Where an access goes now; null for nowhere, which an SMMU records as a fault.</summary>
    /// <param name="address">Device address.</param>
    /// <param name="access">Read or Write.</param>
    public PhysAddr? Reach(BusAddr address, AccessRights access) => _master.Reach(address, access);

    /// <summary>Gives memory to the device (dma_map_single), as its driver does.</summary>
    /// <param name="block">Memory of the kernel, as its <c>Alloc</c> gives it.</param>
    /// <param name="size">Bytes.</param>
    /// <param name="direction">Which way data goes.</param>
    /// <returns>The address for the device.</returns>
    /// <exception cref="ArgumentException">The kernel maps no memory there, or the device cannot be given it; the message says why.</exception>
    public BusAddr Map(VirtAddr block, ulong size, DmaDirection direction)
    {
        var memory = _machine.ToPhys(block) ?? throw new ArgumentException($"The kernel maps nothing at {block}.", nameof(block));
        var error = _machine.Dma.TryMap(_machine.Mmu.Allocator.Cpus[0], Device, memory, size, direction, out var address);
        return error == DmaError.None ? address : throw new ArgumentException($"{Name} is not given {size} bytes at {memory}: {error}.", nameof(block));
    }

    /// <summary>Takes memory back (dma_unmap_single).</summary>
    /// <param name="address">As <see cref="Map"/> gave it.</param>
    /// <param name="size">As it was mapped.</param>
    /// <param name="direction">As it was mapped.</param>
    public void Unmap(BusAddr address, ulong size, DmaDirection direction) => _machine.Dma.Unmap(_machine.Mmu.Allocator.Cpus[0], Device, address, size, direction);

    /// <inheritdoc/>
    public override string ToString() => Name;
}
