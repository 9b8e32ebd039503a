using System;
using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mpu;
using KmemKit.Architecture.Mpu.Pmp;
using KmemKit.BoardCompiler.Mpu;
using KmemKit.BoardCompiler.Protection;
using KmemKit.Tests.Shared;
using NUnit.Framework;

namespace KmemKit.BoardCompiler.Tests.Mpu;

/// <summary>
/// How the entries of a PMP part into those that stay and those that a switch writes, against every way there is: in a few granules, over every picture that
/// entries which stay can leave, the least that each state has to lay before them.
/// </summary>
/// <remarks>
/// By what the address register and the mode of each entry do, as in <see cref="ChainMinimalityTests"/>. Entries that stay come last and count on no address before them,
/// which a switch changes; only where no state has an entry of its own they begin with entry 0, whose base is address 0. What a state lays of its own is never locked.
/// KMEMKIT_FUZZ_ITERATIONS makes it longer, KMEMKIT_FUZZ_SEED replays one.
/// </remarks>
public class ChainSplitTests
{
    private const int Impossible = 1000;

    // In more granules the search is cut short now and then: what it gives is no better than the best, and the bound is none that a split breaks.
    [TestCase(4, 1000, 100)]
    [TestCase(8, 60, 75)]
    public void No_split_has_fewer_entries_in_its_fullest_state_or_as_many_and_fewer_to_write(int granules, int rounds, int percent)
    {
        var first = Setting.Number("KMEMKIT_FUZZ_SEED") ?? 1;
        rounds = Setting.Number("KMEMKIT_FUZZ_ITERATIONS") ?? rounds;
        var known = new Dictionary<int, (Dictionary<int, int> Behind, Dictionary<int, int> Alone)>();
        var (compared, proved, writes, alone, wrong) = (0, 0, 0, 0, new List<string>());
        for (var seed = first; seed < first + rounds; seed++)
        {
            var policy = Random(new Random(seed), PmpFormat.Rv32, granules);
            var cells = new ProtectionCells(policy, PmpFormat.Rv32, MpuSpace.Unified);
            Assert.That(cells.Classes, Has.Length.LessThan(4), "room in a picture");
            if (!known.TryGetValue(cells.Classes.Length, out var pictures))
                known[cells.Classes.Length] = pictures = (Painted(cells.Classes.Length, granules, -1), Painted(cells.Classes.Length, granules, 0));
            var rest = policy.PrivilegedBackground ? 0 : cells.Classes.IndexOf(MpuAttributes.Deny) + 1;
            var best = Best(cells, granules, pictures.Behind, pictures.Alone, rest);
            var plan = new SpacePlanner(cells, PmpFormat.Rv32).Plan()!;
            compared++;
            Assert.That((plan.Used, plan.Writes).CompareTo(best), Is.GreaterThanOrEqualTo(0), $"KMEMKIT_FUZZ_SEED={seed}: no split is better than the best");
            if (plan.Used == best.Used)
                Assert.That(plan.WritesBound, Is.LessThanOrEqualTo(best.Writes), $"KMEMKIT_FUZZ_SEED={seed}");
            proved += plan.Writes == plan.WritesBound ? 1 : 0;
            writes += plan.Writes;
            alone += cells.States.Sum(s => ChainPlanner.Plan(cells.Map(s), 4, stateLimit: 20_000)!.Regions.Length);
            if ((plan.Used, plan.Writes) != best)
                wrong.Add($"KMEMKIT_FUZZ_SEED={seed}: {(plan.Used, plan.Writes)} and not {best}");
        }
        TestContext.Out.WriteLine($"{compared} policies, {wrong.Count} with a better split, {proved} proved least: {writes} entries are written in all, {alone} without any that stays");
        Assert.That(100 * wrong.Count, Is.LessThanOrEqualTo((100 - percent) * rounds), string.Join("\n", wrong));
        Assert.That(writes, Is.LessThan(alone));
    }

