using System;
using System.Collections.Generic;

namespace KmemKit.Runtime.Sharing.Upstream;

/// <summary>What a fence says about a buffer (enum dma_resv_usage).</summary>
public enum FenceUsage
{
    /// <summary>DMA_RESV_USAGE_WRITE: the work writes; who reads or writes waits for it.</summary>
    Write,

    /// <summary>DMA_RESV_USAGE_READ: the work reads; who writes waits for it.</summary>
    Read,
}

/// <summary>The fences of a buffer (struct dma_resv): what has to be over before it is used.</summary>
/// <param name="name">Whose, for errors.</param>
public sealed class ReservationObject(string name)
{
    private readonly List<(DmaFence Fence, FenceUsage Usage)> _fences = [];
    private object? _holder;

    /// <summary>Whether somebody holds the lock.</summary>
    public bool IsLocked => _holder is not null;

    /// <summary>Takes the lock (dma_resv_lock), for as long as the result lives.</summary>
    /// <exception cref="SharingException">It is held: where the kernel would wait, or be dead.</exception>
    public IDisposable Lock(string holder)
    {
        if (_holder is not null)
            throw new SharingException(SharingError.Busy, name, $"{_holder} has its reservation locked, and {holder} wants it.");
        _holder = holder;
        return new Held(this);
    }

    /// <summary>Adds a fence (dma_resv_add_fence); one of the same timeline and usage that came before is replaced.</summary>
    /// <exception cref="SharingException">The lock is not held.</exception>
    public void Add(DmaFence fence, FenceUsage usage)
    {
        ArgumentNullException.ThrowIfNull(fence);
        if (_holder is null)
            throw new SharingException(SharingError.NotLocked, name, $"{fence} is added without the reservation's lock.");
        _fences.RemoveAll(other => other.Fence.IsSignaled || (other.Fence.Timeline == fence.Timeline && other.Usage == usage && other.Fence.Sequence <= fence.Sequence));
        _fences.Add((fence, usage));
    }

    /// <summary>What a use has to wait for: a read for those who write, a write for all.</summary>
    public IReadOnlyList<DmaFence> Pending(FenceUsage use)
    {
        var pending = new List<DmaFence>();
        foreach (var (fence, usage) in _fences)
        {
            if (!fence.IsSignaled && (use == FenceUsage.Write || usage == FenceUsage.Write))
                pending.Add(fence);
        }
        return pending;
    }

    private sealed class Held(ReservationObject reservation) : IDisposable
    {
        public void Dispose() => reservation._holder = null;
    }
}
