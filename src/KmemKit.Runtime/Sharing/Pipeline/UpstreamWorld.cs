using System;
using System.Collections.Generic;
using KmemKit.Architecture;
using KmemKit.Runtime.Dma;
using KmemKit.Runtime.Sharing.Files;
using KmemKit.Runtime.Sharing.Upstream;

namespace KmemKit.Runtime.Sharing.Pipeline;

/// <summary>The upstream world: a dma-heap, dma-bufs between drivers, fences for what is not over.</summary>
/// <param name="host">The board.</param>
/// <param name="heap">With an SMMU the one of pages does, without one that of a contiguous area.</param>
public sealed class UpstreamWorld(SharingHost host, DmaHeap heap) : BufferWorld(
    host, "upstream", new SharingRoles("CMA", "dma-buf (ION for Android)", "vmap", "SMMU driver", "dma_buf", "file pointer (dma_buf)"))
{
    private readonly Dictionary<string, FenceTimeline> _timelines = [];

    /// <inheritdoc/>
    public override WorldBuffer Allocate(string owner, ulong size)
    {
        var process = new FileTable(owner);
        var descriptor = heap.Allocate(size, process);
        return new Buffer(this, owner, process, descriptor);
    }

    private FenceTimeline TimelineOf(string user)
    {
        if (!_timelines.TryGetValue(user, out var timeline))
            _timelines.Add(user, timeline = new FenceTimeline(user));
        return timeline;
    }

    private sealed class Buffer : WorldBuffer
    {
        private readonly UpstreamWorld _world;
        private readonly FileTable _process;
        private readonly int _descriptor;
        private readonly DmaBuf _buffer;
        private readonly Dictionary<DmaDevice, DmaBufAttachment> _attachments = [];

        public Buffer(UpstreamWorld world, string user, FileTable process, int descriptor)
            : base(user)
        {
            (_world, _process, _descriptor) = (world, process, descriptor);
            _buffer = DmaBuf.Get(process, descriptor);
        }

        public override BufferMemory Memory => _buffer.Memory;

        public override WorldBuffer ShareWith(string user)
        {
            var theirs = new FileTable(user);
            return new Buffer(_world, user, theirs, _process.SendTo(theirs, _descriptor));
        }

        public override BusAddr Map(DmaDevice device, DmaDirection direction)
        {
            _world.DeviceMaps++;
            var attachment = _buffer.Attach(device);
            var mapping = attachment.Map(direction);
            if (mapping.Stretches.Length != 1)
            {
                attachment.Unmap(direction);
                _buffer.Detach(attachment);
            }
            else
            {
                _attachments.Add(device, attachment);
            }
            return mapping.Address;
        }

        public override void Unmap(DmaDevice device)
        {
            if (!_attachments.Remove(device, out var attachment))
                throw new SharingException(SharingError.NotMapped, User, $"the buffer is not mapped for {device}.");
            attachment.Unmap(attachment.Mapping!.Direction);
            _buffer.Detach(attachment);
        }

        public override Action BeginWork(bool writes)
        {
            var usage = writes ? FenceUsage.Write : FenceUsage.Read;
            if (_buffer.Reservation.Pending(usage) is [var first, ..])
                throw new SharingException(SharingError.Busy, User, $"{first} is not over.");
            var fence = _world.TimelineOf(User).NewFence();
            using (_buffer.Reservation.Lock(User))
                _buffer.Reservation.Add(fence, usage);
            return () => fence.Signal();
        }

        public override bool TryBeginCpuRead() => _buffer.TryBeginCpuAccess(DmaDirection.FromDevice, out _);

        public override void EndCpuRead() => _buffer.EndCpuAccess(DmaDirection.FromDevice);

        public override void Dispose()
        {
            _buffer.File.Put();
            _process.Close(_descriptor);
        }
    }
}