    /// <param name="cells">The policy.</param>
    /// <param name="granules">Granules that entries of the policy are in.</param>
    /// <param name="behind">What entries can leave whose first has no base.</param>
    /// <param name="alone">What entries can leave whose first has the base 0.</param>
    /// <param name="rest">The class of an entry behind all, over all addresses, where what no entry of the policy covers is denied to M-mode too; 0 where it is not.</param>
    private static (int Used, int Writes) Best(ProtectionCells cells, int granules, Dictionary<int, int> behind, Dictionary<int, int> alone, int rest)
    {
        var extra = rest == 0 ? 0 : 1;
        var may = cells.States.Select(state => cells.Map(state)).Select(map => Enumerable.Range(0, cells.Classes.Length + 1).Select(c => Enumerable.Range(0, granules)
            .Sum(i => (int)(map.Cells[map.IndexOf((ulong)i * 4)].Allowed >> c & 1) << i)).ToArray()).ToArray();
        var least = may.Select(m => Least(m, cells.Locked, granules)).ToArray();
        var best = (Used: Impossible, Writes: Impossible);
        foreach (var (picture, count) in behind)
        {
            // They come by their number.
            if (count + extra > best.Used)
                break;
            var (most, sum) = (0, 0);
            for (var s = 0; s < may.Length && most < Impossible; s++)
            {
                var own = least[s][Wrong(picture, rest, may[s], granules)];
                (most, sum) = (Math.Max(most, own), sum + own);
            }
            if (most < Impossible && (count + extra + most, sum).CompareTo(best) < 0)
                best = (count + extra + most, sum);
        }
        foreach (var (picture, count) in alone)
        {
            if (may.All(m => Wrong(picture, rest, m, granules) == 0) && (count + extra, 0).CompareTo(best) < 0)
                best = (count + extra, 0);
        }
        return best;
    }

    /// <summary>Granules that a picture, two bits a granule, leaves wrong with the class of the rest where it has none.</summary>
    private static int Wrong(int picture, int rest, int[] may, int granules)
    {
        var wrong = 0;
        for (var i = 0; i < granules; i++)
            wrong |= (~may[(picture >> 2 * i & 3) is not 0 and var painted ? painted : rest] >> i & 1) << i;
        return wrong;
    }

    /// <summary>All that an entry can say: what it covers, and the address register it leaves to a range behind it. Cover 0 is an entry that is off.</summary>
    /// <param name="register">The register before it; -1 for one that is not known.</param>
    /// <param name="granules">Of four bytes each.</param>
    private static IEnumerable<(int Cover, int Register)> Entries(int register, int granules)
    {
        var all = (1 << granules) - 1;
        for (var address = 0; address <= granules; address++)
        {
            yield return (0, address);
            if (register >= 0 && register < address)
                yield return (all & ((1 << address) - 1) & ~((1 << register) - 1), address);
            if (address == granules)
                continue;
            yield return (1 << address, address);
            var ones = 0;
            while ((address >> ones & 1) != 0)
                ones++;
            var (size, start) = (2 << ones, address >> ones << ones);
            if (start + size <= granules)
                yield return (((1 << size) - 1) << start, address);
        }
    }

    /// <summary>What a sequence of entries decides, by its fewest entries: the first that covers a granule does.</summary>
    /// <param name="classes">Classes there are.</param>
    /// <param name="granules">Granules.</param>
    /// <param name="before">The address register before the first; -1 for one that is not known.</param>
    private static Dictionary<int, int> Painted(int classes, int granules, int before)
    {
        var moves = Enumerable.Range(-1, granules + 2).Select(r => Entries(r, granules).ToArray()).ToArray();
        var pictures = new Dictionary<int, int> { [0] = 0 };
        var seen = new HashSet<(int Picture, int Register)> { (0, before) };
        var level = new List<(int Picture, int Register)> { (0, before) };
        for (var count = 1; level.Count > 0 && count <= granules; count++)
        {
            var next = new List<(int, int)>();
            foreach (var (picture, register) in level)
            {
                foreach (var (cover, address) in moves[register + 1])
                {
                    for (var painted = 1; painted <= (cover == 0 ? 1 : classes); painted++)
                    {
                        var painting = picture;
                        for (var i = 0; i < granules; i++)
                            painting |= (cover >> i & 1) != 0 && (picture >> 2 * i & 3) == 0 ? painted << 2 * i : 0;
                        if (!seen.Add((painting, address)))
                            continue;
                        next.Add((painting, address));
                        pictures.TryAdd(painting, count);
                    }
                }
            }
            level = next;
        }
        return pictures;
    }

