using System;
using KmemKit.Architecture.Smmu.V3;

namespace KmemKit.Runtime.Smmu.V3;

/// <summary>A stream's configuration as an SMMU caches it: an entry and its context descriptor, taken apart once.</summary>
internal sealed class StreamContext
{
    public StreamContext(in StreamTableEntry entry, in ContextDescriptor? cd, SmmuV3Features smmu)
    {
        Entry = entry;
        Cd = cd;
        if (entry.UsesStage2)
            Stage2 = StageWalk.Stage2(entry.Stage2, entry.Stage2.EffectiveOutputBits(smmu));
        if (cd is not { } descriptor)
            return;
        // Behind stage 2 the output of stage 1 is an IPA, whose size is still that of CD.IPS capped by the SMMU's own.
        var bits = Math.Min(descriptor.OutputBits, smmu.OutputAddressBits);
        Lower = StageWalk.Lower(descriptor, bits);
        Upper = StageWalk.Upper(descriptor, bits);
    }

    public StreamTableEntry Entry { get; }

    /// <summary>Null where stage 1 does not translate.</summary>
    public ContextDescriptor? Cd { get; }

    public StageWalk? Lower { get; }

    public StageWalk? Upper { get; }

    public StageWalk? Stage2 { get; }

    public bool IsEl2 => Entry.World == StreamWorld.El2 && !Entry.UsesStage2;
}
