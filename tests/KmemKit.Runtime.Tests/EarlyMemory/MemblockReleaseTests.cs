using System;
using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Runtime.Memblock;
using NUnit.Framework;
using static KmemKit.Runtime.Tests.Harness.Sizes;

namespace KmemKit.Runtime.Tests.EarlyMemory;

using Memblock = KmemKit.Runtime.Memblock.Memblock;

/// <summary>What the page allocator gets.</summary>
public sealed class MemblockReleaseTests
{
    private readonly List<(ulong Frame, int Order)> _released = [];

    private void Take(PageFrame frame, int order) => _released.Add((frame.Number, order));

    [SetUp]
    public void Forget() => _released.Clear();

    //  pages | 0 | 1 | 2   3 | 4   5   6   7 | 8   9 | 10 |
    [Test]
    public void Blocks_are_as_large_as_their_address_and_the_range_allow()
    {
        var memblock = new Memblock();
        memblock.Add(At(4 * K), 40 * K);
        var result = memblock.ReleaseAll(10, Take);
        Assert.That(_released, Is.EqualTo(new[] { (1UL, 0), (2UL, 1), (4UL, 2), (8UL, 1), (10UL, 0) }));
        Assert.That(result, Is.EqualTo(new MemblockRelease(10, 0)));
    }

    [Test]
    public void A_block_at_frame_0_is_as_large_as_the_allocator_takes()
    {
        var memblock = new Memblock();
        memblock.Add(At(0), 8 * M);
        memblock.ReleaseAll(10, Take);
        Assert.That(_released, Is.EqualTo(new[] { (0UL, 10), (1024UL, 10) }));
    }

    [Test]
    public void Reserved_and_no_map_memory_stays_and_hotpluggable_memory_goes()
    {
        var memblock = new Memblock { MovableNode = true };
        memblock.Add(At(0), 64 * K);
        memblock.Reserve(At(0), 16 * K);
        memblock.MarkNoMap(At(16 * K), 16 * K);
        memblock.MarkHotplug(At(32 * K), 32 * K);
        Assert.That(memblock.ReleaseAll(10, Take).Pages, Is.EqualTo(8));
        Assert.That(_released, Is.EqualTo(new[] { (8UL, 3) }));
    }

    [Test]
    public void Bytes_that_make_no_whole_page_are_counted_as_lost()
    {
        var memblock = new Memblock();
        memblock.Add(At((4 * K) + 100), 8 * K);
        memblock.Add(At(40 * K), 10);
        Assert.That(memblock.ReleaseAll(10, Take), Is.EqualTo(new MemblockRelease(1, 8202 - 4096)));
        Assert.That(_released, Is.EqualTo(new[] { (2UL, 0) }));
    }

    [Test]
    public void The_last_page_of_the_address_space_goes()
    {
        var memblock = new Memblock();
        memblock.Add(At(ulong.MaxValue - (8 * K) + 1), 8 * K);
        Assert.That(memblock.ReleaseAll(10, Take), Is.EqualTo(new MemblockRelease(2, 0)));
        Assert.That(_released, Is.EqualTo(new[] { ((1UL << 52) - 2, 1) }));
    }

    [Test]
    public void Released_and_reserved_pages_are_all_pages_and_none_twice()
    {
        var random = new Random(3);
        for (var round = 0; round < 200; round++)
        {
            Forget();
            var memblock = new Memblock();
            memblock.Add(At((ulong)random.Next(64) * 4 * K), (ulong)random.Next(1, 512) * 4 * K);
            for (var i = 0; i < 8; i++)
                memblock.Reserve(At((ulong)random.Next(512) * 4 * K), (ulong)random.Next(20) * 4 * K);
            var free = new HashSet<ulong>();
            foreach (var (start, end, _) in memblock.FrameRanges())
            {
                for (var f = start.Number; f < end.Number; f++)
                {
                    if (!memblock.IsReserved(At(f * 4 * K)))
                        free.Add(f);
                }
            }
            var pages = memblock.ReleaseAll(4, Take).Pages;
            Assert.That(_released.All(r => r.Order <= 4 && r.Frame % (1UL << r.Order) == 0));
            var got = _released.SelectMany(r => Enumerable.Range(0, 1 << r.Order).Select(i => r.Frame + (ulong)i)).ToList();
            Assert.That(got, Is.Unique);
            Assert.That(got, Is.EquivalentTo(free));
            Assert.That(pages, Is.EqualTo((ulong)free.Count));
        }
    }

    [Test]
    public void After_release_nothing_is_added_taken_or_freed_and_questions_are_answered()
    {
        var memblock = new Memblock();
        memblock.Add(At(1 * G), 1 * M);
        memblock.ReleaseAll(10, Take);
        foreach (var call in new Action[]
        {
            () => memblock.Add(At(0), M), () => memblock.Remove(At(0), M), () => memblock.Reserve(At(0), M), () => memblock.Free(At(0), M),
            () => memblock.Alloc(64), () => memblock.MarkNoMap(At(0), M), () => memblock.ReleaseAll(10, Take), () => memblock.EnforceMemoryLimit(1),
            () => memblock.TrimMemory(4096), () => memblock.CapMemoryRange(Range(0, 1)),
        })
        {
            Assert.That(call, Throws.TypeOf<MemblockException>().With.Property(nameof(MemblockException.Error)).EqualTo(MemblockError.Released));
        }
        Assert.That(memblock.IsMemory(At(1 * G)), Is.True);
        Assert.That(Show(memblock.Memory), Is.EqualTo("1G-1025M"));
    }

    [Test]
    public void Freed_late_reserved_pages_go_one_by_one_and_only_once()
    {
        var memblock = new Memblock();
        memblock.Add(At(0), 1 * M);
        memblock.Reserve(At(16 * K), 16 * K);
        Assert.That(() => memblock.FreeLate(Range(16 * K, 32 * K), Take), Throws.TypeOf<MemblockException>(), "too early");
        memblock.ReleaseAll(10, Take);
        Forget();
        Assert.That(memblock.FreeLate(Range((16 * K) + 1, 28 * K), Take), Is.EqualTo(new MemblockRelease(2, 4095)));
        Assert.That(_released, Is.EqualTo(new[] { (5UL, 0), (6UL, 0) }));
        Assert.That(() => memblock.FreeLate(Range(20 * K, 24 * K), Take),
            Throws.TypeOf<MemblockException>().With.Property(nameof(MemblockException.Error)).EqualTo(MemblockError.NotReserved));
        Assert.That(Show(memblock.Reserved), Is.EqualTo("16K-20K 28K-32K"));
    }
}
