using System;
using System.Collections.Immutable;
using System.Runtime.CompilerServices;

namespace KmemKit.Architecture.Mmu.Vmsav8;

/// <summary>VMSAv8-64 stage 1, EL1&amp;0 regime: what TTBR0_EL1 or TTBR1_EL1 points to.</summary>
/// <remarks>
/// Geometry: <see cref="Vmsav8Geometry{TGranule}"/>. Rights: ARM DDI 0487 D8.4.1, table D8-56: AP[2:1] for data, UXN and PXN for fetches; unprivileged code
/// may execute what it cannot read, and what it can write privileged code never executes. Limits of tables: D8.4.3. Dirty state: D8.4.6: a writable leaf is
/// DBM set, and clean is AP[2] set on top of it. Default: 48 bits in and out, lower half, <see cref="DefaultMair"/>.
/// </remarks>
public readonly struct Vmsav8Format<TGranule> : ITranslationFormat, IVmsav8Stage1 where TGranule : struct, IGranule
{
    /// <summary>
    /// Attribute 0 write-back, 1 write-through, 2 non-cacheable, 3 to 6 Device-nGnRnE, -nGnRE, -nGRE, -GRE, 7 write-back without write-allocate.
    /// </summary>
    public const ulong DefaultMair = 0xee0c_0804_0044_bbff;

    private const TranslationControls Known = TranslationControls.Wxn | TranslationControls.HierarchyDisabled | TranslationControls.HardwareAccessed
        | TranslationControls.HardwareDirty;

    // Kept as differences, so that default is the usual format.
    private readonly byte _inputBelow48;
    private readonly byte _rootBelowFull;
    private readonly sbyte _outputBelow48;
    private readonly bool _isUpper;
    private readonly TranslationControls _controls;
    private readonly ulong _mairChange;

    /// <summary>A tree.</summary>
    /// <param name="inputBits">64 - TnSZ: 25 to 48.</param>
    /// <param name="outputBits">TCR_EL1.IPS: 32, 36, 40, 42, 44, 48, and with the 64 KiB granule 52.</param>
    /// <param name="isUpper">TTBR1: the addresses with all bits above set.</param>
    /// <param name="mair">MAIR_EL1.</param>
    /// <param name="controls">Wxn, HierarchyDisabled, HardwareAccessed, HardwareDirty.</param>
    /// <exception cref="ArgumentOutOfRangeException">The architecture has no such size or control.</exception>
    public Vmsav8Format(
        int inputBits, int outputBits = 48, bool isUpper = false, ulong mair = DefaultMair, TranslationControls controls = TranslationControls.None)
    {
        if (inputBits is < 25 or > 48)
            throw new ArgumentOutOfRangeException(nameof(inputBits), inputBits, "VMSAv8-64 translates 25 to 48 bits.");
        Vmsav8Registers.CheckOutputBits(outputBits, default(TGranule).PageShift);
        if ((controls & ~Known) != 0 || (controls & (TranslationControls.HardwareAccessed | TranslationControls.HardwareDirty)) == TranslationControls.HardwareDirty)
            throw new ArgumentOutOfRangeException(nameof(controls), controls, "Wxn, HierarchyDisabled, HardwareAccessed, and HardwareDirty with it.");
        _inputBelow48 = (byte)(48 - inputBits);
        _outputBelow48 = (sbyte)(48 - outputBits);
        _rootBelowFull = (byte)(Vmsav8Geometry<TGranule>.RootLevel(inputBits, concatenated: false) - FullRootLevel);
        _isUpper = isUpper;
        _controls = controls;
        _mairChange = mair ^ DefaultMair;
    }

    /// <summary>MAIR_EL1.</summary>
    public ulong Mair => _mairChange ^ DefaultMair;

    /// <summary>Whether TTBR1 points to it.</summary>
    public bool IsUpper => _isUpper;

    /// <inheritdoc/>
    public string Name => "vmsav8-64-" + default(TGranule).Text;

    /// <inheritdoc/>
    public int DescriptorSize => 8;

    /// <inheritdoc/>
    public int RootLevel => FullRootLevel + _rootBelowFull;

    private static int FullRootLevel
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => default(TGranule).PageShift == 16 ? 1 : 0;
    }

    /// <inheritdoc/>
    public int LastLevel => 3;

    /// <inheritdoc/>
    public int NextLevel(int level) => level + 1;

    /// <inheritdoc/>
    public int PageShift => default(TGranule).PageShift;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int LevelShift(int level) => Vmsav8Geometry<TGranule>.LevelShift(level);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int IndexBits(int level) => Vmsav8Geometry<TGranule>.IndexBits(level, RootLevel, InputBits);

    /// <inheritdoc/>
    public int InputBits => 48 - _inputBelow48;

    /// <inheritdoc/>
    public int OutputBits => 48 - _outputBelow48;

    /// <inheritdoc/>
    public int RootAlignment => Vmsav8Geometry<TGranule>.RootAlignment(RootLevel, InputBits);

    /// <inheritdoc/>
    public int SoftwareBits => 4;

    /// <inheritdoc/>
    public TranslationControls Controls => _controls;

    /// <inheritdoc/>
    public ImmutableArray<LeafShape> Shapes => Vmsav8Geometry<TGranule>.Shapes(RootLevel, InputBits, OutputBits);

    /// <inheritdoc/>
    public ImmutableArray<VirtRange> InputRanges =>
        [new VirtRange(new VirtAddr(_isUpper ? ulong.MaxValue << InputBits : 0), 1UL << InputBits)];

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Translates(ulong address) => (_isUpper ? ~address : address) >> InputBits == 0;

    /// <inheritdoc/>
    public TranslationFault OutOfRange => new(FaultCause.Translation, 0);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool IsTable(ulong descriptor, int level) => level != 3 && (descriptor & 3) == 3;

    /// <inheritdoc/>
    public DescriptorKind KindOf(ulong descriptor, int level) => Vmsav8Geometry<TGranule>.KindOf(descriptor, level, OutputBits);

    /// <inheritdoc/>
    public FaultCause CauseOf(ulong descriptor, int level) => Vmsav8Geometry<TGranule>.CauseOf(descriptor, level, OutputBits);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong TableAddress(ulong descriptor, int level) =>
        Vmsav8Geometry<TGranule>.Address(descriptor, default(TGranule).PageShift, OutputBits);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong LeafAddress(ulong descriptor, int level) => Vmsav8Geometry<TGranule>.Address(descriptor, LevelShift(level), OutputBits);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int LeafShift(ulong descriptor, int level) => LevelShift(level);

    /// <inheritdoc/>
    public LeafShape ShapeOf(ulong descriptor, int level) => Vmsav8Geometry<TGranule>.ShapeOf(descriptor, level);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Limits(ulong descriptor, int level) => descriptor
        & ((_controls & TranslationControls.HierarchyDisabled) != 0 ? LongDescriptor.NsTable : LongDescriptor.TableLimits);

    /// <inheritdoc/>
    public PageAttributes DecodeLeaf(ulong descriptor, int level, ulong limits)
    {
        var canBeDirty = (_controls & TranslationControls.HardwareDirty) != 0 && (descriptor & LongDescriptor.DirtyBitModifier) != 0;
        var isClean = canBeDirty && (descriptor & LongDescriptor.Ap2) != 0;
        var data = (descriptor & LongDescriptor.Ap2) == 0 || isClean ? AccessRights.ReadWrite : AccessRights.Read;
        if ((limits & LongDescriptor.ApTable1) != 0)
            data &= ~AccessRights.Write;
        var user = (descriptor & LongDescriptor.Ap1) != 0 && (limits & LongDescriptor.ApTable0) == 0 ? data : AccessRights.None;
        var privileged = data;
        var neverWritable = (_controls & TranslationControls.Wxn) != 0;
        if ((descriptor & LongDescriptor.Pxn) == 0 && (limits & LongDescriptor.PxnTable) == 0 && (user & AccessRights.Write) == 0
            && !(neverWritable && (data & AccessRights.Write) != 0))
            privileged |= AccessRights.Execute;
        if ((descriptor & LongDescriptor.Uxn) == 0 && (limits & LongDescriptor.UxnTable) == 0 && !(neverWritable && (user & AccessRights.Write) != 0))
            user |= AccessRights.Execute;
        var type = LongDescriptor.TypeOf(descriptor, Mair);
        return new PageAttributes(privileged, user, type, LongDescriptor.Effective(type, LongDescriptor.ShareabilityOf(descriptor)))
        {
            IsGlobal = (descriptor & LongDescriptor.NotGlobal) == 0,
            IsAccessed = (descriptor & LongDescriptor.AccessFlag) != 0,
            IsDirty = canBeDirty && !isClean && (data & AccessRights.Write) != 0,
            IsNonSecure = ((descriptor & LongDescriptor.NonSecure) | (limits & LongDescriptor.NsTable)) != 0,
            Software = (ushort)((descriptor & LongDescriptor.SoftwareMask) >> LongDescriptor.SoftwareShift),
        };
    }

    /// <inheritdoc/>
    public TableAttributes DecodeTable(ulong descriptor, int level) => LongDescriptor.DecodeTable(Limits(descriptor, level), executeForBoth: false);

    /// <inheritdoc/>
    public EncodingRefusal TryEncodeLeaf(ulong output, in PageAttributes attributes, in LeafShape shape, out ulong descriptor)
    {
        descriptor = 0;
        var refusal = TryEncodeAttributes(attributes, out var bits);
        if (refusal != EncodingRefusal.None)
            return refusal;
        refusal = Vmsav8Geometry<TGranule>.TryEncodeLeaf(output, shape, RootLevel, InputBits, OutputBits, out descriptor);
        if (refusal == EncodingRefusal.None)
            descriptor |= bits;
        return refusal;
    }

    private EncodingRefusal TryEncodeAttributes(in PageAttributes attributes, out ulong bits)
    {
        bits = 0;
        if (attributes.Domain != 0)
            return EncodingRefusal.DomainNotAvailable;
        if (attributes.Software >> SoftwareBits != 0)
            return EncodingRefusal.SoftwareBitsNotAvailable;
        var index = LongDescriptor.AttrIndexOf(attributes.Memory, Mair);
        if (index < 0)
            return EncodingRefusal.MemoryTypeNotAvailable;
        if (attributes.Shareability is not (Shareability.None or Shareability.Outer or Shareability.Inner))
            return EncodingRefusal.ShareabilityNotAvailable;

        var data = attributes.Privileged & AccessRights.ReadWrite;
        var userData = attributes.User & AccessRights.ReadWrite;
        if ((data & AccessRights.Read) == 0 || (userData != 0 && userData != data))
            return EncodingRefusal.RightsNotAvailable;
        var privilegedFetch = (attributes.Privileged & AccessRights.Execute) != 0;
        var userFetch = (attributes.User & AccessRights.Execute) != 0;
        if (privilegedFetch && (userData & AccessRights.Write) != 0)
            return EncodingRefusal.ExecuteNotSeparate;
        if ((_controls & TranslationControls.Wxn) != 0
            && ((privilegedFetch && (data & AccessRights.Write) != 0) || (userFetch && (userData & AccessRights.Write) != 0)))
            return EncodingRefusal.RightsNotAvailable;

        bits = (uint)index << LongDescriptor.AttrIndexShift
            | (ulong)LongDescriptor.Effective(attributes.Memory, attributes.Shareability) << LongDescriptor.ShareabilityShift
            | (ulong)attributes.Software << LongDescriptor.SoftwareShift;
        if (attributes.IsNonSecure)
            bits |= LongDescriptor.NonSecure;
        if (userData != 0)
            bits |= LongDescriptor.Ap1;
        if ((data & AccessRights.Write) == 0)
            bits |= LongDescriptor.Ap2;
        else if ((_controls & TranslationControls.HardwareDirty) != 0)
            bits |= LongDescriptor.DirtyBitModifier | (attributes.IsDirty ? 0 : LongDescriptor.Ap2);
        if (attributes.IsAccessed)
            bits |= LongDescriptor.AccessFlag;
        if (!attributes.IsGlobal)
            bits |= LongDescriptor.NotGlobal;
        if (!privilegedFetch)
            bits |= LongDescriptor.Pxn;
        if (!userFetch)
            bits |= LongDescriptor.Uxn;
        return EncodingRefusal.None;
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong OutputField(ulong output, in LeafShape shape) => Vmsav8Geometry<TGranule>.AddressField(output);

    /// <inheritdoc/>
    public TableAttributes TableFor(in PageAttributes attributes, in LeafShape shape) => default;

    /// <inheritdoc/>
    public EncodingRefusal TryEncodeTable(ulong table, int level, in TableAttributes attributes, out ulong descriptor)
    {
        descriptor = 0;
        var refusal = LongDescriptor.TryEncodeLimits(attributes, executeForBoth: false, out var limits);
        if (refusal == EncodingRefusal.None && Limits(limits, level) != limits)
            refusal = EncodingRefusal.RightsNotAvailable;
        return refusal != EncodingRefusal.None
            ? refusal
            : Vmsav8Geometry<TGranule>.TryEncodeTable(table, level, RootLevel, OutputBits, limits, out descriptor);
    }

    /// <inheritdoc/>
    public PageAttributes Canonical(in PageAttributes attributes) => attributes with
    {
        Shareability = LongDescriptor.Effective(attributes.Memory, attributes.Shareability),
        IsDirty = attributes.IsDirty && (_controls & TranslationControls.HardwareDirty) != 0 && (attributes.Privileged & AccessRights.Write) != 0,
    };

    /// <inheritdoc/>
    public EncodingRefusal Validate(ulong descriptor, int level)
    {
        const ulong Leaf = LongDescriptor.AttrIndexMask | LongDescriptor.NonSecure | LongDescriptor.Ap1 | LongDescriptor.Ap2 | LongDescriptor.ShareabilityMask
            | LongDescriptor.AccessFlag | LongDescriptor.NotGlobal | LongDescriptor.Pxn | LongDescriptor.Uxn | LongDescriptor.SoftwareMask;
        var leaf = Leaf | ((_controls & TranslationControls.HardwareDirty) != 0 ? LongDescriptor.DirtyBitModifier : 0);
        var refusal = Vmsav8Geometry<TGranule>.Validate(descriptor, level, OutputBits, leaf, LongDescriptor.TableLimits);
        if (refusal != EncodingRefusal.None || KindOf(descriptor, level) != DescriptorKind.Leaf)
            return refusal;
        return (int)LongDescriptor.ShareabilityOf(descriptor) == 1 ? EncodingRefusal.ReservedEncoding : EncodingRefusal.None;
    }

    /// <inheritdoc/>
    public MemoryType TypeFor(MemoryUse use) => LongDescriptor.TypeFor(use);

    /// <inheritdoc/>
    public AccessRights RightsOf(in PageAttributes attributes, Privilege privilege, TranslationControls controls)
    {
        if (privilege == Privilege.User)
            return attributes.User;
        // D8.4.4: PAN looks at what EL0 may read or write, not at what it may execute.
        return (controls & TranslationControls.Pan) != 0 && (attributes.User & AccessRights.ReadWrite) != 0
            ? attributes.Privileged & AccessRights.Execute
            : attributes.Privileged;
    }

    /// <inheritdoc/>
    public FaultCause Check(in PageAttributes attributes, AccessRights access, Privilege privilege, TranslationControls controls)
    {
        if (!attributes.IsAccessed && (_controls & TranslationControls.HardwareAccessed) == 0)
            return FaultCause.AccessFlag;
        return (RightsOf(attributes, privilege, controls) & access) == access ? FaultCause.None : FaultCause.Permission;
    }

    /// <inheritdoc/>
    public ulong MarkUsed(ulong descriptor, int level, bool write)
    {
        if ((_controls & TranslationControls.HardwareAccessed) != 0)
            descriptor |= LongDescriptor.AccessFlag;
        if (write && (_controls & TranslationControls.HardwareDirty) != 0 && (descriptor & LongDescriptor.DirtyBitModifier) != 0)
            descriptor &= ~LongDescriptor.Ap2;
        return descriptor;
    }

    /// <inheritdoc/>
    public ulong MarkTableUsed(ulong descriptor, int level) => descriptor;

    /// <inheritdoc/>
    public ImmutableArray<SystemRegister> Registers(ulong root) =>
        _isUpper ? Vmsav8Registers.Of(null, 0, this, root) : Vmsav8Registers.Of(this, root, null, 0);

    /// <inheritdoc/>
    public FaultReport Report(in TranslationFault fault, ulong address, AccessRights access, Privilege privilege) =>
        Vmsav8Registers.Report(fault, address, access, privilege);

    uint IVmsav8Stage1.Tg0 => default(TGranule).Tg0;

    uint IVmsav8Stage1.Tg1 => default(TGranule).Tg1;
}
