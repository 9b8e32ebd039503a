using KmemKit.Runtime.Checks;
using KmemKit.Runtime.Kernel;

namespace KmemKit.Conformance.Harness;

/// <summary>What a machine of the harness may choose; the defaults are the board's.</summary>
public sealed record HarnessOptions
{
    /// <summary>Seed of everything random in the machine: <see cref="FirmwareHarness.Random"/>.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>Accesses that <see cref="Observation.AccessTrace"/> keeps, at least 1; older ones are forgotten, and still count in its fingerprint.</summary>
    public int TraceCapacity { get; init; } = 4096;

    /// <summary>Choices for a board with MMU; its object caches are chosen by <see cref="Checks"/>.</summary>
    public MmuKernelOptions Mmu { get; init; } = new() { WatchTranslations = true };

    /// <summary>What looks for misuse of objects; null for what the board's bootargs and policy ask for. Boards without MMU have no object caches.</summary>
    public MemoryCheckOptions? Checks { get; init; }
}
