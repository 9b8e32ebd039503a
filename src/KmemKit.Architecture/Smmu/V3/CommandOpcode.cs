namespace KmemKit.Architecture.Smmu.V3;

/// <summary>Opcodes of the command queue (Arm IHI 0070, 4.1.1).</summary>
public enum CommandOpcode
{
    /// <summary>CMD_PREFETCH_CONFIG: fetch a stream's configuration early.</summary>
    PrefetchConfig = 0x01,

    /// <summary>CMD_PREFETCH_ADDR: translate an address early.</summary>
    PrefetchAddr = 0x02,

    /// <summary>CMD_CFGI_STE: forget one stream's entry, and with Leaf clear the way to it.</summary>
    CfgiSte = 0x03,

    /// <summary>CMD_CFGI_STE_RANGE: forget 2^(Range+1) streams' entries; with Range 31, CMD_CFGI_ALL.</summary>
    CfgiSteRange = 0x04,

    /// <summary>CMD_CFGI_CD: forget one context descriptor.</summary>
    CfgiCd = 0x05,

    /// <summary>CMD_CFGI_CD_ALL: forget all context descriptors of a stream.</summary>
    CfgiCdAll = 0x06,

    /// <summary>CMD_TLBI_NH_ALL: NS-EL1 stage 1 of a VMID.</summary>
    TlbiNhAll = 0x10,

    /// <summary>CMD_TLBI_NH_ASID: NS-EL1 stage 1 of a VMID and ASID, not global.</summary>
    TlbiNhAsid = 0x11,

    /// <summary>CMD_TLBI_NH_VA: NS-EL1 stage 1 by address, VMID and ASID, and global.</summary>
    TlbiNhVa = 0x12,

    /// <summary>CMD_TLBI_NH_VAA: NS-EL1 stage 1 by address and VMID, any ASID.</summary>
    TlbiNhVaa = 0x13,

    /// <summary>CMD_TLBI_EL2_ALL: all of EL2.</summary>
    TlbiEl2All = 0x20,

    /// <summary>CMD_TLBI_EL2_ASID: EL2 of an ASID, where EL2 has them.</summary>
    TlbiEl2Asid = 0x21,

    /// <summary>CMD_TLBI_EL2_VA: EL2 by address.</summary>
    TlbiEl2Va = 0x22,

    /// <summary>CMD_TLBI_EL2_VAA: EL2 by address, any ASID.</summary>
    TlbiEl2Vaa = 0x23,

    /// <summary>CMD_TLBI_S12_VMALL: stages 1 and 2 of a VMID.</summary>
    TlbiS12Vmall = 0x28,

    /// <summary>CMD_TLBI_S2_IPA: stage 2 of a VMID by IPA.</summary>
    TlbiS2Ipa = 0x2A,

    /// <summary>CMD_TLBI_NSNH_ALL: all of NS-EL1 and stage 2, every VMID.</summary>
    TlbiNsnhAll = 0x30,

    /// <summary>CMD_ATC_INV: a device's own translation cache.</summary>
    AtcInv = 0x40,

    /// <summary>CMD_PRI_RESP: answer to a page request group.</summary>
    PriResp = 0x41,

    /// <summary>CMD_RESUME: a stalled transaction goes on or ends.</summary>
    Resume = 0x44,

    /// <summary>CMD_STALL_TERM: end what a stream has stalled.</summary>
    StallTerm = 0x45,

    /// <summary>CMD_SYNC: completes when what came before has.</summary>
    Sync = 0x46,
}

/// <summary>What CMD_RESUME says (4.6.1).</summary>
public enum ResumeAction
{
    /// <summary>End it as CD.A says: abort, or read zero and ignore the write.</summary>
    Terminate = 0,

    /// <summary>Translate it again.</summary>
    Retry = 1,

    /// <summary>End it with an abort.</summary>
    Abort = 2,
}

/// <summary>How CMD_SYNC tells that it completed (4.7.3, CS).</summary>
public enum SyncSignal
{
    /// <summary>By the consumer index alone.</summary>
    None = 0,

    /// <summary>By interrupt, which may be a message: a write of MSIData to MSIAddress.</summary>
    Interrupt = 1,

    /// <summary>By a processor event (SEV).</summary>
    Event = 2,
}

/// <summary>What CMD_PRI_RESP answers (4.5.2).</summary>
public enum PageResponse
{
    /// <summary>0b00: denied; ask no more.</summary>
    Failure = 0,

    /// <summary>0b01: not mapped.</summary>
    InvalidRequest = 1,

    /// <summary>0b10: mapped now.</summary>
    Success = 2,
}
