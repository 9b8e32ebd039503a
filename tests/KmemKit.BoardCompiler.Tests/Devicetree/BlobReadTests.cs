using System;
using System.Linq;
using System.Text;
using KmemKit.BoardCompiler.Devicetree;
using KmemKit.BoardCompiler.Devicetree.Blobs;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Sources;
using NUnit.Framework;

namespace KmemKit.BoardCompiler.Tests.Devicetree;

[TestFixture]
internal sealed class BlobReadTests
{
    [Test]
    public void Nodes_and_properties_keep_the_order_of_the_blob()
    {
        var tree = Read(new BlobBuilder().Begin("").Text("b", "x").Cell("a", 1)
            .Begin("z").Begin("deep").End().End().Begin("y").End().End().Finish());
        Assert.That(tree.Root.DescendantsAndSelf().Select(n => n.Path), Is.EqualTo(new[] { "/", "/z", "/z/deep", "/y" }));
        Assert.That(tree.Root.Properties.Select(p => p.Name), Is.EqualTo(new[] { "b", "a" }));
        Assert.That(tree.Root.Property("b")!.Value.ToArray(), Is.EqualTo("x\0"u8.ToArray()));
    }

    [Test]
    public void A_span_is_the_bytes_of_the_name_or_of_the_property()
    {
        var tree = Read(new BlobBuilder().Begin("").Cell("p", 1).Begin("node@1").End().End().Finish());
        var property = tree.Root.Properties[0];
        Assert.That((property.Span.Start, property.Span.Length), Is.EqualTo((0x40, 16)));
        Assert.That(property.Span.ToString(), Is.EqualTo("test.dtb(1,65)"));
        Assert.That((tree.Root.Children[0].Span.Start, tree.Root.Children[0].Span.Length), Is.EqualTo((0x54, 6)));
    }

    [Test]
    public void Reservations_and_the_boot_cpu_are_read()
    {
        var builder = BlobBuilder.Empty().Finish().Reserve(0x80000000, 0x10000).Reserve(ulong.MaxValue, 1);
        builder.BootCpu = 3;
        var tree = Read(builder);
        Assert.That(tree.BootCpuId, Is.EqualTo(3));
        Assert.That(tree.Reservations.Select(r => (r.Address.Value, r.Size)), Is.EqualTo(new[] { (0x80000000UL, 0x10000UL), (ulong.MaxValue, 1UL) }));
    }

    [Test]
    public void FDT_NOP_is_skipped_wherever_it_stands() =>
        Assert.That(Read(new BlobBuilder().Nop().Begin("").Nop().Cell("p", 1).Nop().Cell("q", 2).Begin("n").Nop().End().Nop().End().Nop().Finish())
            .Root.Properties.Select(p => p.Name), Is.EqualTo(new[] { "p", "q" }));

    [Test]
    public void Properties_behind_subnodes_belong_to_the_node_they_stand_in()
    {
        var result = FdtReader.Read(new BlobBuilder().Begin("").Cell("a", 1)
            .Begin("x").Cell("b", 2).Begin("y").Cell("c", 3).End().Cell("d", 4).End().Cell("e", 5).Begin("z").Cell("f", 6).End().End().Finish().ToFile());
        string Names(string path) => string.Concat(result.Tree!.Root.DescendantsAndSelf().Single(n => n.Path == path).Properties.Select(p => p.Name));
        Assert.That((Names("/"), Names("/x"), Names("/x/y"), Names("/z")), Is.EqualTo(("ae", "bd", "c", "f")));
        Assert.That(result.Diagnostics.Select(d => d.Id), Is.All.EqualTo("KMK1519").And.Exactly(2).Items);
    }

    [Test]
    public void A_property_given_twice_is_found_also_behind_a_subnode() =>
        Assert.That(FdtReader.Read(new BlobBuilder().Begin("").Cell("a", 1).Begin("x").Cell("a", 2).End().Cell("a", 3).End().Finish().ToFile())
            .Diagnostics.Select(d => d.Id), Does.Contain("KMK1521"));

    [TestCase(1u), TestCase(2u), TestCase(3u)]
    public void Versions_before_16_name_nodes_by_path_repeat_the_name_and_align_long_values(uint version)
    {
        var builder = new BlobBuilder { Version = version, LastCompatibleVersion = version, BootCpu = 5 }
            .Begin("/").Property("long", 1, 2, 3, 4, 5, 6, 7, 8).Text("name", "")
            .Begin("/soc").Text("name", "soc").Begin("/soc/uart@10").Text("name", "uart").Cell("reg", 0x10).End()
            .Begin("/soc/odd").Text("name", "other").End().End().End().Finish();
        var tree = Read(builder);
        Assert.That(tree.Root.DescendantsAndSelf().Select(n => n.Path), Is.EqualTo(new[] { "/", "/soc", "/soc/uart@10", "/soc/odd" }));
        Assert.That(tree.Root.Property("long")!.Value.ToArray(), Is.EqualTo(new byte[] { 1, 2, 3, 4, 5, 6, 7, 8 }));
        Assert.That(tree.Root.DescendantsAndSelf().Where(n => n.Property("name") is not null).Select(n => n.Name), Is.EqualTo(new[] { "odd" }));
        Assert.That(tree.BootCpuId, Is.EqualTo(version >= 2 ? 5 : 0));
    }

