using System;
using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Runtime.Memory;
using KmemKit.Runtime.Tests.Harness;
using KmemKit.Runtime.Uclinux;
using NUnit.Framework;
using static KmemKit.Runtime.Tests.Harness.Sizes;

namespace KmemKit.Runtime.Tests.NoMmu;

/// <summary>The two allocators of uClinux over 1 MiB at 2 GiB: what they give, and where (seed 003, "uClinux Design").</summary>
public sealed class UclinuxAllocatorTests
{
    private static readonly PhysRange Ram = Range(2 * G, (2 * G) + M);

    private PhysicalMemory _memory = null!;
    private PowerOfTwoAllocator _standard = null!;
    private Kmalloc2Allocator _kmalloc2 = null!;

    [SetUp]
    public void Pools()
    {
        _memory = PhysicalMemory.Create([Range(1 * G, (1 * G) + M), Ram]);
        _standard = new PowerOfTwoAllocator(_memory, Range(1 * G, (1 * G) + M));
        _kmalloc2 = new Kmalloc2Allocator(_memory, Ram);
    }

    [TearDown]
    public void Free() => _memory.Dispose();

    // The frame table of 256 frames: 2 * 256 bits and 256 * 32 bytes, in whole frames.
    [Test]
    public void The_frame_table_lies_at_the_bottom_and_is_charged_to_the_memory()
    {
        var pool = _kmalloc2.Pool;
        Assert.That(pool.MetadataBytes, Is.EqualTo(12 * K));
        Assert.That((pool.FrameCount, pool.FreeFrames, pool.LargestFreeRun()), Is.EqualTo((253, 253, 253)));
        Assert.That(pool.FirstFrame, Is.EqualTo(Ram.Start + (12 * K)));
    }

    [Test]
    public void Of_65_KB_the_standard_allocator_takes_128_and_kmalloc2_takes_68()
    {
        Assert.That(_standard.SizeOf(_standard.Alloc(65 * K)!.Value), Is.EqualTo(128 * K));
        Assert.That(_kmalloc2.SizeOf(_kmalloc2.Alloc(65 * K)!.Value), Is.EqualTo(68 * K));
    }

    [TestCase(1UL, 32UL, 32UL)]
    [TestCase(32UL, 32UL, 32UL)]
    [TestCase(33UL, 64UL, 64UL)]
    [TestCase(1000UL, 1024UL, 1024UL)]
    [TestCase(2048UL, 2048UL, 2048UL)]
    [TestCase(2049UL, 4096UL, 4096UL)]
    [TestCase(4096UL, 4096UL, 4096UL)]
    [TestCase(4097UL, 8192UL, 8192UL)]
    [TestCase(8193UL, 16384UL, 12288UL)]
    [TestCase(100_000UL, 131072UL, 102400UL)]
    [TestCase((1UL << 63) + 1, ulong.MaxValue, 0x8000_0000_0000_1000UL)]
    [TestCase(ulong.MaxValue, ulong.MaxValue, ulong.MaxValue)]
    public void Both_round_to_a_power_of_two_up_to_a_page_and_kmalloc2_to_pages_above(ulong bytes, ulong standard, ulong kmalloc2)
    {
        Assert.That(_standard.RoundedSize(bytes), Is.EqualTo(standard));
        Assert.That(_kmalloc2.RoundedSize(bytes), Is.EqualTo(kmalloc2));
    }

    //  | table | 8 KB | 32 B in a page |   free   | 8 KB + 1 | 100 KB |
    [Test]
    public void Kmalloc2_puts_up_to_8_KB_at_the_bottom_and_more_at_the_top()
    {
        var first = _kmalloc2.Pool.FirstFrame;
        Assert.That(_kmalloc2.Alloc(8 * K), Is.EqualTo(first));
        Assert.That(_kmalloc2.Alloc(32), Is.EqualTo(first + (8 * K)));
        Assert.That(_kmalloc2.Alloc(100 * K), Is.EqualTo(Ram.Start + M - (100 * K)));
        Assert.That(_kmalloc2.Alloc((8 * K) + 1), Is.EqualTo(Ram.Start + M - (112 * K)));
        Assert.That(_kmalloc2.Alloc(64), Is.EqualTo(first + (12 * K)), "another size, another page");
        Assert.That(_kmalloc2.Alloc(32), Is.EqualTo(first + (8 * K) + 32));
    }

