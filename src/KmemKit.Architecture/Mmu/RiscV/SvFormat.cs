using System;
using System.Collections.Immutable;
using System.Runtime.CompilerServices;

namespace KmemKit.Architecture.Mmu.RiscV;

/// <summary>RISC-V Sv32, Sv39, Sv48 and Sv57.</summary>
/// <remarks>
/// The RISC-V Instruction Set Manual volume II, privileged architecture 20211203: entries and algorithm 4.3 (Sv32), 4.4 to 4.6; Svnapot chapter 5; Svpbmt
/// chapter 6; satp 4.1.11; SUM and MXR 4.1.1. Entry: V 0, R 1, W 2, X 3, U 4, G 5, A 6, D 7, RSW 9:8, PPN from 10; of RV64 PPN to 53, 60:54 reserved, PBMT
/// 62:61, N 63. S-mode never fetches from a user page, and reaches it with loads and stores only under SUM: <see cref="PageAttributes.Privileged"/> holds what it
/// may do with SUM set. Default: no extension, and software sets A and D (a clear one is a page fault).
/// </remarks>
public readonly struct SvFormat<TMode> : ITranslationFormat where TMode : struct, ISvMode
{
    private const ulong Valid = 1 << 0;
    private const ulong R = 1 << 1;
    private const ulong W = 1 << 2;
    private const ulong X = 1 << 3;
    private const ulong U = 1 << 4;
    private const ulong G = 1 << 5;
    private const ulong A = 1 << 6;
    private const ulong D = 1 << 7;
    private const int SoftwareShift = 8;
    private const int PpnShift = 10;
    private const int PbmtShift = 61;
    private const ulong Napot = 1UL << 63;

    // A NAPOT entry has 1000 in the lowest bits of PPN: 16 pages.
    private const ulong NapotPpn = 0b1000UL << PpnShift;
    private const ulong NapotPpnMask = 0b1111UL << PpnShift;

    private const TranslationControls Use = TranslationControls.HardwareAccessed | TranslationControls.HardwareDirty;
    private const TranslationControls Known = Use | TranslationControls.Svnapot | TranslationControls.Svpbmt;

    private readonly TranslationControls _controls;

    /// <summary>A tree.</summary>
    /// <param name="controls">Svnapot and Svpbmt (RV64 only); HardwareAccessed and HardwareDirty together are Svadu.</param>
    /// <exception cref="ArgumentOutOfRangeException">The scheme has no such control.</exception>
    public SvFormat(TranslationControls controls)
    {
        var known = default(TMode).EntrySize == 4 ? Use : Known;
        if ((controls & ~known) != 0 || (controls & Use) is not (0 or Use))
            throw new ArgumentOutOfRangeException(nameof(controls), controls, "Svnapot, Svpbmt (RV64), and HardwareAccessed with HardwareDirty.");
        _controls = controls;
    }

    /// <inheritdoc/>
    public string Name => default(TMode).Name;

    /// <inheritdoc/>
    public int DescriptorSize => default(TMode).EntrySize;

    /// <inheritdoc/>
    public int RootLevel => default(TMode).Levels - 1;

    /// <inheritdoc/>
    public int LastLevel => 0;

    /// <inheritdoc/>
    public int NextLevel(int level) => level - 1;

    /// <inheritdoc/>
    public int PageShift => 12;

    private static int Stride => default(TMode).EntrySize == 4 ? 10 : 9;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int LevelShift(int level) => 12 + level * Stride;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int IndexBits(int level) => Stride;

    /// <inheritdoc/>
    public int InputBits => 12 + default(TMode).Levels * Stride;

    /// <inheritdoc/>
    public int OutputBits => default(TMode).EntrySize == 4 ? 34 : 56;

    /// <inheritdoc/>
    public int RootAlignment => 4096;

    /// <inheritdoc/>
    public int SoftwareBits => 2;

    /// <inheritdoc/>
    public TranslationControls Controls => _controls;

    /// <inheritdoc/>
    public ImmutableArray<LeafShape> Shapes
    {
        get
        {
            var shapes = ImmutableArray.CreateBuilder<LeafShape>();
            for (var level = 0; level <= RootLevel; level++)
            {
                shapes.Add(new LeafShape(level, 1, 1UL << LevelShift(level), 0));
                if (level == 0 && (_controls & TranslationControls.Svnapot) != 0)
                    shapes.Add(new LeafShape(0, 16, 1UL << 16, 0));
            }
            return shapes.ToImmutable();
        }
    }

    /// <inheritdoc/>
    public ImmutableArray<VirtRange> InputRanges
    {
        get
        {
            if (default(TMode).EntrySize == 4)
                return [new VirtRange(VirtAddr.Zero, 1UL << 32)];
            var half = 1UL << (InputBits - 1);
            return [new VirtRange(VirtAddr.Zero, half), new VirtRange(new VirtAddr(unchecked(0 - half)), half)];
        }
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Translates(ulong address) => default(TMode).EntrySize == 4
        ? address >> 32 == 0
        : unchecked((ulong)((long)(address << (64 - InputBits)) >> (64 - InputBits))) == address;

    /// <inheritdoc/>
    public TranslationFault OutOfRange => new(FaultCause.Translation, RootLevel);

    /// <summary>Bits of RV64 above PPN that are reserved: all that no extension gives a meaning.</summary>
    private ulong ReservedHigh
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get
        {
            if (default(TMode).EntrySize == 4)
                return 0;
            return 0x7fUL << 54
                | ((_controls & TranslationControls.Svpbmt) != 0 ? 0 : 3UL << PbmtShift)
                | ((_controls & TranslationControls.Svnapot) != 0 ? 0 : Napot);
        }
    }

    // In a pointer to a table D, A, U and the extensions' bits are reserved (4.3.1, 4.4.1).
    private static ulong ReservedInTable => U | A | D | (default(TMode).EntrySize == 4 ? 0 : ulong.MaxValue << 54);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool IsTable(ulong descriptor, int level) => level != 0 && (descriptor & (Valid | R | W | X | ReservedInTable)) == Valid;

    /// <inheritdoc/>
    public DescriptorKind KindOf(ulong descriptor, int level)
    {
        if ((descriptor & Valid) == 0)
            return DescriptorKind.Invalid;
        if (IsTable(descriptor, level))
            return DescriptorKind.Table;
        if ((descriptor & (R | W | X)) == 0 || (descriptor & (R | W)) == W || (descriptor & ReservedHigh) != 0)
            return DescriptorKind.Reserved;
        // A superpage is aligned to its size: the low digits of PPN are clear.
        if (((descriptor >> PpnShift << 12) & ((1UL << LevelShift(level)) - 1)) != 0)
            return DescriptorKind.Reserved;
        if (default(TMode).EntrySize == 8)
        {
            if ((descriptor >> PbmtShift & 3) == 3)
                return DescriptorKind.Reserved;
            if ((descriptor & Napot) != 0 && (level != 0 || (descriptor & NapotPpnMask) != NapotPpn))
                return DescriptorKind.Reserved;
        }
        return DescriptorKind.Leaf;
    }

    /// <inheritdoc/>
    public FaultCause CauseOf(ulong descriptor, int level) => FaultCause.Translation;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Address(ulong descriptor) => default(TMode).EntrySize == 4
        ? descriptor >> PpnShift << 12
        : (descriptor >> PpnShift & ((1UL << 44) - 1)) << 12;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong TableAddress(ulong descriptor, int level) => Address(descriptor);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong LeafAddress(ulong descriptor, int level) =>
        IsNapot(descriptor) ? Address(descriptor & ~NapotPpnMask) : Address(descriptor);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsNapot(ulong descriptor) => default(TMode).EntrySize == 8 && (descriptor & Napot) != 0;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int LeafShift(ulong descriptor, int level) => IsNapot(descriptor) ? 16 : LevelShift(level);

    /// <inheritdoc/>
    public LeafShape ShapeOf(ulong descriptor, int level) =>
        IsNapot(descriptor) ? new LeafShape(0, 16, 1UL << 16, 0) : new LeafShape(level, 1, 1UL << LevelShift(level), 0);

    /// <inheritdoc/>
    /// <remarks>G in a pointer makes everything below global (4.3.1); it is the one thing handed down.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Limits(ulong descriptor, int level) => descriptor & G;

    /// <inheritdoc/>
    public PageAttributes DecodeLeaf(ulong descriptor, int level, ulong limits)
    {
        var page = (AccessRights)((descriptor & R) >> 1 | (descriptor & W) >> 1 | (descriptor & X) >> 1);
        var isUser = (descriptor & U) != 0;
        var type = default(TMode).EntrySize == 4 ? MemoryType.Pma : (MemoryType)(0x300 | (descriptor >> PbmtShift & 3));
        return new PageAttributes(isUser ? page & AccessRights.ReadWrite : page, isUser ? page : AccessRights.None, type)
        {
            IsGlobal = ((descriptor | limits) & G) != 0,
            IsAccessed = (descriptor & A) != 0,
            IsDirty = (descriptor & D) != 0,
            Software = (ushort)(descriptor >> SoftwareShift & 3),
        };
    }

    /// <inheritdoc/>
    public TableAttributes DecodeTable(ulong descriptor, int level) => default;

    /// <inheritdoc/>
    public EncodingRefusal TryEncodeLeaf(ulong output, in PageAttributes attributes, in LeafShape shape, out ulong descriptor)
    {
        descriptor = 0;
        var isNapot = shape.Count == 16 && (_controls & TranslationControls.Svnapot) != 0;
        if (shape.Level > RootLevel || shape != ShapeOf(isNapot ? Napot : 0, shape.Level))
            return EncodingRefusal.BadLevel;
        if ((output & (shape.Bytes - 1)) != 0)
            return EncodingRefusal.BadAlignment;
        if (output >> OutputBits != 0)
            return EncodingRefusal.BeyondOutputSize;
        if (attributes.Domain != 0)
            return EncodingRefusal.DomainNotAvailable;
        if (attributes.IsNonSecure)
            return EncodingRefusal.SecurityNotAvailable;
        if (attributes.Software >> SoftwareBits != 0)
            return EncodingRefusal.SoftwareBitsNotAvailable;
        if (!attributes.Memory.IsRiscV() || (attributes.Memory != MemoryType.Pma && (_controls & TranslationControls.Svpbmt) == 0))
            return EncodingRefusal.MemoryTypeNotAvailable;
        var isUser = attributes.User != AccessRights.None;
        var page = isUser ? attributes.User : attributes.Privileged;
        if (page == AccessRights.None || (page & AccessRights.ReadWrite) == AccessRights.Write)
            return EncodingRefusal.RightsNotAvailable;
        if (isUser && attributes.Privileged != (page & AccessRights.ReadWrite))
            return (attributes.Privileged & AccessRights.Execute) != 0 ? EncodingRefusal.ExecuteNotSeparate : EncodingRefusal.RightsNotAvailable;

        descriptor = Valid | (ulong)page << 1
            | (isUser ? U : 0)
            | (attributes.IsGlobal ? G : 0)
            | (attributes.IsAccessed ? A : 0)
            | (attributes.IsDirty ? D : 0)
            | (ulong)attributes.Software << SoftwareShift
            | (isNapot ? Napot | NapotPpn : 0)
            | ((ulong)attributes.Memory & 3) << PbmtShift
            | OutputField(output, shape);
        return EncodingRefusal.None;
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong OutputField(ulong output, in LeafShape shape) => output >> 12 << PpnShift;

    /// <inheritdoc/>
    public TableAttributes TableFor(in PageAttributes attributes, in LeafShape shape) => default;

    /// <inheritdoc/>
    public EncodingRefusal TryEncodeTable(ulong table, int level, in TableAttributes attributes, out ulong descriptor)
    {
        descriptor = 0;
        if (level < 1 || level > RootLevel)
            return EncodingRefusal.BadLevel;
        if ((table & 0xfff) != 0)
            return EncodingRefusal.BadAlignment;
        if (table >> OutputBits != 0)
            return EncodingRefusal.BeyondOutputSize;
        if (attributes != default)
            return EncodingRefusal.RightsNotAvailable;
        descriptor = Valid | table >> 12 << PpnShift;
        return EncodingRefusal.None;
    }

    /// <inheritdoc/>
    public PageAttributes Canonical(in PageAttributes attributes) => attributes with { Shareability = Shareability.None };

    /// <inheritdoc/>
    public EncodingRefusal Validate(ulong descriptor, int level) =>
        (DescriptorSize == 4 && descriptor >> 32 != 0) || KindOf(descriptor, level) == DescriptorKind.Reserved
            ? EncodingRefusal.ReservedEncoding
            : EncodingRefusal.None;

    /// <inheritdoc/>
    /// <remarks>Without Svpbmt the platform's attributes of the address decide alone.</remarks>
    public MemoryType TypeFor(MemoryUse use)
    {
        if ((_controls & TranslationControls.Svpbmt) == 0 || use == MemoryUse.Cached)
            return MemoryType.Pma;
        return use is MemoryUse.Device or MemoryUse.StrictDevice ? MemoryType.Io : MemoryType.Nc;
    }

    /// <inheritdoc/>
    public AccessRights RightsOf(in PageAttributes attributes, Privilege privilege, TranslationControls controls)
    {
        var rights = attributes.RightsOf(privilege);
        var isUserPage = attributes.User != AccessRights.None;
        var readsExecutable = (controls & TranslationControls.Mxr) != 0
            && ((isUserPage ? attributes.User : attributes.Privileged) & AccessRights.Execute) != 0;
        if (privilege == Privilege.User)
            return readsExecutable && isUserPage ? rights | AccessRights.Read : rights;
        if (isUserPage && (controls & TranslationControls.Sum) == 0)
            return AccessRights.None;
        return readsExecutable ? rights | AccessRights.Read : rights;
    }

    /// <inheritdoc/>
    public FaultCause Check(in PageAttributes attributes, AccessRights access, Privilege privilege, TranslationControls controls)
    {
        if ((RightsOf(attributes, privilege, controls) & access) != access)
            return FaultCause.Permission;
        if ((_controls & TranslationControls.HardwareAccessed) != 0)
            return FaultCause.None;
        return attributes.IsAccessed && (attributes.IsDirty || (access & AccessRights.Write) == 0) ? FaultCause.None : FaultCause.AccessFlag;
    }

    /// <inheritdoc/>
    public ulong MarkUsed(ulong descriptor, int level, bool write) =>
        (_controls & TranslationControls.HardwareAccessed) == 0 ? descriptor : descriptor | A | (write ? D : 0);

    /// <inheritdoc/>
    public ulong MarkTableUsed(ulong descriptor, int level) => descriptor;

    /// <inheritdoc/>
    public ImmutableArray<SystemRegister> Registers(ulong root) =>
        [new("satp", default(TMode).EntrySize == 4 ? default(TMode).Mode << 31 | root >> 12 : (ulong)default(TMode).Mode << 60 | root >> 12)];

    /// <inheritdoc/>
    /// <remarks>Table 4.2: 12, 13 and 15 are page faults; 1, 5, 7 access faults; 0, 4, 6 misaligned addresses. An atomic access counts as a store.</remarks>
    public FaultReport Report(in TranslationFault fault, ulong address, AccessRights access, Privilege privilege)
    {
        var (name, page, outside, misaligned) = (access & AccessRights.Execute) != 0 ? ("instruction", 12u, 1u, 0u)
            : (access & AccessRights.Write) != 0 ? ("store/AMO", 15u, 7u, 6u) : ("load", 13u, 5u, 4u);
        return fault.Cause switch
        {
            FaultCause.ExternalAbort or FaultCause.ExternalAbortOnWalk => new FaultReport(name + " access fault", "scause", outside, "stval", address),
            FaultCause.Alignment => new FaultReport(name + " address misaligned", "scause", misaligned, "stval", address),
            _ => new FaultReport(name + " page fault", "scause", page, "stval", address),
        };
    }
}
