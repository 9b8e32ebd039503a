using System.Linq;
using KmemKit.Architecture.Mpu;
using KmemKit.Architecture.Mpu.Pmsav7;
using KmemKit.BoardCompiler.Mpu;
using KmemKit.BoardCompiler.Protection;
using NUnit.Framework;

namespace KmemKit.BoardCompiler.Tests.Mpu;

/// <summary>What the search for static regions goes by: the regions that it tries, and the pictures that it knows.</summary>
internal sealed class StaticSearchTests
{
    // A block of 512 bytes in eighths of 64. All states want the first and the fifth; the domain wants the third as well, and half of the fourth.
    [TestCase(0b0001_0001, TestName = "Eighths that a state wants whole")]
    [TestCase(0b0001_0101, TestName = "Eighths that another state wants whole")]
    [TestCase(0b0001_1101, TestName = "Eighths that a state wants some of")]
    public void The_pool_has_a_region_of(int enabled)
    {
        var format = Pmsav7Format.PmsaV7M;
        var policy = RandomPolicy.Of(("e0", 0, 0x40, "rw", "rw"), ("e4", 0x100, 0x40, "rw", "rw")) with
        {
            Domains = [new ProtectionDomain("d", [RandomPolicy.Entry(("e2", 0x80, 0x40, "rw", "rw")), RandomPolicy.Entry(("e3", 0xc0, 0x20, "rw", "rw"))], default)],
        };
        var pool = new StaticPool(new ProtectionCells(policy, format, MpuSpace.Unified), format);
        Assert.That(pool.Regions.Where(r => r.Start == 0 && r.Size == 512).Select(r => 255 - r.Disabled), Does.Contain(enabled));
    }

    [Test]
    public void A_picture_is_new_until_it_is_made_of_as_few_regions() => Assert.Multiple(() =>
    {
        var pictures = new PictureSet(4, 3);
        var key = pictures.KeyOf([0, 1, 2, 0]);
        Assert.That(pictures.Add(key, 3), Is.True);
        Assert.That(pictures.Add(key, 3), Is.False);
        Assert.That(pictures.Add(key, 2), Is.True, "of fewer");
        Assert.That(pictures.Add(key, 3), Is.False);
        Assert.That(pictures.Add(pictures.KeyOf([0, 1, 2, 1]), 3), Is.True, "another");
    });

    [Test]
    public void The_key_of_a_picture_with_a_region_more_is_that_of_the_picture()
    {
        var pictures = new PictureSet(4, 3);
        byte[] below = [0, 1, 2, 0];
        Assert.That(pictures.KeyWith(pictures.KeyOf(below), below, [1, 2, 3], 2), Is.EqualTo(pictures.KeyOf([0, 2, 2, 2])));
    }

    [TestCase(new[] { 1, 70 }, new[] { 1 }, new[] { 70 }, true)]
    [TestCase(new[] { 1, 70 }, new[] { 1, 70 }, new int[0], true)]
    [TestCase(new[] { 1, 70 }, new[] { 1 }, new[] { 6 }, false)]
    [TestCase(new int[0], new int[0], new int[0], true)]
    public void Points_are_in_one_of_two_sets(int[] points, int[] one, int[] other, bool expected) =>
        Assert.That(new PointSet(100, points).IsIn(new PointSet(100, one), new PointSet(100, other)), Is.EqualTo(expected));
}
