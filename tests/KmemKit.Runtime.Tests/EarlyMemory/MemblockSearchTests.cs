using System.Linq;
using KmemKit.Architecture;
using KmemKit.Runtime.Memblock;
using NUnit.Framework;
using static KmemKit.Runtime.Tests.Harness.Sizes;

namespace KmemKit.Runtime.Tests.EarlyMemory;

using Memblock = KmemKit.Runtime.Memblock.Memblock;

/// <summary>
/// Where allocations go: the cases of Linux' tools/testing/memblock/tests/alloc_api.c, alloc_helpers_api.c and alloc_nid_api.c. Each rule is tried from the top
/// and from the bottom. In the drawings, # is taken, and new is what the request gets.
/// </summary>
public sealed class MemblockSearchTests
{
    private Memblock _memblock = new();

    [SetUp]
    public void OneGigabyteAtOne()
    {
        _memblock = new Memblock();
        _memblock.Add(At(1 * G), 1 * G);
    }

    private void Expect(PhysAddr? got, ulong? at, string reserved)
    {
        Assert.That(got?.Value, Is.EqualTo(at));
        Assert.That(Show(_memblock.Reserved), Is.EqualTo(reserved));
    }

    //  |                             +--new--+|
    //  1G                                     2G
    [Test]
    public void From_the_top_the_highest_place_is_taken()
    {
        Expect(_memblock.Alloc(1 * M), (2 * G) - M, "2047M-2G");
        Expect(_memblock.Alloc(1 * M), (2 * G) - (2 * M), "2046M-2G");
    }

    [Test]
    public void From_the_bottom_the_lowest_place_is_taken()
    {
        _memblock.BottomUp = true;
        Expect(_memblock.Alloc(1 * M), 1 * G, "1G-1025M");
        Expect(_memblock.Alloc(1 * M), (1 * G) + M, "1G-1026M");
    }

    [Test]
    public void The_start_is_aligned_and_what_is_between_stays_free()
    {
        Expect(_memblock.Alloc(100, 4 * K), (2 * G) - (4 * K), "2097148K-0x7ffff064");
        _memblock.BottomUp = true;
        _memblock.Reserve(At(1 * G), 100);
        Expect(_memblock.Alloc(100, 64), (1 * G) + 128, "1G-0x40000064 0x40000080-0x400000e4 2097148K-0x7ffff064");
    }

    //  |          +--new--+#######|           |
    [Test]
    public void Below_what_is_taken_at_the_top_it_joins_it()
    {
        _memblock.Reserve(At((2 * G) - M), 1 * M);
        Expect(_memblock.Alloc(1 * M), (2 * G) - (2 * M), "2046M-2G");
    }

    //  |      ####+--new--+####+-too small-+##|
    [Test]
    public void A_gap_that_is_too_small_is_passed_over()
    {
        _memblock.Reserve(At((2 * G) - M), 1 * M);
        _memblock.Reserve(At((2 * G) - (3 * M)), 1 * M);
        Expect(_memblock.Alloc(2 * M), (2 * G) - (5 * M), "2043M-2046M 2047M-2G");
    }

    [Test]
    public void A_gap_that_fits_is_closed()
    {
        _memblock.Reserve(At(1 * G), 512 * M);
        _memblock.Reserve(At((1 * G) + (516 * M)), 508 * M);
        Expect(_memblock.Alloc(4 * M), (1 * G) + (512 * M), "1G-2G");
    }

    [Test]
    public void With_all_taken_nothing_is_found_and_nothing_changes()
    {
        _memblock.Reserve(At(1 * G), 1 * G);
        Expect(_memblock.Alloc(64), null, "1G-2G");
    }

    [Test]
    public void Without_memory_nothing_is_found() => Assert.That(new Memblock().Alloc(64), Is.Null);

    [Test]
    public void More_than_there_is_in_a_row_is_not_found()
    {
        Expect(_memblock.Alloc((1 * G) + 1), null, "");
        Expect(_memblock.Alloc(1 * G), 1 * G, "1G-2G");
    }

