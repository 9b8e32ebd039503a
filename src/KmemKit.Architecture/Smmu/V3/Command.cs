using System;

namespace KmemKit.Architecture.Smmu.V3;

/// <summary>A command of the command queue (Arm IHI 0070, chapter 4). 16 bytes in memory.</summary>
/// <param name="Word0">Bits 63 to 0.</param>
/// <param name="Word1">Bits 127 to 64.</param>
public readonly record struct Command(ulong Word0, ulong Word1)
{
    /// <summary>Bytes of a command.</summary>
    public const int Bytes = 16;

    private const ulong Leaf1 = 1, SubstreamValid = 1UL << 11, Global = 1UL << 9;
    private const ulong TlbAddress = ~0xFFFUL;

    /// <summary>CMD_CFGI_STE.</summary>
    public static Command CfgiSte(uint stream, bool leaf) => new(Op(CommandOpcode.CfgiSte) | Sid(stream), leaf ? Leaf1 : 0);

    /// <summary>CMD_CFGI_STE_RANGE: the 2^(<paramref name="range"/>+1) streams around <paramref name="stream"/> that differ in the low bits only.</summary>
    public static Command CfgiSteRange(uint stream, int range) => new(Op(CommandOpcode.CfgiSteRange) | Sid(stream), Bits(range, 5, nameof(range)));

    /// <summary>CMD_CFGI_ALL.</summary>
    public static Command CfgiAll => new(Op(CommandOpcode.CfgiSteRange), 31);

    /// <summary>CMD_CFGI_CD.</summary>
    public static Command CfgiCd(uint stream, uint substream, bool leaf) =>
        new(Op(CommandOpcode.CfgiCd) | Sid(stream) | Ssid(substream), leaf ? Leaf1 : 0);

    /// <summary>CMD_CFGI_CD_ALL.</summary>
    public static Command CfgiCdAll(uint stream) => new(Op(CommandOpcode.CfgiCdAll) | Sid(stream), 0);

    /// <summary>CMD_PREFETCH_CONFIG.</summary>
    public static Command PrefetchConfig(uint stream) => new(Op(CommandOpcode.PrefetchConfig) | Sid(stream), 0);

    /// <summary>CMD_TLBI_NH_ALL.</summary>
    public static Command TlbiNhAll(ushort vmid) => new(Op(CommandOpcode.TlbiNhAll) | VmidBits(vmid), 0);

    /// <summary>CMD_TLBI_NH_ASID.</summary>
    public static Command TlbiNhAsid(ushort vmid, ushort asid) => new(Op(CommandOpcode.TlbiNhAsid) | VmidBits(vmid) | AsidBits(asid), 0);

    /// <summary>CMD_TLBI_NH_VA of one address; bits 11 to 0 of it do not count.</summary>
    public static Command TlbiNhVa(ushort vmid, ushort asid, ulong address, bool leaf) =>
        new(Op(CommandOpcode.TlbiNhVa) | VmidBits(vmid) | AsidBits(asid), (address & TlbAddress) | (leaf ? Leaf1 : 0));

    /// <summary>CMD_TLBI_NH_VAA of one address.</summary>
    public static Command TlbiNhVaa(ushort vmid, ulong address, bool leaf) =>
        new(Op(CommandOpcode.TlbiNhVaa) | VmidBits(vmid), (address & TlbAddress) | (leaf ? Leaf1 : 0));

    /// <summary>CMD_TLBI_EL2_ALL.</summary>
    public static Command TlbiEl2All => new(Op(CommandOpcode.TlbiEl2All), 0);

    /// <summary>CMD_TLBI_EL2_VA of one address.</summary>
    public static Command TlbiEl2Va(ushort asid, ulong address, bool leaf) =>
        new(Op(CommandOpcode.TlbiEl2Va) | AsidBits(asid), (address & TlbAddress) | (leaf ? Leaf1 : 0));

    /// <summary>CMD_TLBI_S12_VMALL.</summary>
    public static Command TlbiS12Vmall(ushort vmid) => new(Op(CommandOpcode.TlbiS12Vmall) | VmidBits(vmid), 0);

    /// <summary>CMD_TLBI_S2_IPA of one address.</summary>
    public static Command TlbiS2Ipa(ushort vmid, ulong ipa, bool leaf) =>
        new(Op(CommandOpcode.TlbiS2Ipa) | VmidBits(vmid), (ipa & TlbAddress & ((1UL << 52) - 1)) | (leaf ? Leaf1 : 0));

    /// <summary>CMD_TLBI_NSNH_ALL.</summary>
    public static Command TlbiNsnhAll => new(Op(CommandOpcode.TlbiNsnhAll), 0);

    /// <summary>
    /// A range form of a TLBI by address (IDR3.RIL, 4.4.1): (<paramref name="num"/>+1) * 2^<paramref name="scale"/> granules from the address on.
    /// </summary>
    /// <param name="num">0 to 31.</param>
    /// <param name="scale">0 to 31.</param>
    /// <param name="granuleShift">12, 14 or 16.</param>
    /// <param name="level">TTL: level of the leaves, 1 to 3; 0 for any.</param>
    public Command WithRange(int num, int scale, int granuleShift, int level = 0) => new(
        Word0 | (Bits(num, 5, nameof(num)) << 12) | (Bits(scale, 5, nameof(scale)) << 20),
        Word1 | (Bits(level, 2, nameof(level)) << 8) | (RangeGranule(granuleShift) << 10));

    /// <summary>CMD_ATC_INV of 2^<paramref name="sizeShift"/> pages of 4 KiB.</summary>
    public static Command AtcInv(uint stream, uint? substream, ulong address, int sizeShift) => new(
        Op(CommandOpcode.AtcInv) | Sid(stream) | (substream is { } id ? Ssid(id) | SubstreamValid : 0), (address & TlbAddress) | Bits(sizeShift, 6, nameof(sizeShift)));

    /// <summary>CMD_PRI_RESP.</summary>
    public static Command PriResp(uint stream, uint? substream, int group, PageResponse response) => new(
        Op(CommandOpcode.PriResp) | Sid(stream) | (substream is { } id ? Ssid(id) | SubstreamValid : 0),
        Bits(group, 9, nameof(group)) | ((ulong)response << 12));

    /// <summary>CMD_RESUME.</summary>
    public static Command Resume(uint stream, ushort stallTag, ResumeAction action) => new(Op(CommandOpcode.Resume) | Sid(stream) | ((ulong)action << 12), stallTag);

    /// <summary>CMD_STALL_TERM.</summary>
    public static Command StallTerm(uint stream) => new(Op(CommandOpcode.StallTerm) | Sid(stream), 0);

    /// <summary>CMD_SYNC.</summary>
    public static Command Sync(SyncSignal signal = SyncSignal.None) => new(Op(CommandOpcode.Sync) | ((ulong)signal << 12), 0);

    /// <summary>CMD_SYNC that writes <paramref name="data"/> to <paramref name="address"/> (4-byte aligned) when it completes.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The address is not aligned, or beyond 52 bits.</exception>
    public static Command SyncWithMessage(PhysAddr address, uint data) => (address.Value & ~0x000F_FFFF_FFFF_FFFCUL) == 0
        ? new Command(Op(CommandOpcode.Sync) | ((ulong)SyncSignal.Interrupt << 12) | (3UL << 22) | (0xFUL << 24) | ((ulong)data << 32), address.Value)
        : throw new ArgumentOutOfRangeException(nameof(address), address, "MSIAddress holds bits 51 to 2.");

    /// <summary>Bits 7 to 0.</summary>
    public CommandOpcode Opcode => (CommandOpcode)(Word0 & 0xFF);

    /// <summary>SSec, bit 10: the StreamID is of the secure world. Illegal on the non-secure queue.</summary>
    public bool IsSecureStream => (Word0 & (1UL << 10)) != 0;

    /// <summary>SSV, bit 11: the SubstreamID counts.</summary>
    public bool HasSubstream => (Word0 & SubstreamValid) != 0;

    /// <summary>SubstreamID, bits 31 to 12.</summary>
    public uint SubstreamId => (uint)((Word0 >> 12) & 0xFFFFF);

    /// <summary>StreamID, bits 63 to 32.</summary>
    public uint StreamId => (uint)(Word0 >> 32);

    /// <summary>VMID of a TLBI, bits 47 to 32.</summary>
    public ushort Vmid => (ushort)((Word0 >> 32) & 0xFFFF);

    /// <summary>ASID of a TLBI, bits 63 to 48.</summary>
    public ushort Asid => (ushort)(Word0 >> 48);

    /// <summary>Leaf, bit 64: only the last level is meant.</summary>
    public bool IsLeaf => (Word1 & Leaf1) != 0;

    /// <summary>Range of CMD_CFGI_STE_RANGE, bits 68 to 64.</summary>
    public int Range => (int)(Word1 & 31);

    /// <summary>Address of a TLBI, bits 127 to 76.</summary>
    public ulong Address => Word1 & TlbAddress;

    /// <summary>NUM of a TLBI, bits 16 to 12.</summary>
    public int Num => (int)((Word0 >> 12) & 31);

    /// <summary>SCALE of a TLBI, bits 24 to 20.</summary>
    public int Scale => (int)((Word0 >> 20) & 31);

    /// <summary>TTL of a TLBI, bits 73 to 72.</summary>
    public int TableLevel => (int)((Word1 >> 8) & 3);

    /// <summary>TG of a TLBI, bits 75 to 74: page shift of a range form, 0 where the command names one address.</summary>
    public int RangeGranuleShift => (int)((Word1 >> 10) & 3) switch
    {
        1 => 12,
        2 => 14,
        3 => 16,
        _ => 0,
    };

    /// <summary>Global of CMD_ATC_INV, bit 9.</summary>
    public bool IsGlobal => (Word0 & Global) != 0;

    /// <summary>Size of CMD_ATC_INV, bits 69 to 64: log2 of the pages of 4 KiB.</summary>
    public int AtcSizeShift => (int)(Word1 & 63);

    /// <summary>Action of CMD_RESUME: 3 is reserved.</summary>
    public ResumeAction Action => (ResumeAction)((Word0 >> 12) & 3);

    /// <summary>STAG of CMD_RESUME, bits 79 to 64.</summary>
    public ushort StallTag => (ushort)(Word1 & 0xFFFF);

    /// <summary>PRGIndex of CMD_PRI_RESP, bits 72 to 64.</summary>
    public int PageRequestGroup => (int)(Word1 & 0x1FF);

    /// <summary>Resp of CMD_PRI_RESP, bits 77 to 76: 3 is reserved.</summary>
    public PageResponse Response => (PageResponse)((Word1 >> 12) & 3);

    /// <summary>CS of CMD_SYNC, bits 13 to 12: 3 is reserved.</summary>
    public SyncSignal Signal => (SyncSignal)((Word0 >> 12) & 3);

    /// <summary>MSIData of CMD_SYNC, bits 63 to 32.</summary>
    public uint MessageData => (uint)(Word0 >> 32);

    /// <summary>MSIAddress of CMD_SYNC, bits 115 to 66.</summary>
    public PhysAddr MessageAddress => new(Word1 & 0x000F_FFFF_FFFF_FFFCUL);

    private static ulong Op(CommandOpcode opcode) => (ulong)opcode;

    private static ulong Sid(uint stream) => (ulong)stream << 32;

    private static ulong Ssid(uint substream) => substream <= 0xFFFFF
        ? (ulong)substream << 12
        : throw new ArgumentOutOfRangeException(nameof(substream), substream, "A SubstreamID has 20 bits.");

    private static ulong VmidBits(ushort vmid) => (ulong)vmid << 32;

    private static ulong AsidBits(ushort asid) => (ulong)asid << 48;

    private static ulong Bits(int value, int width, string name) => value >= 0 && value < 1 << width
        ? (ulong)value
        : throw new ArgumentOutOfRangeException(name, value, "The field is too small for it.");

    private static ulong RangeGranule(int shift) => shift switch
    {
        12 => 1,
        14 => 2,
        16 => 3,
        _ => throw new ArgumentOutOfRangeException(nameof(shift), shift, "A granule is 4, 16 or 64 KiB: a shift of 12, 14 or 16."),
    };
}
