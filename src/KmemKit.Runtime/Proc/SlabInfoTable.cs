using System;
using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using KmemKit.BoardCompiler.Policies;
using KmemKit.Runtime.Slab;

namespace KmemKit.Runtime.Proc;

/// <summary>A line of /proc/slabinfo.</summary>
/// <param name="Name">The cache.</param>
/// <param name="ActiveObjects">Objects in use, as the allocator counts them: those in CPUs' arrays are among them.</param>
/// <param name="Objects">Objects of all slabs.</param>
/// <param name="ObjectSize">Bytes from one object to the next.</param>
/// <param name="ObjectsPerSlab">Objects of a slab.</param>
/// <param name="PagesPerSlab">Pages of a slab.</param>
/// <param name="Limit">Objects of a CPU's array; 0 for SLUB.</param>
/// <param name="Batch">Objects that move at a time; 0 for SLUB.</param>
/// <param name="SharedFactor">Batches of the shared array; 0 for SLUB.</param>
/// <param name="ActiveSlabs">Slabs in use.</param>
/// <param name="Slabs">Slabs.</param>
/// <param name="SharedAvailable">Objects in the shared array; 0 for SLUB.</param>
public sealed record SlabInfoLine(
    string Name, long ActiveObjects, long Objects, int ObjectSize, int ObjectsPerSlab, int PagesPerSlab, int Limit, int Batch, int SharedFactor, long ActiveSlabs,
    long Slabs, long SharedAvailable);

/// <summary><c>/proc/slabinfo</c>, version 2.1: the caches, newest first.</summary>
/// <remarks>Source: mm/slab_common.c, print_slabinfo_header and cache_show.</remarks>
public sealed record SlabInfoTable(ImmutableArray<SlabInfoLine> Lines)
{
    private const string Header =
        "slabinfo - version: 2.1\n"
        + "# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab>"
        + " : tunables <limit> <batchcount> <sharedfactor> : slabdata <active_slabs> <num_slabs> <sharedavail>\n";

    /// <summary>Reads an allocator's caches.</summary>
    /// <returns>Null for SLOB, which has no such file: its caches have no slabs.</returns>
    public static SlabInfoTable? Of(ObjectAllocator objects)
    {
        ArgumentNullException.ThrowIfNull(objects);
        if (objects.Kind == ObjectAllocatorKind.Slob)
            return null;
        var caches = objects.Caches;
        var lines = ImmutableArray.CreateBuilder<SlabInfoLine>(caches.Count);
        for (var i = caches.Count - 1; i >= 0; i--)
        {
            var cache = caches[i];
            var counts = cache.Count();
            // SLUB has no tunables to print, though its sheaves have sizes.
            var (limit, batch, shared) = objects.Kind == ObjectAllocatorKind.Slab ? cache.Tunables : default;
            lines.Add(new SlabInfoLine(
                cache.Name, counts.ActiveObjects, counts.Objects, cache.Layout.Size, cache.ObjectsPerSlab, 1 << cache.Order, limit, batch, shared,
                counts.ActiveSlabs, counts.Slabs, counts.SharedAvailable));
        }
        return new SlabInfoTable(lines.MoveToImmutable());
    }

    /// <summary>Reads the text of a /proc/slabinfo.</summary>
    /// <exception cref="FormatException">It is not of version 2.1.</exception>
    public static SlabInfoTable Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var lines = ImmutableArray.CreateBuilder<SlabInfoLine>();
        var number = 0;
        foreach (var line in text.AsSpan().EnumerateLines())
        {
            number++;
            if (number == 1 && !line.SequenceEqual("slabinfo - version: 2.1"))
                throw new FormatException("Line 1 does not say \"slabinfo - version: 2.1\".");
            if (number > 2 && !line.IsEmpty)
                lines.Add(ParseLine(line.ToString(), number));
        }
        return new SlabInfoTable(lines.ToImmutable());
    }

    /// <summary>The text as the kernel prints it.</summary>
    public override string ToString()
    {
        var text = new StringBuilder(Header);
        foreach (var line in Lines)
        {
            text.Append(CultureInfo.InvariantCulture,
                $"{line.Name,-17} {line.ActiveObjects,6} {line.Objects,6} {line.ObjectSize,6} {line.ObjectsPerSlab,4} {line.PagesPerSlab,4}");
            text.Append(CultureInfo.InvariantCulture, $" : tunables {line.Limit,4} {line.Batch,4} {line.SharedFactor,4}");
            text.Append(CultureInfo.InvariantCulture, $" : slabdata {line.ActiveSlabs,6} {line.Slabs,6} {line.SharedAvailable,6}\n");
        }
        return text.ToString();
    }

    private static SlabInfoLine ParseLine(string line, int number)
    {
        var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (words.Length != 16 || words[6] != ":" || words[7] != "tunables" || words[11] != ":" || words[12] != "slabdata")
            throw new FormatException($"Line {number} is no line of slabinfo 2.1: {line}");
        return new SlabInfoLine(
            words[0], Number(1), Number(2), (int)Number(3), (int)Number(4), (int)Number(5), (int)Number(8), (int)Number(9), (int)Number(10), Number(13), Number(14),
            Number(15));

        long Number(int at) => long.TryParse(words[at], NumberStyles.None, CultureInfo.InvariantCulture, out var value) && (at > 10 || at < 3 || value <= int.MaxValue)
            ? value
            : throw new FormatException($"Line {number}: {words[at]} is no number of it.");
    }
}
