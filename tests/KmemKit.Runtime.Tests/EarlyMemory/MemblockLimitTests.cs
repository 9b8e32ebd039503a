using KmemKit.Architecture;
using KmemKit.Runtime.Memblock;
using NUnit.Framework;
using static KmemKit.Runtime.Tests.Harness.Sizes;

namespace KmemKit.Runtime.Tests.EarlyMemory;

using Memblock = KmemKit.Runtime.Memblock.Memblock;

/// <summary><c>mem=</c>. Memory is 0-1G and 2G-3G; 512M-513M and 2560M-2561M are reserved, 2944M-3G is no-map.</summary>
public sealed class MemblockLimitTests
{
    private Memblock _memblock = new();

    [SetUp]
    public void TwoBanks()
    {
        _memblock = new Memblock();
        _memblock.Add(At(0), 1 * G);
        _memblock.Add(At(2 * G), 1 * G);
        _memblock.Reserve(At(512 * M), M);
        _memblock.Reserve(At(2560 * M), M);
        _memblock.MarkNoMap(At(2944 * M), 128 * M);
    }

    private void Expect(AddressLimit lost, ulong lostExpected, string memory, string reserved)
    {
        Assert.That(Show(_memblock.Memory), Is.EqualTo(memory));
        Assert.That(Show(_memblock.Reserved), Is.EqualTo(reserved));
        Assert.That(lost, Is.EqualTo((AddressLimit)lostExpected));
    }

    [Test]
    public void An_amount_within_the_first_bank_ends_it_and_drops_all_above() =>
        Expect(_memblock.EnforceMemoryLimit(256 * M), 1792 * M, "0-256M", "");

    [Test]
    public void An_amount_counts_memory_and_not_holes() =>
        Expect(_memblock.EnforceMemoryLimit((1 * G) + (256 * M)), 768 * M, "0-1G 2G-2304M", "512M-513M");

    [Test]
    public void An_amount_that_a_bank_ends_at_leaves_that_bank_whole() =>
        Expect(_memblock.EnforceMemoryLimit(1 * G), 1 * G, "0-1G", "512M-513M");

    [Test]
    public void More_than_there_is_and_0_change_nothing([Values(0UL, 4 * G)] ulong limit) =>
        Expect(_memblock.EnforceMemoryLimit(limit), 0, "0-1G 2G-2944M 2944M-3G+NoMap", "512M-513M 2560M-2561M");

    [Test]
    public void A_range_keeps_memory_inside_and_no_map_memory_everywhere() =>
        Expect(_memblock.CapMemoryRange(Range(768 * M, 2304 * M)), (768 * M) + (640 * M), "768M-1G 2G-2304M 2944M-3G+NoMap", "");

    [Test]
    public void The_limit_of_mapped_memory_spares_no_map_memory() =>
        Expect(_memblock.LimitMappedMemory(768 * M), (256 * M) + (896 * M), "0-768M 2944M-3G+NoMap", "512M-513M");

    [Test]
    public void An_empty_range_or_no_memory_changes_nothing()
    {
        Expect(_memblock.CapMemoryRange(Range(5, 5)), 0, "0-1G 2G-2944M 2944M-3G+NoMap", "512M-513M 2560M-2561M");
        Assert.That(new Memblock().CapMemoryRange(Range(0, 1 * G)), Is.EqualTo((AddressLimit)0));
    }
}
