using System;
using KmemKit.Architecture;
using KmemKit.Runtime.Dma;
using KmemKit.Runtime.Sharing.Files;
using KmemKit.Runtime.Sharing.Pmem;

namespace KmemKit.Runtime.Sharing.Pipeline;

/// <summary>The PMEM world: a carve-out, files, physical addresses for devices.</summary>
/// <remarks>It has no IOMMU mapper: a device behind an SMMU gets all of the carve-out one to one when its driver starts, or it would reach none of it.</remarks>
public sealed class PmemWorld(SharingHost host, PmemDevice pmem) : BufferWorld(
    host, "PMEM", new SharingRoles("contiguous carve-out, mempool", "PMEM via mmap", "ioremap", "None", "file pointer", "file pointer"))
{
    /// <inheritdoc/>
    public override void Prepare(DmaDevice device)
    {
        ArgumentNullException.ThrowIfNull(device);
        if (device.Domain is not { } domain)
            return;
        domain.ReserveWindow(pmem.Carveout);
        var access = DmaMapper.AccessOf(device, DmaDirection.Bidirectional, DmaAttributes.None);
        var error = domain.TryMapAt(Host.Cpu, new BusAddr(pmem.Carveout.Start.Value), [new DmaPiece(pmem.Carveout.Start, pmem.Carveout.Size.Value)], access);
        if (error != DmaError.None)
            throw new SharingException(SharingError.MapFailed, device.Name, $"the carve-out {pmem.Carveout} cannot be mapped for it: {error}.");
        DeviceMaps++;
    }

    /// <inheritdoc/>
    public override WorldBuffer Allocate(string owner, ulong size)
    {
        var process = new FileTable(owner);
        var file = pmem.Open();
        var descriptor = process.Install(file);
        try
        {
            pmem.Mmap(file, size);
        }
        catch
        {
            process.Close(descriptor);
            throw;
        }
        return new Buffer(this, pmem, owner, process, descriptor, file, isDriver: false);
    }

    private sealed class Buffer(PmemWorld world, PmemDevice pmem, string user, FileTable process, int descriptor, SharedFile file, bool isDriver) : WorldBuffer(user)
    {
        public override BufferMemory Memory => BufferMemory.Of([new DmaPiece(pmem.GetPhys(file).Start, pmem.GetPhys(file).Size.Value)]);

        public override WorldBuffer ShareWith(string other)
        {
            // The descriptor goes to the other process, whose driver takes the file by it.
            var theirs = new FileTable(other);
            var number = process.SendTo(theirs, descriptor);
            return new Buffer(world, pmem, other, theirs, number, pmem.GetPmemFile(theirs, number), isDriver: true);
        }

        public override BusAddr Map(DmaDevice device, DmaDirection direction)
        {
            var row = pmem.GetPhys(file);
            world.DeviceMaps++;
            if (device.Domain is not null)
                return new BusAddr(row.Start.Value);
            return device.TryToBus(row.Start, row.Size.Value, device.DmaMask, out var bus)
                ? bus
                : throw new SharingException(SharingError.MapFailed, User, $"{device} does not reach {row}.");
        }

        public override void Unmap(DmaDevice device)
        {
        }

        public override void Dispose()
        {
            if (isDriver)
                pmem.PutPmemFile(file);
            else
                pmem.Munmap(file);
            process.Close(descriptor);
        }
    }
}
