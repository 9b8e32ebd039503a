namespace KmemKit.Architecture.Smmu.V3;

/// <summary>Offsets of the SMMUv3's non-secure registers, in bytes from its base (Arm IHI 0070, 6.2). Page 1 is at 0x10000.</summary>
public static class SmmuV3Register
{
    /// <summary>SMMU_IDR0.</summary>
    public const int Idr0 = 0x0;

    /// <summary>SMMU_IDR1.</summary>
    public const int Idr1 = 0x4;

    /// <summary>SMMU_IDR3.</summary>
    public const int Idr3 = 0xC;

    /// <summary>SMMU_IDR5.</summary>
    public const int Idr5 = 0x14;

    /// <summary>SMMU_IIDR.</summary>
    public const int Iidr = 0x18;

    /// <summary>SMMU_AIDR: 0 for SMMUv3.0, 1 for 3.1, 2 for 3.2.</summary>
    public const int Aidr = 0x1C;

    /// <summary>SMMU_CR0: enables.</summary>
    public const int Cr0 = 0x20;

    /// <summary>SMMU_CR0ACK: the enables in force.</summary>
    public const int Cr0Ack = 0x24;

    /// <summary>SMMU_CR1: attributes of table and queue accesses.</summary>
    public const int Cr1 = 0x28;

    /// <summary>SMMU_CR2: broadcast TLB maintenance, RECINVSID, E2H.</summary>
    public const int Cr2 = 0x2C;

    /// <summary>SMMU_STATUSR.</summary>
    public const int StatusR = 0x40;

    /// <summary>SMMU_GBPA: what becomes of transactions while the SMMU is off.</summary>
    public const int Gbpa = 0x44;

    /// <summary>SMMU_IRQ_CTRL.</summary>
    public const int IrqCtrl = 0x50;

    /// <summary>SMMU_IRQ_CTRLACK.</summary>
    public const int IrqCtrlAck = 0x54;

    /// <summary>SMMU_GERROR: global errors, each active while it differs from GERRORN.</summary>
    public const int GError = 0x60;

    /// <summary>SMMU_GERRORN: acknowledgements.</summary>
    public const int GErrorN = 0x64;

    /// <summary>SMMU_STRTAB_BASE, 64 bits.</summary>
    public const int StrtabBase = 0x80;

    /// <summary>SMMU_STRTAB_BASE_CFG.</summary>
    public const int StrtabBaseCfg = 0x88;

    /// <summary>SMMU_CMDQ_BASE, 64 bits.</summary>
    public const int CmdqBase = 0x90;

    /// <summary>SMMU_CMDQ_PROD.</summary>
    public const int CmdqProd = 0x98;

    /// <summary>SMMU_CMDQ_CONS, with the error code in bits 30 to 24.</summary>
    public const int CmdqCons = 0x9C;

    /// <summary>SMMU_EVENTQ_BASE, 64 bits.</summary>
    public const int EventqBase = 0xA0;

    /// <summary>SMMU_PRIQ_BASE, 64 bits.</summary>
    public const int PriqBase = 0xC0;

    /// <summary>SMMU_EVENTQ_PROD, on page 1.</summary>
    public const int EventqProd = 0x100A8;

    /// <summary>SMMU_EVENTQ_CONS, on page 1.</summary>
    public const int EventqCons = 0x100AC;

    /// <summary>SMMU_PRIQ_PROD, on page 1.</summary>
    public const int PriqProd = 0x100C8;

    /// <summary>SMMU_PRIQ_CONS, on page 1.</summary>
    public const int PriqCons = 0x100CC;

    /// <summary>Bytes of the two pages of 64 KiB.</summary>
    public const int Bytes = 0x20000;
}

/// <summary>Bits of SMMU_CR0 and SMMU_CR0ACK (6.3.9).</summary>
[System.Flags]
public enum SmmuV3Control
{
    /// <summary>All off.</summary>
    None = 0,

    /// <summary>SMMUEN: translation by the stream table.</summary>
    SmmuEnable = 1,

    /// <summary>PRIQEN.</summary>
    PriQueueEnable = 2,

    /// <summary>EVENTQEN.</summary>
    EventQueueEnable = 4,

    /// <summary>CMDQEN.</summary>
    CommandQueueEnable = 8,

    /// <summary>ATSCHK: translated transactions are checked.</summary>
    AtsCheck = 16,
}

/// <summary>Bits of SMMU_GERROR and SMMU_GERRORN (6.3.17): an error is active while the two differ.</summary>
[System.Flags]
public enum SmmuV3GlobalErrors
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>CMDQ_ERR: a command could not be done; SMMU_CMDQ_CONS.ERR says why, and the queue stands still.</summary>
    CommandQueue = 1,

    /// <summary>EVENTQ_ABT_ERR: an event record could not be written.</summary>
    EventQueueAbort = 4,

    /// <summary>PRIQ_ABT_ERR: a page request could not be written.</summary>
    PriQueueAbort = 8,

    /// <summary>MSI_CMDQ_ABT_ERR: the message of a CMD_SYNC could not be written.</summary>
    MessageCommandAbort = 16,

    /// <summary>SFM_ERR: service failure mode.</summary>
    ServiceFailure = 256,
}

/// <summary>SMMU_CMDQ_CONS.ERR, bits 30 to 24 (7.1): why the command queue stands still.</summary>
public enum CommandError
{
    /// <summary>CERROR_NONE.</summary>
    None = 0,

    /// <summary>CERROR_ILL: opcode or field not legal.</summary>
    Illegal = 1,

    /// <summary>CERROR_ABT: the command could not be read.</summary>
    Abort = 2,

    /// <summary>CERROR_ATC_INV_SYNC: an ATC invalidation did not complete.</summary>
    AtcInvalidateSync = 3,
}
