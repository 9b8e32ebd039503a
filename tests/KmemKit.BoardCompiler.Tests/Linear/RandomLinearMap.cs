using System;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Linear;

namespace KmemKit.BoardCompiler.Tests.Linear;

/// <summary>Valid linear maps of any shape: touching and apart, fine and coarse boundaries, RAM at the very first and the very last address.</summary>
internal static class RandomLinearMap
{
    private static readonly int[] Alignments = [0, 12, 20, 21, 24, 28];

    public static LinearMap Create(Random random, int segmentCount, int physicalBits, int virtualBits)
    {
        var alignment = Alignments.Where(bits => segmentCount * 4L <= 1L << (32 - bits)).OrderBy(_ => random.Next()).First();
        var phys = Starts(random, segmentCount, physicalBits, alignment);
        var virt = Starts(random, segmentCount, virtualBits, alignment);
        var segments = ImmutableArray.CreateBuilder<LinearSegment>();
        var ram = ImmutableArray.CreateBuilder<PhysRange>();
        for (var i = 0; i < segmentCount; i++)
        {
            var room = Math.Min(Room(phys, i, physicalBits), Room(virt, i, virtualBits));
            // Half of the segments reach as far as they can, so that some touch the next one and some end where the addresses do.
            var size = random.Next(2) == 0 ? room : 1 + (Below(random, room) & ~((1UL << alignment) - 1));
            segments.Add(new LinearSegment(new PhysAddr(phys[i]), new VirtAddr(virt[i]), Math.Min(size, room)));
            AddRam(random, ram, segments[i]);
        }
        return new LinearMap(segments.ToImmutable(), ram.ToImmutable());
    }

    private static void AddRam(Random random, ImmutableArray<PhysRange>.Builder ram, LinearSegment segment)
    {
        var at = 0UL;
        for (var pieces = random.Next(4); pieces > 0 && at < segment.Size; pieces--)
        {
            var start = at + (random.Next(2) == 0 ? 0 : Below(random, segment.Size - at));
            var left = segment.Size - start;
            var size = random.Next(2) == 0 ? left : 1 + Below(random, left);
            ram.Add(new PhysRange(segment.Phys + start, size));
            at = start + size;
        }
    }

    private static ulong[] Starts(Random random, int count, int bits, int alignment)
    {
        var places = bits == 64 ? ulong.MaxValue >> alignment : 1UL << (bits - alignment);
        var starts = new ulong[count];
        do
        {
            for (var i = 0; i < count; i++)
                starts[i] = Below(random, places) << alignment;
            if (random.Next(4) == 0)
                starts[0] = 0;
            Array.Sort(starts);
        }
        while (starts.Distinct().Count() < count);
        return starts;
    }

    // The last address of a 64-bit space stays free, since a segment's size is a 64-bit number.
    private static ulong Room(ulong[] starts, int i, int bits) =>
        (i + 1 < starts.Length ? starts[i + 1] : bits == 64 ? ulong.MaxValue : 1UL << bits) - starts[i];

    public static ulong Below(Random random, ulong limit)
    {
        Span<byte> bytes = stackalloc byte[8];
        random.NextBytes(bytes);
        return BitConverter.ToUInt64(bytes) % limit;
    }
}
