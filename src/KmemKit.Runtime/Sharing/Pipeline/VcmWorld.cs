using System;
using System.Collections.Generic;
using KmemKit.Architecture;
using KmemKit.Runtime.Dma;
using KmemKit.Runtime.Sharing.Vcm;

namespace KmemKit.Runtime.Sharing.Pipeline;

/// <summary>The VCM world: set-aside memory by genalloc, contexts, and a window of each device's addresses that buffers are bound into.</summary>
public sealed class VcmWorld(SharingHost host, VcmDevice vcm, PhysRange window) : BufferWorld(
    host, "VCM", new SharingRoles("libgenalloc", "VCM via ioctl", "ioremap", "IOMMU driver", "vcm_context", "vcm_buff"))
{
    private readonly Dictionary<DmaDevice, VcmSpace> _spaces = [];

    /// <inheritdoc/>
    public override void Prepare(DmaDevice device)
    {
        ArgumentNullException.ThrowIfNull(device);
        _spaces.Add(device, new VcmSpace(Host, device, window));
    }

    /// <inheritdoc/>
    public override WorldBuffer Allocate(string owner, ulong size)
    {
        var context = vcm.Open(owner);
        return new Buffer(this, vcm, context, context.Allocate(size));
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        foreach (var space in _spaces.Values)
            space.Dispose();
        base.Dispose();
    }

    private sealed class Buffer(VcmWorld world, VcmDevice vcm, VcmContext context, int number) : WorldBuffer(context.Client)
    {
        public override BufferMemory Memory => context[number].Memory;

        public override WorldBuffer ShareWith(string user)
        {
            var theirs = vcm.Open(user);
            theirs.Import(number);
            return new Buffer(world, vcm, theirs, number);
        }

        public override BusAddr Map(DmaDevice device, DmaDirection direction)
        {
            world.DeviceMaps++;
            return context.Bind(number, world._spaces[device], direction);
        }

        public override void Unmap(DmaDevice device) => context.Unbind(number, world._spaces[device]);

        public override void Dispose() => context.Dispose();
    }
}
