using KmemKit.Runtime.Gfp;

namespace KmemKit.Runtime.FaultInjection;

/// <summary>Lets allocations of pages fail (<c>fail_page_alloc</c>, mm/fail_page_alloc.c) that object caches and kmalloc ask for.</summary>
/// <remarks>Requests with <see cref="GfpFlags.NoFail"/> never do.</remarks>
public sealed class FailPageAlloc
{
    /// <summary>The faults: <c>fail_page_alloc=</c> at boot, or <c>/sys/kernel/debug/fail_page_alloc</c>.</summary>
    public FaultInjector Injector { get; } = new("fail_page_alloc");

    /// <summary>Smaller orders do not fail: <c>min-order</c>. The kernel starts with 1.</summary>
    public int MinOrder { get; set; }

    /// <summary>Requests that can sleep do not fail: <c>ignore-gfp-wait</c>. The kernel starts with true, a harness that sweeps wants false.</summary>
    public bool IgnoreGfpWait { get; set; }

    /// <summary>Whether an allocation fails (should_fail_alloc_page).</summary>
    /// <param name="flags">The request.</param>
    /// <param name="order">Its order.</param>
    /// <param name="pageSize">Bytes of a page.</param>
    public bool ShouldFail(GfpFlags flags, int order, int pageSize) => Injector.IsArmed
        && order >= MinOrder
        && (flags & GfpFlags.NoFail) == 0
        && !(IgnoreGfpWait && GfpRules.MaySleep(flags))
        && Injector.ShouldFail((long)pageSize << order);
}
