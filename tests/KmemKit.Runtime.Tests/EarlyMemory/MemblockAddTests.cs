using System.Collections.Generic;
using KmemKit.Architecture;
using KmemKit.Runtime.Memblock;
using NUnit.Framework;
using static KmemKit.Runtime.Tests.Harness.Sizes;

namespace KmemKit.Runtime.Tests.EarlyMemory;

using Memblock = KmemKit.Runtime.Memblock.Memblock;

/// <summary>
/// Adding, reserving, removing and freeing: the cases of Linux' tools/testing/memblock/tests/basic_api.c, for both lists at once because both follow the
/// same rules. In the drawings, r1 is there first.
/// </summary>
[TestFixture(true)]
[TestFixture(false)]
public sealed class MemblockAddTests(bool reserved)
{
    private Memblock _memblock = new();

    private MemblockRegions Regions => reserved ? _memblock.Reserved : _memblock.Memory;

    [SetUp]
    public void Reset() => _memblock = new Memblock();

    private void Add(ulong start, AddressLimit size)
    {
        if (reserved)
            _memblock.Reserve(At(start), size);
        else
            _memblock.Add(At(start), size);
    }

    private void Remove(ulong start, AddressLimit size)
    {
        if (reserved)
            _memblock.Free(At(start), size);
        else
            _memblock.Remove(At(start), size);
    }

    private void Expect(string regions, ulong total)
    {
        Assert.That(Show(Regions), Is.EqualTo(regions));
        Assert.That(Regions.TotalSize, Is.EqualTo((AddressLimit)total));
    }

    [Test]
    public void A_new_memblock_is_empty_searches_from_the_top_and_has_room_for_128_regions()
    {
        Expect("", 0);
        Assert.That(Regions.Capacity, Is.EqualTo(128));
        Assert.That(_memblock.BottomUp, Is.False);
        Assert.That(_memblock.CurrentLimit, Is.EqualTo(AddressLimit.Top));
    }

    //  |        +--------+        +--------+  |
    //  |        |   r1   |        |   r2   |  |
    //  +--------+--------+--------+--------+--+
    [Test]
    public void Apart_they_stay_apart()
    {
        Add(1 * G, 8 * K);
        Add((1 * G) + (16 * K), 8 * K);
        Expect("1G-1048584K 1048592K-1048600K", 16 * K);
    }

    //  |    +----+----+------------+          |
    //  |    |    |r2  |   r1       |          |
    //  +----+----+----+------------+----------+
    [Test]
    public void Over_the_start_they_become_one()
    {
        Add(512 * M, 1 * G);
        Add(256 * M, 512 * M);
        Expect("256M-1536M", 1280 * M);
    }

    //  |  +--+------+----------+              |
    //  |  |  | r1   | r2       |              |
    //  +--+--+------+----------+--------------+
    [Test]
    public void Over_the_end_they_become_one()
    {
        Add(128 * M, 512 * M);
        Add(256 * M, 1 * G);
        Expect("128M-1280M", 1152 * M);
    }

    //  |   +-------+--+-----------------------+
    //  |   |       |r2|      r1               |
    //  +---+-------+--+-----------------------+
    [Test]
    public void Inside_it_changes_nothing()
    {
        Add(8 * M, 32 * M);
        Add(16 * M, 1 * M);
        Expect("8M-40M", 32 * M);
    }

    [Test]
    public void Twice_is_once()
    {
        Add(16 * K, 2 * M);
        Add(16 * K, 2 * M);
        Expect("16K-2064K", 2 * M);
    }

    //  |   +------+--------+------+           |
    //  |   |  r1  |   r3   |  r2  |           |
    //  +---+------+--------+------+-----------+
    [Test]
    public void Between_two_neighbours_all_three_become_one()
    {
        Add(1 * G, 1 * M);
        Add((1 * G) + (2 * M), 1 * M);
        Add((1 * G) + (1 * M), 1 * M);
        Expect("1G-1027M", 3 * M);
    }

    [Test]
    public void Over_several_regions_and_their_gaps_all_become_one()
    {
        for (var i = 1UL; i <= 5; i++)
            Add(i * 10 * M, 1 * M);
        Add(5 * M, 60 * M);
        Expect("5M-65M", 60 * M);
    }

