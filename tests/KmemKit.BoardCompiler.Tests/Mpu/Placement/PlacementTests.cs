using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mpu;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Mpu.Placement;
using KmemKit.BoardCompiler.Protection;
using KmemKit.BoardCompiler.Tests.Boards;
using KmemKit.BoardCompiler.Writers.Mpu;
using NUnit.Framework;

namespace KmemKit.BoardCompiler.Tests.Mpu.Placement;

/// <summary>Entries with a size and no address: placed with fewest regions, then the lowest end, as a search over all addresses finds them.</summary>
internal sealed class PlacementTests
{
    private static PlacementRequest Request(string name, ulong size, ulong alignment, params PhysRange[] pool) =>
        new(name, "d", size, alignment, [.. pool], "/" + name, default);

    private static PhysRange Range(ulong start, ulong size) => new(new PhysAddr(start), size);

    [TestCase("pmsav7-m", 32UL)]
    [TestCase("pmsav6", 32UL)]
    [TestCase("arm946e-s", 4096UL)]
    [TestCase("pmsav8-m", 32UL)]
    [TestCase("pmp-rv32", 4UL)]
    public void No_placement_takes_fewer_regions_or_ends_lower(string name, ulong unit)
    {
        var format = MpuFormats.Find(name)!;
        var refused = 0;
        for (var seed = 1; seed <= 60; seed++)
        {
            var random = new Random(seed);
            var pool = Range(0x2000_0000 + (ulong)random.Next(0, 3) * unit, (ulong)random.Next(14, 26) * unit);
            ImmutableArray<PhysRange> taken = random.Next(2) == 0 ? [] : [Range(pool.Start.Value + (ulong)random.Next(0, 12) * unit, (ulong)random.Next(1, 4) * unit)];
            ImmutableArray<PlacementRequest> requests = [.. Enumerable.Range(0, random.Next(1, 4)).Select(i => Request("r" + i, (ulong)random.Next(1, 8) * unit, random.Next(3) == 0 ? 2 * unit : 1, pool))];
            var placed = PlacementPlanner.Plan(format, [pool], taken, requests);
            var best = Best(format, pool, taken, requests, unit);
            var why = $"seed {seed}: pool {pool}, taken {string.Join(" ", taken)}, {string.Join(" ", requests.Select(r => $"{r.Size:x}/{r.Alignment:x}"))}";
            Assert.That(placed is null, Is.EqualTo(best is null), why);
            if (placed is null)
            {
                refused++;
                continue;
            }
            AssertIsPlacement(placed, pool, taken, requests, why);
            Assert.That((placed.Regions, placed.Items.Max(i => i.Range.End.Value)), Is.EqualTo(best!.Value), why);
            Assert.That((placed.LowerBound, placed.IsLeast), Is.EqualTo((placed.Regions, true)));
        }
        Assert.That(refused, Is.LessThan(40));
    }

    private static void AssertIsPlacement(PlacedPool placed, PhysRange pool, ImmutableArray<PhysRange> taken, ImmutableArray<PlacementRequest> requests, string why)
    {
        Assert.That(placed.Items.Select(i => i.Request), Is.EquivalentTo(requests), why);
        var all = taken.Select(t => pool.Intersect(t)).Where(t => !t.IsEmpty).Concat(placed.Items.Select(i => i.Range)).OrderBy(r => r).ToList();
        Assert.That(all.Zip(all.Skip(1), (a, b) => a.Overlaps(b)), Has.None.True, why);
        foreach (var item in placed.Items)
        {
            Assert.That(pool.Contains(item.Range), why);
            Assert.That((item.Range.Size.Value, item.Range.Start.Value % item.Request.Alignment), Is.EqualTo((item.Request.Size, 0UL)), why);
        }
    }

    /// <summary>Every address of every request, in every order that matters: fewest regions, then the lowest end.</summary>
    private static (int Regions, ulong End)? Best(MpuFormat format, PhysRange pool, ImmutableArray<PhysRange> taken, ImmutableArray<PlacementRequest> requests, ulong unit)
    {
        (int, ulong)? best = null;
        var cost = new PlacementCost(format);
        Search(0, [.. taken], 0, 0);
        return best;

        void Search(int at, ImmutableList<PhysRange> used, int regions, ulong end)
        {
            if (at == requests.Length)
            {
                if (best is not { } known || (regions, end).CompareTo(known) < 0)
                    best = (regions, end);
                return;
            }
            for (var start = pool.Start.Value; start + requests[at].Size <= pool.End.Value; start += unit)
            {
                var range = Range(start, requests[at].Size);
                if (start % requests[at].Alignment == 0 && !used.Any(u => u.Overlaps(range)))
                    Search(at + 1, used.Add(range), regions + cost.Of(start, requests[at].Size), Math.Max(end, range.End.Value));
            }
        }
    }

    [Test]
    public void More_than_the_exact_ones_are_placed_one_by_one_with_a_bound()
    {
        var pool = Range(0x2000_0000, 0x10000);
        ImmutableArray<PlacementRequest> requests = [.. Enumerable.Range(1, PlacementPlanner.MostExact + 4).Select(i => Request("r" + i, (ulong)i * 0x60, 1, pool))];
        var placed = PlacementPlanner.Plan(MpuFormats.Find("pmsav7-m"), [pool], [], requests)!;
        AssertIsPlacement(placed, pool, [], requests, "");
        Assert.That(placed.IsLeast, Is.False);
        Assert.That(placed.LowerBound, Is.LessThanOrEqualTo(placed.Regions).And.GreaterThan(requests.Length / 2));
    }

