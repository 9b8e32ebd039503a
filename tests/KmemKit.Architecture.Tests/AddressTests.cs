using System;
using System.Linq;
using FsCheck;
using FsCheck.Fluent;
using NUnit.Framework;

namespace KmemKit.Architecture.Tests;

/// <summary>Addresses: checked arithmetic, text and back, and that the kinds do not mix.</summary>
public class AddressTests
{
    private static readonly Config Quick = Config.QuickThrowOnFailure.WithMaxTest(1000);

    [Test]
    public void Text_reads_back_as_the_same_address() => Prop.ForAll<ulong>(value =>
        PhysAddr.Parse(new PhysAddr(value).ToString()).Value == value
        && VirtAddr.Parse(new VirtAddr(value).ToString("x16")).Value == value
        && BusAddr.Parse(new BusAddr(value).ToString("X8")).Value == value).Check(Quick);

    [TestCase("0x0", 0UL)]
    [TestCase("0xC000_0000", 0xc000_0000UL)]
    [TestCase(" 0xffffffffffffffff ", ulong.MaxValue)]
    [TestCase("0X10", 16UL)]
    [TestCase("0x00000000000000000001", 1UL)]
    public void Hexadecimal_with_0x_in_front_is_an_address(string text, ulong value) =>
        Assert.That(PhysAddr.Parse(text).Value, Is.EqualTo(value));

    [TestCase("")]
    [TestCase("0x")]
    [TestCase("10")]
    [TestCase("c0000000")]
    [TestCase("0x10000000000000000")]
    [TestCase("0x12g4")]
    [TestCase("0x_1")]
    [TestCase("0x1_")]
    [TestCase("-0x1")]
    public void Anything_else_is_refused(string text) => Assert.Multiple(() =>
    {
        Assert.That(PhysAddr.TryParse(text, out _), Is.False);
        Assert.That(() => VirtAddr.Parse(text), Throws.TypeOf<FormatException>());
    });

    [Test]
    public void A_null_text_is_no_address() => Assert.That(PhysAddr.TryParse(null, out _), Is.False);

    [Test]
    public void Padding_fills_with_zeros_up_to_the_width() => Assert.Multiple(() =>
    {
        Assert.That(new PhysAddr(0x1000).ToString("x8"), Is.EqualTo("0x00001000"));
        Assert.That(new PhysAddr(0xabc).ToString("X16"), Is.EqualTo("0x0000000000000ABC"));
        Assert.That(() => new PhysAddr(1).ToString("d"), Throws.TypeOf<FormatException>());
    });

    [Test]
    public void Arithmetic_throws_where_it_would_leave_64_bits() => Assert.Multiple(() =>
    {
        Assert.That(() => PhysAddr.MaxValue + 1, Throws.TypeOf<OverflowException>());
        Assert.That(() => VirtAddr.Zero - 1UL, Throws.TypeOf<OverflowException>());
        Assert.That(() => BusAddr.Zero - new BusAddr(1), Throws.TypeOf<OverflowException>());
        Assert.That(() => new PageFrame(ulong.MaxValue) + 1, Throws.TypeOf<OverflowException>());
        Assert.That(() => PhysAddr.MaxValue.AlignUp(4096), Throws.TypeOf<OverflowException>());
    });

    [Test]
    public void Order_is_that_of_the_numbers() => Prop.ForAll<ulong, ulong>((left, right) =>
        (new PhysAddr(left) < new PhysAddr(right)) == (left < right)
        && (new VirtAddr(left) >= new VirtAddr(right)) == (left >= right)
        && new BusAddr(left).CompareTo(new BusAddr(right)) == left.CompareTo(right)).Check(Quick);

    [Test]
    public void Alignment_gives_the_nearest_multiple_on_each_side() => Prop.ForAll<ulong, int>((value, seed) =>
    {
        var alignment = 1UL << (seed & 31);
        var address = new PhysAddr(value >> 1);
        var down = address.AlignDown(alignment);
        var up = address.AlignUp(alignment);
        return down.IsAligned(alignment) && up.IsAligned(alignment) && down <= address && up >= address
            && address - down < alignment && up - address < alignment;
    }).Check(Quick);

    [Test]
    public void An_alignment_that_is_no_power_of_two_is_refused() =>
        Assert.That(() => new PhysAddr(1).AlignUp(3), Throws.TypeOf<ArgumentOutOfRangeException>());

    [Test]
    public void The_kinds_of_address_do_not_convert_into_each_other()
    {
        Type[] kinds = [typeof(PhysAddr), typeof(VirtAddr), typeof(BusAddr), typeof(PageFrame)];
        var conversions = kinds.SelectMany(k => k.GetMethods()).Where(m => m.Name is "op_Implicit" or "op_Explicit");
        Assert.That(conversions, Is.Empty);
    }
}
