using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Conformance.Rules;

namespace KmemKit.Conformance.Allocators;

/// <summary>What holds for every allocator, and for one that promises more.</summary>
public static class AllocatorRules
{
    private const string Kind = "Allocators";

    /// <summary>The rules.</summary>
    public static ImmutableArray<Rule<AllocatorContext>> All { get; } =
    [
        new("allocator-inside", Kind, "Every block lies in the arena, up to its last byte, also when memory is all taken.", Inside),
        new("allocator-aligned", Kind, "Every block is aligned as promised, of every size.", Aligned),
        new("allocator-disjoint", Kind, "No byte belongs to two blocks, whatever is taken and freed in whatever order.", Disjoint),
        new("allocator-keeps-contents", Kind, "What a block's owner writes stays, whatever happens to the blocks beside it.", KeepsContents),
        new("allocator-counts", Kind, "Free memory falls by what is taken and rises by what is freed, and all of it can be taken.", Counts),
        new("allocator-all-back", Kind, "With all blocks freed, as much can be taken as at the start.", AllBack),
        new("allocator-merges", Kind, "With all blocks freed, as many of the largest can be had as at the start.", Merges),
        new("allocator-exhausts", Kind, "With no memory left a request is refused, not answered wrongly; one block back makes it possible again.", Exhausts),
        new("allocator-refuses-too-large", Kind, "A request above the largest is refused, and changes nothing.", RefusesTooLarge),
        new("allocator-zeroes", Kind, "A block that was asked for zeroed is zero in every byte, whatever was there before.", Zeroes),
        new("allocator-refuses-bad-frees", Kind, "To free what nobody has is refused, and changes nothing.", RefusesBadFrees),
        new("allocator-threads", Kind, "Threads that take and free at once never share a byte, and lose nothing.", AllocatorThreads.Check),
        new("allocator-deterministic", Kind, "The same requests to two fresh allocators get the same answers.", Deterministic),
    ];

    private static void Inside(AllocatorContext context, Proof proof)
    {
        foreach (var size in Sizes(context))
        {
            using var allocator = context.Create();
            var blocks = TakeAll(allocator, size, proof);
            foreach (var address in blocks)
            {
                proof.Expect(
                    allocator.Arena.Any(span => span.Contains(address, size)), address, $"all of a block of 0x{size:x} bytes in {string.Join(" or ", allocator.Arena)}",
                    $"[0x{address:x}, 0x{unchecked(address + size - 1):x}]");
            }
            proof.Expect(blocks.Count > 0, null, $"at least one block of 0x{size:x} bytes in a fresh allocator", "none");
        }
    }

    private static void Aligned(AllocatorContext context, Proof proof)
    {
        using var allocator = context.Create();
        var random = proof.NewRandom();
        var taken = new List<(ulong Address, ulong Size)>();
        for (var i = 0; i < proof.Budget.Steps / 2 && !proof.IsFull; i++)
        {
            if (taken.Count > 0 && random.Next(5) < 2)
            {
                var given = random.Next(taken.Count);
                allocator.Free(taken[given].Address, taken[given].Size);
                taken[given] = taken[^1];
                taken.RemoveAt(taken.Count - 1);
                continue;
            }
            var size = AllocatorLoad.RandomSize(random, allocator.Promises);
            if (allocator.Allocate(size, false) is not { } address)
                continue;
            taken.Add((address, size));
            var align = AllocatorLoad.AlignmentOf(allocator.Promises, size);
            proof.Expect((address & (align - 1)) == 0, address, $"a block of 0x{size:x} bytes aligned to 0x{align:x}", $"0x{address & (align - 1):x} above such an address");
        }
    }

    private static void Disjoint(AllocatorContext context, Proof proof)
    {
        using var allocator = context.Create();
        var load = new AllocatorLoad(allocator, proof);
        load.Run(proof.Budget.Steps);
    }