    //  The lowest 1024-page-like block is not cut while a smaller one will do.
    [Test]
    public void The_standard_allocator_cuts_the_smallest_block_that_is_large_enough()
    {
        // 1 MiB at 1 GiB less 3 frames of table: free blocks are frame 3, frames 4-7, 8-15, 16-31, 32-63, 64-127, 128-255.
        var start = 1 * G;
        Assert.That(_standard.Alloc(4 * K), Is.EqualTo(At(start + (3 * 4 * K))));
        Assert.That(_standard.Alloc(32 * K), Is.EqualTo(At(start + (8 * 4 * K))));
        Assert.That(_standard.Alloc(4 * K), Is.EqualTo(At(start + (4 * 4 * K))), "512 of 1024 leave 512: 1 of 4 leaves 1 and 2");
        Assert.That(_standard.Alloc(8 * K), Is.EqualTo(At(start + (6 * 4 * K))));
        Assert.That(_standard.Alloc(512 * K), Is.EqualTo(At(start + (128 * 4 * K))));
        Assert.That(_standard.Alloc(512 * K), Is.Null);
    }

    [Test]
    public void The_standard_allocators_blocks_lie_at_multiples_of_their_size()
    {
        foreach (var size in new ulong[] { 5 * K, 40 * K, 4 * K, 100 * K, 9 * K, 33, 2 * K, 200 * K })
        {
            var block = _standard.Alloc(size)!.Value;
            Assert.That(block.Value % _standard.SizeOf(block), Is.Zero, $"{size} bytes at {block}");
        }
    }

    [Test]
    public void The_standard_allocator_has_no_block_of_more_than_4_MiB()
    {
        using var memory = PhysicalMemory.Create([Range(0, 64 * M)]);
        var allocator = new PowerOfTwoAllocator(memory, Range(0, 64 * M));
        Assert.That(allocator.Alloc((4 * M) + 1), Is.Null);
        Assert.That(allocator.SizeOf(allocator.Alloc(4 * M)!.Value), Is.EqualTo(4 * M));
    }

    private static IEnumerable<Func<UclinuxAllocatorTests, IUclinuxAllocator>> Both => [t => t._standard, t => t._kmalloc2];

    [TestCaseSource(nameof(Both))]
    public void More_than_there_is_is_null_and_all_there_is_can_be_had(Func<UclinuxAllocatorTests, IUclinuxAllocator> select)
    {
        var allocator = select(this);
        foreach (var size in new[] { M, 1UL << 40, 1UL << 63, ulong.MaxValue })
            Assert.That(allocator.Alloc(size), Is.Null, $"{size}");
        var blocks = new List<PhysAddr>();
        while (allocator.Alloc(4 * K) is { } block)
            blocks.Add(block);
        Assert.That((blocks.Count, allocator.Pool.FreeFrames), Is.EqualTo((253, 0)));
        Assert.That(allocator.Alloc(1), Is.Null);
        foreach (var block in blocks)
            allocator.Free(block);
        Assert.That(allocator.Pool.LargestFreeRun(), Is.EqualTo(253));
    }

    [TestCaseSource(nameof(Both))]
    public void A_page_of_small_blocks_is_full_before_a_second_and_free_with_its_last_block(Func<UclinuxAllocatorTests, IUclinuxAllocator> select)
    {
        var allocator = select(this);
        foreach (var shift in Enumerable.Range(5, 7))
        {
            var blocks = Enumerable.Range(0, 4096 >> shift).Select(_ => allocator.Alloc(1UL << shift)!.Value).ToList();
            Assert.That(allocator.Pool.FreeFrames, Is.EqualTo(252), $"2^{shift}");
            Assert.That(blocks.Select(b => b.Value & ~4095UL).Distinct().Count(), Is.EqualTo(1));
            Assert.That(blocks, Is.Unique);
            var second = allocator.Alloc(1UL << shift)!.Value;
            Assert.That(allocator.Pool.FreeFrames, Is.EqualTo(251));
            allocator.Free(blocks[1]);
            Assert.That(allocator.Alloc(1UL << shift), Is.EqualTo(blocks[1]));
            foreach (var block in blocks.Append(second))
                allocator.Free(block);
            Assert.That(allocator.Pool.FreeFrames, Is.EqualTo(253));
        }
    }

