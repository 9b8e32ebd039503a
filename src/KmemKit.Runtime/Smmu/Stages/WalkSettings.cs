using KmemKit.Architecture.Mmu;

namespace KmemKit.Runtime.Smmu.Stages;

/// <summary>What an SMMU's configuration adds to a tree of tables.</summary>
internal readonly record struct WalkSettings
{
    /// <summary>Controls that are read at each access.</summary>
    public TranslationControls Access { get; init; }

    /// <summary>A clear access flag is no fault.</summary>
    public bool IgnoresAccessFlag { get; init; }

    /// <summary>Descriptors are big-endian.</summary>
    public bool IsBigEndian { get; init; }

    /// <summary>The fault that a look-up ends in where no TLB has the address: walks are disabled, or the root is nowhere. None where it walks.</summary>
    public TranslationFault Refusal { get; init; }
}
