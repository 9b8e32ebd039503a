using KmemKit.Architecture.Mmu;

namespace KmemKit.Runtime.Smmu.Stages;

/// <summary>Where a stage's translation ended: at an output, or at a fault.</summary>
internal readonly record struct StageFault(FaultCause Cause, ulong Output, int Shift, PageAttributes Attributes)
{
    /// <summary>Level of the table that decided.</summary>
    public int Level { get; init; }

    /// <summary>The address that stage 2 did not translate, or of the table that could not be read.</summary>
    public ulong Ipa { get; init; }

    /// <summary>Whether stage 2 faulted.</summary>
    public bool IsStage2 { get; init; }

    /// <summary>Whether it was while reading a table.</summary>
    public bool IsTableWalk { get; init; }

    /// <summary>Whether what stage 2 did not translate is a table of stage 1.</summary>
    public bool IsStage1Walk { get; init; }

    public static StageFault Of(FaultCause cause, int level) => new(cause, 0, 0, default) { Level = level };
}
