using System;

namespace KmemKit.Architecture.Smmu.V3;

/// <summary>Types of event records (Arm IHI 0070, 7.3).</summary>
public enum EventType
{
    /// <summary>F_UUT: unsupported upstream transaction.</summary>
    UnsupportedUpstreamTransaction = 0x01,

    /// <summary>C_BAD_STREAMID: no entry of the stream table for the StreamID.</summary>
    BadStreamId = 0x02,

    /// <summary>F_STE_FETCH: the stream table could not be read.</summary>
    SteFetch = 0x03,

    /// <summary>C_BAD_STE: the stream table entry is not valid or ILLEGAL.</summary>
    BadSte = 0x04,

    /// <summary>F_BAD_ATS_TREQ: an ATS translation request where none is allowed.</summary>
    BadAtsTranslationRequest = 0x05,

    /// <summary>F_STREAM_DISABLED: a transaction without SubstreamID with S1DSS 0b00, or of substream 0 with S1DSS 0b10.</summary>
    StreamDisabled = 0x06,

    /// <summary>F_TRANSL_FORBIDDEN: a translated transaction from a device that may not.</summary>
    TranslationForbidden = 0x07,

    /// <summary>C_BAD_SUBSTREAMID: no context descriptor for the SubstreamID.</summary>
    BadSubstreamId = 0x08,

    /// <summary>F_CD_FETCH: the context descriptor could not be read.</summary>
    CdFetch = 0x09,

    /// <summary>C_BAD_CD: the context descriptor is not valid or ILLEGAL.</summary>
    BadCd = 0x0A,

    /// <summary>F_WALK_EABT: a translation table could not be read.</summary>
    WalkExternalAbort = 0x0B,

    /// <summary>F_TRANSLATION: no translation.</summary>
    Translation = 0x10,

    /// <summary>F_ADDR_SIZE: an output address beyond the size.</summary>
    AddressSize = 0x11,

    /// <summary>F_ACCESS: the access flag is clear.</summary>
    AccessFlag = 0x12,

    /// <summary>F_PERMISSION: not allowed.</summary>
    Permission = 0x13,

    /// <summary>F_TLB_CONFLICT: two TLB entries for one address.</summary>
    TlbConflict = 0x20,

    /// <summary>F_CFG_CONFLICT: conflicting configuration caches.</summary>
    ConfigConflict = 0x21,

    /// <summary>E_PAGE_REQUEST: a hint that a page will be needed.</summary>
    PageRequest = 0x24,

    /// <summary>F_VMS_FETCH: the virtual machine structure could not be read.</summary>
    VmsFetch = 0x25,
}

/// <summary>What the SMMU was doing when it faulted (7.3, CLASS).</summary>
public enum EventClass
{
    /// <summary>Fetching a context descriptor.</summary>
    ContextDescriptor = 0,

    /// <summary>Walking a translation table.</summary>
    TableWalk = 1,

    /// <summary>Translating the transaction's own address.</summary>
    Input = 2,
}

/// <summary>A record of the event queue (Arm IHI 0070, 7.3). 32 bytes in memory; fields that a type does not have are 0.</summary>
public readonly record struct EventRecord
{
    /// <summary>Bytes of a record.</summary>
    public const int Bytes = 32;

    /// <summary>Words of a record.</summary>
    public const int Count = 4;

    /// <summary>Bits 7 to 0.</summary>
    public EventType Type { get; init; }

    /// <summary>SSV, bit 11, and SubstreamID, bits 31 to 12; null without.</summary>
    public uint? SubstreamId { get; init; }

    /// <summary>StreamID, bits 63 to 32.</summary>
    public uint StreamId { get; init; }

    /// <summary>STAG, bits 79 to 64: names a stalled transaction to CMD_RESUME.</summary>
    public ushort StallTag { get; init; }

    /// <summary>Stall, bit 95: the transaction waits for CMD_RESUME.</summary>
    public bool IsStall { get; init; }

    /// <summary>PnU, bit 97: privileged.</summary>
    public bool IsPrivileged { get; init; }

    /// <summary>InD, bit 98: instruction fetch.</summary>
    public bool IsInstruction { get; init; }

    /// <summary>RnW, bit 99: read.</summary>
    public bool IsRead { get; init; }

    /// <summary>S2, bit 103: stage 2 faulted.</summary>
    public bool IsStage2 { get; init; }

    /// <summary>CLASS, bits 105 to 104.</summary>
    public EventClass Class { get; init; }

    /// <summary>TTRnW, bit 108: the table access was a read. Only with <see cref="EventClass.TableWalk"/>.</summary>
    public bool IsTableRead { get; init; }

    /// <summary>InputAddr, bits 191 to 128: address of the transaction.</summary>
    public ulong InputAddress { get; init; }

    /// <summary>IPA, bits 243 to 204 of a stage 2 fault, or FetchAddr, bits 243 to 195 of a fetch fault.</summary>
    public ulong IpaOrFetchAddress { get; init; }

    /// <summary>Writes the record as memory has it.</summary>
    /// <exception cref="ArgumentException">There is no room for four words.</exception>
    public void Encode(Span<ulong> words)
    {
        if (words.Length < Count)
            throw new ArgumentException("An event record has four words.", nameof(words));
        words[0] = (ulong)Type | (SubstreamId is { } id ? (1UL << 11) | ((ulong)(id & 0xFFFFF) << 12) : 0) | ((ulong)StreamId << 32);
        words[1] = StallTag | Bit(IsStall, 31) | Bit(IsPrivileged, 33) | Bit(IsInstruction, 34) | Bit(IsRead, 35) | Bit(IsStage2, 39)
            | ((ulong)Class << 40) | Bit(IsTableRead, 44);
        words[2] = InputAddress;
        words[3] = IpaOrFetchAddress & 0x000F_FFFF_FFFF_FFF8UL;
    }

    /// <summary>Reads a record from memory.</summary>
    /// <exception cref="ArgumentException">There are not four words.</exception>
    public static EventRecord Decode(ReadOnlySpan<ulong> words)
    {
        if (words.Length < Count)
            throw new ArgumentException("An event record has four words.", nameof(words));
        return new EventRecord
        {
            Type = (EventType)(words[0] & 0xFF),
            SubstreamId = (words[0] & (1UL << 11)) != 0 ? (uint)((words[0] >> 12) & 0xFFFFF) : null,
            StreamId = (uint)(words[0] >> 32),
            StallTag = (ushort)(words[1] & 0xFFFF),
            IsStall = Has(words[1], 31),
            IsPrivileged = Has(words[1], 33),
            IsInstruction = Has(words[1], 34),
            IsRead = Has(words[1], 35),
            IsStage2 = Has(words[1], 39),
            Class = (EventClass)((words[1] >> 40) & 3),
            IsTableRead = Has(words[1], 44),
            InputAddress = words[2],
            IpaOrFetchAddress = words[3] & 0x000F_FFFF_FFFF_FFF8UL,
        };
    }

    private static ulong Bit(bool value, int bit) => value ? 1UL << bit : 0;

    private static bool Has(ulong word, int bit) => (word & (1UL << bit)) != 0;
}