    [Test]
    public void Nothing_is_no_region()
    {
        Add(1 * M, 0);
        Expect("", 0);
        Add(1 * M, 1 * M);
        Add(4 * M, 0);
        Expect("1M-2M", 1 * M);
    }

    [Test]
    public void At_0_a_region_begins_at_0()
    {
        Add(0, 4 * K);
        Add(4 * K, 4 * K);
        Expect("0-8K", 8 * K);
    }

    //                                  +--------------+
    //                                  |      r       |
    //  |                               +-------+      |
    //  +-------------------------------+-------+ 2^64
    [Test]
    public void At_the_top_what_would_lie_beyond_is_cut_and_said()
    {
        var range = reserved ? _memblock.Reserve(At(ulong.MaxValue - M + 1), 2 * M) : _memblock.Add(At(ulong.MaxValue - M + 1), 2 * M);
        Assert.That(range, Is.EqualTo(Range(ulong.MaxValue - M + 1, AddressLimit.Top)));
        Expect("17592186044415M-top", 1 * M);
    }

    [Test]
    public void All_addresses_are_one_region_and_any_part_of_it_is_in_it()
    {
        Add(0, AddressLimit.Top);
        Add(ulong.MaxValue, 1);
        Add(5, 5);
        Assert.That(Show(Regions), Is.EqualTo("0-top"));
        Assert.That(Regions.TotalSize, Is.EqualTo(AddressLimit.Top));
        Remove(0, 4 * K);
        Assert.That(Show(Regions), Is.EqualTo("4K-top"));
        Remove(4 * K, AddressLimit.Top);
        Expect("", 0);
    }

    [Test]
    public void Removed_whole_the_others_move_up()
    {
        Add(2 * K, 4 * K);
        Add(128 * K, 4 * M);
        Remove(2 * K, 4 * K);
        Expect("128K-4224K", 4 * M);
    }

    [Test]
    public void Removed_where_nothing_is_nothing_changes()
    {
        Add(512 * K, 4 * M);
        Remove(64 * M, 1 * G);
        Expect("512K-4608K", 4 * M);
    }

    //           +-----------------+
    //           |     removed     |
    //  |        +--------+........+--------+  |
    //  |                 :     r1 |        |  |
    //  +-----------------+--------+--------+--+
    [Test]
    public void Removed_over_the_start_the_upper_part_stays()
    {
        Add(32 * M, 32 * M);
        Remove(16 * M, 32 * M);
        Expect("48M-64M", 16 * M);
    }

    [Test]
    public void Removed_over_the_end_the_lower_part_stays()
    {
        Add(2 * M, 64 * M);
        Remove(32 * M, 256 * M);
        Expect("2M-32M", 30 * M);
    }

    //                  +----+
    //                  |    |  removed
    //  | +-------------+....+---------------+ |
    //  | |     r1      :    :     r1        | |
    //  +-+-------------+----+---------------+-+
    [Test]
    public void Removed_inside_two_parts_stay()
    {
        Add(1 * M, 32 * M);
        Remove(16 * M, 1 * M);
        Expect("1M-16M 17M-33M", 31 * M);
    }

    [Test]
    public void Removed_over_two_neighbours_their_outer_parts_stay()
    {
        Add(1 * M, 4 * M);
        Add(8 * M, 4 * M);
        Remove(3 * M, 7 * M);
        Expect("1M-3M 10M-12M", 4 * M);
    }

    [Test]
    public void Removed_the_only_region_the_list_is_empty()
    {
        Add(1 * M, 4 * M);
        Remove(0, 1 * G);
        Expect("", 0);
    }

    [Test]
    public void Is_in_the_list_from_its_first_to_its_last_address()
    {
        Add(1 * M, 1 * M);
        Add(4 * M, 1 * M);
        foreach (var (address, index) in new Dictionary<ulong, int> { [M - 1] = -1, [M] = 0, [(2 * M) - 1] = 0, [2 * M] = -1, [4 * M] = 1, [5 * M] = -1 })
            Assert.That(Regions.IndexOf(At(address)), Is.EqualTo(index), $"0x{address:x}");
        Assert.That(Regions.Overlaps(Range(2 * M, 4 * M)), Is.False);
        Assert.That(Regions.Overlaps(Range(2 * M, (4 * M) + 1)), Is.True);
        Assert.That(Regions.Overlaps(Range((2 * M) - 1, 4 * M)), Is.True);
    }
}