    private static void KeepsContents(AllocatorContext context, Proof proof)
    {
        using var allocator = context.Create();
        var random = proof.NewRandom();
        var rows = new List<TakenBlock>();
        // Rows of neighbours of one size; every second one goes, and comes again with other contents.
        foreach (var size in Sizes(context))
        {
            rows.Clear();
            for (var i = 0; i < 256 && allocator.Allocate(size, false) is { } address; i++)
            {
                rows.Add(new TakenBlock(address, size, (ulong)i + 1));
                BlockMarks.Write(allocator, rows[^1]);
            }
            for (var round = 0; round < 4 && !proof.IsFull; round++)
            {
                for (var i = round & 1; i < rows.Count; i += 2)
                {
                    BlockMarks.Check(allocator, rows[i], proof, "beside blocks that are freed and taken");
                    allocator.Free(rows[i].Address, size);
                }
                for (var i = round & 1; i < rows.Count; i += 2)
                {
                    if (allocator.Allocate(size, false) is not { } address)
                    {
                        proof.Fail(rows[i].Address, $"a block of 0x{size:x} bytes where as many were freed", "none");
                        return;
                    }
                    rows[i] = new TakenBlock(address, size, (ulong)random.NextInt64());
                    BlockMarks.Write(allocator, rows[i]);
                }
                foreach (var block in rows)
                {
                    if (!BlockMarks.Check(allocator, block, proof, "beside blocks that are freed and taken"))
                        return;
                }
            }
            foreach (var block in rows)
                allocator.Free(block.Address, size);
        }
    }

    private static void Counts(AllocatorContext context, Proof proof)
    {
        using var allocator = context.Create();
        if (!allocator.Promises.CountsFree)
        {
            proof.HasNothing("The allocator does not promise to count its free memory.");
            return;
        }
        var start = allocator.FreeBytes;
        if (allocator.Promises.OnlyPowersOfTwo)
        {
            for (var size = allocator.Promises.Smallest; size <= allocator.Promises.Largest; size <<= 1)
            {
                var before = allocator.FreeBytes;
                if (allocator.Allocate(size, false) is not { } address)
                    continue;
                proof.Expect(allocator.FreeBytes == before - size, address, $"0x{before - size:x} bytes free", $"0x{allocator.FreeBytes:x}");
                allocator.Free(address, size);
                proof.Expect(allocator.FreeBytes == before, address, $"0x{before:x} bytes free", $"0x{allocator.FreeBytes:x}");
            }
            var smallest = allocator.Promises.Smallest;
            var all = TakeAll(allocator, smallest, proof);
            proof.Expect((ulong)all.Count == start / smallest, null, $"{start / smallest} blocks of 0x{smallest:x} bytes in 0x{start:x} bytes that are free", $"{all.Count}");
            proof.Expect(allocator.FreeBytes == start % smallest, null, "nothing free when all is taken", $"0x{allocator.FreeBytes:x} bytes");
            return;
        }
        var load = new AllocatorLoad(allocator, proof);
        load.Run(proof.Budget.Steps / 4);
        load.GiveAll();
        proof.Expect(allocator.FreeBytes <= start, null, $"no more than the 0x{start:x} bytes of the start free", $"0x{allocator.FreeBytes:x}");
    }

    private static void AllBack(AllocatorContext context, Proof proof)
    {
        using var allocator = context.Create();
        var size = allocator.Promises.Smallest;
        var before = CountOf(allocator, size, proof);
        for (var round = 0; round < 3 && !proof.IsFull; round++)
        {
            var load = new AllocatorLoad(allocator, proof);
            load.Run(proof.Budget.Steps / 6);
            load.GiveAll();
            var after = CountOf(allocator, size, proof);
            if (!proof.Expect(after == before, null, $"{before} blocks of 0x{size:x} bytes, as at the start", $"{after}"))
                return;
        }
    }

