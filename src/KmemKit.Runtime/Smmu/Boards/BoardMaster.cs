using System.Collections.Immutable;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Streams;
using KmemKit.Runtime.Dma;
using KmemKit.Runtime.Dma.Ports;

namespace KmemKit.Runtime.Smmu.Boards;

/// <summary>An SMMU of a board that runs.</summary>
/// <param name="Board">What the board says about it.</param>
/// <param name="Smmu">The hardware.</param>
/// <param name="Driver">Its software.</param>
public sealed record RunningSmmu(BoardSmmu Board, SystemMmu Smmu, SmmuDriver Driver);

/// <summary>A device of a board that accesses memory by itself: as the DMA API knows it, and what its accesses go through.</summary>
/// <param name="NodePath">Path of its node.</param>
/// <param name="Device">For the DMA API: behind an SMMU with an address space of its own.</param>
/// <param name="Port">The way to memory. One thread at a time.</param>
public sealed record BoardMaster(string NodePath, DmaDevice Device, IDmaPort Port)
{
    /// <summary>The SMMU in front of it; null where its addresses are those of its bus.</summary>
    public RunningSmmu? Smmu { get; init; }

    /// <summary>Its StreamIDs; accesses have the first one. Empty without an SMMU.</summary>
    public ImmutableArray<MasterStream> Streams { get; init; } = [];

    /// <summary>Where an access of one byte goes, by the SMMU's TLBs as well as its tables. Where it goes nowhere, the SMMU records the fault, as it does of the access itself.</summary>
    /// <param name="address">Device address.</param>
    /// <param name="access">Read or Write.</param>
    /// <returns>Null for nowhere.</returns>
    public PhysAddr? Reach(BusAddr address, AccessRights access)
    {
        if (Smmu is not { } behind)
            return Device.TryToPhys(address, 1, out var memory) ? memory : null;
        var result = behind.Smmu.Translate(new SmmuTransaction(Streams[0].First, null, address.Value, access));
        return result.Outcome == SmmuOutcome.Translated ? result.Address : null;
    }
}
