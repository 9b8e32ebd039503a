using System;
using System.Collections.Generic;

namespace KmemKit.Runtime.Sharing.Upstream;

/// <summary>A promise that work on a buffer ends (struct dma_fence): signalled once, with or without an error.</summary>
public sealed class DmaFence
{
    private readonly FenceTimeline _timeline;
    private List<Action<DmaFence>>? _callbacks = [];

    internal DmaFence(FenceTimeline timeline, ulong sequence) => (_timeline, Sequence) = (timeline, sequence);

    /// <summary>Its timeline (context).</summary>
    public FenceTimeline Timeline => _timeline;

    /// <summary>Its place in the timeline (seqno), from 1 on.</summary>
    public ulong Sequence { get; }

    /// <summary>Whether the work is over.</summary>
    public bool IsSignaled => _callbacks is null;

    /// <summary>What the work ended with: 0, or a negative errno.</summary>
    public int Error { get; private set; }

    /// <summary>Tells when it is signalled; at once where it is (dma_fence_add_callback).</summary>
    /// <returns>False where it was signalled already, and the callback was called.</returns>
    public bool AddCallback(Action<DmaFence> callback)
    {
        ArgumentNullException.ThrowIfNull(callback);
        if (_callbacks is { } waiting)
        {
            waiting.Add(callback);
            return true;
        }
        callback(this);
        return false;
    }

    /// <summary>The work is over (dma_fence_signal).</summary>
    /// <param name="error">0, or a negative errno (dma_fence_set_error).</param>
    /// <exception cref="SharingException">It was signalled, or a fence of the timeline that comes first is not.</exception>
    public void Signal(int error = 0)
    {
        if (error > 0)
            throw new ArgumentOutOfRangeException(nameof(error), error, "An error is 0 or negative.");
        if (_callbacks is not { } waiting)
            throw new SharingException(SharingError.AlreadySignaled, ToString(), "the fence was signalled before.");
        _timeline.Signaling(this);
        Error = error;
        _callbacks = null;
        foreach (var callback in waiting)
            callback(this);
    }

    /// <inheritdoc/>
    public override string ToString() => $"{_timeline.Name}:{Sequence}";
}

/// <summary>Work that ends in the order in which it was begun: a device's queue (a fence context).</summary>
/// <param name="name">Whose, for errors.</param>
public sealed class FenceTimeline(string name)
{
    private ulong _last;
    private ulong _signaled;

    /// <summary>Whose.</summary>
    public string Name { get; } = name;

    /// <summary>Fences that are not signalled.</summary>
    public ulong Pending => _last - _signaled;

    /// <summary>The next fence.</summary>
    public DmaFence NewFence() => new(this, ++_last);

    internal void Signaling(DmaFence fence)
    {
        if (fence.Sequence != _signaled + 1)
            throw new SharingException(SharingError.OutOfOrder, fence.ToString(), $"{Name}:{_signaled + 1} comes first and is not signalled.");
        _signaled = fence.Sequence;
    }
}