    private static void Merges(AllocatorContext context, Proof proof)
    {
        using var allocator = context.Create();
        if (!allocator.Promises.Merges)
        {
            proof.HasNothing("The allocator does not promise that free memory joins again.");
            return;
        }
        for (var size = allocator.Promises.Largest; size > allocator.Promises.Smallest && !proof.IsFull; size >>= 2)
        {
            var before = CountOf(allocator, size, proof);
            var load = new AllocatorLoad(allocator, proof);
            load.Run(proof.Budget.Steps / 8);
            load.GiveAll();
            var after = CountOf(allocator, size, proof);
            proof.Expect(after == before, null, $"{before} blocks of 0x{size:x} bytes, as at the start", $"{after}");
        }
    }

    private static void Exhausts(AllocatorContext context, Proof proof)
    {
        foreach (var size in Sizes(context))
        {
            using var allocator = context.Create();
            var blocks = TakeAll(allocator, size, proof);
            for (var i = 0; i < 3; i++)
                proof.Expect(allocator.Allocate(size, false) is null, null, $"no block of 0x{size:x} bytes when all are taken", "one");
            for (var i = 0; i < blocks.Count; i += 1 + (blocks.Count / 16))
            {
                proof.Expect(allocator.Free(blocks[i], size), blocks[i], "a block that is taken to be freed", "a refusal");
                var again = allocator.Allocate(size, false);
                if (proof.Expect(again is not null, blocks[i], $"a block of 0x{size:x} bytes when one was freed", "none"))
                    blocks[i] = again!.Value;
            }
        }
    }

    private static void RefusesTooLarge(AllocatorContext context, Proof proof)
    {
        using var allocator = context.Create();
        var promises = allocator.Promises;
        var capacity = CountOf(allocator, promises.Smallest, proof);
        ulong[] sizes = promises.OnlyPowersOfTwo ? [promises.Largest * 2, promises.Largest * 4] : [promises.Largest + 1, promises.Largest * 2, ulong.MaxValue - 15, ulong.MaxValue];
        foreach (var size in sizes)
            proof.Expect(allocator.Allocate(size, false) is null, null, $"no block of 0x{size:x} bytes where the largest has 0x{promises.Largest:x}", "one");
        var after = CountOf(allocator, promises.Smallest, proof);
        proof.Expect(after == capacity, null, $"{capacity} of the smallest blocks, as before", $"{after}");
    }

    private static void Zeroes(AllocatorContext context, Proof proof)
    {
        using var allocator = context.Create();
        if (!allocator.Promises.Zeroes)
        {
            proof.HasNothing("The allocator does not promise to zero.");
            return;
        }
        var dirt = new byte[4096];
        Array.Fill(dirt, (byte)0xa5);
        foreach (var size in Sizes(context))
        {
            var blocks = Enumerable.Range(0, 64).Select(_ => allocator.Allocate(size, false)).Where(a => a is not null).Select(a => a!.Value).ToList();
            foreach (var address in blocks)
                ForEachPart(address, size, dirt.Length, (at, length) => allocator.Write(at, dirt.AsSpan(0, length)));
            foreach (var address in blocks)
                allocator.Free(address, size);
            var part = new byte[dirt.Length];
            for (var i = 0; i < blocks.Count; i++)
            {
                if (allocator.Allocate(size, true) is not { } address)
                    break;
                ForEachPart(address, size, part.Length, (at, length) =>
                {
                    allocator.Read(at, part.AsSpan(0, length));
                    var first = part.AsSpan(0, length).IndexOfAnyExcept((byte)0);
                    proof.Expect(first < 0, at + (ulong)Math.Max(0, first), "0 in a block that was asked for zeroed", first < 0 ? "" : $"0x{part[first]:x2}");
                });
            }
        }
    }

