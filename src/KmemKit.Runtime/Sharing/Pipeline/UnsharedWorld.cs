using System;
using KmemKit.Architecture;
using KmemKit.Runtime.Dma;
using KmemKit.Runtime.Gfp;

namespace KmemKit.Runtime.Sharing.Pipeline;

/// <summary>What the others are measured by: each driver has buffers of its own, and the processor copies from one to the next.</summary>
public sealed class UnsharedWorld(SharingHost host) : BufferWorld(
    host, "none", new SharingRoles("dma_alloc_coherent of each driver", "None: copies", "vmap", "SMMU driver", "None", "None"))
{
    /// <inheritdoc/>
    public override WorldBuffer Allocate(string owner, ulong size) => new Buffer(this, owner, Host.RoundUp(size, owner), null);

    private sealed class Buffer(UnsharedWorld world, string user, ulong size, Buffer? source) : WorldBuffer(user)
    {
        private DmaAllocation? _allocation;
        private DmaDevice? _device;

        public override BufferMemory Memory => BufferMemory.Of(
            _allocation!.Places is { } places ? Array.ConvertAll(places, place => new DmaPiece(place, world.Host.PageSize)) : [new DmaPiece(_allocation.Address, size)]);

        public override WorldBuffer ShareWith(string other) => new Buffer(world, other, size, this);

        public override BusAddr Map(DmaDevice device, DmaDirection direction)
        {
            var error = world.Host.Mapper.TryAllocCoherent(world.Host.Cpu, device, size, GfpFlags.Kernel, out _allocation);
            if (error != DmaError.None)
                throw new SharingException(SharingError.NoMemory, User, $"{size} bytes for {device}: {error}.");
            _device = device;
            world.DeviceMaps++;
            return _allocation!.Bus;
        }

        public override void Unmap(DmaDevice device)
        {
            world.Host.Mapper.FreeCoherent(world.Host.Cpu, _device!, _allocation!);
            _allocation = null;
        }

        public override void TakeOver()
        {
            if (source is null)
                return;
            Span<byte> page = stackalloc byte[(int)Math.Min(world.Host.PageSize, 4096)];
            for (var at = 0UL; at < size; at += (ulong)page.Length)
            {
                world.Host.Memory.Read(source.Memory.At(at), page);
                world.Host.Memory.Write(Memory.At(at), page);
            }
            world.CopiedBytes += size;
        }

        public override void Dispose()
        {
        }
    }
}
