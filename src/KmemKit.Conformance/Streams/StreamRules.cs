using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Streams;
using KmemKit.Conformance.Rules;

namespace KmemKit.Conformance.Streams;

/// <summary>What the rules of SMMUs look at.</summary>
/// <param name="Subject">The SMMU, programmed.</param>
/// <param name="Map">What it has to say.</param>
public sealed record SmmuContext(IStreamSubject Subject, StreamMap Map);

/// <summary>What holds for every SMMU: each stream reaches what its master is given, and nothing else; a stream of nobody's reaches nothing.</summary>
/// <remarks>The first and the last stream of a row of streams are asked about everything; streams between them are drawn, and asked about the ends of each grant.</remarks>
public static class StreamRules
{
    private const string Kind = "Smmu";

    /// <summary>The rules.</summary>
    public static ImmutableArray<Rule<SmmuContext>> All { get; } =
    [
        new("smmu-grants", Kind, "Every stream of a master reaches all memory that the master is given, at both ends of each grant and wherever drawn.", Grants),
        new("smmu-access", Kind, "A device may read and write what it is given exactly as it is given.", Access),
        new("smmu-nothing-more", Kind, "Beside its grants, around each power of two and wherever drawn, a stream reaches nothing.", NothingMore),
        new("smmu-apart", Kind, "At the device addresses of other masters, and at the addresses of their memory and of all RAM, a stream reaches what its own master is given or nothing.", Apart),
        new("smmu-nobody", Kind, "A stream that belongs to no master, or to one that is given nothing, reaches nothing.", Nobody),
    ];

    private static void Grants(SmmuContext context, Proof proof) => ForEachStream(context, proof, (master, stream, isEnd, random) =>
    {
        foreach (var grant in master.Grants)
        {
            foreach (var address in Inside(grant, isEnd ? proof.Budget.Samples / 16 : 0, random))
            {
                var (expected, found) = (context.Map.At(stream, address)!.Value, context.Subject.Reach(stream, address));
                proof.Expect(found?.Address == expected.Address, address, $"{Who(stream, master)} to reach {grant.Name} at 0x{expected.Address:x}", $"{Where(found)}", grant.Place);
            }
        }
        if (!master.PassesThrough)
            return;
        foreach (var address in context.Map.Ram.SelectMany(r => new[] { r.Start.Value, r.End.Last }))
        {
            var found = context.Subject.Reach(stream, address);
            proof.Expect(found?.Address == address, address, $"{Who(stream, master)} to pass through", $"{Where(found)}", master.Place);
        }
    });

    private static void Access(SmmuContext context, Proof proof) => ForEachStream(context, proof, (master, stream, isEnd, random) =>
    {
        foreach (var grant in master.Grants)
        {
            foreach (var address in Inside(grant, isEnd ? proof.Budget.Samples / 16 : 0, random))
            {
                if (context.Subject.Reach(stream, address) is { } found)
                    proof.Expect(found.Access == grant.Access, address, $"{Who(stream, master)} to have \"{grant.Access.ToText()}\" on {grant.Name}", $"\"{found.Access.ToText()}\"", grant.Place);
            }
        }
    });

    private static void NothingMore(SmmuContext context, Proof proof) => ForEachStream(context, proof, (master, stream, isEnd, random) =>
    {
        if (master.PassesThrough)
            return;
        foreach (var grant in master.Grants)
        {
            foreach (var address in Beside(grant.Iova.Value, grant.LastIova, context.Map.PageSize))
                Exactly(context, proof, master, stream, address, grant.Place);
        }
        if (!isEnd)
            return;
        for (var bit = System.Numerics.BitOperations.Log2(context.Map.PageSize); bit < 64; bit++)
        {
            Exactly(context, proof, master, stream, (1UL << bit) - 1, master.Place);
            Exactly(context, proof, master, stream, 1UL << bit, master.Place);
            // Where an address that is cut off somewhere would land in a grant.
            foreach (var grant in master.Grants)
                Exactly(context, proof, master, stream, grant.Iova.Value ^ (1UL << bit), grant.Place);
        }
        Exactly(context, proof, master, stream, ulong.MaxValue, master.Place);
        for (var i = 0; i < proof.Budget.Samples / 4; i++)
            Exactly(context, proof, master, stream, Any(random) >> random.Next(40), master.Place);
    });

    private static void Apart(SmmuContext context, Proof proof) => ForEachStream(context, proof, (master, stream, _, _) =>
    {
        if (master.PassesThrough)
            return;
        foreach (var grant in context.Map.Masters.SelectMany(m => m.Grants))
        {
            Exactly(context, proof, master, stream, grant.Iova.Value, grant.Place);
            Exactly(context, proof, master, stream, grant.LastIova, grant.Place);
            Exactly(context, proof, master, stream, grant.Phys.Start.Value, grant.Place);
            Exactly(context, proof, master, stream, grant.Phys.End.Last, grant.Place);
        }
        foreach (var ram in context.Map.Ram)
        {
            Exactly(context, proof, master, stream, ram.Start.Value, master.Place);
            Exactly(context, proof, master, stream, ram.End.Last, master.Place);
        }
    });

