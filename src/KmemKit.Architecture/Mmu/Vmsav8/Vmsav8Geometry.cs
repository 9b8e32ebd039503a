using System.Collections.Immutable;
using System.Runtime.CompilerServices;

namespace KmemKit.Architecture.Mmu.Vmsav8;

/// <summary>Levels, tables and leaves over a granule: what stage 1 and stage 2 of AArch64 share.</summary>
/// <remarks>ARM DDI 0487 D8.2: levels and the bits they resolve (D8.2.5 to D8.2.7), concatenated tables (D8.2.2), contiguous hint (D8.7.1).</remarks>
internal static class Vmsav8Geometry<TGranule> where TGranule : struct, IGranule
{
    /// <summary>Bits that a full table resolves.</summary>
    public static int Stride
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => default(TGranule).PageShift - 3;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int LevelShift(int level) => default(TGranule).PageShift + (3 - level) * Stride;

    /// <summary>The level at which the tree starts: as many full tables as it takes, from level 3 up.</summary>
    /// <param name="inputBits">Input size.</param>
    /// <param name="concatenated">
    /// Stage 2: a root of at most 16 entries is left out for that many tables of the next level, side by side.
    /// </param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int RootLevel(int inputBits, bool concatenated)
    {
        var level = 3 - (inputBits - default(TGranule).PageShift - 1) / Stride;
        return concatenated && level < LowestConcatenated && inputBits - LevelShift(level) <= 4 ? level + 1 : level;
    }

    // Stage 2 with 4 KiB granules starts at level 2 at the latest: SL0 has no level 3 without FEAT_TTST (D8.2.2).
    private static int LowestConcatenated => default(TGranule).PageShift == 12 ? 2 : 3;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int IndexBits(int level, int rootLevel, int inputBits) => level == rootLevel ? inputBits - LevelShift(level) : Stride;