    [TestCaseSource(nameof(Both))]
    public void A_wrong_free_is_a_typed_error_that_names_the_address_and_changes_nothing(Func<UclinuxAllocatorTests, IUclinuxAllocator> select)
    {
        var allocator = select(this);
        var small = allocator.Alloc(100)!.Value;
        var large = allocator.Alloc(20 * K)!.Value;
        var gone = allocator.Alloc(20 * K)!.Value;
        allocator.Free(gone);
        var goneSmall = allocator.Alloc(100)!.Value;
        allocator.Free(goneSmall);
        var pool = allocator.Pool;
        foreach (var (address, error) in new[]
        {
            (gone, UclinuxFreeError.NotAllocated), (goneSmall, UclinuxFreeError.NotAllocated), (small + 1, UclinuxFreeError.InsideBlock),
            (large + 1, UclinuxFreeError.InsideBlock), (large + (4 * K), UclinuxFreeError.InsideBlock), (small + 128, UclinuxFreeError.NotAllocated),
            (pool.Range.Start, UclinuxFreeError.Foreign), (pool.Range.Start - 1, UclinuxFreeError.Foreign),
            (new PhysAddr(pool.Range.End.Value), UclinuxFreeError.Foreign), (PhysAddr.Zero, UclinuxFreeError.Foreign), (PhysAddr.MaxValue, UclinuxFreeError.Foreign),
        })
        {
            var free = Assert.Throws<UclinuxFreeException>(() => allocator.Free(address))!;
            Assert.That((free.Error, free.Address), Is.EqualTo((error, address)));
            Assert.That(free.Message, Does.Contain(address.ToString()));
            Assert.That(() => allocator.SizeOf(address), Throws.TypeOf<UclinuxFreeException>());
        }
        Assert.That((allocator.SizeOf(small), allocator.SizeOf(large)), Is.EqualTo((128UL, allocator.RoundedSize(20 * K))));
    }

    [Test]
    public void A_request_of_0_bytes_is_an_error() => Assert.That(() => _kmalloc2.Alloc(0), Throws.TypeOf<ArgumentOutOfRangeException>());

    [Test]
    public void A_pool_is_whole_frames_of_ram()
    {
        foreach (var range in new[] { Range(0, 16 * K), Range((2 * G) + 1, (2 * G) + 1 + (16 * K)), Range(2 * G, (2 * G) + 100), Range(2 * G, (2 * G) + (4 * K)), Range(2 * G, (2 * G) + (2 * M)) })
            Assert.That(() => new Kmalloc2Allocator(_memory, range), Throws.ArgumentException, range.ToString());
    }

    [TestCase("qemu/mps2-an385")]
    [TestCase("qemu/mps2-an505")]
    [TestCase("qemu/integratorcp-arm946")]
    public void An_mpu_boards_memory_serves_both(string board)
    {
        var layout = TestBoards.Repository(board);
        using var memory = PhysicalMemory.Create(layout);
        foreach (var allocator in new IUclinuxAllocator[] { new PowerOfTwoAllocator(memory, layout.Banks[0].Range), new Kmalloc2Allocator(memory, layout.Banks[0].Range) })
        {
            var block = allocator.Alloc(65 * K)!.Value;
            memory.Fill(block, allocator.SizeOf(block), 0xff);
            allocator.Free(block);
            Assert.That(allocator.Pool.FreeFrames, Is.EqualTo(allocator.Pool.FrameCount));
        }
    }
}
