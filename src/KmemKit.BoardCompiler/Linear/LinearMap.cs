using System;
using System.Collections.Immutable;
using KmemKit.Architecture;

namespace KmemKit.BoardCompiler.Linear;

/// <summary>
/// The linear map of a board: <c>__phys_to_virt</c> and <c>__virt_to_phys</c> for every address, with a defined answer in a hole.
/// </summary>
/// <remarks>
/// <para>Invariants, checked on construction: segments are not empty, rise, and are disjoint, both in physical and in virtual addresses;
/// <see cref="Ram"/> rises, is disjoint, and each piece lies inside one segment. So each physical address has at most one virtual address and the other
/// way round: the fault of the msm macros, in which an address in the hole came out as RAM behind it, cannot be expressed.</para>
/// <para>Source of the macros: arch/arm/include/asm/memory.h and, with a hole, arch/arm/mach-msm/include/mach/memory.h of the 3.4 msm kernel.</para>
/// </remarks>
public sealed class LinearMap
{
    /// <summary>A map of these segments that reaches this RAM.</summary>
    /// <exception cref="ArgumentException">An invariant does not hold.</exception>
    public LinearMap(ImmutableArray<LinearSegment> segments, ImmutableArray<PhysRange> ram)
    {
        Segments = segments;
        Ram = ram;
        Validate();
    }

    /// <summary>A map of nothing.</summary>
    public static LinearMap Empty { get; } = new([], []);

    /// <summary>Segments of one offset each, by rising address.</summary>
    public ImmutableArray<LinearSegment> Segments { get; }

    /// <summary>The RAM that the map reaches, by rising address: what the checked translation accepts.</summary>
    public ImmutableArray<PhysRange> Ram { get; }

    /// <summary>Where <paramref name="address"/> is mapped.</summary>
    /// <param name="address">Any physical address.</param>
    /// <param name="result">The virtual address by the segment's offset for <see cref="TranslationStatus.Ok"/> and <see cref="TranslationStatus.Hole"/>; else 0.</param>
    public TranslationStatus PhysToVirt(PhysAddr address, out VirtAddr result)
    {
        foreach (var segment in Segments)
        {
            if (!segment.PhysRange.Contains(address))
                continue;
            result = segment.Virt + (address - segment.Phys);
            return IsRam(address) ? TranslationStatus.Ok : TranslationStatus.Hole;
        }
        result = default;
        return TranslationStatus.Outside;
    }

    /// <summary>What <paramref name="address"/> is mapped to.</summary>
    /// <param name="address">Any virtual address.</param>
    /// <param name="result">The physical address by the segment's offset for <see cref="TranslationStatus.Ok"/> and <see cref="TranslationStatus.Hole"/>; else 0.</param>
    public TranslationStatus VirtToPhys(VirtAddr address, out PhysAddr result)
    {
        foreach (var segment in Segments)
        {
            if (!segment.VirtRange.Contains(address))
                continue;
            result = segment.Phys + (address - segment.Virt);
            return IsRam(result) ? TranslationStatus.Ok : TranslationStatus.Hole;
        }
        result = default;
        return TranslationStatus.Outside;
    }

    /// <summary>Whether the map reaches RAM at <paramref name="address"/>.</summary>
    public bool IsRam(PhysAddr address)
    {
        var low = 0;
        var high = Ram.Length - 1;
        while (low <= high)
        {
            var middle = (low + high) / 2;
            var range = Ram[middle];
            if (address < range.Start)
                high = middle - 1;
            else if (range.End <= address.Value)
                low = middle + 1;
            else
                return true;
        }
        return false;
    }

    private void Validate()
    {
        for (var i = 0; i < Segments.Length; i++)
        {
            var segment = Segments[i];
            if (segment.Size == 0)
                throw new ArgumentException($"Segment {i} at {segment.Phys} is empty.");
            if (i == 0)
                continue;
            var previous = Segments[i - 1];
            if (previous.PhysRange.End > segment.Phys.Value || previous.VirtRange.End > segment.Virt.Value)
                throw new ArgumentException($"Segment {i} at {segment.Phys} does not lie behind the one at {previous.Phys}.");
        }
        for (var i = 0; i < Ram.Length; i++)
        {
            if (i > 0 && Ram[i - 1].End > Ram[i].Start.Value)
                throw new ArgumentException($"RAM {Ram[i]} does not lie behind {Ram[i - 1]}.");
            if (!IsInOneSegment(Ram[i]))
                throw new ArgumentException($"RAM {Ram[i]} does not lie in one segment.");
        }
    }

    private bool IsInOneSegment(PhysRange range)
    {
        foreach (var segment in Segments)
        {
            if (segment.PhysRange.Contains(range))
                return true;
        }
        return false;
    }
}
