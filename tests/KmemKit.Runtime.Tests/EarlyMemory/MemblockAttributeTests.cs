using KmemKit.Architecture;
using KmemKit.Runtime.Memblock;
using NUnit.Framework;
using static KmemKit.Runtime.Tests.Harness.Sizes;

namespace KmemKit.Runtime.Tests.EarlyMemory;

using Memblock = KmemKit.Runtime.Memblock.Memblock;

/// <summary>Nodes and flags: what keeps regions apart, splits them, and joins them again.</summary>
public sealed class MemblockAttributeTests
{
    private readonly Memblock _memblock = new();

    [SetUp]
    public void Empty()
    {
        _memblock.Remove(PhysAddr.Zero, AddressLimit.Top);
        _memblock.Free(PhysAddr.Zero, AddressLimit.Top);
    }

    [Test]
    public void Neighbours_of_two_nodes_stay_apart()
    {
        _memblock.Add(At(0), 1 * G, node: 0);
        _memblock.Add(At(1 * G), 1 * G, node: 1);
        Assert.That(Show(_memblock.Memory), Is.EqualTo("0-1G@0 1G-2G@1"));
    }

    [Test]
    public void Neighbours_of_different_flags_stay_apart()
    {
        _memblock.Add(At(0), 1 * G);
        _memblock.Add(At(1 * G), 1 * G, flags: MemblockFlags.Hotplug);
        Assert.That(Show(_memblock.Memory), Is.EqualTo("0-1G 1G-2G+Hotplug"));
    }

    //  |   +------+ first, node 0
    //  +---+------+----+ second, node 1
    //             |here| only
    [Test]
    public void What_is_memory_already_keeps_its_node_and_the_kernel_says_so()
    {
        _memblock.Add(At(1 * G), 1 * G, node: 0);
        _memblock.Add(At(0), 3 * G, node: 1);
        Assert.That(Show(_memblock.Memory), Is.EqualTo("0-1G@1 1G-2G@0 2G-3G@1"));
        Assert.That(_memblock.Messages, Has.Some.Contains("[0x40000000, 0x80000000)").And.Contains("node 0"));
    }

    [Test]
    public void A_node_set_in_the_middle_makes_three_regions_and_set_everywhere_one()
    {
        _memblock.Add(At(0), 4 * G, node: 0);
        _memblock.SetNode(At(1 * G), 1 * G, 1);
        Assert.That(Show(_memblock.Memory), Is.EqualTo("0-1G@0 1G-2G@1 2G-4G@0"));
        _memblock.SetNode(At(0), AddressLimit.Top, 0);
        Assert.That(Show(_memblock.Memory), Is.EqualTo("0-4G@0"));
    }

    [Test]
    public void A_flag_marked_and_cleared_leaves_one_region()
    {
        _memblock.Add(At(0), 4 * G);
        _memblock.MarkNoMap(At(1 * G), 1 * G);
        Assert.That(Show(_memblock.Memory), Is.EqualTo("0-1G 1G-2G+NoMap 2G-4G"));
        _memblock.MarkHotplug(At(0), 2 * G);
        Assert.That(Show(_memblock.Memory), Is.EqualTo("0-1G+Hotplug 1G-2G+Hotplug, NoMap 2G-4G"));
        _memblock.ClearHotplug(At(0), 2 * G);
        _memblock.ClearNoMap(At(0), 4 * G);
        Assert.That(Show(_memblock.Memory), Is.EqualTo("0-4G"));
    }

    [Test]
    public void A_flag_where_no_memory_is_marks_nothing()
    {
        _memblock.Add(At(1 * G), 1 * G);
        _memblock.MarkNoMap(At(3 * G), 1 * G);
        Assert.That(Show(_memblock.Memory), Is.EqualTo("1G-2G"));
    }

    [Test]
    public void No_map_memory_is_memory_but_not_map_memory()
    {
        _memblock.Add(At(0), 2 * G);
        _memblock.MarkNoMap(At(1 * G), 1 * M);
        Assert.That(_memblock.IsMemory(At(1 * G)), Is.True);
        Assert.That(_memblock.IsMapMemory(At(1 * G)), Is.False);
        Assert.That(_memblock.IsMapMemory(At((1 * G) + (1 * M))), Is.True);
        Assert.That(_memblock.IsMapMemory(At(2 * G)), Is.False);
    }

    [Test]
    public void Memory_of_a_region_lies_in_one_region()
    {
        _memblock.Add(At(1 * G), 1 * G, node: 0);
        _memblock.Add(At(2 * G), 1 * G, node: 1);
        Assert.That(_memblock.IsRegionMemory(Range(1 * G, 2 * G)), Is.True);
        Assert.That(_memblock.IsRegionMemory(Range(1 * G, (2 * G) + 1)), Is.False, "two nodes");
        Assert.That(_memblock.IsRegionMemory(Range(0, 1 * G)), Is.False);
    }

    [Test]
    public void Trimmed_memory_loses_its_partial_ends_and_regions_without_a_whole_unit()
    {
        _memblock.Add(At(4 * K), 12 * K);
        _memblock.Add(At(17 * K), 2 * K);
        _memblock.Add(At(30 * K), 14 * K);
        _memblock.Add(At(ulong.MaxValue - (5 * K) + 1), 5 * K);
        var lost = _memblock.TrimMemory(4 * K);
        Assert.That(Show(_memblock.Memory), Is.EqualTo("4K-16K 32K-44K 18014398509481980K-top"));
        Assert.That(lost, Is.EqualTo((AddressLimit)(5 * K)));
    }

    [Test]
    public void Dram_begins_and_ends_where_memory_does()
    {
        _memblock.Add(At(1 * G), 1 * M);
        _memblock.Add(At(4 * G), 1 * M);
        Assert.That(_memblock.StartOfDram, Is.EqualTo(At(1 * G)));
        Assert.That(_memblock.EndOfDram, Is.EqualTo((AddressLimit)((4 * G) + (1 * M))));
    }

    [Test]
    public void The_dump_is_the_kernels()
    {
        _memblock.Add(At(1 * G), 1 * M, node: 1, flags: MemblockFlags.NoMap);
        _memblock.Reserve(At(1 * G), 4 * K);
        Assert.That(MemblockText.Write(_memblock), Is.EqualTo(
            "MEMBLOCK configuration:\n"
            + " memory size = 0x0000000000100000 reserved size = 0x0000000000001000\n"
            + " memory.cnt  = 0x1\n"
            + " memory[0x0]\t[0x0000000040000000-0x00000000400fffff], 0x0000000000100000 bytes on node 1 flags: 0x4\n"
            + " reserved.cnt  = 0x1\n"
            + " reserved[0x0]\t[0x0000000040000000-0x0000000040000fff], 0x0000000000001000 bytes flags: 0x0\n"));
    }
}
