using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;

namespace KmemKit.Runtime.Smmu.Stages;

/// <summary>Stage 2 of an access: tables, and whose they are. The default is none.</summary>
/// <param name="Translator">Its TLB; null for no stage 2.</param>
/// <param name="Walk">Its tables.</param>
/// <param name="Vmid">The guest.</param>
/// <param name="RefusesDeviceTables">Whether tables of stage 1 in Device memory are a permission fault.</param>
internal readonly record struct SecondStage(StageTranslator? Translator, StageWalk Walk, ushort Vmid, bool RefusesDeviceTables = false)
{
    /// <summary>An intermediate address to a physical one.</summary>
    public StageFault Translate(ulong ipa, AccessRights access, Privilege privilege)
    {
        // A range that the tables do not have is reported for level 1 (Arm IHI 0062, 17.3.1).
        var found = Walk.Translates(ipa) ? Translator!.Translate(Walk, ipa, 0, Vmid, access, privilege) : StageFault.Of(FaultCause.Translation, 1);
        return found with { IsStage2 = true, Ipa = ipa };
    }
}
