using System;
using System.Collections.Immutable;
using System.Runtime.CompilerServices;

namespace KmemKit.Architecture.Mmu.Vmsav8;

/// <summary>VMSAv8-64 stage 2, from intermediate physical to physical addresses: what VTTBR_EL2 points to, and stage 2 of an SMMUv3 stream.</summary>
/// <remarks>
/// Geometry with up to 16 concatenated root tables wherever they save a level: ARM DDI 0487 D8.2.2. Attributes: <see cref="StageTwo"/>. Default: 48 bits in and
/// out.
/// </remarks>
public readonly struct Vmsav8Stage2Format<TGranule> : ITranslationFormat where TGranule : struct, IGranule
{
    private const TranslationControls Known = TranslationControls.HardwareAccessed | TranslationControls.Xnx;

    private readonly byte _inputBelow48;
    private readonly sbyte _outputBelow48;
    private readonly TranslationControls _controls;
    private readonly byte _levelsMore;

    /// <summary>A tree.</summary>
    /// <param name="inputBits">64 - T0SZ: 25 to 48.</param>
    /// <param name="outputBits">VTCR_EL2.PS: 32, 36, 40, 42, 44, 48, and with the 64 KiB granule 52.</param>
    /// <param name="controls">HardwareAccessed (VTCR_EL2.HA), Xnx.</param>
    /// <param name="rootLevel">Level that the walk starts at (VTCR_EL2.SL0); null for the one with the fewest levels.</param>
    /// <exception cref="ArgumentOutOfRangeException">The architecture has no such size, control or start.</exception>
    public Vmsav8Stage2Format(int inputBits, int outputBits = 48, TranslationControls controls = TranslationControls.None, int? rootLevel = null)
    {
        if (inputBits is < 25 or > 48)
            throw new ArgumentOutOfRangeException(nameof(inputBits), inputBits, "VMSAv8-64 translates 25 to 48 bits.");
        Vmsav8Registers.CheckOutputBits(outputBits, default(TGranule).PageShift);
        if ((controls & ~Known) != 0)
            throw new ArgumentOutOfRangeException(nameof(controls), controls, "HardwareAccessed and Xnx.");
        _inputBelow48 = (byte)(48 - inputBits);
        _outputBelow48 = (sbyte)(48 - outputBits);
        _controls = controls;
        if (rootLevel is not { } level)
            return;
        var fewest = Vmsav8Geometry<TGranule>.RootLevel(inputBits, concatenated: true);
        // A level above it is one whose root still has two entries.
        if (level > fewest || level < 0 || inputBits - LevelShift(level) < 1)
            throw new ArgumentOutOfRangeException(nameof(rootLevel), rootLevel, $"A walk of {inputBits} bits starts at level {fewest}, or above where the root has two entries.");
        _levelsMore = (byte)(fewest - level);
    }

    private bool HasXnx => (_controls & TranslationControls.Xnx) != 0;

    /// <inheritdoc/>
    public string Name => "vmsav8-64-" + default(TGranule).Text + "-s2";

    /// <inheritdoc/>
    public int DescriptorSize => 8;

    /// <inheritdoc/>
    public int RootLevel => Vmsav8Geometry<TGranule>.RootLevel(InputBits, concatenated: true) - _levelsMore;

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
    public ImmutableArray<VirtRange> InputRanges => [new VirtRange(VirtAddr.Zero, 1UL << InputBits)];

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Translates(ulong address) => address >> InputBits == 0;

    /// <inheritdoc/>
    /// <remarks>Level 0, wherever the walk would have started.</remarks>
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
    public ulong Limits(ulong descriptor, int level) => 0;

    /// <inheritdoc/>
    public PageAttributes DecodeLeaf(ulong descriptor, int level, ulong limits) => StageTwo.Decode(descriptor, HasXnx, fetchesNeedRead: false);

    /// <inheritdoc/>
    public TableAttributes DecodeTable(ulong descriptor, int level) => default;

    /// <inheritdoc/>
    public EncodingRefusal TryEncodeLeaf(ulong output, in PageAttributes attributes, in LeafShape shape, out ulong descriptor)
    {
        descriptor = 0;
        var refusal = StageTwo.TryEncode(attributes, HasXnx, fetchesNeedRead: false, out var bits);
        if (refusal != EncodingRefusal.None)
            return refusal;
        refusal = Vmsav8Geometry<TGranule>.TryEncodeLeaf(output, shape, RootLevel, InputBits, OutputBits, out descriptor);
        if (refusal == EncodingRefusal.None)
            descriptor |= bits;
        return refusal;
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
        return attributes != default
            ? EncodingRefusal.RightsNotAvailable
            : Vmsav8Geometry<TGranule>.TryEncodeTable(table, level, RootLevel, OutputBits, 0, out descriptor);
    }

    /// <inheritdoc/>
    public PageAttributes Canonical(in PageAttributes attributes) => StageTwo.Canonical(attributes);

    /// <inheritdoc/>
    public EncodingRefusal Validate(ulong descriptor, int level)
    {
        var leaf = StageTwo.LeafBits | (HasXnx ? LongDescriptor.Pxn : 0);
        var refusal = Vmsav8Geometry<TGranule>.Validate(descriptor, level, OutputBits, leaf, 0);
        if (refusal != EncodingRefusal.None || KindOf(descriptor, level) != DescriptorKind.Leaf)
            return refusal;
        return StageTwo.HasReservedField(descriptor) ? EncodingRefusal.ReservedEncoding : EncodingRefusal.None;
    }

    /// <inheritdoc/>
    public MemoryType TypeFor(MemoryUse use) => LongDescriptor.TypeFor(use);

    /// <inheritdoc/>
    public AccessRights RightsOf(in PageAttributes attributes, Privilege privilege, TranslationControls controls) => attributes.RightsOf(privilege);

    /// <inheritdoc/>
    public FaultCause Check(in PageAttributes attributes, AccessRights access, Privilege privilege, TranslationControls controls)
    {
        if (!attributes.IsAccessed && (_controls & TranslationControls.HardwareAccessed) == 0)
            return FaultCause.AccessFlag;
        return (attributes.RightsOf(privilege) & access) == access ? FaultCause.None : FaultCause.Permission;
    }

    /// <inheritdoc/>
    public ulong MarkUsed(ulong descriptor, int level, bool write) =>
        (_controls & TranslationControls.HardwareAccessed) != 0 ? descriptor | LongDescriptor.AccessFlag : descriptor;

    /// <inheritdoc/>
    public ulong MarkTableUsed(ulong descriptor, int level) => descriptor;

    /// <inheritdoc/>
    /// <remarks>ARM DDI 0487 D19.2.162 (VTCR_EL2), D19.2.163 (VTTBR_EL2), D19.2.48 (HCR_EL2: VM, and RW for an AArch64 guest).</remarks>
    public ImmutableArray<SystemRegister> Registers(ulong root)
    {
        // SL0 counts from the lowest level its granule may start at.
        var startLevel = default(TGranule).PageShift == 12 ? 2 - RootLevel : 3 - RootLevel;
        var vtcr = 1UL << 31 | (ulong)Vmsav8Registers.IpsOf(OutputBits) << 16 | default(TGranule).Tg0 << 14 | 0b11_01_01UL << 8
            | (uint)startLevel << 6 | (uint)(64 - InputBits) | ((_controls & TranslationControls.HardwareAccessed) != 0 ? 1UL << 21 : 0);
        return [new("VTCR_EL2", vtcr), new("VTTBR_EL2", Vmsav8Registers.Base(root)), new("HCR_EL2", 1UL << 31 | 1)];
    }

    /// <inheritdoc/>
    /// <remarks>The faulting intermediate address goes, by pages of 4 KiB, into HPFAR_EL2; ESR_EL2 has no instruction details here (ISV clear).</remarks>
    public FaultReport Report(in TranslationFault fault, ulong address, AccessRights access, Privilege privilege) =>
        new((access & AccessRights.Execute) != 0 ? "instruction abort" : "data abort", "ESR_EL2",
            Vmsav8Registers.Syndrome(fault, access, isSameLevel: false), "HPFAR_EL2", address >> 12 << 4);
}