    /// <summary>The fewest entries from entry 0 up that decide at least a set of granules, by set.</summary>
    private static int[] Least(int[] may, ulong locked, int granules)
    {
        var cost = new int[1 << granules];
        Array.Fill(cost, Impossible);
        cost[0] = 0;
        var moves = Enumerable.Range(0, granules + 1).Select(r => Entries(r, granules).ToArray()).ToArray();
        var seen = new HashSet<(int Decided, int Register)> { (0, 0) };
        var level = new List<(int Decided, int Register)> { (0, 0) };
        for (var count = 1; level.Count > 0; count++)
        {
            var next = new List<(int, int)>();
            foreach (var (decided, register) in level)
            {
                foreach (var (cover, address) in moves[register])
                {
                    var isRight = cover == 0 || Enumerable.Range(1, may.Length - 1).Any(c => (locked >> c & 1) == 0 && (cover & ~(decided | may[c])) == 0);
                    if (!isRight || !seen.Add((decided | cover, address)))
                        continue;
                    next.Add((decided | cover, address));
                    cost[decided | cover] = Math.Min(cost[decided | cover], count);
                }
            }
            level = next;
        }
        // A set is decided by whatever decides more.
        for (var set = cost.Length - 1; set >= 0; set--)
        {
            for (var i = 0; i < granules; i++)
                cost[set] = Math.Min(cost[set], cost[set | 1 << i]);
        }
        return cost;
    }

    private static ProtectionPolicy Random(Random random, PmpFormat format, int granules)
    {
        MpuAttributes Open(AccessRights user) => new(AccessRights.All, user, MpuMemoryType.Unspecified, false);
        // Three classes, which is what a picture has room for. One that binds M-mode is locked, and nobody's own; so is what denies everything to everybody.
        var (background, hasLock) = (random.Next(2) == 0, random.Next(4) == 0);
        var hole = background ? Open(AccessRights.None) : MpuAttributes.Deny;
        MpuAttributes[] kinds = [Open(AccessRights.ReadWrite), hasLock ? new(AccessRights.Read, AccessRights.Read, MpuMemoryType.Unspecified, false) : Open(AccessRights.Read)];
        var mine = Entries("e", random.Next(0, granules), [], isOwn: false);
        var domains = Enumerable.Range(0, random.Next(1, 4)).Select(d => new ProtectionDomain("d" + d, [.. Entries("d" + d + "e", random.Next(0, granules), mine, isOwn: true)], default));
        return new ProtectionPolicy { Entries = [.. mine], Domains = [.. domains], PrivilegedBackground = background };

        List<ProtectionEntry> Entries(string name, int count, List<ProtectionEntry> others, bool isOwn)
        {
            var made = new List<ProtectionEntry>();
            for (var tries = 0; made.Count < count && tries < 50; tries++)
            {
                var start = random.Next(granules);
                var range = new PhysRange(new PhysAddr((ulong)start * format.Granule), (ulong)random.Next(1, granules - start + 1) * format.Granule);
                if (others.Concat(made).Any(o => o.Range == range || (o.Range.Overlaps(range) && !o.Range.Contains(range) && !range.Contains(o.Range))))
                    continue;
                var attributes = (background || !isOwn) && random.Next(5) == 0 ? hole : kinds[random.Next(isOwn && hasLock ? 1 : 2)];
                made.Add(new ProtectionEntry(name + made.Count, range, attributes, "/" + name + made.Count, default));
            }
            return made;
        }
    }
}
