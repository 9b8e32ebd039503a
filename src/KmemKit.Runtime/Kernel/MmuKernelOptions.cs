using KmemKit.Runtime.Boot;
using KmemKit.Runtime.Tlb;

namespace KmemKit.Runtime.Kernel;

/// <summary>What a boot with the MMU may choose; the defaults are the board's.</summary>
public sealed record MmuKernelOptions
{
    /// <summary>Choices for memory; how many CPUs there are is one of them.</summary>
    public MemoryBootOptions Memory { get; init; } = new();

    /// <summary>The CPUs' TLB; null for that of the board's first cpu node.</summary>
    public TlbProfile? Tlb { get; init; }

    /// <summary>Whether every translation that a TLB gives is compared with the tables, and every mistake reported (<see cref="TlbDomain.Watch"/>).</summary>
    public bool WatchTranslations { get; init; }

    /// <summary>
    /// Whether what boot code has mapped one to one stays mapped. A kernel takes it away once it runs at its own addresses, so that address 0 and its like fault.
    /// </summary>
    public bool KeepIdentityMap { get; init; }
}
