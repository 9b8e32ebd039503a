using KmemKit.Architecture;
using KmemKit.Runtime.Dma;
using KmemKit.Runtime.Sharing.Files;
using KmemKit.Runtime.Sharing.Ion;

namespace KmemKit.Runtime.Sharing.Pipeline;

/// <summary>The ION world: heaps, clients and handles, files between processes.</summary>
/// <param name="host">The board.</param>
/// <param name="device">Its ION.</param>
/// <param name="heapMask">Heaps of the pipeline: with an SMMU any do, without one those that give rows.</param>
public sealed class IonWorld(SharingHost host, IonDevice device, uint heapMask) : BufferWorld(
    host, "ION", new SharingRoles("mempool, vmalloc (heaps)", "ION via ioctl", "ioremap", "IOMMU driver", "ion_handle", "ion_handle and ion_buffer"))
{
    /// <inheritdoc/>
    public override WorldBuffer Allocate(string owner, ulong size)
    {
        var client = device.CreateClient(owner);
        return new Buffer(this, device, client, client.Allocate(size, 0, heapMask, IonFlags.Cached));
    }

    private sealed class Buffer(IonWorld world, IonDevice ion, IonClient client, IonHandle handle) : WorldBuffer(client.Name)
    {
        public override BufferMemory Memory => handle.Buffer.Memory;

        public override WorldBuffer ShareWith(string user)
        {
            var (mine, theirs) = (new FileTable(User), new FileTable(user));
            var descriptor = client.Share(handle, mine);
            var other = ion.CreateClient(user);
            var imported = other.Import(theirs, mine.SendTo(theirs, descriptor));
            // The handle keeps the buffer; the descriptors have done their work.
            mine.CloseAll();
            theirs.CloseAll();
            return new Buffer(world, ion, other, imported);
        }

        public override BusAddr Map(DmaDevice device, DmaDirection direction)
        {
            world.DeviceMaps++;
            var mapping = client.MapDevice(handle, device, direction);
            if (mapping.Stretches.Length == 1)
                return mapping.Address;
            client.UnmapDevice(handle, device);
            return mapping.Address;
        }

        public override void Unmap(DmaDevice device) => client.UnmapDevice(handle, device);

        public override bool TryBeginCpuRead()
        {
            client.Sync(handle, forCpu: true);
            return true;
        }

        public override void EndCpuRead() => client.Sync(handle, forCpu: false);

        public override void Dispose() => client.Dispose();
    }
}