    /// <summary>A root of fewer than 8 entries is aligned to 64 bytes, any other to its size.</summary>
    public static int RootAlignment(int rootLevel, int inputBits)
    {
        var bytes = 8 << IndexBits(rootLevel, rootLevel, inputBits);
        return bytes < 64 ? 64 : bytes;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool HasBlocks(int level, int outputBits) =>
        level >= default(TGranule).FirstBlockLevel || (default(TGranule).PageShift == 16 && level == 1 && outputBits == 52);

    /// <summary>Bits [47:page], and for 64 KiB granules with 52 bits of output also [15:12] as bits 51:48 (FEAT_LPA).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Address(ulong descriptor, int shift, int outputBits)
    {
        var address = descriptor & ((1UL << 48) - (1UL << shift));
        if (default(TGranule).PageShift == 16 && outputBits == 52)
            address |= (descriptor & 0xf000) << 36;
        return address;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong AddressField(ulong address) => (address & ((1UL << 48) - 1)) | (address >> 36 & 0xf000);

    public static DescriptorKind KindOf(ulong descriptor, int level, int outputBits)
    {
        if ((descriptor & LongDescriptor.Valid) == 0)
            return DescriptorKind.Invalid;
        var kind = (descriptor & LongDescriptor.TableOrPage) != 0
            ? level == 3 ? DescriptorKind.Leaf : DescriptorKind.Table
            : level != 3 && HasBlocks(level, outputBits) ? DescriptorKind.Leaf : DescriptorKind.Reserved;
        if (kind == DescriptorKind.Reserved)
            return kind;
        var shift = kind == DescriptorKind.Leaf ? LevelShift(level) : default(TGranule).PageShift;
        return Address(descriptor, shift, outputBits) >> outputBits == 0 ? kind : DescriptorKind.Reserved;
    }

    public static FaultCause CauseOf(ulong descriptor, int level, int outputBits) =>
        (descriptor & LongDescriptor.Valid) != 0
        && ((descriptor & LongDescriptor.TableOrPage) != 0 || (level != 3 && HasBlocks(level, outputBits)))
            ? FaultCause.AddressSize
            : FaultCause.Translation;

    public static LeafShape ShapeOf(ulong descriptor, int level)
    {
        var bytes = 1UL << LevelShift(level);
        var shift = (descriptor & LongDescriptor.Contiguous) != 0 ? default(TGranule).ContiguousShift(level) : 0;
        return new LeafShape(level, 1 << shift, bytes << shift, shift == 0 ? 0 : bytes);
    }

    public static ImmutableArray<LeafShape> Shapes(int rootLevel, int inputBits, int outputBits)
    {
        var shapes = ImmutableArray.CreateBuilder<LeafShape>();
        for (var level = 3; level >= rootLevel; level--)
        {
            if (level != 3 && !HasBlocks(level, outputBits))
                break;
            var bytes = 1UL << LevelShift(level);
            shapes.Add(new LeafShape(level, 1, bytes, 0));
            var contiguous = default(TGranule).ContiguousShift(level);
            if (contiguous != 0 && LevelShift(level) + contiguous <= inputBits)
                shapes.Add(new LeafShape(level, 1 << contiguous, bytes << contiguous, bytes));
        }
        // The contiguous group of one level and the block of the next are different sizes in every granule, in this order.
        return shapes.ToImmutable();
    }

    /// <summary>Shape, alignment and size of a leaf, and its type bits and address.</summary>
    public static EncodingRefusal TryEncodeLeaf(ulong output, in LeafShape shape, int rootLevel, int inputBits, int outputBits, out ulong descriptor)
    {
        descriptor = 0;
        var refusal = CheckLeaf(output, shape, Shapes(rootLevel, inputBits, outputBits), outputBits);
        if (refusal != EncodingRefusal.None)
            return refusal;
        descriptor = AddressField(output) | LongDescriptor.Valid | (shape.Level == 3 ? LongDescriptor.TableOrPage : 0)
            | (shape.Count > 1 ? LongDescriptor.Contiguous : 0);
        return EncodingRefusal.None;
    }

    public static EncodingRefusal CheckLeaf(ulong output, in LeafShape shape, ImmutableArray<LeafShape> shapes, int outputBits)
    {
        if (!shapes.Contains(shape))
            return EncodingRefusal.BadLevel;
        if ((output & (shape.Bytes - 1)) != 0)
            return EncodingRefusal.BadAlignment;
        return output >> outputBits != 0 ? EncodingRefusal.BeyondOutputSize : EncodingRefusal.None;
    }

    public static EncodingRefusal TryEncodeTable(ulong table, int level, int rootLevel, int outputBits, ulong limits, out ulong descriptor)
    {
        descriptor = 0;
        if (level < rootLevel || level >= 3)
            return EncodingRefusal.BadLevel;
        if ((table & ((1UL << default(TGranule).PageShift) - 1)) != 0)
            return EncodingRefusal.BadAlignment;
        if (table >> outputBits != 0)
            return EncodingRefusal.BeyondOutputSize;
        descriptor = AddressField(table) | limits | LongDescriptor.TableOrPage | LongDescriptor.Valid;
        return EncodingRefusal.None;
    }

    /// <summary>Bits that must be clear: between the address and the attributes, and above the address.</summary>
    public static EncodingRefusal Validate(ulong descriptor, int level, int outputBits, ulong leafBits, ulong tableBits)
    {
        switch (KindOf(descriptor, level, outputBits))
        {
            case DescriptorKind.Invalid:
                return EncodingRefusal.None;
            case DescriptorKind.Reserved:
                return EncodingRefusal.ReservedEncoding;
            case DescriptorKind.Table:
                return Clear(descriptor, default(TGranule).PageShift, outputBits, tableBits | LongDescriptor.Valid | LongDescriptor.TableOrPage);
            default:
                if ((descriptor & LongDescriptor.Contiguous) != 0 && default(TGranule).ContiguousShift(level) == 0)
                    return EncodingRefusal.ReservedEncoding;
                return Clear(descriptor, LevelShift(level), outputBits,
                    leafBits | LongDescriptor.Valid | LongDescriptor.Contiguous | (level == 3 ? LongDescriptor.TableOrPage : 0));
        }

        static EncodingRefusal Clear(ulong descriptor, int shift, int outputBits, ulong bits)
        {
            var address = (1UL << 48) - (1UL << shift) | (outputBits == 52 ? 0xf000UL : 0);
            return (descriptor & ~(address | bits)) == 0 ? EncodingRefusal.None : EncodingRefusal.ReservedEncoding;
        }
    }
}