    private static BoardCompilation Board(string node) => BoardText.Compile(
        "/dts-v1/;\n/ { #address-cells = <1>; #size-cells = <1>;\n"
        + "cpus { #address-cells = <1>; #size-cells = <0>; cpu@0 { device_type = \"cpu\"; compatible = \"arm,cortex-m4\"; reg = <0>; }; };\n"
        + "memory@20000000 { device_type = \"memory\"; reg = <0x20000000 0x10000>; };\n"
        + "protection { compatible = \"kmemkit,protection\"; #address-cells = <1>; #size-cells = <1>; alloc-ranges = <0x20000100 0x3f00>;\n" + node + "\n}; };", "CONFIG_ARM=y\nCONFIG_MMU=n\n");

    private const string Tasks =
        "ram@20000000 { reg = <0x20000000 0x10000>; privileged = \"rw\"; }; shared@20000800 { reg = <0x20000800 0x100>; privileged = \"rw\"; user = \"r\"; };"
        + "domain-a { stack { size = <0x400>; privileged = \"rw\"; user = \"rw\"; }; };"
        + "domain-b { stack { size = <0x500>; privileged = \"rw\"; user = \"rw\"; }; heap { size = <0x20>; privileged = \"rw\"; user = \"rw\"; }; };";

    [Test]
    public void A_board_gets_addresses_clear_of_everything_in_the_pool_and_a_plan_of_them()
    {
        var board = Board(Tasks);
        var (policy, plan) = (board.Board!.Protection!, board.MpuPlan!);
        var entries = policy.Domains.SelectMany(d => d.Entries).ToList();
        Assert.Multiple(() =>
        {
            Assert.That(board.HasErrors, Is.False, string.Join("\n", board.Diagnostics));
            Assert.That(entries.Select(e => e.Range.Size.Value), Is.EqualTo(new ulong[] { 0x400, 0x500, 0x20 }));
            Assert.That(entries.All(e => Range(0x2000_0100, 0x3f00).Contains(e.Range) && !e.Range.Overlaps(Range(0x2000_0800, 0x100))));
            // One region each: the kernel's RAM and the shared one, and one for each of the three.
            Assert.That(plan.Used, Is.EqualTo(4));
            Assert.That(Board(Tasks).Board!.Protection!.Domains.SelectMany(d => d.Entries).Select(e => e.Range), Is.EqualTo(entries.Select(e => e.Range)), "the same every time");
        });
        var text = PlacementText.Write(policy.Pools);
        foreach (var entry in entries)
            Assert.That(text, Does.Contain(entry.Range.Start.ToString()));
        Assert.That(text, Does.Contain("no placement takes fewer").And.Contain("taken").And.Contain("free").And.Contain("b/heap, 1 region"));
    }

    [TestCase("a { size = <0>; };", "KMK4030")]
    [TestCase("a { size = <0x20>; alignment = <0x30>; };", "KMK4030")]
    [TestCase("a { size = <0x20>; alloc-ranges = <0x20000000 0>; };", "KMK4030")]
    [TestCase("a { size = <0x20>; alloc-ranges = <0x20000000 0x100 0x20000080 0x100>; };", "KMK4030")]
    [TestCase("a@20000000 { reg = <0x20000000 0x20>; size = <0x20>; };", "KMK4030")]
    [TestCase("a { size = <0x4000>; };", "KMK4031")]
    public void A_bad_request_is_told_at_its_line(string node, string id)
    {
        var finding = Board(node).Diagnostics.Single(d => d.Id.StartsWith("KMK4", StringComparison.Ordinal));
        Assert.That((finding.Id, finding.Span.IsKnown), Is.EqualTo((id, true)), finding.Message);
    }

    [Test]
    public void No_room_says_how_much_there_is() =>
        Assert.That(Board("hole@20000200 { reg = <0x20000200 0x3d00>; }; a { size = <0x200>; };").Diagnostics.Single(d => d.Id == "KMK4031").Message,
            Does.Contain("/protection/a (512 bytes)").And.Contain("of which 512 bytes are free").And.Contain("[0x20000100, 0x20004000)"));

    // Nowhere does a size cost less than at the start of a block.
    [TestCase("arm946e-s")]
    [TestCase("pmsav7-m")]
    [TestCase("pmp-rv32")]
    public void The_least_that_a_size_costs_is_the_least_over_all_addresses(string name)
    {
        var format = MpuFormats.Find(name)!;
        for (var granules = 1UL; granules <= 12; granules++)
        {
            var (cost, size) = (new PlacementCost(format), granules * format.Granule);
            var all = new List<int>();
            for (ulong start = 0; start < PlacementCost.Period(size); start += format.Granule)
                all.Add(cost.Of(start, size));
            Assert.That(cost.Least(size), Is.EqualTo(all.Min()), $"{granules} granules");
        }
    }
}
