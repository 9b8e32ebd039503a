using System;
using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using KmemKit.Architecture.Mmu.Vmsav8;
using Geometry = KmemKit.Architecture.Mmu.Vmsav8.Vmsav8Geometry<KmemKit.Architecture.Mmu.Vmsav8.Granule4K>;

namespace KmemKit.Architecture.Mmu.Arm;

/// <summary>The long-descriptor format of Armv7-A (LPAE), PL1&amp;0 stage 1: what TTBR0 or TTBR1 points to with TTBCR.EAE set.</summary>
/// <remarks>
/// ARM DDI 0406C B3.6: three levels of 4 KiB tables, levels 1 to 3, 40 bits out (bits 47:40 of a descriptor are ignored). Rights B3.7: AP[2:1]; unlike AArch64,
/// XN is one bit for both privileges and a fetch needs the right to read; PXN takes the privileged's. Default: 32 bits in, TTBR0,
/// <see cref="DefaultMair"/>.
/// </remarks>
public readonly struct ArmLpaeFormat : ITranslationFormat
{
    /// <summary>
    /// MAIR1:MAIR0: attribute 0 write-back, 1 write-through, 2 non-cacheable, 3 Strongly-ordered, 4 Device, 6 and 7 write-through and write-back without
    /// write-allocate. Armv7 has no other Device types.
    /// </summary>
    public const ulong DefaultMair = 0xeeaa_0004_0044_bbff;

    private const TranslationControls Known = TranslationControls.Wxn | TranslationControls.Uwxn;
    private const int PhysicalBits = 40;

    private readonly byte _inputBelow32;
    private readonly bool _isUpper;
    private readonly TranslationControls _controls;
    private readonly ulong _mairChange;

    /// <summary>A tree.</summary>
    /// <param name="inputBits">32 - TnSZ: 25 to 32; an upper tree has at most 31.</param>
    /// <param name="isUpper">TTBR1: the top 2^<paramref name="inputBits"/> bytes.</param>
    /// <param name="mair">MAIR1:MAIR0.</param>
    /// <param name="controls">Wxn, Uwxn.</param>
    /// <exception cref="ArgumentOutOfRangeException">The architecture has no such size or control.</exception>
    public ArmLpaeFormat(int inputBits, bool isUpper = false, ulong mair = DefaultMair, TranslationControls controls = TranslationControls.None)
    {
        if (inputBits < 25 || inputBits > (isUpper ? 31 : 32))
            throw new ArgumentOutOfRangeException(nameof(inputBits), inputBits, "TTBR0 translates 25 to 32 bits, TTBR1 25 to 31.");
        if ((controls & ~Known) != 0)
            throw new ArgumentOutOfRangeException(nameof(controls), controls, "Wxn and Uwxn.");
        _inputBelow32 = (byte)(32 - inputBits);
        _isUpper = isUpper;
        _controls = controls;
        _mairChange = mair ^ DefaultMair;
    }

    /// <summary>MAIR1:MAIR0.</summary>
    public ulong Mair => _mairChange ^ DefaultMair;

    /// <summary>Whether TTBR1 points to it.</summary>
    public bool IsUpper => _isUpper;

    /// <inheritdoc/>
    public string Name => "arm-lpae";

    /// <inheritdoc/>
    public int DescriptorSize => 8;

    /// <inheritdoc/>
    public int RootLevel => _inputBelow32 < 2 ? 1 : 2;

    /// <inheritdoc/>
    public int LastLevel => 3;

    /// <inheritdoc/>
    public int NextLevel(int level) => level + 1;

    /// <inheritdoc/>
    public int PageShift => 12;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int LevelShift(int level) => Geometry.LevelShift(level);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int IndexBits(int level) => Geometry.IndexBits(level, RootLevel, InputBits);

    /// <inheritdoc/>
    public int InputBits => 32 - _inputBelow32;

    /// <inheritdoc/>
    public int OutputBits => PhysicalBits;

    /// <inheritdoc/>
    /// <remarks>B4.1.154: TTBR bits below the table's size are zero; 32 bytes for the four entries of a 4 GiB space, kept at 64 as in Armv8.</remarks>
    public int RootAlignment => Geometry.RootAlignment(RootLevel, InputBits);

    /// <inheritdoc/>
    public int SoftwareBits => 4;

    /// <inheritdoc/>
    public TranslationControls Controls => _controls;

    /// <inheritdoc/>
    public ImmutableArray<LeafShape> Shapes => Geometry.Shapes(RootLevel, InputBits, PhysicalBits);

    /// <inheritdoc/>
    public ImmutableArray<VirtRange> InputRanges =>
        [new VirtRange(new VirtAddr(_isUpper ? (1UL << 32) - (1UL << InputBits) : 0), 1UL << InputBits)];

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Translates(ulong address) => (_isUpper ? address ^ 0xffff_ffff : address) >> InputBits == 0;

    /// <inheritdoc/>
    public TranslationFault OutOfRange => new(FaultCause.Translation, 1);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool IsTable(ulong descriptor, int level) => level != 3 && (descriptor & 3) == 3;

    /// <inheritdoc/>
    public DescriptorKind KindOf(ulong descriptor, int level) => Geometry.KindOf(WithoutHigh(descriptor), level, PhysicalBits);

    // Bits 47:40 are UNK/SBZP: the processor does not look at them.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong WithoutHigh(ulong descriptor) => descriptor & ~0xff00_0000_0000UL;

    /// <inheritdoc/>
    public FaultCause CauseOf(ulong descriptor, int level) => FaultCause.Translation;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong TableAddress(ulong descriptor, int level) => descriptor & 0xff_ffff_f000;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong LeafAddress(ulong descriptor, int level) => descriptor & ((1UL << PhysicalBits) - (1UL << LevelShift(level)));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int LeafShift(ulong descriptor, int level) => LevelShift(level);

    /// <inheritdoc/>
    public LeafShape ShapeOf(ulong descriptor, int level) => Geometry.ShapeOf(descriptor, level);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Limits(ulong descriptor, int level) => descriptor & LongDescriptor.TableLimits;

    private static (AccessRights Privileged, AccessRights User) Rights(ulong descriptor, ulong limits, TranslationControls controls)
    {
        var privileged = (descriptor & LongDescriptor.Ap2) != 0 || (limits & LongDescriptor.ApTable1) != 0 ? AccessRights.Read : AccessRights.ReadWrite;
        var user = (descriptor & LongDescriptor.Ap1) != 0 && (limits & LongDescriptor.ApTable0) == 0 ? privileged : AccessRights.None;
        if ((descriptor & LongDescriptor.Uxn) != 0 || (limits & LongDescriptor.UxnTable) != 0)
            return (privileged, user);
        var noWrite = (controls & TranslationControls.Wxn) != 0 ? AccessRights.Write : AccessRights.None;
        var userWrites = (user & AccessRights.Write) != 0;
        var privilegedFetches = (descriptor & LongDescriptor.Pxn) == 0 && (limits & LongDescriptor.PxnTable) == 0 && (privileged & noWrite) == 0
            && !(userWrites && (controls & TranslationControls.Uwxn) != 0);
        var userFetches = (user & AccessRights.Read) != 0 && (user & noWrite) == 0;
        return (privileged | (privilegedFetches ? AccessRights.Execute : 0), user | (userFetches ? AccessRights.Execute : 0));
    }

    /// <inheritdoc/>
    public PageAttributes DecodeLeaf(ulong descriptor, int level, ulong limits)
    {
        var (privileged, user) = Rights(descriptor, limits, _controls);
        var type = LongDescriptor.TypeOf(descriptor, Mair);
        return new PageAttributes(privileged, user, type, LongDescriptor.Effective(type, LongDescriptor.ShareabilityOf(descriptor)))
        {
            IsGlobal = (descriptor & LongDescriptor.NotGlobal) == 0,
            IsAccessed = (descriptor & LongDescriptor.AccessFlag) != 0,
            IsNonSecure = ((descriptor & LongDescriptor.NonSecure) | (limits & LongDescriptor.NsTable)) != 0,
            Software = (ushort)((descriptor & LongDescriptor.SoftwareMask) >> LongDescriptor.SoftwareShift),
        };
    }

    /// <inheritdoc/>
    public TableAttributes DecodeTable(ulong descriptor, int level) => LongDescriptor.DecodeTable(Limits(descriptor, level), executeForBoth: true);

    /// <inheritdoc/>
    public EncodingRefusal TryEncodeLeaf(ulong output, in PageAttributes attributes, in LeafShape shape, out ulong descriptor)
    {
        descriptor = 0;
        if (attributes.Domain != 0)
            return EncodingRefusal.DomainNotAvailable;
        if (attributes.Software >> SoftwareBits != 0)
            return EncodingRefusal.SoftwareBitsNotAvailable;
        var index = LongDescriptor.AttrIndexOf(attributes.Memory, Mair);
        if (index < 0)
            return EncodingRefusal.MemoryTypeNotAvailable;
        if (attributes.Shareability is not (Shareability.None or Shareability.Outer or Shareability.Inner))
            return EncodingRefusal.ShareabilityNotAvailable;
        var refusal = TryEncodeRights(attributes.Privileged, attributes.User, out var rights);
        if (refusal == EncodingRefusal.None)
            refusal = Geometry.TryEncodeLeaf(output, shape, RootLevel, InputBits, PhysicalBits, out descriptor);
        if (refusal != EncodingRefusal.None)
            return refusal;
        descriptor |= rights | (uint)index << LongDescriptor.AttrIndexShift
            | (ulong)LongDescriptor.Effective(attributes.Memory, attributes.Shareability) << LongDescriptor.ShareabilityShift
            | (ulong)attributes.Software << LongDescriptor.SoftwareShift
            | (attributes.IsNonSecure ? LongDescriptor.NonSecure : 0)
            | (attributes.IsAccessed ? LongDescriptor.AccessFlag : 0)
            | (attributes.IsGlobal ? 0 : LongDescriptor.NotGlobal);
        return EncodingRefusal.None;
    }

    /// <summary>The permission bits with the fewest execute-never bits that say exactly this, or with XN where nobody fetches.</summary>
    private EncodingRefusal TryEncodeRights(AccessRights privileged, AccessRights user, out ulong bits)
    {
        bits = ((privileged & AccessRights.Write) != 0 ? 0 : LongDescriptor.Ap2) | ((user & AccessRights.ReadWrite) != 0 ? LongDescriptor.Ap1 : 0);
        if (((privileged | user) & AccessRights.Execute) == 0)
            bits |= LongDescriptor.Uxn | LongDescriptor.Pxn;
        else if ((privileged & AccessRights.Execute) == 0)
            bits |= LongDescriptor.Pxn;
        var (isPrivileged, isUser) = Rights(bits, 0, _controls);
        if ((isPrivileged, isUser) == (privileged, user))
            return EncodingRefusal.None;
        bits = 0;
        return ((isPrivileged ^ privileged) & AccessRights.ReadWrite) == 0 && ((isUser ^ user) & AccessRights.ReadWrite) == 0
            ? EncodingRefusal.ExecuteNotSeparate
            : EncodingRefusal.RightsNotAvailable;
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong OutputField(ulong output, in LeafShape shape) => output;

    /// <inheritdoc/>
    public TableAttributes TableFor(in PageAttributes attributes, in LeafShape shape) => default;

    /// <inheritdoc/>
    public EncodingRefusal TryEncodeTable(ulong table, int level, in TableAttributes attributes, out ulong descriptor)
    {
        descriptor = 0;
        var refusal = LongDescriptor.TryEncodeLimits(attributes, executeForBoth: true, out var limits);
        return refusal != EncodingRefusal.None ? refusal : Geometry.TryEncodeTable(table, level, RootLevel, PhysicalBits, limits, out descriptor);
    }

    /// <inheritdoc/>
    public PageAttributes Canonical(in PageAttributes attributes) => attributes with
    {
        Shareability = LongDescriptor.Effective(attributes.Memory, attributes.Shareability),
        IsDirty = false,
    };

    /// <inheritdoc/>
    public EncodingRefusal Validate(ulong descriptor, int level)
    {
        const ulong Leaf = LongDescriptor.AttrIndexMask | LongDescriptor.NonSecure | LongDescriptor.Ap1 | LongDescriptor.Ap2 | LongDescriptor.ShareabilityMask
            | LongDescriptor.AccessFlag | LongDescriptor.NotGlobal | LongDescriptor.Pxn | LongDescriptor.Uxn | LongDescriptor.SoftwareMask;
        var refusal = Geometry.Validate(descriptor, level, PhysicalBits, Leaf, LongDescriptor.TableLimits);
        if (refusal != EncodingRefusal.None || KindOf(descriptor, level) != DescriptorKind.Leaf)
            return refusal;
        return (int)LongDescriptor.ShareabilityOf(descriptor) == 1 ? EncodingRefusal.ReservedEncoding : EncodingRefusal.None;
    }

    /// <inheritdoc/>
    public MemoryType TypeFor(MemoryUse use) => LongDescriptor.TypeFor(use);

    /// <inheritdoc/>
    public AccessRights RightsOf(in PageAttributes attributes, Privilege privilege, TranslationControls controls) => attributes.RightsOf(privilege);

    /// <inheritdoc/>
    public FaultCause Check(in PageAttributes attributes, AccessRights access, Privilege privilege, TranslationControls controls)
    {
        if (!attributes.IsAccessed)
            return FaultCause.AccessFlag;
        return (attributes.RightsOf(privilege) & access) == access ? FaultCause.None : FaultCause.Permission;
    }

    /// <inheritdoc/>
    public ulong MarkUsed(ulong descriptor, int level, bool write) => descriptor;

    /// <inheritdoc/>
    public ulong MarkTableUsed(ulong descriptor, int level) => descriptor;

    /// <inheritdoc/>
    public ImmutableArray<SystemRegister> Registers(ulong root) => _isUpper ? ArmRegisters.Of(null, 0, this, root) : ArmRegisters.Of(this, root, null, 0);

    /// <inheritdoc/>
    public FaultReport Report(in TranslationFault fault, ulong address, AccessRights access, Privilege privilege) =>
        ArmRegisters.Report(1u << 9 | Vmsav8Registers.StatusCode(fault), address, access);
}
