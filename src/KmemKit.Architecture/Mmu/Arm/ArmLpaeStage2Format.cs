using System;
using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using KmemKit.Architecture.Mmu.Vmsav8;
using Geometry = KmemKit.Architecture.Mmu.Vmsav8.Vmsav8Geometry<KmemKit.Architecture.Mmu.Vmsav8.Granule4K>;

namespace KmemKit.Architecture.Mmu.Arm;

/// <summary>Stage 2 of Armv7-A (LPAE with the virtualization extensions): what VTTBR points to.</summary>
/// <remarks>
/// ARM DDI 0406C B3.6.5: 25 to 40 bits in (VTCR.T0SZ is signed), starting at level 1 or 2 with up to 16 concatenated tables. Attributes:
/// <see cref="StageTwo"/>. Default: 40 bits in and out.
/// </remarks>
public readonly struct ArmLpaeStage2Format : ITranslationFormat
{
    private const int PhysicalBits = 40;

    private readonly byte _inputBelow40;

    /// <summary>A tree.</summary>
    /// <param name="inputBits">32 - T0SZ: 25 to 40.</param>
    /// <exception cref="ArgumentOutOfRangeException">The architecture has no such size.</exception>
    public ArmLpaeStage2Format(int inputBits)
    {
        if (inputBits is < 25 or > 40)
            throw new ArgumentOutOfRangeException(nameof(inputBits), inputBits, "Stage 2 translates 25 to 40 bits.");
        _inputBelow40 = (byte)(40 - inputBits);
    }

    /// <inheritdoc/>
    public string Name => "arm-lpae-s2";

    /// <inheritdoc/>
    public int DescriptorSize => 8;

    /// <inheritdoc/>
    public int RootLevel => Geometry.RootLevel(InputBits, concatenated: true);

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
    public int InputBits => 40 - _inputBelow40;

    /// <inheritdoc/>
    public int OutputBits => PhysicalBits;

    /// <inheritdoc/>
    public int RootAlignment => Geometry.RootAlignment(RootLevel, InputBits);

    /// <inheritdoc/>
    public int SoftwareBits => 4;

    /// <inheritdoc/>
    public TranslationControls Controls => TranslationControls.None;

    /// <inheritdoc/>
    public ImmutableArray<LeafShape> Shapes => Geometry.Shapes(RootLevel, InputBits, PhysicalBits);

    /// <inheritdoc/>
    public ImmutableArray<VirtRange> InputRanges => [new VirtRange(VirtAddr.Zero, 1UL << InputBits)];

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Translates(ulong address) => address >> InputBits == 0;

    /// <inheritdoc/>
    public TranslationFault OutOfRange => new(FaultCause.Translation, 1);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool IsTable(ulong descriptor, int level) => level != 3 && (descriptor & 3) == 3;

    /// <inheritdoc/>
    public DescriptorKind KindOf(ulong descriptor, int level) => Geometry.KindOf(descriptor & ~0xff00_0000_0000UL, level, PhysicalBits);

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
    public ulong Limits(ulong descriptor, int level) => 0;

    /// <inheritdoc/>
    public PageAttributes DecodeLeaf(ulong descriptor, int level, ulong limits) => StageTwo.Decode(descriptor, hasXnx: false, fetchesNeedRead: true);

    /// <inheritdoc/>
    public TableAttributes DecodeTable(ulong descriptor, int level) => default;

    /// <inheritdoc/>
    public EncodingRefusal TryEncodeLeaf(ulong output, in PageAttributes attributes, in LeafShape shape, out ulong descriptor)
    {
        descriptor = 0;
        var refusal = StageTwo.TryEncode(attributes, hasXnx: false, fetchesNeedRead: true, out var bits);
        // Armv7 has Strongly-ordered and Device only.
        if (refusal == EncodingRefusal.None && attributes.Memory is MemoryType.DeviceNGRE or MemoryType.DeviceGRE)
            refusal = EncodingRefusal.MemoryTypeNotAvailable;
        if (refusal != EncodingRefusal.None)
            return refusal;
        refusal = Geometry.TryEncodeLeaf(output, shape, RootLevel, InputBits, PhysicalBits, out descriptor);
        if (refusal == EncodingRefusal.None)
            descriptor |= bits;
        return refusal;
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
        return attributes != default
            ? EncodingRefusal.RightsNotAvailable
            : Geometry.TryEncodeTable(table, level, RootLevel, PhysicalBits, 0, out descriptor);
    }

    /// <inheritdoc/>
    public PageAttributes Canonical(in PageAttributes attributes) => StageTwo.Canonical(attributes);

    /// <inheritdoc/>
    public EncodingRefusal Validate(ulong descriptor, int level)
    {
        var refusal = Geometry.Validate(descriptor, level, PhysicalBits, StageTwo.LeafBits, 0);
        if (refusal != EncodingRefusal.None || KindOf(descriptor, level) != DescriptorKind.Leaf)
            return refusal;
        return StageTwo.HasReservedField(descriptor) || LongDescriptor.MemAttrType(descriptor) is MemoryType.DeviceNGRE or MemoryType.DeviceGRE
            ? EncodingRefusal.ReservedEncoding
            : EncodingRefusal.None;
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
    /// <remarks>B4.1.159 (VTCR: T0SZ 3:0 with its sign in bit 4, SL0 7:6, walks), B4.1.160 (VTTBR), B4.1.77 (HCR.VM).</remarks>
    public ImmutableArray<SystemRegister> Registers(ulong root)
    {
        var t0sz = unchecked((uint)(32 - InputBits)) & 0xf;
        var vtcr = 1u << 31 | 0b11_01_01u << 8 | (uint)(2 - RootLevel) << 6 | (InputBits > 32 ? 1u << 4 : 0) | t0sz;
        return [new("VTCR", vtcr), new("VTTBR", root), new("HCR", 1)];
    }

    /// <inheritdoc/>
    /// <remarks>B4.1.80 (HPFAR), B3.13.6 (HSR): the syndrome of an abort from PL1 or PL0 taken to Hyp mode.</remarks>
    public FaultReport Report(in TranslationFault fault, ulong address, AccessRights access, Privilege privilege) =>
        new((access & AccessRights.Execute) != 0 ? "prefetch abort" : "data abort", "HSR",
            Vmsav8Registers.Syndrome(fault, access, isSameLevel: false), "HPFAR", address >> 12 << 4);
}
