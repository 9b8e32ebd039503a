using KmemKit.Architecture;
using KmemKit.Runtime.Memblock;
using KmemKit.Runtime.Memory;
using KmemKit.Runtime.Tests.Harness;
using NUnit.Framework;
using static KmemKit.Runtime.Tests.Harness.Sizes;

namespace KmemKit.Runtime.Tests.EarlyMemory;

using Memblock = KmemKit.Runtime.Memblock.Memblock;

/// <summary><c>alloc_bootmem</c> over 64 MiB at 0 and 64 MiB at 4 GiB.</summary>
public sealed class BootmemTests
{
    private PhysicalMemory _memory = null!;
    private Bootmem _bootmem = null!;

    [SetUp]
    public void TwoBanks()
    {
        _memory = PhysicalMemory.Create([Range(0, 64 * M), Range(4 * G, (4 * G) + (64 * M))]);
        var memblock = new Memblock();
        memblock.Add(At(0), 64 * M, 0);
        memblock.Add(At(4 * G), 64 * M, 1);
        _bootmem = new Bootmem(memblock, _memory, goal: At(16 * M));
    }

    [TearDown]
    public void Free() => _memory.Dispose();

    [Test]
    public void Memory_is_zero_although_it_was_used_before()
    {
        var first = _bootmem.Alloc(1000);
        _memory.Fill(first, 1000, 0xa5);
        _bootmem.Free(first, 1000);
        var again = _bootmem.Alloc(1000);
        Assert.That(again, Is.EqualTo(first));
        for (var i = 0UL; i < 1000; i++)
            Assert.That(_memory.ReadByte(again + i), Is.Zero);
    }

    [Test]
    public void Pages_begin_at_a_page_and_others_at_a_cache_line()
    {
        Assert.That(_bootmem.Alloc(1).Value % 64, Is.Zero);
        Assert.That(_bootmem.Alloc(1).Value % 64, Is.Zero);
        Assert.That(_bootmem.AllocPages(1).Value % 4096, Is.Zero);
    }

    [Test]
    public void Low_memory_is_below_4_GiB_and_without_a_goal()
    {
        Assert.That(_bootmem.Alloc(M), Is.GreaterThanOrEqualTo(At(4 * G)));
        Assert.That(_bootmem.AllocLow(M), Is.EqualTo(At(63 * M)));
        Assert.That(_bootmem.AllocLowPages(M), Is.EqualTo(At(62 * M)));
    }

    [Test]
    public void The_goal_spares_dma_memory_until_nothing_else_is_left()
    {
        _bootmem.Memblock.Reserve(At(4 * G), 64 * M);
        while (_bootmem.TryAlloc(M) is { } place && place >= At(16 * M))
            Assert.That(place, Is.GreaterThanOrEqualTo(At(16 * M)));
        Assert.That(_bootmem.Memblock.IsRegionReserved(Range(0, 15 * M)), Is.False, "the first below the goal was the last that fits");
        Assert.That(_bootmem.Memblock.IsReserved(At(16 * M)), Is.True);
    }

    [Test]
    public void A_node_is_preferred() => Assert.That(_bootmem.AllocNode(0, M), Is.EqualTo(At(63 * M)));

    [Test]
    public void Out_of_memory_is_ENOMEM_or_null()
    {
        Assert.That(_bootmem.TryAlloc(65 * M), Is.Null);
        Assert.That(() => _bootmem.Alloc(65 * M), Throws.TypeOf<MemblockException>().With.Property("Error").EqualTo(MemblockError.NoMemory));
    }

    [Test]
    public void Freed_twice_is_an_error_and_changes_nothing()
    {
        var place = _bootmem.AllocPages(8192);
        _bootmem.Free(place + 4096, 4096);
        Assert.That(() => _bootmem.Free(place, 8192), Throws.TypeOf<MemblockException>().With.Property("Error").EqualTo(MemblockError.NotReserved));
        Assert.That(_bootmem.Memblock.IsReserved(place), Is.True);
    }

    [Test]
    public void What_is_not_freed_never_reaches_the_page_allocator_and_then_nothing_can_be_allocated()
    {
        var kept = _bootmem.AllocPages(M);
        var pages = _bootmem.FreeAll(10, (frame, order) =>
        {
            var block = new PhysRange(PageGeometry.FourKiB.ToAddress(frame), 4096UL << order);
            Assert.That(block.Overlaps(new PhysRange(kept, M)), Is.False);
        }).Pages;
        Assert.That(pages, Is.EqualTo(127 * M / 4096));
        Assert.That(() => _bootmem.Alloc(1), Throws.TypeOf<MemblockException>().With.Property("Error").EqualTo(MemblockError.Released));
    }

    [Test]
    public void A_boards_goal_is_the_end_of_its_dma_zone()
    {
        var layout = TestBoards.Repository("pc/pc-32");
        using var memory = PhysicalMemory.Create(layout);
        Assert.That(Bootmem.FromLayout(layout, memory).Goal, Is.EqualTo(At(16 * M)));
    }
}
