using System;
using System.Collections.Immutable;
using System.Runtime.CompilerServices;

namespace KmemKit.Architecture.Mmu.Arm;

/// <summary>The short-descriptor format of Armv6 and Armv7-A: sections, supersections, large and small pages, domains.</summary>
/// <remarks>
/// ARM DDI 0406C B3.5: descriptors B3.5.1, TTBR0 and TTBR1 by TTBCR.N B3.5.3 and B3.5.4; fields in <see cref="ArmShortDescriptor"/>; rights B3.7.1 (AP, AFE),
/// B3.7.2 (XN, PXN, WXN, UWXN), B3.7.3 (domains); types in <see cref="ArmShortTypes"/>. A fetch needs the right to read. The second-level table holds its pages'
/// domain, PXN and NS, so pages that differ there cannot share one: <see cref="TableFor"/>. Default: all of the 4 GiB by TTBR0, all domains client, no TEX
/// remap, no access flag, PXN.
/// </remarks>
public readonly struct ArmShortFormat : ITranslationFormat
{
    /// <summary>DACR with all sixteen domains client: rights are checked.</summary>
    public const uint AllClients = 0x5555_5555;

    /// <summary>PRRR as Linux sets it for TEX remap (arch/arm/mm/proc-v7-2level.S).</summary>
    public const uint LinuxPrrr = 0xff0a_81a8;

    /// <summary>NMRR as Linux sets it for TEX remap.</summary>
    public const uint LinuxNmrr = 0x40e0_40e0;

    private const TranslationControls Known = TranslationControls.AccessFlag | TranslationControls.TexRemap | TranslationControls.Wxn
        | TranslationControls.Uwxn | TranslationControls.PrivilegedExecuteNever;

    private readonly uint _dacrChange;
    private readonly uint _prrr;
    private readonly uint _nmrr;
    private readonly TranslationControls _controlsChange;
    private readonly byte _split;
    private readonly bool _isUpper;

    /// <summary>A tree.</summary>
    /// <param name="split">TTBCR.N: 0 to 7. TTBR0 translates the first 2^(32-N) bytes.</param>
    /// <param name="isUpper">TTBR1: the addresses behind those; N is not 0.</param>
    /// <param name="controls">AccessFlag, TexRemap, Wxn, Uwxn, PrivilegedExecuteNever.</param>
    /// <param name="dacr">DACR, two bits a domain.</param>
    /// <param name="prrr">PRRR, with TexRemap.</param>
    /// <param name="nmrr">NMRR, with TexRemap.</param>
    /// <exception cref="ArgumentOutOfRangeException">The architecture has no such size or control.</exception>
    public ArmShortFormat(
        int split, bool isUpper = false, TranslationControls controls = TranslationControls.PrivilegedExecuteNever, uint dacr = AllClients,
        uint prrr = LinuxPrrr, uint nmrr = LinuxNmrr)
    {
        if (split is < 0 or > 7 || (isUpper && split == 0))
            throw new ArgumentOutOfRangeException(nameof(split), split, "TTBCR.N is 0 to 7, and not 0 for TTBR1.");
        if ((controls & ~Known) != 0)
            throw new ArgumentOutOfRangeException(nameof(controls), controls, "AccessFlag, TexRemap, Wxn, Uwxn, PrivilegedExecuteNever.");
        _split = (byte)split;
        _isUpper = isUpper;
        _controlsChange = controls ^ TranslationControls.PrivilegedExecuteNever;
        _dacrChange = dacr ^ AllClients;
        _prrr = (controls & TranslationControls.TexRemap) != 0 ? prrr : 0;
        _nmrr = (controls & TranslationControls.TexRemap) != 0 ? nmrr : 0;
    }

    /// <summary>DACR.</summary>
    public uint Dacr => _dacrChange ^ AllClients;

    /// <summary>PRRR; 0 without TEX remap.</summary>
    public uint Prrr => _prrr;

    /// <summary>NMRR; 0 without TEX remap.</summary>
    public uint Nmrr => _nmrr;

    /// <summary>TTBCR.N.</summary>
    public int Split => _split;

    /// <summary>Whether TTBR1 points to it.</summary>
    public bool IsUpper => _isUpper;

    /// <inheritdoc/>
    public TranslationControls Controls => _controlsChange ^ TranslationControls.PrivilegedExecuteNever;

    private bool Has(TranslationControls control) => (Controls & control) != 0;

    /// <inheritdoc/>
    public string Name => "arm-short";

    /// <inheritdoc/>
    public int DescriptorSize => 4;

    /// <inheritdoc/>
    public int RootLevel => 1;

    /// <inheritdoc/>
    public int LastLevel => 2;

    /// <inheritdoc/>
    public int NextLevel(int level) => level + 1;

    /// <inheritdoc/>
    public int PageShift => 12;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int LevelShift(int level) => level == 1 ? 20 : 12;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int IndexBits(int level) => level == 1 ? InputBits - 20 : 8;

    /// <inheritdoc/>
    /// <remarks>A TTBR1 tree is indexed by all of the address, and its first entries are never used.</remarks>
    public int InputBits => _isUpper ? 32 : 32 - _split;

    /// <inheritdoc/>
    /// <remarks>40 by supersections; everything else puts out 32 bits.</remarks>
    public int OutputBits => 40;

    /// <inheritdoc/>
    public int RootAlignment => 4 << IndexBits(1);

    /// <inheritdoc/>
    /// <remarks>TEX[2:1], where remap does not need them.</remarks>
    public int SoftwareBits => Has(TranslationControls.TexRemap) ? 2 : 0;

    /// <inheritdoc/>
    public ImmutableArray<LeafShape> Shapes => [ArmShortDescriptor.Small, ArmShortDescriptor.Large, ArmShortDescriptor.Section, ArmShortDescriptor.Supersection];

    /// <inheritdoc/>
    public ImmutableArray<VirtRange> InputRanges
    {
        get
        {
            var lower = 1UL << (32 - _split);
            return [_isUpper ? VirtRange.FromBounds(new VirtAddr(lower), 1UL << 32) : VirtRange.FromBounds(VirtAddr.Zero, lower)];
        }
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Translates(ulong address) => address >> 32 == 0 && (address >> (32 - _split) != 0) == _isUpper;

    /// <inheritdoc/>
    public TranslationFault OutOfRange => new(FaultCause.Translation, 1);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool IsTable(ulong descriptor, int level) => level == 1 && (descriptor & 3) == 1;

    /// <inheritdoc/>
    public DescriptorKind KindOf(ulong descriptor, int level) => (descriptor & 3) switch
    {
        0 => DescriptorKind.Invalid,
        1 => level == 1 ? DescriptorKind.Table : DescriptorKind.Leaf,
        3 when level == 1 && !Has(TranslationControls.PrivilegedExecuteNever) => DescriptorKind.Reserved,
        _ => DescriptorKind.Leaf,
    };

    /// <inheritdoc/>
    public FaultCause CauseOf(ulong descriptor, int level) => FaultCause.Translation;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong TableAddress(ulong descriptor, int level) => descriptor & 0xffff_fc00;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong LeafAddress(ulong descriptor, int level) => ArmShortDescriptor.Address(descriptor, level);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int LeafShift(ulong descriptor, int level) => level == 1
        ? (descriptor & ArmShortDescriptor.SupersectionBit) != 0 ? 24 : 20
        : (descriptor & 2) != 0 ? 12 : 16;

    /// <inheritdoc/>
    public LeafShape ShapeOf(ulong descriptor, int level) => ArmShortDescriptor.ShapeOf(descriptor, level);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Limits(ulong descriptor, int level) => descriptor & ArmShortDescriptor.TableFields;

    /// <summary>What AP, XN, PXN and the domain give together.</summary>
    private (AccessRights Privileged, AccessRights User) Rights(uint ap, bool xn, bool pxn, int domain)
    {
        switch (Dacr >> (2 * domain) & 3)
        {
            case 3:
                // A manager's accesses are not checked, fetches included.
                return (AccessRights.All, AccessRights.All);
            case not 1:
                return default;
        }
        var (privileged, user) = Has(TranslationControls.AccessFlag) ? ArmShortDescriptor.SimpleRights(ap) : ArmShortDescriptor.FullRights(ap);
        if (xn)
            return (privileged, user);
        var noWrite = Has(TranslationControls.Wxn) ? AccessRights.Write : AccessRights.None;
        var userWrites = (user & AccessRights.Write) != 0;
        if (!pxn && (privileged & AccessRights.Read) != 0 && (privileged & noWrite) == 0 && !(userWrites && Has(TranslationControls.Uwxn)))
            privileged |= AccessRights.Execute;
        if ((user & AccessRights.Read) != 0 && (user & noWrite) == 0)
            user |= AccessRights.Execute;
        return (privileged, user);
    }

    /// <inheritdoc/>
    public PageAttributes DecodeLeaf(ulong descriptor, int level, ulong limits)
    {
        var fields = ArmShortDescriptor.Read(descriptor, level, limits);
        var pxn = fields.Pxn && Has(TranslationControls.PrivilegedExecuteNever);
        var (privileged, user) = Rights(fields.Ap, fields.Xn, pxn, fields.Domain);
        var isRemapped = Has(TranslationControls.TexRemap);
        var index = fields.TexCb & 7;
        var type = isRemapped ? ArmShortTypes.Remapped(index, _prrr, _nmrr) : ArmShortTypes.Decode(fields.TexCb);
        return new PageAttributes(privileged, user, type, ArmShortTypes.Shareability(type, fields.S, isRemapped, index, _prrr))
        {
            IsGlobal = !fields.NotGlobal,
            IsAccessed = !Has(TranslationControls.AccessFlag) || (fields.Ap & 1) != 0,
            IsNonSecure = fields.Ns,
            Domain = fields.Domain,
            Software = (ushort)(isRemapped ? fields.TexCb >> 3 : 0),
        };
    }

    /// <inheritdoc/>
    public TableAttributes DecodeTable(ulong descriptor, int level) => new(
        (descriptor & ArmShortDescriptor.TablePxn) != 0 && Has(TranslationControls.PrivilegedExecuteNever) ? AccessRights.Execute : AccessRights.None,
        AccessRights.None, (byte)(descriptor >> ArmShortDescriptor.DomainShift & 0xf), (descriptor & ArmShortDescriptor.TableNs) != 0);

    /// <inheritdoc/>
    public EncodingRefusal TryEncodeLeaf(ulong output, in PageAttributes attributes, in LeafShape shape, out ulong descriptor)
    {
        descriptor = 0;
        if (!Shapes.Contains(shape))
            return EncodingRefusal.BadLevel;
        if ((output & (shape.Bytes - 1)) != 0)
            return EncodingRefusal.BadAlignment;
        if (output >> (shape == ArmShortDescriptor.Supersection ? 40 : 32) != 0)
            return EncodingRefusal.BeyondOutputSize;
        var refusal = TryFields(attributes, shape, out var fields);
        if (refusal == EncodingRefusal.None)
            descriptor = ArmShortDescriptor.Write(fields, shape) | OutputField(output, shape);
        return refusal;
    }

    private EncodingRefusal TryFields(in PageAttributes attributes, in LeafShape shape, out ArmShortFields fields)
    {
        fields = default;
        // A supersection's domain bits hold its address: it is in domain 0.
        if (attributes.Domain > 15 || (attributes.Domain != 0 && shape == ArmShortDescriptor.Supersection))
            return EncodingRefusal.DomainNotAvailable;
        if (attributes.Software >> SoftwareBits != 0)
            return EncodingRefusal.SoftwareBitsNotAvailable;
        if (!TryType(attributes, out var texCb, out var s, out var refusal))
            return refusal;
        refusal = TryRights(attributes, out var ap, out var xn, out var pxn);
        if (refusal != EncodingRefusal.None)
            return refusal;
        if (Has(TranslationControls.AccessFlag) && attributes.IsAccessed)
            ap |= 1;
        fields = new ArmShortFields(ap, texCb, s, !attributes.IsGlobal, xn, pxn, attributes.IsNonSecure, attributes.Domain);
        return EncodingRefusal.None;
    }

    private bool TryType(in PageAttributes attributes, out uint texCb, out bool s, out EncodingRefusal refusal)
    {
        var isRemapped = Has(TranslationControls.TexRemap);
        var found = isRemapped ? ArmShortTypes.IndexOf(attributes.Memory, _prrr, _nmrr) : ArmShortTypes.Encode(attributes.Memory);
        texCb = found.GetValueOrDefault() | (isRemapped ? (uint)attributes.Software << 3 : 0);
        s = false;
        refusal = found is null ? EncodingRefusal.MemoryTypeNotAvailable : EncodingRefusal.ShareabilityNotAvailable;
        if (found is not { } index)
            return false;
        if (!attributes.Memory.IsNormal())
            return true;
        var wanted = attributes.Shareability;
        if (ArmShortTypes.Shareability(attributes.Memory, false, isRemapped, index & 7, _prrr) == wanted)
            return true;
        s = true;
        var set = ArmShortTypes.Shareability(attributes.Memory, true, isRemapped, index & 7, _prrr);
        // Outer Shareable holds for the inner domain too.
        return set == wanted || (set == Shareability.Outer && wanted == Shareability.Inner);
    }

    private EncodingRefusal TryRights(in PageAttributes attributes, out uint ap, out bool xn, out bool pxn)
    {
        var nobodyFetches = ((attributes.Privileged | attributes.User) & AccessRights.Execute) == 0;
        var dataFits = false;
        foreach (var candidate in Has(TranslationControls.AccessFlag) ? ArmShortDescriptor.SimpleAp : ArmShortDescriptor.FullAp)
        {
            ap = candidate;
            // From the fewest execute-never bits up; all of them where nobody fetches, although WXN might do.
            for (var never = nobodyFetches ? 2 : 0; never < 3; never++)
            {
                (xn, pxn) = (never == 2, never == 1);
                if (pxn && !Has(TranslationControls.PrivilegedExecuteNever))
                    continue;
                var (privileged, user) = Rights(ap, xn, pxn, attributes.Domain);
                if ((privileged, user) == (attributes.Privileged, attributes.User) && (privileged | user) != 0)
                    return EncodingRefusal.None;
                dataFits |= ((privileged ^ attributes.Privileged) & AccessRights.ReadWrite) == 0 && ((user ^ attributes.User) & AccessRights.ReadWrite) == 0;
            }
        }
        (ap, xn, pxn) = (0, false, false);
        return dataFits ? EncodingRefusal.ExecuteNotSeparate : EncodingRefusal.RightsNotAvailable;
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong OutputField(ulong output, in LeafShape shape) => ArmShortDescriptor.AddressField(output, shape);

    /// <inheritdoc/>
    public TableAttributes TableFor(in PageAttributes attributes, in LeafShape shape)
    {
        if (shape.Level != 2)
            return default;
        var needsPxn = TryRights(attributes, out _, out _, out var pxn) == EncodingRefusal.None && pxn;
        return new TableAttributes(needsPxn ? AccessRights.Execute : AccessRights.None, AccessRights.None, attributes.Domain, attributes.IsNonSecure);
    }

    /// <inheritdoc/>
    public EncodingRefusal TryEncodeTable(ulong table, int level, in TableAttributes attributes, out ulong descriptor)
    {
        descriptor = 0;
        if (level != 1)
            return EncodingRefusal.BadLevel;
        if ((table & 0x3ff) != 0)
            return EncodingRefusal.BadAlignment;
        if (table >> 32 != 0)
            return EncodingRefusal.BeyondOutputSize;
        if (attributes.Domain > 15)
            return EncodingRefusal.DomainNotAvailable;
        var bits = table | 1 | (ulong)attributes.Domain << ArmShortDescriptor.DomainShift
            | ((attributes.PrivilegedRemoved & AccessRights.Execute) != 0 ? ArmShortDescriptor.TablePxn : 0)
            | (attributes.IsNonSecure ? ArmShortDescriptor.TableNs : 0);
        if (DecodeTable(bits, level) != attributes)
            return EncodingRefusal.RightsNotAvailable;
        descriptor = bits;
        return EncodingRefusal.None;
    }

    /// <inheritdoc/>
    public PageAttributes Canonical(in PageAttributes attributes)
    {
        var shareability = attributes.Shareability;
        if (!attributes.Memory.IsNormal())
            shareability = Shareability.Outer;
        else if (shareability == Shareability.Inner && TryType(attributes, out var texCb, out var s, out _))
            shareability = ArmShortTypes.Shareability(attributes.Memory, s, Has(TranslationControls.TexRemap), texCb & 7, _prrr);
        return attributes with
        {
            Shareability = shareability,
            IsAccessed = attributes.IsAccessed || !Has(TranslationControls.AccessFlag),
            IsDirty = false,
        };
    }

    /// <inheritdoc/>
    public EncodingRefusal Validate(ulong descriptor, int level)
    {
        if (descriptor >> 32 != 0)
            return EncodingRefusal.ReservedEncoding;
        switch (KindOf(descriptor, level))
        {
            case DescriptorKind.Invalid:
                return EncodingRefusal.None;
            case DescriptorKind.Reserved:
                return EncodingRefusal.ReservedEncoding;
            case DescriptorKind.Table:
                var pxn = Has(TranslationControls.PrivilegedExecuteNever) ? 0 : ArmShortDescriptor.TablePxn;
                return (descriptor & (ArmShortDescriptor.TableReserved | pxn)) == 0 ? EncodingRefusal.None : EncodingRefusal.ReservedEncoding;
        }
        var fields = ArmShortDescriptor.Read(descriptor, level, 0);
        var isReserved = (descriptor & ArmShortDescriptor.LeafReserved(ShapeOf(descriptor, level))) != 0
            || (!Has(TranslationControls.AccessFlag) && fields.Ap == 4)
            || (Has(TranslationControls.TexRemap)
                ? (fields.TexCb & 7) == 6 || ArmShortTypes.Remapped(fields.TexCb & 7, _prrr, _nmrr) == MemoryType.Unspecified
                : ArmShortTypes.Decode(fields.TexCb) == MemoryType.Unspecified);
        return isReserved ? EncodingRefusal.ReservedEncoding : EncodingRefusal.None;
    }

    /// <inheritdoc/>
    /// <remarks>Write-through does not allocate on writes here: no encoding does.</remarks>
    public MemoryType TypeFor(MemoryUse use) => use switch
    {
        MemoryUse.Cached => MemoryType.NormalWriteBackWriteAllocate,
        MemoryUse.WriteThrough => MemoryType.NormalWriteThrough,
        MemoryUse.WriteCombining => MemoryType.NormalNonCacheable,
        MemoryUse.Device => MemoryType.DeviceNGnRE,
        _ => MemoryType.DeviceNGnRnE,
    };

    /// <inheritdoc/>
    public AccessRights RightsOf(in PageAttributes attributes, Privilege privilege, TranslationControls controls) => attributes.RightsOf(privilege);

    /// <inheritdoc/>
    public FaultCause Check(in PageAttributes attributes, AccessRights access, Privilege privilege, TranslationControls controls)
    {
        if (!attributes.IsAccessed)
            return FaultCause.AccessFlag;
        if ((Dacr >> (2 * attributes.Domain) & 1) == 0)
            return FaultCause.Domain;
        return (attributes.RightsOf(privilege) & access) == access ? FaultCause.None : FaultCause.Permission;
    }

    /// <inheritdoc/>
    public ulong MarkUsed(ulong descriptor, int level, bool write) => descriptor;

    /// <inheritdoc/>
    public ulong MarkTableUsed(ulong descriptor, int level) => descriptor;

    /// <inheritdoc/>
    public ImmutableArray<SystemRegister> Registers(ulong root) => _isUpper ? ArmRegisters.Of(null, 0, this, root) : ArmRegisters.Of(this, root, null, 0);

    /// <inheritdoc/>
    /// <remarks>B3.13.3, table B3-23: FS[3:0] in bits 3:0; DFSR has the domain in 7:4.</remarks>
    public FaultReport Report(in TranslationFault fault, ulong address, AccessRights access, Privilege privilege)
    {
        var second = fault.Level == 2;
        var status = fault.Cause switch
        {
            FaultCause.Translation => second ? 0x7u : 0x5u,
            FaultCause.AccessFlag => second ? 0x6u : 0x3u,
            FaultCause.Domain => second ? 0xbu : 0x9u,
            FaultCause.Permission => second ? 0xfu : 0xdu,
            FaultCause.ExternalAbortOnWalk => second ? 0xeu : 0xcu,
            FaultCause.ExternalAbort => 0x8u,
            FaultCause.Alignment => 0x1u,
            _ => throw new ArgumentOutOfRangeException(nameof(fault), fault.Cause, "Short descriptors have no such fault."),
        };
        if ((access & AccessRights.Execute) == 0)
            status |= (uint)fault.Domain << 4;
        return ArmRegisters.Report(status, address, access);
    }
}