    private static void Nobody(SmmuContext context, Proof proof)
    {
        var map = context.Map;
        var random = proof.NewRandom();
        var streams = new SortedSet<uint> { 0, map.LastStream };
        foreach (var row in map.Masters.SelectMany(m => m.Streams))
        {
            streams.UnionWith([unchecked(row.First - 1), unchecked(row.Last + 1), unchecked((row.First | row.Mask) + 1), row.First, row.Last]);
            // A StreamID that is cut off somewhere.
            for (var bit = 0; bit < map.StreamIdBits; bit++)
                streams.Add(row.First ^ (1U << bit));
        }
        for (var i = 0; i < proof.Budget.Samples; i++)
            streams.Add((uint)(Any(random) & map.LastStream));
        // A table has an entry for each StreamID up to the highest one and the next power of two: all of them, as long as there is budget for it.
        var highest = map.Masters.SelectMany(m => m.Streams).Select(s => (ulong)(s.Last | s.Mask)).DefaultIfEmpty().Max();
        var all = Math.Min(2UL << System.Numerics.BitOperations.Log2(highest | 1), (ulong)proof.Budget.Samples * 4);
        for (var stream = 0UL; stream < all; stream++)
            streams.Add((uint)stream);
        var addresses = map.Masters.SelectMany(m => m.Grants).SelectMany(g => new[] { g.Iova.Value, g.Phys.Start.Value }).Concat(map.Ram.Select(r => r.Start.Value)).Append(0UL).Distinct().ToList();
        foreach (var stream in streams.Where(s => s <= map.LastStream))
        {
            var owner = map.MasterOf(stream);
            if (owner is { HasSomething: true })
                continue;
            var who = owner is null ? $"stream 0x{stream:x}, which is nobody's" : $"stream 0x{stream:x} of {owner.Name}, which is given nothing";
            foreach (var address in addresses)
            {
                if (proof.IsFull)
                    return;
                var found = context.Subject.Reach(stream, address);
                proof.Expect(found is null, address, $"{who}, to reach nothing", $"{Where(found)}", owner?.Place ?? Nearest(map, stream));
            }
        }
        if (proof.Checked == 0)
            proof.HasNothing("Every stream is a master's that is given something.");
    }

    private static void Exactly(SmmuContext context, Proof proof, StreamMaster master, uint stream, ulong address, string place)
    {
        var (expected, found) = (context.Map.At(stream, address), context.Subject.Reach(stream, address));
        var holds = found?.Address == expected?.Address;
        proof.Expect(holds, address, $"{Who(stream, master)} to reach {(expected is { } reach ? $"0x{reach.Address:x}" : "nothing")}", $"{Where(found)}", holds ? "" : place);
    }

    private static void ForEachStream(SmmuContext context, Proof proof, Action<StreamMaster, uint, bool, Random> look)
    {
        var random = proof.NewRandom();
        foreach (var master in context.Map.Masters.Where(m => m.HasSomething))
        {
            foreach (var (stream, isEnd) in StreamsOf(master, proof.Budget.Samples / 16, random).DistinctBy(s => s.Stream))
            {
                if (proof.IsFull)
                    return;
                // A stream of several masters is looked at once.
                if (context.Map.MasterOf(stream) == master)
                    look(master, stream, isEnd, random);
            }
        }
        if (proof.Checked == 0)
            proof.HasNothing("No master is given anything.");
    }

    private static IEnumerable<(uint Stream, bool IsEnd)> StreamsOf(StreamMaster master, int samples, Random random)
    {
        foreach (var row in master.Streams)
        {
            yield return (row.First, true);
            yield return (row.Mask == 0 ? row.Last : row.First | row.Mask, true);
            for (var i = 0; i < samples && (row.Count > 2 || row.Mask != 0); i++)
                yield return (row.Mask == 0 ? (uint)(row.First + (Any(random) % row.Count)) : row.First ^ (uint)(Any(random) & row.Mask), false);
        }
    }

    private static IEnumerable<ulong> Inside(StreamGrant grant, int samples, Random random)
    {
        yield return grant.Iova.Value;
        yield return grant.LastIova;
        for (var i = 0; i < samples; i++)
            yield return grant.Iova.Value + (grant.Span == ulong.MaxValue ? Any(random) : Any(random) % (grant.Span + 1));
    }

    private static IEnumerable<ulong> Beside(ulong first, ulong last, ulong page) =>
        [unchecked(first - 1), unchecked(first - page), unchecked(last + 1), unchecked(last + page)];

    private static ulong Any(Random random) => unchecked((ulong)random.NextInt64() ^ ((ulong)random.NextInt64() << 1));

    // The line of the streams that come before it, as there is none of its own.
    private static string Nearest(StreamMap map, uint stream) =>
        map.Masters.Where(m => m.Streams.Any(s => s.First <= stream)).OrderBy(m => m.Streams.Where(s => s.First <= stream).Max(s => s.First)).LastOrDefault()?.Place ?? map.Masters.FirstOrDefault()?.Place ?? "";

    private static string Who(uint stream, StreamMaster master) => $"stream 0x{stream:x} of {master.Name}";

    private static string Where(StreamReach? reach) => reach is { } found ? found.ToString() : "nothing";
}
