using System;
using KmemKit.Architecture.Mmu;
using KmemKit.Architecture.Smmu.V3;
using KmemKit.Runtime.Smmu.Stages;

namespace KmemKit.Runtime.Smmu.V3;

/// <summary>A stream's configuration as an SMMU caches it: an entry and its context descriptor, taken apart once.</summary>
internal sealed class StreamContext
{
    public StreamContext(in StreamTableEntry entry, in ContextDescriptor? cd, SmmuV3Features smmu)
    {
        Entry = entry;
        Cd = cd;
        if (entry.UsesStage2)
        {
            var stage2 = entry.Stage2;
            Stage2 = StageWalk.Stage2(stage2.GranuleShift, stage2.InputBits, stage2.StartLevel, stage2.EffectiveOutputBits(smmu), stage2.Table.Value,
                new WalkSettings { IgnoresAccessFlag = stage2.IgnoresAccessFlag });
        }
        if (cd is not { } descriptor)
            return;
        // Behind stage 2 the output of stage 1 is an IPA, whose size is still that of CD.IPS capped by the SMMU's own.
        var bits = Math.Min(descriptor.OutputBits, smmu.OutputAddressBits);
        var controls = descriptor.WriteExecuteNever ? TranslationControls.Wxn : TranslationControls.None;
        var settings = new WalkSettings
        {
            Access = descriptor.PrivilegedAccessNever ? TranslationControls.Pan : TranslationControls.None,
            IgnoresAccessFlag = descriptor.IgnoresAccessFlag,
        };
        if (descriptor.HasLower)
            Lower = StageWalk.Stage1(descriptor.LowerGranuleShift, descriptor.LowerInputBits, bits, isUpper: false, descriptor.Mair, controls, descriptor.LowerTable.Value, settings);
        if (descriptor.HasUpper)
            Upper = StageWalk.Stage1(descriptor.UpperGranuleShift, descriptor.UpperInputBits, bits, isUpper: true, descriptor.Mair, controls, descriptor.UpperTable.Value, settings);
    }

    public StreamTableEntry Entry { get; }

    /// <summary>Null where stage 1 does not translate.</summary>
    public ContextDescriptor? Cd { get; }

    /// <summary>The lower range; null where it is closed.</summary>
    public StageWalk? Lower { get; }

    /// <summary>The upper range; null where it is closed.</summary>
    public StageWalk? Upper { get; }

    public StageWalk? Stage2 { get; }

    public bool IsEl2 => Entry.World == StreamWorld.El2 && !Entry.UsesStage2;
}