    [TestCase(1), TestCase(2), TestCase(3), TestCase(16), TestCase(17)]
    public void What_dtc_writes_in_any_version_reads_as_the_same_tree(int version)
    {
        var source = BlobWriteTests.Sample();
        var old = BlobDtc.Run(source, "-I dtb -O dtb -V " + version);
        var result = FdtReader.Read(new SourceFile("old.dtb", old));
        Assert.That(result.Diagnostics, Is.Empty);
        var expected = FdtReader.Read(new SourceFile("new.dtb", source)).Tree!;
        var ignore = version < 2 ? DeviceTreeComparison.IgnoreBootCpu : DeviceTreeComparison.Exact;
        Assert.That(DeviceTreeComparer.FirstDifference(expected, result.Tree!, ignore), Is.Null);
    }

    [Test]
    public void A_newer_version_that_17_can_read_is_read()
    {
        var blob = BlobBuilder.SetWord(BlobBuilder.Empty().Finish().ToBytes(), 20, 99);
        Assert.That(FdtReader.Read(new SourceFile("new.dtb", blob)).Tree, Is.Not.Null);
    }

    [Test]
    public void Blocks_may_stand_in_any_order()
    {
        var good = new BlobBuilder().Begin("").Cell("p", 7).End().Finish().ToBytes();
        var structure = good.AsSpan(0x38, (int)BlobBuilder.GetWord(good, 36)).ToArray();
        // Header, strings, reservations, structure.
        byte[] moved = [.. good[..40], (byte)'p', 0, 0, 0, 0, 0, 0, 0, .. new byte[16], .. structure];
        BlobBuilder.SetWord(moved, 4, (uint)moved.Length);
        BlobBuilder.SetWord(moved, 8, 64);
        BlobBuilder.SetWord(moved, 12, 40);
        BlobBuilder.SetWord(moved, 16, 48);
        var result = FdtReader.Read(new SourceFile("moved.dtb", moved));
        Assert.That(result.Diagnostics, Is.Empty);
        Assert.That(result.Tree!.Root.Property("p"), Is.Not.Null);
    }

    [Test]
    public void A_tree_of_1024_levels_is_read() // and no recursion stands in the way
    {
        var builder = new BlobBuilder().Begin("");
        for (var i = 0; i < 1024; i++)
            builder.Begin("n");
        for (var i = 0; i < 1024; i++)
            builder.End();
        Assert.That(Read(builder.End().Finish()).Root.DescendantsAndSelf().Count(), Is.EqualTo(1025));
    }

    [Test]
    public void Bytes_of_names_come_back_as_they_were()
    {
        var blob = new BlobBuilder().Begin("").Property("\u00fc\u0001 ").Begin("\u00ff@\u00e9").End().End().Finish().ToBytes();
        var tree = FdtReader.Read(new SourceFile("odd.dtb", blob)).Tree!;
        Assert.That(FdtWriter.Write(tree), Is.EqualTo(blob));
    }

    [Test]
    public void A_text_is_no_blob() =>
        Assert.That(FdtReader.Read(new SourceFile("board.dts", "/dts-v1/;")).Diagnostics.Select(d => d.Id), Is.EqualTo(new[] { "KMK1501" }));

    [Test]
    public void The_rules_of_blobs_are_in_the_table_with_rising_ids_of_their_own()
    {
        var ids = DiagnosticTable.All.Select(rule => rule.Id).Where(id => string.CompareOrdinal(id, "KMK1500") >= 0 && string.CompareOrdinal(id, "KMK2000") < 0);
        Assert.That(ids, Is.Ordered.And.Unique);
        Assert.That(ids, Does.Contain("KMK1527"));
    }

    [Test]
    public void Findings_about_two_places_name_both()
    {
        var result = FdtReader.Read(new BlobBuilder().Begin("").Begin("n").End().Begin("n").End().End().Finish().ToFile());
        Assert.That(result.Diagnostics.Single().Related.Single().Span.Start, Is.EqualTo(0x44));
        Assert.That(Encoding.Latin1.GetString(result.Diagnostics.Single().Span.File!.Bytes.Span.Slice(result.Diagnostics.Single().Span.Start, 1)), Is.EqualTo("n"));
    }

    private static DeviceTree Read(BlobBuilder builder)
    {
        var result = FdtReader.Read(builder.ToFile());
        Assert.That(result.Diagnostics, Is.Empty);
        return result.Tree!;
    }
}
