using KmemKit.Architecture;
using KmemKit.Runtime.Smmu;

namespace KmemKit.Conformance.Harness.Observation;

/// <summary>Of an access that a bus master made: who, where, and what became of it.</summary>
/// <param name="Master">Its name.</param>
/// <param name="Bus">Device address of the first byte.</param>
/// <param name="Memory">Physical address of the first byte; null where it went nowhere. All bytes lie in one page.</param>
/// <param name="Outcome">What the SMMU or the bus answered.</param>
public sealed record DmaSide(string Master, BusAddr Bus, PhysAddr? Memory, SmmuOutcome Outcome);
