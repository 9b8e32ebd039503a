using KmemKit.BoardCompiler.Policies;
using KmemKit.Runtime.Tracking;

namespace KmemKit.Runtime.Checks;

/// <summary>Which checks a machine's object caches get.</summary>
public sealed record MemoryCheckOptions
{
    /// <summary><c>slub_debug=</c>; null where it is not given.</summary>
    public SlubDebugOptions? SlubDebug { get; init; }

    /// <summary>CONFIG_SLUB_DEBUG_ON: <c>FZPU</c> for caches of which <see cref="SlubDebug"/> says nothing.</summary>
    public bool SlubDebugOn { get; init; }

    /// <summary>Shadow memory for every object (CONFIG_KASAN).</summary>
    public bool Kasan { get; init; }

    /// <summary>With <see cref="Kasan"/>: bytes of freed objects that wait before they are used again; 0 for none.</summary>
    public long QuarantineBytes { get; init; } = 1 << 20;

    /// <summary>With <see cref="Kasan"/>: bytes of objects that are read through the checked port before anybody wrote them are reported.</summary>
    public bool FindUninitialized { get; init; } = true;

    /// <summary>Objects of the KFENCE pool (CONFIG_KFENCE_NUM_OBJECTS, 255 in the kernel); 0 for no KFENCE.</summary>
    public int KfenceObjects { get; init; }

    /// <summary>Jiffies between two guarded allocations (<c>kfence.sample_interval</c>, which counts milliseconds); 0 where the harness arms them itself.</summary>
    public long KfenceSampleInterval { get; init; } = 25;

    /// <summary>Decides by chance at which end of its page a guarded object lies.</summary>
    public int KfenceSeed { get; init; } = 1;

    /// <summary>Every cache asks for injected failures, not only those marked with <c>slub_debug=A</c>. Each of their calls takes the slow path then.</summary>
    public bool FailSlab { get; init; }

    /// <summary>The machine's time; null for one that stands until it is ticked.</summary>
    public KernelClock? Clock { get; init; }

    /// <summary>What a board's policy asks for: <c>slub_debug=</c> and CONFIG_SLUB_DEBUG_ON.</summary>
    public static MemoryCheckOptions Of(Policy policy)
    {
        System.ArgumentNullException.ThrowIfNull(policy);
        return new MemoryCheckOptions { SlubDebug = policy.Bootargs.SlubDebug?.Value, SlubDebugOn = policy.SlubDebugOn?.Value ?? false };
    }
}
