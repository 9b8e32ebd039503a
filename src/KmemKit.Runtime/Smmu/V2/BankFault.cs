using KmemKit.Architecture.Smmu.V2;

namespace KmemKit.Runtime.Smmu.V2;

/// <summary>A translation's fault before it is recorded: in which bank, and what its registers will say.</summary>
/// <param name="Bank">The bank of the stage that faulted.</param>
/// <param name="Status">SMMU_CBn_FSR.</param>
/// <param name="Level">PLVL.</param>
internal readonly record struct BankFault(ContextBank Bank, ContextFaultStatus Status, int Level)
{
    /// <summary>PTWF: a table could not be read.</summary>
    public bool IsExternalOnWalk { get; init; }

    /// <summary>What stage 2 did not translate; of stage 2 alone.</summary>
    public ulong Ipa { get; init; }

    /// <summary>The bank of stage 1, where stage 2 faulted behind it.</summary>
    public ContextBank? Stage1 { get; init; }

    /// <summary>S1PTWF: what stage 2 did not translate is a table of stage 1.</summary>
    public bool IsStage1Walk { get; init; }
}
