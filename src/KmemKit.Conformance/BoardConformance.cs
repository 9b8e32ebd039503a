using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Boards;
using NUnit.Framework;

namespace KmemKit.Conformance;

/// <summary>What holds for every board. A sealed class derived from it is a fixture that NUnit finds and runs:
/// <code>sealed class Msm8974Conformance : BoardConformance&lt;Msm8974&gt;;</code></summary>
/// <typeparam name="TBoard">The board's generated type.</typeparam>
[TestFixture]
public abstract class BoardConformance<TBoard> where TBoard : struct, IBoard<TBoard>
{
    /// <summary>Banks rise, do not overlap, and are not empty.</summary>
    [Test]
    public void BanksRiseAndAreDisjoint()
    {
        var banks = TBoard.Banks.ToArray();
        Assert.That(banks, Is.Not.Empty);
        AssertRising([.. banks.Select(b => b.Range)]);
    }

    /// <summary>What is no usable RAM is no bank.</summary>
    [Test]
    public void NoHoleOverlapsABank()
    {
        var holes = TBoard.Holes.ToArray();
        AssertRising([.. holes.Select(h => h.Range)]);
        foreach (var bank in TBoard.Banks)
            Assert.That(holes.Where(h => h.Range.Overlaps(bank.Range)), Is.Empty, $"bank {bank.Range}");
    }

    /// <summary>Segments of the linear map rise and do not overlap, neither as physical nor as virtual addresses.</summary>
    [Test]
    public void SegmentsRiseAndAreDisjoint()
    {
        var segments = TBoard.Segments.ToArray();
        AssertRising([.. segments.Select(s => s.PhysRange)]);
        for (var i = 0; i < segments.Length; i++)
        {
            for (var j = i + 1; j < segments.Length; j++)
                Assert.That(segments[i].VirtRange.Overlaps(segments[j].VirtRange), Is.False, $"{segments[i].VirtRange} and {segments[j].VirtRange}");
        }
    }

    /// <summary>Every address at an edge of lowmem translates to its segment's address and back, by the checked and the unchecked form.</summary>
    [Test]
    public void TranslationGoesThereAndBackAtTheEdgesOfLowmem()
    {
        foreach (var (segment, range) in Lowmem())
        {
            foreach (var phys in new[] { range.Start, range.Last })
            {
                var expected = new VirtAddr(segment.Virt.Value + (phys - segment.Phys));
                Assert.That(TBoard.TryPhysToVirt(phys, out var virt), $"{phys} is lowmem");
                Assert.That(virt, Is.EqualTo(expected), $"{phys}");
                Assert.That(TBoard.PhysToVirt(phys), Is.EqualTo(expected), $"{phys}");
                Assert.That(TBoard.TryVirtToPhys(virt, out var back), $"{virt} is in the linear map");
                Assert.That(back, Is.EqualTo(phys), $"{virt}");
                Assert.That(TBoard.VirtToPhys(virt), Is.EqualTo(phys), $"{virt}");
            }
        }
    }

    /// <summary>All of lowmem is in the linear map.</summary>
    [Test]
    public void LinearMapReachesAllOfLowmem()
    {
        foreach (var bank in TBoard.Banks.ToArray().Where(b => !b.IsHighmem))
        {
            ulong reached = 0;
            foreach (var segment in TBoard.Segments)
                reached += segment.PhysRange.Intersect(bank.Range).Size.Wrapped;
            Assert.That(reached, Is.EqualTo(bank.Range.Size.Wrapped), $"bank {bank.Range}");
        }
    }

    /// <summary>The checked translation refuses the addresses just outside of lowmem, all holes, and highmem.</summary>
    [Test]
    public void TranslationRefusesWhatIsNoLowmem()
    {
        var lowmem = Lowmem().Select(l => l.Range).ToArray();
        var outside = new List<PhysAddr>();
        foreach (var range in lowmem)
        {
            if (range.Start != PhysAddr.Zero)
                outside.Add(range.Start - 1);
            if (range.Last != PhysAddr.MaxValue)
                outside.Add(range.Last + 1);
        }
        foreach (var hole in TBoard.Holes)
            outside.AddRange([hole.Range.Start, hole.Range.Last]);
        foreach (var bank in TBoard.Banks.ToArray().Where(b => b.IsHighmem))
            outside.AddRange([bank.Range.Start, bank.Range.Last]);
        foreach (var address in outside.Where(a => !lowmem.Any(r => r.Contains(a))))
            Assert.That(TBoard.TryPhysToVirt(address, out _), Is.False, $"{address} is no lowmem");
    }

    // Each piece of a bank that one segment maps.
    private static List<(BoardSegment Segment, PhysRange Range)> Lowmem()
    {
        var pieces = new List<(BoardSegment, PhysRange)>();
        foreach (var bank in TBoard.Banks)
        {
            if (bank.IsHighmem)
                continue;
            foreach (var segment in TBoard.Segments)
            {
                if (segment.PhysRange.Overlaps(bank.Range))
                    pieces.Add((segment, segment.PhysRange.Intersect(bank.Range)));
            }
        }
        return pieces;
    }

    private static void AssertRising(PhysRange[] ranges)
    {
        Assert.That(ranges.Where(r => r.IsEmpty), Is.Empty);
        for (var i = 1; i < ranges.Length; i++)
            Assert.That(ranges[i - 1].End <= ranges[i].Start.Value, $"{ranges[i - 1]} in front of {ranges[i]}");
    }
}
