using System;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Runtime.Memory;
using KmemKit.Runtime.Proc;
using NUnit.Framework;
using static KmemKit.Runtime.Tests.Harness.Sizes;

namespace KmemKit.Runtime.Tests.RamTests;

/// <summary>Claims on physical addresses: the rules of kernel/resource.c.</summary>
public sealed class ResourceTreeTests
{
    private readonly ResourceTree _tree = new();

    [TearDown]
    public void Empty()
    {
        foreach (var child in _tree.Root.Children.ToArray())
            _tree.Release(child);
    }

    private void Expect(params string[] lines) => Assert.That(IomemText.Write(_tree), Is.EqualTo(string.Concat(lines.Select(l => l + "\n"))));

    private static void Busy(Action call, string conflict) =>
        Assert.That(call, Throws.TypeOf<ResourceException>()
            .With.Property(nameof(ResourceException.Error)).EqualTo(ResourceError.Busy)
            .And.Property(nameof(ResourceException.Conflict)).Property(nameof(Resource.Name)).EqualTo(conflict));

    [Test]
    public void Resources_are_listed_by_address_with_the_last_address_and_8_digits_or_more()
    {
        _tree.Request(Range(0x1_0000_0000, AddressLimit.Top), "high");
        _tree.Request(Range(0x0, 0x10), "low");
        Expect("00000000-0000000f : low", "100000000-ffffffffffffffff : high");
    }

    //  |   +---- a ----+     |
    //  |          +--- b ---+|
    [Test]
    public void A_resource_that_overlaps_one_of_its_level_is_busy_and_one_beside_it_is_not()
    {
        _tree.Request(Range(0x1000, 0x2000), "a");
        foreach (var (start, end) in new[] { (0x1fffUL, 0x3000UL), (0x0UL, 0x1001UL), (0x1000UL, 0x2000UL), (0x1400UL, 0x1500UL), (0x0UL, 0x9000UL) })
            Busy(() => _tree.Request(Range(start, end), "b"), "a");
        _tree.Request(Range(0x2000, 0x3000), "b");
        _tree.Request(Range(0x0, 0x1000), "c");
        Expect("00000000-00000fff : c", "00001000-00001fff : a", "00002000-00002fff : b");
    }

    [Test]
    public void A_child_lies_in_its_parent()
    {
        var ram = _tree.Request(Range(0x1000, 0x9000), "System RAM", busy: true);
        _tree.Request(Range(0x2000, 0x3000), "Kernel code", parent: ram);
        Busy(() => _tree.Request(Range(0x8000, 0xa000), "Kernel data", parent: ram), "System RAM");
        Expect("00001000-00008fff : System RAM", "  00002000-00002fff : Kernel code");
    }

    [Test]
    public void Inserted_a_resource_goes_below_the_smallest_that_contains_it_and_above_those_in_it()
    {
        _tree.Insert(Range(0x0, 0x10000), "bus");
        _tree.Insert(Range(0x1000, 0x2000), "uart");
        _tree.Insert(Range(0x3000, 0x4000), "spi");
        _tree.Insert(Range(0x8000, 0x9000), "timer");
        _tree.Insert(Range(0x1000, 0x4000), "bridge");
        Expect("00000000-0000ffff : bus", "  00001000-00003fff : bridge", "    00001000-00001fff : uart", "    00003000-00003fff : spi",
            "  00008000-00008fff : timer");
    }

    [Test]
    public void Inserted_twice_the_second_of_a_range_is_the_outer_one()
    {
        _tree.Insert(Range(0x1000, 0x2000), "inner");
        _tree.Insert(Range(0x1000, 0x2000), "outer");
        Expect("00001000-00001fff : outer", "  00001000-00001fff : inner");
    }

