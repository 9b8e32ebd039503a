using System;
using System.Collections.Immutable;
using System.Runtime.CompilerServices;

namespace KmemKit.Architecture.Mmu.X86;

/// <summary>x86 paging: two-level, PAE, 4- and 5-level.</summary>
/// <remarks>
/// Intel SDM volume 3: formats 5.3 to 5.5; access rights 5.6; page-fault error code 5.7, figure 5-12; accessed and dirty flags 5.8; memory typing by PAT 5.9.
/// Rights of all levels are ANDed. PWT and PCD of tables are left clear: PAT entry 0. Default: write-back tables, Linux's PAT, CR0.WP, EFER.NXE, CR4.PSE and
/// PGE, 1 GiB pages, and as many physical address bits as the mode can have.
/// </remarks>
public readonly struct X86Format<TMode> : ITranslationFormat where TMode : struct, IX86Mode
{
    /// <summary>The PAT that Linux writes: WB, WC, UC-, UC, WB, WP, UC-, WT (arch/x86/mm/pat/memtype.c).</summary>
    public const ulong DefaultPat = 0x0407_0506_0007_0106;

    /// <summary>The controls of <c>default</c>.</summary>
    public const TranslationControls DefaultControls = TranslationControls.WriteProtect | TranslationControls.NoExecute
        | TranslationControls.PageSizeExtension | TranslationControls.GlobalPages | TranslationControls.GigabytePages;

    private const TranslationControls Known = DefaultControls | TranslationControls.Smep;

    private readonly ulong _patChange;
    private readonly TranslationControls _controlsChange;
    private readonly byte _outputBelowMost;

    /// <summary>A tree.</summary>
    /// <param name="outputBits">MAXPHYADDR: 32 to what the mode can put out (40, 52).</param>
    /// <param name="controls">WriteProtect, NoExecute, PageSizeExtension, GlobalPages, GigabytePages, Smep.</param>
    /// <param name="pat">IA32_PAT.</param>
    /// <exception cref="ArgumentOutOfRangeException">The mode has no such size or control.</exception>
    public X86Format(int outputBits, TranslationControls controls = DefaultControls, ulong pat = DefaultPat)
    {
        if (outputBits < 32 || outputBits > default(TMode).OutputBits)
            throw new ArgumentOutOfRangeException(nameof(outputBits), outputBits, $"{default(TMode).Name} has 32 to {default(TMode).OutputBits} bits of physical address.");
        if ((controls & ~Known) != 0)
            throw new ArgumentOutOfRangeException(nameof(controls), controls, "WriteProtect, NoExecute, PageSizeExtension, GlobalPages, GigabytePages and Smep.");
        _outputBelowMost = (byte)(default(TMode).OutputBits - outputBits);
        _controlsChange = controls ^ DefaultControls;
        _patChange = pat ^ DefaultPat;
    }

    /// <summary>IA32_PAT.</summary>
    public ulong Pat => _patChange ^ DefaultPat;

    /// <inheritdoc/>
    public string Name => default(TMode).Name;

    /// <inheritdoc/>
    public int DescriptorSize => default(TMode).IsTwoLevel ? 4 : 8;

    /// <inheritdoc/>
    public int RootLevel => default(TMode).RootLevel;

    /// <inheritdoc/>
    public int LastLevel => 1;

    /// <inheritdoc/>
    public int NextLevel(int level) => level - 1;

    /// <inheritdoc/>
    public int PageShift => 12;

    private static int Stride => default(TMode).IsTwoLevel ? 10 : 9;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int LevelShift(int level) => 12 + (level - 1) * Stride;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int IndexBits(int level) => default(TMode).IsPae && level == 3 ? 2 : Stride;

    /// <inheritdoc/>
    public int InputBits => default(TMode).InputBits;

    /// <inheritdoc/>
    public int OutputBits => default(TMode).OutputBits - _outputBelowMost;

    /// <inheritdoc/>
    public int RootAlignment => default(TMode).IsPae ? 32 : 4096;

    /// <inheritdoc/>
    public int SoftwareBits => IsLong ? 14 : 3;

    private static bool IsLong => !default(TMode).IsTwoLevel && !default(TMode).IsPae;

    /// <inheritdoc/>
    public TranslationControls Controls => _controlsChange ^ DefaultControls;

    /// <summary>EFER.NXE, in the modes whose descriptors have the bit.</summary>
    private bool HasNoExecute => !default(TMode).IsTwoLevel && (Controls & TranslationControls.NoExecute) != 0;

    /// <inheritdoc/>
    public ImmutableArray<LeafShape> Shapes
    {
        get
        {
            var shapes = ImmutableArray.CreateBuilder<LeafShape>();
            for (var level = 1; level <= RootLevel; level++)
            {
                if (HasPages(level))
                    shapes.Add(new LeafShape(level, 1, 1UL << LevelShift(level), 0));
            }
            return shapes.ToImmutable();
        }
    }

    private bool HasPages(int level) => level switch
    {
        1 => true,
        2 => !default(TMode).IsTwoLevel || (Controls & TranslationControls.PageSizeExtension) != 0,
        3 => IsLong && (Controls & TranslationControls.GigabytePages) != 0,
        _ => false,
    };

    /// <inheritdoc/>
    public ImmutableArray<VirtRange> InputRanges
    {
        get
        {
            if (!IsLong)
                return [new VirtRange(VirtAddr.Zero, 1UL << 32)];
            var half = 1UL << (InputBits - 1);
            return [new VirtRange(VirtAddr.Zero, half), new VirtRange(new VirtAddr(unchecked(0 - half)), half)];
        }
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Translates(ulong address) => IsLong
        ? unchecked((ulong)((long)(address << (64 - InputBits)) >> (64 - InputBits))) == address
        : address >> 32 == 0;

    /// <inheritdoc/>
    public TranslationFault OutOfRange => new(IsLong ? FaultCause.NonCanonical : FaultCause.Translation, RootLevel);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool IsTable(ulong descriptor, int level)
    {
        if (level == 1)
            return false;
        // Bit 7 of a PDE is ignored without CR4.PSE; of a PDPTE of PAE and of a PML4E it is reserved.
        var page = default(TMode).IsTwoLevel && !HasPages(2) ? 0 : X86Descriptor.PageSize;
        return (descriptor & (X86Descriptor.Present | page | ReservedInTable(level))) == X86Descriptor.Present;
    }

    /// <summary>Bits that end the walk when they are set in any present descriptor of the level.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ulong ReservedInTable(int level)
    {
        if (default(TMode).IsTwoLevel)
            return 0;
        var address = (1UL << 52) - (1UL << OutputBits);
        if (default(TMode).IsPae)
            address |= level == 3 ? 0xfff0_0000_0000_01e6 : X86Descriptor.HighSoftwareMask;
        return HasNoExecute ? address : address | X86Descriptor.NoExecute;
    }

    /// <summary>Bits that are reserved in a page above level 1, besides those of every descriptor.</summary>
    private ulong ReservedInLargePage(int level)
    {
        if (!default(TMode).IsTwoLevel)
            return (1UL << LevelShift(level)) - (X86Descriptor.LargePat << 1);
        // Bits 20:13 are bits 39:32 of the address (PSE-36), as far as there are any; bit 21 is reserved.
        return 1UL << 21 | ((1UL << 21) - (1UL << (13 + OutputBits - 32)));
    }

    /// <inheritdoc/>
    public DescriptorKind KindOf(ulong descriptor, int level)
    {
        if ((descriptor & X86Descriptor.Present) == 0)
            return DescriptorKind.Invalid;
        if (IsTable(descriptor, level))
            return DescriptorKind.Table;
        if ((descriptor & ReservedInTable(level)) != 0 || !HasPages(level) || (level != 1 && (descriptor & ReservedInLargePage(level)) != 0))
            return DescriptorKind.Reserved;
        return DescriptorKind.Leaf;
    }

    /// <inheritdoc/>
    public FaultCause CauseOf(ulong descriptor, int level) =>
        (descriptor & X86Descriptor.Present) == 0 ? FaultCause.Translation : FaultCause.ReservedBit;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong TableAddress(ulong descriptor, int level) => descriptor & ((1UL << (default(TMode).IsTwoLevel ? 32 : 52)) - (1UL << 12));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong LeafAddress(ulong descriptor, int level)
    {
        if (default(TMode).IsTwoLevel)
        {
            return level == 1
                ? descriptor & 0xffff_f000
                : (descriptor & 0xffc0_0000) | (descriptor & 0x1f_e000) << 19;
        }
        return descriptor & ((1UL << 52) - (1UL << LevelShift(level)));
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int LeafShift(ulong descriptor, int level) => LevelShift(level);

    /// <inheritdoc/>
    public LeafShape ShapeOf(ulong descriptor, int level) => new(level, 1, 1UL << LevelShift(level), 0);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Limits(ulong descriptor, int level) => default(TMode).IsPae && level == 3
        ? 0
        : (~descriptor & (X86Descriptor.Write | X86Descriptor.User)) | (HasNoExecute ? descriptor & X86Descriptor.NoExecute : 0);

    /// <inheritdoc/>
    public PageAttributes DecodeLeaf(ulong descriptor, int level, ulong limits)
    {
        var controls = Controls;
        var taken = (~descriptor & (X86Descriptor.Write | X86Descriptor.User)) | limits | (HasNoExecute ? descriptor & X86Descriptor.NoExecute : 0);
        var data = (taken & X86Descriptor.Write) == 0 ? AccessRights.ReadWrite : AccessRights.Read;
        var fetch = (taken & X86Descriptor.NoExecute) == 0 ? AccessRights.Execute : AccessRights.None;
        var isUser = (taken & X86Descriptor.User) == 0;
        var privileged = data | ((controls & TranslationControls.WriteProtect) == 0 ? AccessRights.Write : AccessRights.None)
            | (isUser && (controls & TranslationControls.Smep) != 0 ? AccessRights.None : fetch);
        return new PageAttributes(privileged, isUser ? data | fetch : AccessRights.None, X86Descriptor.TypeOf(descriptor, Pat, level))
        {
            IsGlobal = (controls & TranslationControls.GlobalPages) != 0 && (descriptor & X86Descriptor.Global) != 0,
            IsAccessed = (descriptor & X86Descriptor.Accessed) != 0,
            IsDirty = (descriptor & X86Descriptor.Dirty) != 0,
            Software = (ushort)((descriptor & X86Descriptor.LowSoftwareMask) >> X86Descriptor.LowSoftwareShift
                | (IsLong ? (descriptor & X86Descriptor.HighSoftwareMask) >> X86Descriptor.HighSoftwareShift << 3 : 0)),
        };
    }

    /// <inheritdoc/>
    public TableAttributes DecodeTable(ulong descriptor, int level)
    {
        var limits = Limits(descriptor, level);
        var both = ((limits & X86Descriptor.Write) != 0 ? AccessRights.Write : 0) | ((limits & X86Descriptor.NoExecute) != 0 ? AccessRights.Execute : 0);
        return new TableAttributes(both, (limits & X86Descriptor.User) != 0 ? AccessRights.All : both);
    }

    /// <inheritdoc/>
    public EncodingRefusal TryEncodeLeaf(ulong output, in PageAttributes attributes, in LeafShape shape, out ulong descriptor)
    {
        descriptor = 0;
        if (shape.Count != 1 || shape.Level < 1 || shape.Level > RootLevel || !HasPages(shape.Level) || shape != ShapeOf(0, shape.Level))
            return EncodingRefusal.BadLevel;
        if ((output & (shape.Bytes - 1)) != 0)
            return EncodingRefusal.BadAlignment;
        if (output >> (default(TMode).IsTwoLevel && shape.Level == 1 ? 32 : OutputBits) != 0)
            return EncodingRefusal.BeyondOutputSize;
        var refusal = TryEncodeAttributes(attributes, shape.Level, out var bits);
        if (refusal == EncodingRefusal.None)
            descriptor = bits | OutputField(output, shape);
        return refusal;
    }

    private EncodingRefusal TryEncodeAttributes(in PageAttributes attributes, int level, out ulong bits)
    {
        bits = 0;
        if (attributes.Domain != 0)
            return EncodingRefusal.DomainNotAvailable;
        if (attributes.IsNonSecure)
            return EncodingRefusal.SecurityNotAvailable;
        if (attributes.Software >> SoftwareBits != 0)
            return EncodingRefusal.SoftwareBitsNotAvailable;
        if (!X86Descriptor.TryTypeBits(attributes.Memory, Pat, level, out var type))
            return EncodingRefusal.MemoryTypeNotAvailable;

        var isUser = attributes.User != AccessRights.None;
        var page = isUser ? attributes.User : attributes.Privileged;
        if ((page & AccessRights.Read) == 0)
            return EncodingRefusal.RightsNotAvailable;
        var isWritable = (page & AccessRights.Write) != 0;
        if (!isUser && !isWritable && (Controls & TranslationControls.WriteProtect) == 0)
            return EncodingRefusal.RightsNotAvailable;
        var privilegedWrites = isWritable || (Controls & TranslationControls.WriteProtect) == 0;
        if ((attributes.Privileged & AccessRights.Read) == 0 || ((attributes.Privileged & AccessRights.Write) != 0) != privilegedWrites)
            return EncodingRefusal.RightsNotAvailable;
        var isExecutable = (page & AccessRights.Execute) != 0;
        if (!isExecutable && !HasNoExecute)
            return EncodingRefusal.ExecuteFollowsRead;
        var privilegedFetches = isExecutable && !(isUser && (Controls & TranslationControls.Smep) != 0);
        if (((attributes.Privileged & AccessRights.Execute) != 0) != privilegedFetches)
            return EncodingRefusal.ExecuteNotSeparate;

        bits = X86Descriptor.Present | type | (ulong)(attributes.Software & 7) << X86Descriptor.LowSoftwareShift
            | (ulong)(attributes.Software >> 3) << X86Descriptor.HighSoftwareShift
            | (level != 1 ? X86Descriptor.PageSize : 0)
            | (isWritable ? X86Descriptor.Write : 0)
            | (isUser ? X86Descriptor.User : 0)
            | (isExecutable ? 0 : X86Descriptor.NoExecute)
            | (attributes.IsGlobal && (Controls & TranslationControls.GlobalPages) != 0 ? X86Descriptor.Global : 0)
            | (attributes.IsAccessed ? X86Descriptor.Accessed : 0)
            | (attributes.IsDirty ? X86Descriptor.Dirty : 0);
        return EncodingRefusal.None;
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong OutputField(ulong output, in LeafShape shape) => default(TMode).IsTwoLevel
        ? (output & 0xffff_ffff) | (output >> 19 & 0x1f_e000)
        : output;

    /// <inheritdoc/>
    public TableAttributes TableFor(in PageAttributes attributes, in LeafShape shape) => default;

    /// <inheritdoc/>
    public EncodingRefusal TryEncodeTable(ulong table, int level, in TableAttributes attributes, out ulong descriptor)
    {
        descriptor = 0;
        if (level < 2 || level > RootLevel)
            return EncodingRefusal.BadLevel;
        if ((table & 0xfff) != 0)
            return EncodingRefusal.BadAlignment;
        if (table >> (default(TMode).IsTwoLevel ? 32 : OutputBits) != 0)
            return EncodingRefusal.BeyondOutputSize;
        if (attributes.Domain != 0)
            return EncodingRefusal.DomainNotAvailable;
        if (attributes.IsNonSecure)
            return EncodingRefusal.SecurityNotAvailable;
        var bits = table | X86Descriptor.Present;
        if (!(default(TMode).IsPae && level == 3))
        {
            bits |= (attributes.PrivilegedRemoved & AccessRights.Write) == 0 ? X86Descriptor.Write : 0;
            bits |= (attributes.UserRemoved & AccessRights.Read) == 0 ? X86Descriptor.User : 0;
            bits |= (attributes.PrivilegedRemoved & AccessRights.Execute) != 0 && HasNoExecute ? X86Descriptor.NoExecute : 0;
        }
        if (DecodeTable(bits, level) != attributes)
            return EncodingRefusal.RightsNotAvailable;
        descriptor = bits;
        return EncodingRefusal.None;
    }

    /// <inheritdoc/>
    public PageAttributes Canonical(in PageAttributes attributes) => attributes with
    {
        Shareability = Shareability.None,
        IsGlobal = attributes.IsGlobal && (Controls & TranslationControls.GlobalPages) != 0,
    };

    /// <inheritdoc/>
    public EncodingRefusal Validate(ulong descriptor, int level) =>
        (default(TMode).IsTwoLevel && descriptor >> 32 != 0) || KindOf(descriptor, level) == DescriptorKind.Reserved
            ? EncodingRefusal.ReservedEncoding
            : EncodingRefusal.None;

    /// <inheritdoc/>
    public MemoryType TypeFor(MemoryUse use) => use switch
    {
        MemoryUse.Cached => MemoryType.WriteBack,
        MemoryUse.WriteThrough => MemoryType.WriteThrough,
        MemoryUse.WriteCombining => MemoryType.WriteCombining,
        MemoryUse.Device => MemoryType.UncacheableMinus,
        _ => MemoryType.Uncacheable,
    };

    /// <inheritdoc/>
    public AccessRights RightsOf(in PageAttributes attributes, Privilege privilege, TranslationControls controls)
    {
        if (privilege == Privilege.User)
            return attributes.User;
        return (controls & TranslationControls.Smap) != 0 && attributes.User != AccessRights.None
            ? attributes.Privileged & AccessRights.Execute
            : attributes.Privileged;
    }

    /// <inheritdoc/>
    public FaultCause Check(in PageAttributes attributes, AccessRights access, Privilege privilege, TranslationControls controls) =>
        (RightsOf(attributes, privilege, controls) & access) == access ? FaultCause.None : FaultCause.Permission;

    /// <inheritdoc/>
    public ulong MarkUsed(ulong descriptor, int level, bool write) =>
        descriptor | X86Descriptor.Accessed | (write ? X86Descriptor.Dirty : 0);

    /// <inheritdoc/>
    public ulong MarkTableUsed(ulong descriptor, int level) =>
        default(TMode).IsPae && level == 3 ? descriptor : descriptor | X86Descriptor.Accessed;

    /// <inheritdoc/>
    /// <remarks>Intel SDM volume 3, 2.5 (CR0, CR3, CR4), 2.2.1 (IA32_EFER). CR0.PG comes last; LMA follows from LME and PG.</remarks>
    public ImmutableArray<SystemRegister> Registers(ulong root)
    {
        var controls = Controls;
        var cr4 = (default(TMode).IsTwoLevel ? 0UL : 1UL << 5)
            | ((controls & TranslationControls.PageSizeExtension) != 0 ? 1UL << 4 : 0)
            | ((controls & TranslationControls.GlobalPages) != 0 ? 1UL << 7 : 0)
            | (RootLevel == 5 ? 1UL << 12 : 0)
            | ((controls & TranslationControls.Smep) != 0 ? 1UL << 20 : 0);
        var efer = (IsLong ? 1UL << 8 : 0) | (HasNoExecute ? 1UL << 11 : 0);
        const ulong Protected = 1UL << 31 | 1UL << 4 | 1;
        return
        [
            new("IA32_PAT", Pat),
            new("CR4", cr4),
            new("IA32_EFER", efer),
            new("CR3", root),
            new("CR0", Protected | ((controls & TranslationControls.WriteProtect) != 0 ? 1UL << 16 : 0)),
        ];
    }

    /// <inheritdoc/>
    public FaultReport Report(in TranslationFault fault, ulong address, AccessRights access, Privilege privilege)
    {
        if (fault.Cause == FaultCause.NonCanonical)
            return new FaultReport("#GP", "error code", 0, null, address);
        if (fault.Cause is FaultCause.ExternalAbort or FaultCause.ExternalAbortOnWalk)
            return new FaultReport("#MC", "error code", 0, null, address);
        if (fault.Cause == FaultCause.Alignment)
            return new FaultReport("#AC", "error code", 0, null, address);
        var code = (fault.Cause == FaultCause.Translation ? 0u : 1u)
            | ((access & AccessRights.Write) != 0 ? 1u << 1 : 0)
            | (privilege == Privilege.User ? 1u << 2 : 0)
            | (fault.Cause == FaultCause.ReservedBit ? 1u << 3 : 0)
            // I/D is reported only where fetches can be withheld at all: NXE, or SMEP.
            | ((access & AccessRights.Execute) != 0 && (HasNoExecute || (Controls & TranslationControls.Smep) != 0) ? 1u << 4 : 0);
        return new FaultReport("#PF", "error code", code, "CR2", address);
    }
}
