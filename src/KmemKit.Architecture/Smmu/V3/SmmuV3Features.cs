using System;

namespace KmemKit.Architecture.Smmu.V3;

/// <summary>What SMMU_IDR0.STALL_MODEL says about faulting transactions (SMMUv3 specification, 6.3.1).</summary>
public enum StallModel
{
    /// <summary>0b00: the configuration chooses between stalling and terminating.</summary>
    StallAndTerminate = 0,

    /// <summary>0b01: faults terminate the transaction.</summary>
    TerminateOnly = 1,

    /// <summary>0b10: stage 1 faults always stall.</summary>
    StallForced = 2,
}

/// <summary>Translation granules of an SMMU (SMMU_IDR5.GRAN4K, GRAN16K, GRAN64K).</summary>
[Flags]
public enum SmmuGranules
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>4 KiB.</summary>
    FourKiB = 1,

    /// <summary>16 KiB.</summary>
    SixteenKiB = 2,

    /// <summary>64 KiB.</summary>
    SixtyFourKiB = 4,
}

/// <summary>What an SMMUv3 implements: the fields of SMMU_IDR0, IDR1 and IDR5 that its structures depend on (Arm IHI 0070, 6.3.1, 6.3.2 and 6.3.6).</summary>
public sealed partial record SmmuV3Features
{
    /// <summary>IDR0.S1P: stage 1.</summary>
    public bool Stage1 { get; init; } = true;

    /// <summary>IDR0.S2P: stage 2.</summary>
    public bool Stage2 { get; init; } = true;

    /// <summary>IDR0.TTF[1]: VMSAv8-64 tables.</summary>
    public bool AArch64Tables { get; init; } = true;

    /// <summary>IDR0.TTF[0]: VMSAv8-32 LPAE tables.</summary>
    public bool AArch32Tables { get; init; }

    /// <summary>IDR0.COHACC: the SMMU's own accesses are coherent with the processor's caches.</summary>
    public bool CoherentAccess { get; init; } = true;

    /// <summary>IDR0.HTTU: 0 no hardware update, 1 of the access flag, 2 of access flag and dirty state.</summary>
    public int HardwareUpdate { get; init; }

    /// <summary>IDR0.HYP: the EL2 StreamWorld and its invalidations.</summary>
    public bool Hypervisor { get; init; }

    /// <summary>IDR0.ATS: PCIe address translation services.</summary>
    public bool Ats { get; init; }

    /// <summary>IDR0.NS1ATS clear: split-stage ATS.</summary>
    public bool SplitStageAts { get; init; }

    /// <summary>IDR0.PRI: page request interface.</summary>
    public bool Pri { get; init; }

    /// <summary>IDR0.MSI: interrupts and CMD_SYNC completion as messages.</summary>
    public bool Msi { get; init; } = true;

    /// <summary>IDR0.ASID16: 16-bit ASIDs; else 8.</summary>
    public bool Asid16 { get; init; } = true;

    /// <summary>IDR0.VMID16: 16-bit VMIDs; else 8.</summary>
    public bool Vmid16 { get; init; } = true;

    /// <summary>IDR0.STALL_MODEL.</summary>
    public StallModel StallModel { get; init; } = StallModel.StallAndTerminate;

    /// <summary>IDR0.TERM_MODEL: a terminated transaction is always aborted, so CD.A must be 1.</summary>
    public bool TerminatesWithAbort { get; init; } = true;

    /// <summary>IDR0.ST_LEVEL: two-level stream tables.</summary>
    public bool TwoLevelStreamTable { get; init; } = true;

    /// <summary>IDR0.CD2L: two-level context descriptor tables.</summary>
    public bool TwoLevelContextTable { get; init; } = true;

    /// <summary>IDR1.SIDSIZE: bits of a StreamID, 0 to 32.</summary>
    public int StreamIdBits { get; init; } = 16;

    /// <summary>IDR1.SSIDSIZE: bits of a SubstreamID, 0 to 20.</summary>
    public int SubstreamIdBits { get; init; } = 8;

    /// <summary>IDR1.CMDQS: log2 of the most command queue entries, 0 to 19.</summary>
    public int CommandQueueBits { get; init; } = 19;

    /// <summary>IDR1.EVENTQS: log2 of the most event queue entries, 0 to 19.</summary>
    public int EventQueueBits { get; init; } = 19;

    /// <summary>IDR1.PRIQS: log2 of the most PRI queue entries, 0 to 19.</summary>
    public int PriQueueBits { get; init; } = 19;

    /// <summary>IDR5: granules.</summary>
    public SmmuGranules Granules { get; init; } = SmmuGranules.FourKiB | SmmuGranules.SixteenKiB | SmmuGranules.SixtyFourKiB;

    /// <summary>IDR5.OAS: bits of an output address: 32, 36, 40, 42, 44, 48 or 52.</summary>
    public int OutputAddressBits { get; init; } = 48;

    /// <summary>
    /// The SMMUv3 of QEMU 7.2's <c>virt,iommu=smmuv3</c> machine, as its identification registers say (IDR0 0x0d40101a, IDR1 0x02730010, IDR5 0x74): stage 1 only, 44-bit output,
    /// 16 StreamID bits, no substreams, 8-bit VMIDs, no stalls.
    /// </summary>
    public static SmmuV3Features QemuVirt { get; } = new()
    {
        Stage2 = false, Hypervisor = false, Msi = false, SubstreamIdBits = 0, OutputAddressBits = 44, Vmid16 = false, StallModel = StallModel.TerminateOnly, StallMaximum = 0,
        TwoLevelContextTable = false, SplitStageAts = true, PriQueueBits = 0,
    };

    /// <summary>Whether one address is within <see cref="OutputAddressBits"/>.</summary>
    public bool CanOutput(ulong address) => OutputAddressBits >= 64 || address >> OutputAddressBits == 0;

    /// <summary>The IPS, S2PS or OAS code of a number of address bits (IDR5.OAS): 0 to 6 for 32, 36, 40, 42, 44, 48, 52.</summary>
    /// <exception cref="ArgumentOutOfRangeException">No code stands for that number.</exception>
    public static int AddressSizeCode(int bits)
    {
        var code = Array.IndexOf(s_sizes, bits);
        return code >= 0 ? code : throw new ArgumentOutOfRangeException(nameof(bits), bits, "An address size is 32, 36, 40, 42, 44, 48 or 52 bits.");
    }

    /// <summary>The address bits of an IPS, S2PS or OAS code; the reserved code 7 behaves as 6 where it is an effective size (5.4, CD.IPS).</summary>
    public static int AddressSize(int code) => s_sizes[Math.Min(code & 7, s_sizes.Length - 1)];

    private static readonly int[] s_sizes = [32, 36, 40, 42, 44, 48, 52];
}
