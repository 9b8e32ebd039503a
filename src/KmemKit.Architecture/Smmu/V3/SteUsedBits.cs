using F = KmemKit.Architecture.Smmu.V3.StreamTableEntryFields;

namespace KmemKit.Architecture.Smmu.V3;

/// <summary>Which bits of an entry count, given its V and Config (Arm IHI 0070, 5.2: fields that are IGNORED are not among them).</summary>
internal static class SteUsedBits
{
    private static readonly StructureField[] s_stage1 =
    [
        F.S1Fmt, F.S1CDMax, F.S1DSS, F.S1CIR, F.S1COR, F.S1CSH, F.S1STALLD, F.STRW, F.EATS, F.PPAR, F.MTCFG, F.MemAttr, F.ALLOCCFG, F.SHCFG, F.NSCFG,
        F.PRIVCFG, F.INSTCFG, F.DRE, F.DCP, F.MEV,
    ];

    private static readonly StructureField[] s_bypass =
        [F.MTCFG, F.MemAttr, F.ALLOCCFG, F.SHCFG, F.NSCFG, F.PRIVCFG, F.INSTCFG, F.DRE, F.DCP, F.MEV, F.EATS];

    private static readonly StructureField[] s_stage2 =
    [
        F.S2VMID, F.S2T0SZ, F.S2SL0, F.S2IR0, F.S2OR0, F.S2SH0, F.S2TG, F.S2PS, F.S2AA64, F.S2ENDI, F.S2AFFD, F.S2PTW, F.S2HD, F.S2HA, F.S2S, F.S2R,
        F.EATS, F.MTCFG, F.MemAttr, F.ALLOCCFG, F.SHCFG, F.NSCFG, F.PRIVCFG, F.INSTCFG, F.DRE, F.DCP, F.MEV, F.STRW,
    ];

    public static StructureWords Of(StreamTableEntry entry)
    {
        var used = default(StructureWords).With(0, F.V.Mask);
        if (!entry.IsValid)
            return used;
        used = used.With(0, F.V.Mask | F.Config.Mask);
        if (entry.Config == SteConfig.Abort)
            return used;
        // CONT is a promise about neighbours, not a meaning of this entry: it counts wherever the entry is cached.
        used = Add(used, F.CONT);
        if (entry.Config == SteConfig.Bypass)
            return Add(used, s_bypass);
        if (entry.UsesStage1)
        {
            used = Add(used, s_stage1);
            used = used.With(F.S1ContextPtr.Word, used[F.S1ContextPtr.Word] | F.S1ContextPtr.Mask);
            // TLB entries of the NS-EL1 world are tagged with the VMID even where stage 2 does not translate (5.2, S2VMID).
            if (entry.World == StreamWorld.NonSecureEl1)
                used = Add(used, F.S2VMID);
        }
        if (entry.UsesStage2)
        {
            used = Add(used, s_stage2);
            used = used.With(F.S2TTB.Word, used[F.S2TTB.Word] | F.S2TTB.Mask);
        }
        return used;
    }

    private static StructureWords Add(StructureWords used, params StructureField[] fields)
    {
        foreach (var field in fields)
            used = used.With(field.Word, used[field.Word] | field.Mask);
        return used;
    }
}
