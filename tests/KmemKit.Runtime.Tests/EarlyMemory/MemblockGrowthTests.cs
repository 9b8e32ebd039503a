using System.Linq;
using KmemKit.Architecture;
using KmemKit.Runtime.Memblock;
using NUnit.Framework;
using static KmemKit.Runtime.Tests.Harness.Sizes;

namespace KmemKit.Runtime.Tests.EarlyMemory;

using Memblock = KmemKit.Runtime.Memblock.Memblock;

/// <summary>
/// The arrays of regions: 128 entries, doubled into memory of their own (memblock_add_many, memblock_reserve_many and reserve_all_locations of Linux'
/// basic_api.c). An entry has 24 bytes: 256 entries are 6 KiB, two pages.
/// </summary>
public sealed class MemblockGrowthTests
{
    private const ulong ArrayBytes = 8 * K;

    private static Memblock WithMemory()
    {
        var memblock = new Memblock { AllowResize = true };
        memblock.Add(At(1 * G), 1 * M);
        return memblock;
    }

    private static void AddApart(Memblock memblock, int count)
    {
        for (var i = 0; i < count; i++)
            memblock.Add(At((4 * G) + ((ulong)i * 2 * M)), M);
    }

    private static void ReserveApart(Memblock memblock, int count)
    {
        for (var i = 0; i < count; i++)
            memblock.Reserve(At((4 * G) + ((ulong)i * 2 * M)), M);
    }

    [Test]
    public void The_129th_region_of_memory_doubles_its_array_into_reserved_memory()
    {
        var memblock = WithMemory();
        AddApart(memblock, 127);
        Assert.That((memblock.Memory.Count, memblock.Memory.Growths, memblock.Reserved.Count), Is.EqualTo((128, 0, 0)));
        memblock.CurrentLimit = 2 * G;
        memblock.Add(At(16 * G), M);
        Assert.That((memblock.Memory.Count, memblock.Memory.Capacity, memblock.Memory.Growths), Is.EqualTo((129, 256, 1)));
        Assert.That(Show(memblock.Reserved), Is.EqualTo("1049592K-1025M"));
        Assert.That(memblock.Memory.ArrayRange!.Value.Size, Is.EqualTo((AddressLimit)ArrayBytes));
        Assert.That(memblock.Messages, Is.EqualTo(new[] { "memblock: memory is doubled to 256 at [0x00000000400fe000-0x00000000400fffff]" }));
    }

    [Test]
    public void The_array_of_what_is_reserved_takes_an_entry_of_itself()
    {
        var memblock = WithMemory();
        ReserveApart(memblock, 129);
        Assert.That((memblock.Reserved.Count, memblock.Reserved.Capacity, memblock.Reserved.Growths), Is.EqualTo((130, 256, 1)));
        Assert.That(memblock.Reserved.TotalSize, Is.EqualTo((AddressLimit)((129 * M) + ArrayBytes)));
    }

    [Test]
    public void Doubled_again_the_place_of_the_old_array_is_free()
    {
        var memblock = WithMemory();
        ReserveApart(memblock, 129);
        var first = memblock.Reserved.ArrayRange!.Value;
        ReserveApart(memblock, 300);
        var second = memblock.Reserved.ArrayRange!.Value;
        Assert.That((memblock.Reserved.Capacity, memblock.Reserved.Growths, second.Size.Value), Is.EqualTo((512, 2, 12 * K)));
        Assert.That(second.Overlaps(first), Is.False, "both exist while entries are copied");
        Assert.That(memblock.IsRegionReserved(first), Is.False);
        Assert.That(memblock.Reserved.TotalSize, Is.EqualTo((AddressLimit)((300 * M) + (12 * K))));
    }

    //  |  1G   the array would fit at the end, where the 129th region is about to be   |
    //  |                                    +--array--+######## 129th ########|
    [Test]
    public void The_array_avoids_what_is_about_to_be_reserved()
    {
        var memblock = WithMemory();
        ReserveApart(memblock, 128);
        var coming = memblock.Reserve(At((1 * G) + (512 * K)), 512 * K);
        var array = memblock.Reserved.ArrayRange!.Value;
        Assert.That(array.Overlaps(coming), Is.False);
        Assert.That(array.End, Is.EqualTo((AddressLimit)coming.Start.Value));
    }

    [Test]
    public void What_is_reserved_at_any_place_of_the_list_is_the_same_after_growth([Range(0, 128, 16)] int missing)
    {
        var memblock = WithMemory();
        for (var i = 0; i <= 128; i++)
        {
            if (i != missing)
                memblock.Reserve(At((4 * G) + ((ulong)i * 2 * M)), M);
        }
        memblock.Reserve(At((4 * G) + ((ulong)missing * 2 * M)), M);
        Assert.That(memblock.Reserved.Growths, Is.EqualTo(1));
        Assert.That(memblock.Reserved.Skip(1).Select(r => r.Range.Start.Value), Is.EqualTo(Enumerable.Range(0, 129).Select(i => (4 * G) + ((ulong)i * 2 * M))));
    }

    [Test]
    public void Before_growth_is_allowed_the_129th_region_is_ENOMEM_and_changes_nothing()
    {
        var memblock = new Memblock();
        AddApart(memblock, 128);
        var error = Assert.Throws<MemblockException>(() => memblock.Add(At(1 * G), M));
        Assert.That(error!.Error, Is.EqualTo(MemblockError.NoMemory));
        Assert.That(memblock.Memory.Count, Is.EqualTo(128));
        Assert.That(memblock.Messages, Is.EqualTo(new[] { "memblock: Failed to double memory array from 128 to 256 entries !" }));
        Assert.That(() => memblock.Add(At(4 * G), M), Throws.Nothing, "needs no entry");
    }

    [Test]
    public void Without_room_for_the_array_an_allocation_fails_and_takes_nothing()
    {
        var memblock = new Memblock { AllowResize = true };
        memblock.Add(At(1 * G), 4 * K);
        ReserveApart(memblock, 128);
        Assert.That(memblock.Alloc(64), Is.Null);
        Assert.That(memblock.Reserved.Count, Is.EqualTo(128));
    }

    [Test]
    public void A_cut_needs_room_for_two_more_regions()
    {
        var memblock = WithMemory();
        AddApart(memblock, 126);
        Assert.That((memblock.Memory.Count, memblock.Memory.Growths), Is.EqualTo((127, 0)));
        memblock.MarkNoMap(At((1 * G) + (4 * K)), 4 * K);
        Assert.That((memblock.Memory.Count, memblock.Memory.Growths), Is.EqualTo((129, 1)));
    }
}
