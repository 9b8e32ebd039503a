using KmemKit.BoardCompiler.Devicetree;
using KmemKit.BoardCompiler.Devicetree.Blobs;
using NUnit.Framework;

namespace KmemKit.BoardCompiler.Tests.Devicetree;

[TestFixture]
internal sealed class BlobCompareTests
{
    private static BlobBuilder Base() => new BlobBuilder().Reserve(1, 2).Begin("").Cell("a", 1).Cell("b", 2)
        .Begin("x").Begin("y").Cell("c", 3).End().End().Begin("z").End().End().Finish();

    [Test]
    public void A_tree_is_the_same_as_itself() => Assert.That(Difference(Base(), Base()), Is.Null);

    [Test]
    public void A_value_that_differs_is_named_with_path_and_byte() =>
        Assert.That(
            Difference(Base(), new BlobBuilder().Reserve(1, 2).Begin("").Cell("a", 1).Cell("b", 2).Begin("x").Begin("y").Cell("c", 4).End().End()
                .Begin("z").End().End().Finish()),
            Is.EqualTo("/x/y: c: byte 3 is 0x03 against 0x04"));

    [Test]
    public void A_length_that_differs_is_named() =>
        Assert.That(Difference(Root().Property("a", 1).End().Finish(), Root().Property("a", 1, 2).End().Finish()), Is.EqualTo("/: a: 1 bytes against 2"));

    [Test]
    public void Order_counts_unless_it_is_told_not_to()
    {
        var one = Root().Cell("a", 1).Cell("b", 2).Begin("x").End().Begin("y").End().End().Finish().Reserve(1, 1).Reserve(2, 2);
        var two = Root().Cell("b", 2).Cell("a", 1).Begin("y").End().Begin("x").End().End().Finish().Reserve(2, 2).Reserve(1, 1);
        Assert.That(Difference(one, two), Is.EqualTo("/: memory reservation 0: 0x1 size 0x1 against 0x2 size 0x2"));
        Assert.That(Difference(one, two, DeviceTreeComparison.IgnoreOrder), Is.Null);
    }

    [Test]
    public void A_property_or_subnode_too_few_is_named()
    {
        Assert.That(Difference(Root().Cell("a", 1).End().Finish(), Root().End().Finish()), Is.EqualTo("/: property 0: a against none"));
        Assert.That(Difference(Root().End().Finish(), Root().Begin("n").End().End().Finish()), Is.EqualTo("/: subnode 0: none against n"));
        Assert.That(Difference(Root().End().Finish(), Root().End().Finish().Reserve(1, 1)), Does.Contain("none against 0x1 size 0x1"));
    }

    [Test]
    public void The_boot_cpu_counts_unless_it_is_told_not_to()
    {
        var other = Base();
        other.BootCpu = 1;
        Assert.That(Difference(Base(), other), Is.EqualTo("/: boot CPU 0x0 against 0x1"));
        Assert.That(Difference(Base(), other, DeviceTreeComparison.IgnoreBootCpu), Is.Null);
    }

    private static BlobBuilder Root() => new BlobBuilder().Begin("");

    private static string? Difference(BlobBuilder left, BlobBuilder right, DeviceTreeComparison comparison = DeviceTreeComparison.Exact) =>
        DeviceTreeComparer.FirstDifference(FdtReader.Read(left.ToFile()).Tree!, FdtReader.Read(right.ToFile()).Tree!, comparison)?.ToString();
}
