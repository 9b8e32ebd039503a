using System;

namespace KmemKit.Runtime.Gfp;

/// <summary>A request that must not fail cannot be met, and no reclaimer makes progress: the kernel would wait for ever, or panic.</summary>
public sealed class OutOfMemoryPanicException : Exception
{
    /// <summary>A panic for a request.</summary>
    public OutOfMemoryPanicException(GfpFlags flags, int order)
        : base($"Out of memory: an allocation of order {order} with __GFP_NOFAIL ({flags}) cannot be met, and no reclaimer frees anything.")
    {
        Flags = flags;
        Order = order;
    }

    /// <summary>The request's flags.</summary>
    public GfpFlags Flags { get; }

    /// <summary>The request's order.</summary>
    public int Order { get; }
}