    private static void RefusesBadFrees(AllocatorContext context, Proof proof)
    {
        using var allocator = context.Create();
        if (!allocator.Promises.RefusesBadFrees)
        {
            proof.HasNothing("The allocator does not promise to refuse bad frees.");
            return;
        }
        var promises = allocator.Promises;
        var capacity = CountOf(allocator, promises.Smallest, proof);
        var size = promises.OnlyPowersOfTwo && promises.Largest >= 4 * promises.Smallest ? 4 * promises.Smallest : Math.Max(promises.Smallest, promises.Alignment * 4);
        if (allocator.Allocate(size, false) is not { } address)
        {
            proof.Fail(null, $"a block of 0x{size:x} bytes", "none");
            return;
        }
        proof.Expect(!allocator.Free(address + (size / 2), size / 2), address + (size / 2), "a refusal to free half of a block", "success");
        proof.Expect(!allocator.Free(allocator.Arena[^1].Last + 1, size), allocator.Arena[^1].Last + 1, "a refusal to free what is behind the arena", "success");
        proof.Expect(allocator.Free(address, size), address, "a block that is taken to be freed", "a refusal");
        proof.Expect(!allocator.Free(address, size), address, "a refusal to free a block a second time", "success");
        var after = CountOf(allocator, promises.Smallest, proof);
        proof.Expect(after == capacity, null, $"{capacity} of the smallest blocks, as before", $"{after}");
    }

    private static void Deterministic(AllocatorContext context, Proof proof)
    {
        var runs = new List<List<(ulong?, ulong)>>();
        for (var i = 0; i < 2; i++)
        {
            using var allocator = context.Create();
            if (!allocator.Promises.IsDeterministic)
            {
                proof.HasNothing("The allocator does not promise the same answers at every run.");
                return;
            }
            var answers = new List<(ulong?, ulong)>();
            runs.Add(answers);
            var start = allocator.Arena[0].Start;
            // Its own facts are other rules' to judge.
            var load = new AllocatorLoad(allocator, new Proof(proof.Subject, proof.Rule, proof.Seed, proof.Budget)) { Answered = (a, size) => answers.Add((a - start, size)) };
            load.Run(proof.Budget.Steps / 8);
        }
        var differs = Enumerable.Range(0, Math.Min(runs[0].Count, runs[1].Count)).FirstOrDefault(i => runs[0][i] != runs[1][i], -1);
        proof.Count(runs[0].Count);
        proof.Expect(differs < 0 && runs[0].Count == runs[1].Count, null, differs < 0 ? $"{runs[0].Count} answers" : $"{runs[0][differs]} as answer {differs}",
            differs < 0 ? $"{runs[1].Count}" : $"{runs[1][differs]}");
    }

    internal static List<ulong> Sizes(AllocatorContext context)
    {
        using var allocator = context.Create();
        var promises = allocator.Promises;
        ulong[] sizes = promises.OnlyPowersOfTwo
            ? [promises.Smallest, Math.Min(promises.Largest, promises.Smallest * 8), promises.Largest]
            : [.. new ulong[] { promises.Smallest, 24, 200, 4096, promises.Largest }.Where(s => s >= promises.Smallest && s <= promises.Largest)];
        return [.. sizes.Distinct()];
    }

    /// <summary>Takes blocks until there are none; an allocator that never ends is stopped where it must have given out something twice.</summary>
    internal static List<ulong> TakeAll(IAllocatorSubject allocator, ulong size, Proof proof)
    {
        var most = allocator.Arena.Aggregate(0UL, (sum, span) => sum + (span.Size / size)) + 1;
        var blocks = new List<ulong>();
        while ((ulong)blocks.Count <= most && allocator.Allocate(size, false) is { } address)
            blocks.Add(address);
        if ((ulong)blocks.Count > most)
            proof.Fail(blocks[^1], $"at most {most} blocks of 0x{size:x} bytes in {string.Join(" and ", allocator.Arena)}", "more");
        return blocks;
    }

    private static int CountOf(IAllocatorSubject allocator, ulong size, Proof proof)
    {
        var blocks = TakeAll(allocator, size, proof);
        for (var i = blocks.Count - 1; i >= 0; i--)
            allocator.Free(blocks[i], size);
        return blocks.Count;
    }

    private static void ForEachPart(ulong address, ulong size, int most, Action<ulong, int> visit)
    {
        for (var done = 0UL; done < size; done += (ulong)most)
            visit(address + done, (int)Math.Min(size - done, (ulong)most));
    }
}
