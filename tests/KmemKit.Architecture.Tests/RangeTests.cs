using System;
using FsCheck;
using FsCheck.Fluent;
using NUnit.Framework;

namespace KmemKit.Architecture.Tests;

/// <summary>Half-open ranges up to, and including, the end of the 64-bit space.</summary>
public class RangeTests
{
    private static readonly Config Quick = Config.QuickThrowOnFailure.WithMaxTest(1000);

    [Test]
    public void The_end_of_the_address_space_is_a_value() => Assert.Multiple(() =>
    {
        var top = new PhysRange(new PhysAddr(0xffff_ffff_ffff_f000), 0x1000);
        Assert.That(top.End, Is.EqualTo(AddressLimit.Top));
        Assert.That(top.End > ulong.MaxValue, Is.True);
        Assert.That(top.Last, Is.EqualTo(PhysAddr.MaxValue));
        Assert.That(top.Contains(PhysAddr.MaxValue), Is.True);
        Assert.That(top.Size, Is.EqualTo(new AddressLimit(0x1000)));
        Assert.That(top.ToString(), Is.EqualTo("[0xfffffffffffff000, 0x10000000000000000)"));
    });

    [Test]
    public void The_whole_space_is_a_range() => Assert.Multiple(() =>
    {
        var all = new VirtRange(VirtAddr.Zero, AddressLimit.Top);
        Assert.That(all.Size, Is.EqualTo(AddressLimit.Top));
        Assert.That(all.Contains(new VirtAddr(0)) && all.Contains(VirtAddr.MaxValue), Is.True);
        Assert.That(() => all.Size.Value, Throws.TypeOf<OverflowException>());
        Assert.That(PageGeometry.FourKiB.PagesIn(all.Size), Is.EqualTo(1UL << 52));
    });

    [Test]
    public void A_range_beyond_the_end_is_refused() => Assert.Multiple(() =>
    {
        Assert.That(() => new PhysRange(PhysAddr.MaxValue, 2), Throws.TypeOf<OverflowException>());
        Assert.That(() => new PhysRange(new PhysAddr(1), AddressLimit.Top), Throws.TypeOf<OverflowException>());
        Assert.That(() => PhysRange.FromBounds(new PhysAddr(2), 1), Throws.TypeOf<ArgumentOutOfRangeException>());
    });

    [Test]
    public void An_empty_range_contains_nothing_overlaps_nothing_and_has_no_last_address() => Assert.Multiple(() =>
    {
        var empty = new BusRange(new BusAddr(0x1000), 0);
        Assert.That(empty.IsEmpty, Is.True);
        Assert.That(empty.Contains(new BusAddr(0x1000)), Is.False);
        Assert.That(empty.Overlaps(new BusRange(BusAddr.Zero, 0x2000)), Is.False);
        Assert.That(() => empty.Last, Throws.TypeOf<InvalidOperationException>());
    });

    [Test]
    public void Touching_ranges_do_not_overlap() => Assert.That(
        new PhysRange(new PhysAddr(0), 0x1000).Overlaps(new PhysRange(new PhysAddr(0x1000), 0x1000)), Is.False);

    [Test]
    public void Overlap_and_intersection_agree_with_membership() => Prop.ForAll<byte, byte, byte>((a, b, c) =>
    {
        // Small numbers near the top of the space, every member tried.
        const ulong Top = ulong.MaxValue - 300;
        var left = new PhysRange(new PhysAddr(Top + (uint)(a % 40)), (uint)(b % 40));
        var right = new PhysRange(new PhysAddr(Top + (uint)(c % 40)), (uint)(a % 40));
        var common = left.Intersect(right);
        var any = false;
        for (var i = 0UL; i < 120; i++)
        {
            var address = new PhysAddr(Top + i);
            var both = left.Contains(address) && right.Contains(address);
            any |= both;
            if (both != common.Contains(address))
                return false;
        }
        return any == left.Overlaps(right) && any == !common.IsEmpty;
    }).Check(Quick);

    [TestCase(12, 0x1000UL, 0xffff_ffff_ffff_f000UL)]
    [TestCase(14, 0x4000UL, 0xffff_ffff_ffff_c000UL)]
    [TestCase(16, 0x1_0000UL, 0xffff_ffff_ffff_0000UL)]
    public void Page_size_and_mask_follow_from_the_shift(int shift, ulong size, ulong mask)
    {
        var pages = new PageGeometry(shift);
        Assert.That((pages.PageShift, pages.PageSize, pages.PageMask), Is.EqualTo((shift, size, mask)));
    }

    [Test]
    public void The_default_page_is_4_KiB_and_other_sizes_are_refused() => Assert.Multiple(() =>
    {
        Assert.That(default(PageGeometry).PageSize, Is.EqualTo(4096));
        Assert.That(() => new PageGeometry(13), Throws.TypeOf<ArgumentOutOfRangeException>());
    });

    [Test]
    public void A_frame_goes_to_its_address_and_back() => Prop.ForAll<ulong>(value =>
    {
        var pages = PageGeometry.SixteenKiB;
        var frame = pages.ToFrame(new PhysAddr(value));
        return pages.ToAddress(frame).Value == (value & pages.PageMask);
    }).Check(Quick);

    [Test]
    public void A_frame_beyond_the_space_has_no_address() =>
        Assert.That(() => PageGeometry.FourKiB.ToAddress(new PageFrame(1UL << 52)), Throws.TypeOf<OverflowException>());
}
