using System;
using System.Collections.Generic;
using System.Linq;
using KmemKit.Conformance.Allocators;
using NUnit.Framework;

namespace KmemKit.Conformance.Tests.Allocators;

/// <summary>The model of taken blocks, against one byte a block.</summary>
internal sealed class BlockMapTests
{
    [Test]
    public void Blocks_that_share_a_byte_are_found_and_no_others()
    {
        var map = new BlockMap();
        map.Add(new TakenBlock(0x1000, 0x100, 1));
        map.Add(new TakenBlock(0x1100, 0x10, 2));
        Assert.That(new (ulong, ulong)[] { (0xfff, 1), (0xfff, 2), (0x10ff, 1), (0x10ff, 2), (0x110f, 1), (0x1110, 1), (0, 0x10000) }.Select(b => map.Overlapping(b.Item1, b.Item2)?.Mark),
            Is.EqualTo(new ulong?[] { null, 1, 1, 2, 2, null, 2 }));
        Assert.That(() => map.Add(new TakenBlock(0x1000, 1, 3)), Throws.InvalidOperationException);
        map.Remove(new TakenBlock(0x1000, 0x100, 1));
        Assert.That((map.Count, map.Overlapping(0x1000, 0x100)), Is.EqualTo((1, (TakenBlock?)null)));
    }

    [Test]
    public void It_agrees_with_a_byte_each()
    {
        var (random, map, owner, blocks) = (new Random(5), new BlockMap(), new int[512], new List<TakenBlock>());
        for (var step = 1; step < 2000; step++)
        {
            var (at, size) = (random.Next(500), random.Next(1, 13));
            var expected = owner.AsSpan(at, size).ContainsAnyExcept(0);
            Assert.That(map.Overlapping((ulong)at, (ulong)size) is not null, Is.EqualTo(expected), $"step {step}");
            if (!expected)
            {
                blocks.Add(new TakenBlock((ulong)at, (ulong)size, 0));
                map.Add(blocks[^1]);
                owner.AsSpan(at, size).Fill(step);
            }
            else if (random.Next(3) == 0)
            {
                var gone = blocks[random.Next(blocks.Count)];
                blocks.Remove(gone);
                map.Remove(gone);
                owner.AsSpan((int)gone.Address, (int)gone.Bytes).Clear();
            }
            Assert.That(map.Count, Is.EqualTo(blocks.Count));
        }
    }
}