    [Test]
    public void Inserted_across_the_edge_of_another_it_is_busy_and_nothing_changes()
    {
        _tree.Insert(Range(0x1000, 0x2000), "a");
        _tree.Insert(Range(0x3000, 0x4000), "b");
        Busy(() => _tree.Insert(Range(0x1000, 0x3001), "c"), "b");
        Busy(() => _tree.Insert(Range(0x1800, 0x2800), "c"), "a");
        Expect("00001000-00001fff : a", "00003000-00003fff : b");
    }

    [Test]
    public void A_driver_claims_below_a_resource_that_nobody_uses()
    {
        _tree.Insert(Range(0x1000, 0x2000), "/soc/uart@1000");
        _tree.RequestRegion(Range(0x1000, 0x2000), "uart");
        Expect("00001000-00001fff : /soc/uart@1000", "  00001000-00001fff : uart");
        Busy(() => _tree.RequestRegion(Range(0x1000, 0x1010), "second driver"), "uart");
    }

    [Test]
    public void A_driver_that_claims_more_than_the_resource_has_is_refused()
    {
        _tree.Insert(Range(0x1000, 0x2000), "/soc/uart@1000");
        Busy(() => _tree.RequestRegion(Range(0x1000, 0x3000), "uart"), "/soc/uart@1000");
        Expect("00001000-00001fff : /soc/uart@1000");
    }

    [Test]
    public void A_released_region_can_be_claimed_again_and_only_its_own_range_releases_it()
    {
        _tree.Insert(Range(0x1000, 0x2000), "/soc/uart@1000");
        _tree.RequestRegion(Range(0x1000, 0x1800), "uart");
        foreach (var (start, end) in new[] { (0x1000UL, 0x2000UL), (0x1000UL, 0x1400UL), (0x1800UL, 0x1900UL), (0x9000UL, 0x9001UL), (0x1000UL, 0x1000UL) })
        {
            Assert.That(() => _tree.ReleaseRegion(Range(start, end)),
                Throws.TypeOf<ResourceException>().With.Property(nameof(ResourceException.Error)).EqualTo(ResourceError.NotFound));
        }
        _tree.ReleaseRegion(Range(0x1000, 0x1800));
        _tree.RequestRegion(Range(0x1000, 0x2000), "uart again");
        Expect("00001000-00001fff : /soc/uart@1000", "  00001000-00001fff : uart again");
    }

    [Test]
    public void A_resource_is_released_with_all_in_it_and_once()
    {
        var bus = _tree.Insert(Range(0x0, 0x10000), "bus");
        _tree.Insert(Range(0x1000, 0x2000), "uart");
        _tree.Release(bus);
        Expect();
        Assert.That(() => _tree.Release(bus), Throws.TypeOf<ResourceException>());
        Assert.That(() => new ResourceTree().Release(_tree.Insert(Range(0, 1), "of another tree")), Throws.TypeOf<ResourceException>());
    }

    [Test]
    public void Nothing_cannot_be_claimed()
    {
        foreach (var call in new Action[]
        {
            () => _tree.Request(Range(5, 5), "x"), () => _tree.Insert(Range(5, 5), "x"), () => _tree.RequestRegion(Range(5, 5), "x"),
        })
        {
            Assert.That(call, Throws.TypeOf<ResourceException>().With.Property(nameof(ResourceException.Error)).EqualTo(ResourceError.Invalid));
        }
    }

    [Test]
    public void The_innermost_device_answers()
    {
        var outer = new Silent();
        _tree.RequestRegion(Range(0x1000, 0x2000), "outer", outer);
        Assert.That(_tree.FindDevice(At(0x1fff))!.Device, Is.SameAs(outer));
        Assert.That(_tree.FindDevice(At(0x2000)), Is.Null);
        Assert.That(_tree.FindDevice(At(0xfff)), Is.Null);
    }

    private sealed class Silent : IBusDevice
    {
        public ulong Read(ulong offset, int size) => 0;

        public void Write(ulong offset, int size, ulong value)
        {
        }
    }
}
