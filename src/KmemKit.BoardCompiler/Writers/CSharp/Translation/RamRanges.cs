using System.Collections.Immutable;
using KmemKit.BoardCompiler.Linear;

namespace KmemKit.BoardCompiler.Writers.CSharp.Translation;

/// <summary>The addresses that the checked translation accepts, as inclusive pairs: an encoder's form, in which a range can end at the last address there is.</summary>
internal static class RamRanges
{
    /// <summary>First and last physical address of each stretch of RAM; stretches that touch are one.</summary>
    public static ImmutableArray<(ulong First, ulong Last)> Physical(LinearMap map)
    {
        var ranges = ImmutableArray.CreateBuilder<(ulong First, ulong Last)>();
        foreach (var ram in map.Ram)
        {
            if (!ram.IsEmpty)
                Append(ranges, ram.Start.Value, ram.Last.Value);
        }
        return ranges.ToImmutable();
    }

    /// <summary>
    /// First and last virtual address of each stretch of RAM. It is not enough to translate and to look the result up among the physical stretches:
    /// an address in a gap between two segments can come out as RAM that is mapped elsewhere.
    /// </summary>
    public static ImmutableArray<(ulong First, ulong Last)> Virtual(LinearMap map)
    {
        var ranges = ImmutableArray.CreateBuilder<(ulong First, ulong Last)>();
        foreach (var segment in map.Segments)
        {
            foreach (var ram in map.Ram)
            {
                if (ram.IsEmpty || !segment.PhysRange.Contains(ram))
                    continue;
                var first = (segment.Virt + (ram.Start - segment.Phys)).Value;
                Append(ranges, first, first + (ram.Last - ram.Start));
            }
        }
        return ranges.ToImmutable();
    }

    private static void Append(ImmutableArray<(ulong First, ulong Last)>.Builder ranges, ulong first, ulong last)
    {
        if (ranges.Count > 0 && ranges[ranges.Count - 1].Last + 1 == first)
            ranges[ranges.Count - 1] = (ranges[ranges.Count - 1].First, last);
        else
            ranges.Add((first, last));
    }
}