    [Test]
    public void The_first_page_is_never_found([Values] bool bottomUp)
    {
        var low = new Memblock { BottomUp = bottomUp };
        low.Add(At(0), 8 * K);
        Assert.That(low.Alloc(8 * K, 4 * K), Is.Null);
        Assert.That(low.Alloc(4 * K, 4 * K), Is.EqualTo(At(4 * K)));
        Assert.That(low.Alloc(64), Is.Null);
    }

    [Test]
    public void The_last_byte_of_the_address_space_can_be_found([Values] bool bottomUp)
    {
        var high = new Memblock { BottomUp = bottomUp };
        high.Add(At(ulong.MaxValue - (8 * K) + 1), 8 * K);
        Assert.That(high.Alloc(8 * K, 4 * K), Is.EqualTo(At(ulong.MaxValue - (8 * K) + 1)));
        Assert.That(high.Alloc(1, 1), Is.Null);
    }

    [Test]
    public void An_alignment_beyond_the_top_is_not_found()
    {
        var high = new Memblock { BottomUp = true };
        high.Add(At(ulong.MaxValue - (8 * K) + 1), 8 * K);
        Assert.That(high.Alloc(1, 1 * G), Is.Null);
    }

    //  |   min v        v max                 |
    //  |       +  +-new-+                     |
    [Test]
    public void Between_minimum_and_maximum_the_direction_decides()
    {
        Expect(_memblock.AllocRange(M, M, At((1 * G) + (4 * M)), (1 * G) + (8 * M)), (1 * G) + (7 * M), "1031M-1032M");
        _memblock.BottomUp = true;
        Expect(_memblock.AllocRange(M, M, At((1 * G) + (4 * M)), (1 * G) + (8 * M)), (1 * G) + (4 * M), "1028M-1029M 1031M-1032M");
    }

    [Test]
    public void A_range_that_lies_in_part_outside_of_memory_is_cut_to_it()
    {
        Expect(_memblock.AllocRange(M, M, At(0), (1 * G) + (2 * M)), (1 * G) + M, "1025M-1026M");
        _memblock.BottomUp = true;
        Expect(_memblock.AllocRange(M, M, At((2 * G) - (2 * M)), 8 * G), (2 * G) - (2 * M), "1025M-1026M 2046M-2047M");
    }

    [Test]
    public void Alloc_gives_up_its_minimum_rather_than_fail()
    {
        _memblock.Reserve(At((2 * G) - (4 * M)), 4 * M);
        Assert.That(_memblock.AllocRange(M, M, At((2 * G) - (4 * M)), null), Is.Null, "a range is a range");
        Expect(_memblock.Alloc(M, M, minimum: At((2 * G) - (4 * M))), (2 * G) - (5 * M), "2043M-2G");
    }

    [Test]
    public void Alloc_goes_not_above_the_current_limit_and_a_range_may()
    {
        _memblock.CurrentLimit = (1 * G) + (4 * M);
        Expect(_memblock.Alloc(M, M, maximum: 2 * G), (1 * G) + (3 * M), "1027M-1028M");
        Expect(_memblock.AllocRange(M, M, At(0), 2 * G), (2 * G) - M, "1027M-1028M 2047M-2G");
        Expect(_memblock.AllocRange(M, M, At(0), null), (1 * G) + (2 * M), "1026M-1028M 2047M-2G");
    }

    [Test]
    public void A_maximum_at_or_below_the_minimum_holds_nothing()
    {
        Assert.That(_memblock.AllocRange(1, 1, At(1 * G), 1 * G), Is.Null);
        Assert.That(_memblock.AllocRange(1, 1, At((1 * G) + M), 1 * G), Is.Null);
    }

    [Test]
    public void A_size_of_0_and_an_alignment_that_is_no_power_of_two_are_errors()
    {
        Assert.That(() => _memblock.Alloc(0), Throws.TypeOf<System.ArgumentOutOfRangeException>());
        Assert.That(() => _memblock.Alloc(64, 3), Throws.TypeOf<System.ArgumentOutOfRangeException>());
    }

    [Test]
    public void No_map_memory_is_never_handed_out()
    {
        _memblock.MarkNoMap(At((1 * G) + (4 * M)), (1 * G) - (4 * M));
        Expect(_memblock.Alloc(4 * M, M), 1 * G, "1G-1028M");
        Expect(_memblock.Alloc(64), null, "1G-1028M");
    }

