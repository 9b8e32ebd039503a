using KmemKit.Architecture.Smmu.V2;

namespace KmemKit.Runtime.Smmu.V2.Driver;

/// <summary>What a context bank recorded of a fault.</summary>
/// <param name="Bank">The bank.</param>
/// <param name="Status">SMMU_CBn_FSR as it was read; then it was cleared.</param>
/// <param name="Syndrome">SMMU_CBn_FSYNR0.</param>
/// <param name="Address">SMMU_CBn_FAR.</param>
/// <param name="StreamId">SMMU_CBFRSYNRAn.</param>
/// <param name="Ipa">SMMU_CBn_IPAFAR of a stage 2 bank; 0 else.</param>
public readonly record struct ContextFault(int Bank, ContextFaultStatus Status, ContextFaultSyndrome Syndrome, ulong Address, uint StreamId, ulong Ipa);

/// <summary>What an SMMUv2 recorded of a global fault.</summary>
/// <param name="Status">SMMU_sGFSR as it was read; then it was cleared.</param>
/// <param name="Syndrome">SMMU_sGFSYNR0.</param>
/// <param name="Address">SMMU_sGFAR.</param>
/// <param name="StreamId">SMMU_sGFSYNR1.</param>
public readonly record struct GlobalFault(GlobalFaultStatus Status, GlobalFaultSyndrome Syndrome, ulong Address, uint StreamId);
