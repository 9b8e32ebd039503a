using System;
using System.Collections.Immutable;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Linear;

namespace KmemKit.BoardCompiler.Writers.CSharp.Translation;

/// <summary>One direction of a linear map as arithmetic: which offset an address gets, and by which form the code finds it.</summary>
/// <remarks>
/// The offset of an address is that of the last segment that starts at or below it, and of the first segment where there is none: what a chain of
/// <c>x &gt;= END ? x - END + ... : ...</c> macros computes. The result is taken modulo 2^<see cref="ResultBits"/>.
/// Invariants: <see cref="Offsets"/> has one entry more than <see cref="Boundaries"/>, and at least one; boundaries rise and are not 0.
/// </remarks>
internal sealed class TranslationPlan
{
    /// <summary>Below this many segments the code is straight-line arithmetic, never a table.</summary>
    public const int FirstWithTable = 5;

    /// <summary>Up to this many segments masks cost less than a search: each is four instructions that do not wait for one another.</summary>
    public const int LastWithMasks = 16;

    /// <summary>A table of 32-bit offsets of this many entries is 1 KiB, a thirty-second of a first-level cache or less.</summary>
    private const int MostSectionBits = 8;

    private TranslationPlan(ImmutableArray<ulong> boundaries, ImmutableArray<ulong> offsets, int argumentBits, int resultBits)
    {
        Boundaries = boundaries;
        Offsets = offsets;
        ArgumentBits = argumentBits;
        ResultBits = resultBits;
        SectionShift = FindSectionShift(boundaries, argumentBits);
        Form = offsets.Length switch
        {
            1 => TranslationForm.Offset,
            < FirstWithTable => TranslationForm.Masks,
            _ when SectionShift > 0 => TranslationForm.Sections,
            <= LastWithMasks => TranslationForm.Masks,
            _ => TranslationForm.Search,
        };
    }

    /// <summary>How the offset is found.</summary>
    public TranslationForm Form { get; }

    /// <summary>Where a new offset begins: the starts of all segments but the first.</summary>
    public ImmutableArray<ulong> Boundaries { get; }

    /// <summary>What is added, segment by segment, modulo 2^<see cref="ResultBits"/>.</summary>
    public ImmutableArray<ulong> Offsets { get; }

    /// <summary>Width of the address that comes in: 32 or 64.</summary>
    public int ArgumentBits { get; }

    /// <summary>Width of the address that goes out: 32 or 64.</summary>
    public int ResultBits { get; }

    /// <summary>Address bits below the section number; 0 where the boundaries are too fine for a table.</summary>
    public int SectionShift { get; }

    /// <summary>Whether a mask may be made by subtracting and spreading the sign, which takes fewer instructions than a flag: true where neither address nor boundary has bit 63.</summary>
    public bool MasksBySign => ArgumentBits == 32;

    public static TranslationPlan PhysToVirt(LinearMap map, int physicalBits, int virtualBits)
    {
        var boundaries = ImmutableArray.CreateBuilder<ulong>();
        var offsets = ImmutableArray.CreateBuilder<ulong>();
        foreach (var segment in map.Segments)
            AddSegment(boundaries, offsets, segment.Phys.Value, segment.Virt.Value, virtualBits);
        return Finish(boundaries, offsets, physicalBits, virtualBits);
    }

    public static TranslationPlan VirtToPhys(LinearMap map, int physicalBits, int virtualBits)
    {
        var boundaries = ImmutableArray.CreateBuilder<ulong>();
        var offsets = ImmutableArray.CreateBuilder<ulong>();
        foreach (var segment in map.Segments)
            AddSegment(boundaries, offsets, segment.Virt.Value, segment.Phys.Value, physicalBits);
        return Finish(boundaries, offsets, virtualBits, physicalBits);
    }

    /// <summary>The offset that the plan gives an address: the rule itself, by which tables are filled.</summary>
    public ulong OffsetOf(ulong address)
    {
        var segment = 0;
        while (segment < Boundaries.Length && Boundaries[segment] <= address)
            segment++;
        return Offsets[segment];
    }

    /// <summary><paramref name="value"/> modulo 2^<paramref name="bits"/>.</summary>
    public static ulong Wrap(ulong value, int bits) => bits == 64 ? value : value & ((1UL << bits) - 1);

    private static void AddSegment(ImmutableArray<ulong>.Builder boundaries, ImmutableArray<ulong>.Builder offsets, ulong from, ulong to, int resultBits)
    {
        var offset = Wrap(unchecked(to - from), resultBits);
        if (offsets.Count > 0)
        {
            // Neighbours of one offset are one segment to the arithmetic; only the checked form tells them apart.
            if (offsets[offsets.Count - 1] == offset)
                return;
            boundaries.Add(from);
        }
        offsets.Add(offset);
    }

    private static TranslationPlan Finish(ImmutableArray<ulong>.Builder boundaries, ImmutableArray<ulong>.Builder offsets, int argumentBits, int resultBits)
    {
        // A map of nothing adds nothing: the checked form refuses every address anyway.
        if (offsets.Count == 0)
            offsets.Add(0);
        return new TranslationPlan(boundaries.ToImmutable(), offsets.ToImmutable(), argumentBits, resultBits);
    }

    private static int FindSectionShift(ImmutableArray<ulong> boundaries, int argumentBits)
    {
        if (argumentBits != 32)
            return 0;
        for (var shift = 28; shift >= 32 - MostSectionBits; shift--)
        {
            var fits = true;
            foreach (var boundary in boundaries)
                fits &= new PhysAddr(boundary).IsAligned(1UL << shift);
            if (fits)
                return shift;
        }
        return 0;
    }
}
