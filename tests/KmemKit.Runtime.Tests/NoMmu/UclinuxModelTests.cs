using System;
using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Runtime.Memory;
using KmemKit.Runtime.Uclinux;
using NUnit.Framework;
using static KmemKit.Runtime.Tests.Harness.Sizes;

namespace KmemKit.Runtime.Tests.NoMmu;

/// <summary>
/// The allocators against a plain map of frames, in which each frame is free or belongs to blocks of known place and size. The blocks' contents are a second
/// witness: what two blocks shared would be overwritten. Replay: <c>dotnet test -- TestRunParameters.Parameter(name="seed",value="1")</c>.
/// </summary>
public sealed class UclinuxModelTests
{
    private const ulong Size = M;

    [Test]
    public void Any_sequence_of_operations_keeps_blocks_apart_and_places_them_by_the_rules(
        [Values] bool kmalloc2, [Values(0UL, (1UL << 40) + (3 * 4096))] ulong start, [Range(0, 2)] int run)
    {
        var seed = TestContext.Parameters.Get("seed", 24) + run;
        TestContext.Out.WriteLine($"seed {seed}");
        var random = new Random(seed);
        using var memory = PhysicalMemory.Create([Range(start, start + Size)]);
        IUclinuxAllocator allocator = kmalloc2 ? new Kmalloc2Allocator(memory, Range(start, start + Size)) : new PowerOfTwoAllocator(memory, Range(start, start + Size));
        var model = new Dictionary<ulong, (ulong Bytes, uint Mark)>();
        for (var step = 0; step < 6000; step++)
        {
            var what = $"seed {seed}, step {step}";
            // Fills up, then empties, in turn.
            if (random.Next(100) < (step / 1500 % 2 == 0 ? 60 : 40))
                Allocate(memory, allocator, kmalloc2, model, Bytes(random), (uint)random.Next(), what);
            else if (model.Count > 0)
                FreeOne(memory, allocator, model, model.Keys.ElementAt(random.Next(model.Count)), what);
            if (step % 64 == 0)
                CheckFrames(allocator, model, what);
        }
        foreach (var block in model.Keys.ToArray())
            FreeOne(memory, allocator, model, block, "at the end");
        Assert.That((allocator.Pool.FreeFrames, allocator.Pool.LargestFreeRun()), Is.EqualTo((allocator.Pool.FrameCount, allocator.Pool.FrameCount)));
    }

    private static ulong Bytes(Random random) => random.Next(10) switch
    {
        < 6 => (ulong)random.Next(1, 2500),
        < 9 => (ulong)random.Next(2049, 20_000),
        _ => (ulong)random.Next(8000, 200_000),
    };

    private static void Allocate(
        PhysicalMemory memory, IUclinuxAllocator allocator, bool kmalloc2, Dictionary<ulong, (ulong Bytes, uint Mark)> model, ulong bytes, uint mark, string what)
    {
        var free = FreeFrames(allocator, model);
        var got = allocator.Alloc(bytes);
        var size = bytes <= 2048 ? Math.Max(32, PowerAbove(bytes)) : kmalloc2 ? (bytes + 4095) / 4096 * 4096 : PowerAbove(bytes);
        if (bytes > 2048)
            Assert.That(got?.Value, Is.EqualTo(kmalloc2 ? Kmalloc2Place(allocator.Pool, free, size, bytes) : BuddyPlace(allocator.Pool, free, size)), $"{what}: {bytes} bytes");
        else if (got is null)
            Assert.That(free.Any(f => f), Is.False, $"{what}: {bytes} bytes refused");
        if (got is not { } block)
            return;
        Assert.That(allocator.SizeOf(block), Is.EqualTo(size), what);
        Assert.That(block.Value % Math.Min(size, 4096), Is.Zero, what);
        Assert.That(model.TryAdd(block.Value, (bytes, mark)), what);
        memory.WriteUInt32(block, mark);
        memory.WriteUInt32(block + (size - 4), mark);
    }

    private static void FreeOne(PhysicalMemory memory, IUclinuxAllocator allocator, Dictionary<ulong, (ulong Bytes, uint Mark)> model, ulong block, string what)
    {
        model.Remove(block, out var entry);
        var at = new PhysAddr(block);
        Assert.That(memory.ReadUInt32(at), Is.EqualTo(entry.Mark), what);
        Assert.That(memory.ReadUInt32(at + (allocator.SizeOf(at) - 4)), Is.EqualTo(entry.Mark), what);
        allocator.Free(at);
        Assert.That(() => allocator.Free(at), Throws.TypeOf<UclinuxFreeException>(), what);
    }

    private static ulong PowerAbove(ulong bytes)
    {
        var power = 1UL;
        while (power < bytes)
            power *= 2;
        return power;
    }

    private static bool[] FreeFrames(IUclinuxAllocator allocator, Dictionary<ulong, (ulong Bytes, uint Mark)> model)
    {
        var pool = allocator.Pool;
        var free = new bool[pool.FrameCount];
        Array.Fill(free, true);
        foreach (var (block, entry) in model)
        {
            for (var at = block & ~4095UL; at < block + allocator.RoundedSize(entry.Bytes); at += 4096)
                free[(at - pool.FirstFrame.Value) / 4096] = false;
        }
        return free;
    }

    private static ulong? Kmalloc2Place(FramePool pool, bool[] free, ulong size, ulong bytes)
    {
        var count = (int)(size / 4096);
        var places = Enumerable.Range(0, Math.Max(0, free.Length - count + 1)).Where(p => free.AsSpan(p, count).IndexOf(false) < 0).ToList();
        return places.Count == 0 ? null : pool.FirstFrame.Value + ((ulong)(bytes <= 8192 ? places[0] : places[^1]) * 4096);
    }

    // Of the aligned places, the one in the smallest wholly free aligned block around it.
    private static ulong? BuddyPlace(FramePool pool, bool[] free, ulong size)
    {
        var first = pool.FirstFrame.Value / 4096;
        var count = size / 4096;
        (ulong Around, ulong Place)? best = null;
        for (var number = (first + count - 1) / count * count; number + count <= first + (ulong)free.Length; number += count)
        {
            if (!IsFree(first, free, number, count))
                continue;
            var around = count;
            while (around < 1024 && IsFree(first, free, number / (around * 2) * (around * 2), around * 2))
                around *= 2;
            if (best is null || around < best.Value.Around)
                best = (around, number);
        }
        return best?.Place * 4096;
    }

    private static bool IsFree(ulong first, bool[] free, ulong number, ulong count) =>
        number >= first && number + count <= first + (ulong)free.Length && free.AsSpan((int)(number - first), (int)count).IndexOf(false) < 0;

    private static void CheckFrames(IUclinuxAllocator allocator, Dictionary<ulong, (ulong Bytes, uint Mark)> model, string what)
    {
        var free = FreeFrames(allocator, model);
        Assert.That(Enumerable.Range(0, free.Length).Select(f => !allocator.Pool.IsTaken(f)), Is.EqualTo(free), what);
        Assert.That(allocator.Pool.FreeFrames, Is.EqualTo(free.Count(f => f)), what);
        int largest = 0, run = 0;
        foreach (var f in free)
            largest = Math.Max(largest, run = f ? run + 1 : 0);
        Assert.That(allocator.Pool.LargestFreeRun(), Is.EqualTo(largest), what);
    }
}