    [Test]
    public void Mirrored_memory_is_taken_first_and_then_any_with_a_message()
    {
        _memblock.MarkMirror(At(1 * G), 2 * M);
        Expect(_memblock.Alloc(2 * M, M), 1 * G, "1G-1026M");
        Assert.That(_memblock.Messages, Is.Empty);
        Expect(_memblock.Alloc(1 * M, M), (2 * G) - M, "1G-1026M 2047M-2G");
        Assert.That(_memblock.Messages, Is.EqualTo(new[] { "memblock: Could not allocate 0x0000000000100000 bytes of mirrored memory" }));
    }

    [Test]
    public void Hotpluggable_memory_is_spared_with_movable_node_only([Values] bool movableNode)
    {
        _memblock.MovableNode = movableNode;
        _memblock.MarkHotplug(At((1 * G) + (512 * M)), 512 * M);
        Assert.That(_memblock.Alloc(M, M)!.Value, Is.EqualTo(At(movableNode ? (1 * G) + (511 * M) : (2 * G) - M)));
    }

    //  | node 0 | node 1 | node 2 |
    [Test]
    public void A_node_is_preferred_and_left_when_it_is_full()
    {
        NumaMemory();
        Assert.That(_memblock.Alloc(M, M, node: 1), Is.EqualTo(At(2 * M)));
        Assert.That(_memblock.Alloc(M, M, node: 1), Is.EqualTo(At(3 * M)), "nowhere on node 1: the highest of all");
    }

    [Test]
    public void An_exact_node_is_not_left()
    {
        NumaMemory();
        Assert.That(_memblock.Alloc(M, M, node: 1, exactNode: true), Is.EqualTo(At(2 * M)));
        Assert.That(_memblock.Alloc(M, M, node: 1, exactNode: true), Is.Null);
        Assert.That(_memblock.Alloc(M, M, node: 9, exactNode: true), Is.Null);
    }

    [Test]
    public void A_block_lies_on_one_node()
    {
        NumaMemory();
        Assert.That(_memblock.Alloc(2 * M, M), Is.Null);
    }

    [Test]
    public void A_node_that_has_nothing_in_the_range_is_left_for_one_that_has()
    {
        NumaMemory();
        Assert.That(_memblock.AllocRange(M, M, At(3 * M), 4 * M, node: 1), Is.EqualTo(At(3 * M)));
        Assert.That(_memblock.AllocRange(M, M, At(3 * M), 4 * M, node: 1, exactNode: true), Is.Null);
    }

    [Test]
    public void Free_ranges_are_memory_without_what_is_taken_in_either_direction()
    {
        _memblock.Reserve(At(0), (1 * G) + M);
        _memblock.Reserve(At((1 * G) + (4 * M)), M);
        _memblock.Reserve(At((2 * G) - M), 5 * M);
        var up = _memblock.FreeRanges().Select(f => Show(f.Range)).ToArray();
        Assert.That(up, Is.EqualTo(new[] { "1025M-1028M", "1029M-2047M" }));
        Assert.That(_memblock.FreeRangesReverse().Select(f => Show(f.Range)), Is.EqualTo(up.Reverse()));
    }

    [Test]
    public void Frame_ranges_are_the_whole_pages_of_each_region()
    {
        var memblock = new Memblock();
        memblock.Add(At(100), 3 * K, node: 0);
        memblock.Add(At((4 * K) + 1), 12 * K, node: 1);
        memblock.Add(At(ulong.MaxValue - (8 * K) + 1), 8 * K, node: 2);
        Assert.That(memblock.FrameRanges().Select(f => (f.Start.Number, f.End.Number, f.Node)), Is.EqualTo(new[]
        {
            (2UL, 4UL, 1), ((1UL << 52) - 2, 1UL << 52, 2),
        }));
        Assert.That(memblock.FrameRanges(2).Count(), Is.EqualTo(1));
    }

    private void NumaMemory()
    {
        _memblock = new Memblock();
        for (var node = 0; node < 3; node++)
            _memblock.Add(At(((ulong)node + 1) * M), M, node);
    }
}
