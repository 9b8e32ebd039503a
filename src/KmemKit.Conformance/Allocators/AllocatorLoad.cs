using System;
using System.Collections.Generic;
using System.Linq;
using KmemKit.Conformance.Rules;

namespace KmemKit.Conformance.Allocators;

/// <summary>A random load on an allocator, with every answer held against <see cref="BlockMap"/> and every block marked.</summary>
internal sealed class AllocatorLoad(IAllocatorSubject allocator, Proof proof)
{
    private readonly Random _random = proof.NewRandom();
    private readonly List<TakenBlock> _taken = [];
    private readonly BlockMap _map = new();
    private ulong _mark;

    /// <summary>Bytes of requests that are taken, as the allocator counts them where requests are powers of two.</summary>
    public ulong TakenBytes { get; private set; }

    /// <summary>Called with each answer; null where it was refused.</summary>
    public Action<ulong?, ulong>? Answered { get; set; }

    /// <summary>Takes and gives in turns of growing and shrinking until memory has been short, and more.</summary>
    public void Run(int steps)
    {
        var grows = true;
        for (var step = 0; step < steps && !proof.IsFull; step++)
        {
            if (step % 512 == 0)
                grows = _random.Next(3) != 0;
            var takes = _random.Next(8) < (grows ? 6 : 2);
            if (takes || _taken.Count == 0)
            {
                if (!Take(RandomSize()) && _taken.Count > 0)
                    grows = false;
            }
            else
            {
                Give(_random.Next(_taken.Count));
            }
        }
    }

    /// <summary>Gives everything back, in random order.</summary>
    public void GiveAll()
    {
        while (_taken.Count > 0 && !proof.IsFull)
            Give(_random.Next(_taken.Count));
    }

    public bool Take(ulong bytes, bool zeroed = false)
    {
        var before = allocator.Promises.CountsFree ? allocator.FreeBytes : 0;
        var answer = allocator.Allocate(bytes, zeroed);
        Answered?.Invoke(answer, bytes);
        if (answer is not { } address)
        {
            if (allocator.Promises.CountsFree)
                proof.Expect(allocator.FreeBytes == before, null, $"0x{before:x} bytes free behind a request that was refused", $"0x{allocator.FreeBytes:x}");
            return false;
        }
        if (!Judge(address, bytes))
            return false;
        var block = new TakenBlock(address, bytes, ++_mark);
        _map.Add(block);
        _taken.Add(block);
        TakenBytes += bytes;
        BlockMarks.Write(allocator, block);
        if (allocator.Promises is { CountsFree: true, OnlyPowersOfTwo: true })
            proof.Expect(allocator.FreeBytes == before - bytes, address, $"0x{before - bytes:x} bytes free with 0x{bytes:x} more taken", $"0x{allocator.FreeBytes:x}");
        return true;
    }

    private void Give(int index)
    {
        var block = _taken[index];
        _taken[index] = _taken[^1];
        _taken.RemoveAt(_taken.Count - 1);
        BlockMarks.Check(allocator, block, proof, "before it is freed");
        _map.Remove(block);
        TakenBytes -= block.Bytes;
        var before = allocator.Promises.CountsFree ? allocator.FreeBytes : 0;
        proof.Expect(allocator.Free(block.Address, block.Bytes), block.Address, $"a block of 0x{block.Bytes:x} bytes that is taken to be freed", "a refusal");
        if (allocator.Promises is { CountsFree: true, OnlyPowersOfTwo: true })
            proof.Expect(allocator.FreeBytes == before + block.Bytes, block.Address, $"0x{before + block.Bytes:x} bytes free with 0x{block.Bytes:x} back", $"0x{allocator.FreeBytes:x}");
    }

    // One rule each: in the arena, aligned, nobody else's.
    private bool Judge(ulong address, ulong bytes)
    {
        var promises = allocator.Promises;
        var inside = allocator.Arena.Any(span => span.Contains(address, bytes));
        proof.Expect(inside, address, $"all of a block of 0x{bytes:x} bytes in {string.Join(" or ", allocator.Arena)}", $"[0x{address:x}, 0x{unchecked(address + bytes - 1):x}]");
        if (!inside)
            return false;
        var align = AlignmentOf(promises, bytes);
        proof.Expect((address & (align - 1)) == 0, address, $"a block of 0x{bytes:x} bytes aligned to 0x{align:x}", $"0x{address & (align - 1):x} above such an address");
        if (_map.Overlapping(address, bytes) is not { } other)
        {
            proof.Count();
            return true;
        }
        proof.Fail(address, $"a block of 0x{bytes:x} bytes that nobody has", $"[0x{other.Address:x}, 0x{other.Last:x}] taken");
        return false;
    }

    public ulong RandomSize() => RandomSize(_random, allocator.Promises);

    /// <summary>Small ones often, the largest now and then.</summary>
    public static ulong RandomSize(Random random, AllocatorPromises promises)
    {
        var orders = System.Numerics.BitOperations.Log2(promises.Largest) - System.Numerics.BitOperations.Log2(promises.Smallest);
        var order = Math.Min(random.Next(orders + 1), random.Next(orders + 1));
        var size = promises.Smallest << order;
        return promises.OnlyPowersOfTwo ? size : Math.Min(promises.Largest, size + (ulong)random.NextInt64((long)size));
    }

    public static ulong AlignmentOf(AllocatorPromises promises, ulong bytes) =>
        promises.AlignsToSize && System.Numerics.BitOperations.IsPow2(bytes) ? Math.Max(bytes, promises.Alignment) : promises.Alignment;
}
