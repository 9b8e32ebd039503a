using System.Collections.Immutable;
using KmemKit.Architecture.Mpu;

namespace KmemKit.Emulation.Tests.Mpu;

/// <summary>A programmed unit, and what is asked of it.</summary>
/// <param name="Name">What it is made of, for messages: a seed, a board.</param>
/// <param name="Registers">What is programmed.</param>
/// <param name="Expected">What the registers mean: the prediction. Decoded from other registers only where a test wants to be caught.</param>
/// <param name="Probes">The accesses, in order.</param>
public sealed record ProbeTable(string Name, MpuRegisterFile Registers, MpuTable Expected, ImmutableArray<Probe> Probes)
{
    /// <summary>End of memory that a core may stack in while the probed address is executed; null for the program's own.</summary>
    public ulong? Stack { get; init; }

    /// <summary>How the board's own C header programs the unit, as <c>probe.h</c> says; 0 where the registers are written one by one.</summary>
    public uint Generated { get; init; }
}
