using System;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Linear;
using KmemKit.BoardCompiler.Writers.CSharp.Translation;

namespace KmemKit.BoardCompiler.Writers.CSharp;

/// <summary>Writes a linear map as C#: members that translate addresses of one board, with its numbers folded into the code.</summary>
/// <remarks>
/// <para>The unchecked form gives an address the offset of the last segment that starts at or below it (of the first one, in front of all): the arithmetic of
/// the kernel's macros, total, modulo the width of the result. The checked form asks by the banks of RAM, so no address in a hole comes out as RAM behind it.</para>
/// <para>The C# text decides the machine code: RyuJIT makes a conditional move of <c>c ? a : b</c> outside of loops only and a jump inside, also
/// where the method was inlined into one, and random addresses mispredict it. So below five segments the offset is a sum of masks, each the sign of
/// <c>address - boundary</c> spread over the word (subtract, shift, and, add: no flag, no jump). From five on a table indexed by the top bits
/// serves where all boundaries allow one of 256 entries, masks up to 16 segments where they do not, and a branch-free binary search beyond.</para>
/// <para>Time per address over that of the macros compiled by gcc -O2 (the span form: -O3 -march=native), both in turns in one process (tests/KmemKit.Benchmarks):</para>
/// <code>
/// segments            random   chain   span   predictable
/// 1                     1.05    1.00   1.0    1.05
/// 2                     1.1     1.5    1.0    1.1
/// 3                     0.4     0.9    1.1    2.2
/// 4                     0.3     0.6    1.1    3.3
/// 6, table              0.1     0.6    0.1    1.2
/// 6, masks              0.4     0.8    0.1    5
/// the jump, 2 segments  7       3      -      1.5
/// </code>
/// <para>With two segments gcc uses a conditional move, two cycles behind the address; masks take four, and no C# text is known to take fewer inside a loop: that
/// is the 1.5. From three segments on gcc jumps, which costs nothing while the predictor is right and ten times as much as masks where it is not; masks cost the same always.</para>
/// </remarks>
public static class TranslationWriter
{
    private const string PhysAddr = "global::KmemKit.Architecture.PhysAddr";
    private const string VirtAddr = "global::KmemKit.Architecture.VirtAddr";

    /// <summary>Writes the members for a board whose physical and virtual addresses have the same width.</summary>
    /// <param name="w">Stands inside the body of a type, which must not have members of the same names.</param>
    /// <param name="map">The board's linear map.</param>
    /// <param name="addressBits">32 or 64.</param>
    /// <exception cref="ArgumentException">A segment of the map ends beyond that width.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="addressBits"/> is neither 32 nor 64.</exception>
    public static void Write(SourceWriter w, LinearMap map, int addressBits) => Write(w, map, addressBits, addressBits);

    /// <summary>
    /// Writes the members: <c>IsLinearRam</c>, <c>PhysToVirt</c>, <c>VirtToPhys</c> (one address, and spans), <c>TryPhysToVirt</c>, <c>TryVirtToPhys</c>.
    /// </summary>
    /// <param name="w">Stands inside the body of a type, which must not have members of the same names.</param>
    /// <param name="map">The board's linear map.</param>
    /// <param name="physicalBits">Width of the kernel's <c>phys_addr_t</c>, 32 or 64 (LPAE and PAE: 64); <c>VirtToPhys</c> wraps at it.</param>
    /// <param name="virtualBits">Width of a virtual address, 32 or 64; <c>PhysToVirt</c> wraps at it.</param>
    /// <exception cref="ArgumentException">A segment of the map ends beyond those widths.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A width is neither 32 nor 64.</exception>
    public static void Write(SourceWriter w, LinearMap map, int physicalBits, int virtualBits)
    {
        CheckWidth(physicalBits, nameof(physicalBits));
        CheckWidth(virtualBits, nameof(virtualBits));
        foreach (var segment in map.Segments)
        {
            if (!Fits(segment.PhysRange.End, physicalBits) || !Fits(segment.VirtRange.End, virtualBits))
                throw new ArgumentException($"The segment at {segment.Phys} ends beyond {physicalBits} physical or {virtualBits} virtual address bits.", nameof(map));
        }
        var down = new TranslationDirection("PhysToVirt", PhysAddr, VirtAddr, "IsLinearRam", "physical address", "virtual address", "__phys_to_virt",
            TranslationPlan.PhysToVirt(map, physicalBits, virtualBits), RamRanges.Physical(map));
        var up = new TranslationDirection("VirtToPhys", VirtAddr, PhysAddr, "IsLinearRam", "virtual address", "physical address", "__virt_to_phys",
            TranslationPlan.VirtToPhys(map, physicalBits, virtualBits), RamRanges.Virtual(map));
        WriteDirection(w, down);
        w.Line();
        WriteDirection(w, up);
    }

    private static void WriteDirection(SourceWriter w, TranslationDirection direction)
    {
        GuardWriter.Write(w, direction);
        w.Line();
        ScalarTranslationWriter.WriteUnchecked(w, direction);
        w.Line();
        ScalarTranslationWriter.WriteChecked(w, direction);
        w.Line();
        SpanTranslationWriter.Write(w, direction);
    }

    private static void CheckWidth(int bits, string name)
    {
        if (bits is not (32 or 64))
            throw new ArgumentOutOfRangeException(name, bits, "An address is 32 or 64 bits wide.");
    }

    private static bool Fits(AddressLimit end, int bits) => bits == 64 || end <= 1UL << bits;
}
