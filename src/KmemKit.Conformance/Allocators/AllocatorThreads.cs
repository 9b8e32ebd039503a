using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using KmemKit.Conformance.Rules;

namespace KmemKit.Conformance.Allocators;

/// <summary>The rule for allocators that several threads use at once.</summary>
/// <remarks>
/// Every thread claims each unit of its blocks in a table that all share, and gives it up before it frees the block: a unit that is claimed twice was given out
/// twice. Blocks are marked as well, for what is written without being given out.
/// </remarks>
internal static class AllocatorThreads
{
    private sealed class Shared(IAllocatorSubject allocator, Proof proof)
    {
        public readonly IAllocatorSubject Allocator = allocator;
        public readonly ConcurrentDictionary<ulong, int> Owners = new();
        public readonly ConcurrentQueue<(ulong? Address, string Expected, string Found)> Faults = new();
        public readonly Proof Proof = proof;
        public long Facts;
    }

    public static void Check(AllocatorContext context, Proof proof)
    {
        using var allocator = context.Create();
        if (!allocator.Promises.IsThreadSafe)
        {
            proof.HasNothing("The allocator does not promise to be thread-safe.");
            return;
        }
        var before = AllocatorRules.TakeAll(allocator, allocator.Promises.Largest, proof);
        foreach (var block in before)
            allocator.Free(block, allocator.Promises.Largest);
        var free = allocator.Promises.CountsFree ? allocator.FreeBytes : 0;
        var shared = new Shared(allocator, proof);
        var threads = Enumerable.Range(0, Math.Max(2, proof.Budget.Threads)).Select(i => new Thread(() => Work(shared, i))).ToList();
        threads.ForEach(t => t.Start());
        threads.ForEach(t => t.Join());
        proof.Count(shared.Facts);
        foreach (var (address, expected, found) in shared.Faults)
            proof.Fail(address, expected, found);
        if (allocator.Promises is { CountsFree: true, OnlyPowersOfTwo: true })
            proof.Expect(allocator.FreeBytes == free, null, $"0x{free:x} bytes free when all threads have given back what they took", $"0x{allocator.FreeBytes:x}");
        if (allocator.Promises.Merges)
        {
            var after = AllocatorRules.TakeAll(allocator, allocator.Promises.Largest, proof);
            proof.Expect(after.Count == before.Count, null, $"{before.Count} of the largest blocks when all threads have given back what they took", $"{after.Count}");
        }
    }

    private static void Work(Shared shared, int thread)
    {
        try
        {
            var random = new Random(shared.Proof.Seed + (7919 * (thread + 1)));
            var taken = new List<TakenBlock>();
            var steps = shared.Proof.Budget.Steps / 4;
            for (var step = 0; step < steps && shared.Faults.IsEmpty; step++)
            {
                if (taken.Count == 0 || (random.Next(2) == 0 && taken.Count < 64))
                    Take(shared, random, taken, thread, step);
                else
                    Give(shared, taken, random.Next(taken.Count));
            }
            while (taken.Count > 0 && shared.Faults.IsEmpty)
                Give(shared, taken, taken.Count - 1);
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            shared.Faults.Enqueue((null, "an answer", $"{exception.GetType().Name} on a thread: {exception.Message}"));
        }
    }

    private static void Take(Shared shared, Random random, List<TakenBlock> taken, int thread, int step)
    {
        var promises = shared.Allocator.Promises;
        var size = Math.Min(AllocatorLoad.RandomSize(random, promises), promises.Smallest * 64);
        if (shared.Allocator.Allocate(size, false) is not { } address)
            return;
        if (!shared.Allocator.Arena.Any(s => s.Contains(address, size)))
        {
            shared.Faults.Enqueue((address, $"all of a block of 0x{size:x} bytes in the arena", $"[0x{address:x}, 0x{unchecked(address + size - 1):x}]"));
            return;
        }
        var unit = promises.Smallest;
        for (var at = address; at - address < size; at += unit)
        {
            if (!shared.Owners.TryAdd(at / unit, thread))
            {
                shared.Faults.Enqueue((at, $"a block of 0x{size:x} bytes that nobody has", "one of another thread"));
                return;
            }
        }
        var block = new TakenBlock(address, size, ((ulong)thread << 32) | (uint)step);
        taken.Add(block);
        BlockMarks.Write(shared.Allocator, block);
        Interlocked.Increment(ref shared.Facts);
    }

    private static void Give(Shared shared, List<TakenBlock> taken, int index)
    {
        var block = taken[index];
        taken[index] = taken[^1];
        taken.RemoveAt(taken.Count - 1);
        var own = new Proof(shared.Proof.Subject, shared.Proof.Rule, shared.Proof.Seed, shared.Proof.Budget);
        if (!BlockMarks.Check(shared.Allocator, block, own, "that one thread has"))
            shared.Faults.Enqueue((own.Findings[0].Address, own.Findings[0].Expected, own.Findings[0].Found));
        for (var at = block.Address; at - block.Address < block.Bytes; at += shared.Allocator.Promises.Smallest)
            shared.Owners.TryRemove(at / shared.Allocator.Promises.Smallest, out _);
        if (!shared.Allocator.Free(block.Address, block.Bytes))
            shared.Faults.Enqueue((block.Address, "a block that is taken to be freed", "a refusal"));
        Interlocked.Increment(ref shared.Facts);
    }
}
