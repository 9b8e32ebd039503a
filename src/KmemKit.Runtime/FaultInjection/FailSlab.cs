using KmemKit.Runtime.Gfp;

namespace KmemKit.Runtime.FaultInjection;

/// <summary>Lets allocations of objects fail (<c>failslab</c>, mm/failslab.c).</summary>
/// <remarks>Requests with <see cref="GfpFlags.NoFail"/> never do.</remarks>
public sealed class FailSlab
{
    /// <summary>The faults: <c>failslab=</c> at boot, or <c>/sys/kernel/debug/failslab</c>.</summary>
    public FaultInjector Injector { get; } = new("failslab");

    /// <summary>Only caches with <c>slub_debug=A</c> (SLAB_FAILSLAB) fail: <c>cache-filter</c>.</summary>
    public bool CacheFilter { get; set; }

    /// <summary>Requests that can sleep do not fail: <c>ignore-gfp-wait</c>. The kernel starts with true, a harness that sweeps wants false.</summary>
    public bool IgnoreGfpWait { get; set; }

    /// <summary>Whether an allocation fails (should_failslab).</summary>
    /// <param name="isMarked">The cache has SLAB_FAILSLAB.</param>
    /// <param name="objectSize">Bytes of its objects.</param>
    /// <param name="flags">The request.</param>
    public bool ShouldFail(bool isMarked, int objectSize, GfpFlags flags) => Injector.IsArmed
        && (flags & GfpFlags.NoFail) == 0
        && !(IgnoreGfpWait && GfpRules.MaySleep(flags))
        && (!CacheFilter || isMarked)
        && Injector.ShouldFail(objectSize);
}
