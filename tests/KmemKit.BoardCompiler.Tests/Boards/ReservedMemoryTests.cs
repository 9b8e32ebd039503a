using System.Linq;
using KmemKit.BoardCompiler.Boards;
using NUnit.Framework;
using static KmemKit.BoardCompiler.Tests.Boards.BoardText;

namespace KmemKit.BoardCompiler.Tests.Boards;

public class ReservedMemoryTests
{
    private static BoardCompilation Reserved(string content) =>
        Small("reserved-memory { #address-cells = <1>; #size-cells = <1>; ranges;\n" + content + "\n};");

    [Test]
    public void Fixed_and_dynamic_regions_keep_all_that_the_binding_says()
    {
        var result = Reserved("""
            fw: firmware@80000000 { reg = <0x80000000 0x100000>, <0x80200000 0x1000>; no-map; };
            pool { compatible = "shared-dma-pool"; reusable; size = <0x4000000>; alignment = <0x2000>; alloc-ranges = <0x88000000 0x8000000>; linux,cma-default; };
            """);
        Assert.That(result.BoardIds(), Is.Empty);
        var regions = result.Board!.Reserved;
        Assert.That(regions.Select(r => r.Range), Is.EqualTo(new KmemKit.Architecture.PhysRange?[] { Range(0x80000000, 0x100000), Range(0x80200000, 0x1000), null }));
        using (Assert.EnterMultipleScope())
        {
            Assert.That((regions[0].Name, regions[0].NoMap, regions[0].Labels.Single(), regions[1].Index), Is.EqualTo(("firmware", true, "fw", 1)));
            Assert.That((regions[2].Reusable, regions[2].CmaDefault, regions[2].DynamicSize, regions[2].DynamicAlignment),
                Is.EqualTo((true, true, (ulong?)0x4000000, 0x2000UL)));
            Assert.That(regions[2].AllocRanges.Single(), Is.EqualTo(Range(0x88000000, 0x8000000)));
            Assert.That(regions[2].Compatible.Single(), Is.EqualTo("shared-dma-pool"));
            Assert.That(regions[1].Span.StartPosition.Column, Is.GreaterThan(regions[0].Span.StartPosition.Column));
        }
    }

    [Test]
    public void Reservation_entries_come_first()
    {
        var result = Compile("/dts-v1/;\n/memreserve/ 0x80000000 0x10000;\n/ { #address-cells = <1>; #size-cells = <1>; "
            + "memory@80000000 { device_type = \"memory\"; reg = <0x80000000 0x1000000>; }; "
            + "reserved-memory { #address-cells = <1>; #size-cells = <1>; ranges; a@80100000 { reg = <0x80100000 0x1000>; }; }; };");
        Assert.That(result.Board!.Reserved.Select(r => r.Source), Is.EqualTo(new[] { ReservedSource.MemReserve, ReservedSource.ReservedMemoryNode }));
        Assert.That(result.Board.Reserved[0].Range, Is.EqualTo(Range(0x80000000, 0x10000)));
        Assert.That(result.Board.Reserved[0].Span.StartPosition.Line, Is.EqualTo(1));
    }

    [TestCase("a@80000000 { reg = <0x80000000 0x1000>; no-map; reusable; };", "KMK3022")]
    [TestCase("a { no-map; };", "KMK3023")]
    [TestCase("a@80000000 { reg = <0x80000000 0x1000>; size = <0x1000>; };", "KMK3024")]
    [TestCase("a { size = <0 0x1000>; };", "KMK3025")]
    [TestCase("a { size = <0>; };", "KMK3025")]
    [TestCase("a { size = <0x1000>; alignment = <0x3000>; };", "KMK3025")]
    [TestCase("a { size = <0x1000>; alignment = <0>; };", "KMK3025")]
    [TestCase("a { size = <0x1000>; alloc-ranges = <0x80000000>; };", "KMK3002")]
    [TestCase("a@80000000 { reg = <0x80000000>; };", "KMK3002")]
    [TestCase("a@80000000 { reg = <0x80000000 0>; };", "KMK3004")]
    [TestCase("a@80000000 { reg = <0x80000000 0x1000>; status = \"disabled\"; };", "KMK3006")]
    public void A_region_that_breaks_the_binding_is_a_finding(string node, string id) =>
        Assert.That(Reserved(node).BoardIds(), Is.EqualTo(new[] { id }));

    [Test]
    public void Regions_that_overlap_are_a_warning_that_names_both_ranges_and_places()
    {
        var warning = Reserved("a@80000000 { reg = <0x80000000 0x2000>; };\nb@80001000 { reg = <0x80001000 0x2000>; };").Diagnostics.Single(d => d.Id == "KMK3020");
        Assert.That(warning.Message, Does.Contain("/reserved-memory/b@80001000 [0x80001000, 0x80003000)").And.Contain("/reserved-memory/a@80000000 [0x80000000, 0x80002000)")
            .And.Contain(warning.Related.Single().Span.ToString()));
        Assert.That(warning.Span.StartPosition.Line, Is.EqualTo(warning.Related.Single().Span.StartPosition.Line + 1));
    }

    [TestCase("reserved-memory { #address-cells = <2>; #size-cells = <1>; ranges; a@0 { reg = <0 0 1>; }; };", "KMK3026")]
    [TestCase("reserved-memory { ranges; a@0 { reg = <0 0 1>; }; };", "KMK3026")]
    [TestCase("reserved-memory { #address-cells = <1>; #size-cells = <1>; a@0 { reg = <0 1>; }; };", "KMK3027")]
    public void The_node_has_the_shape_that_the_kernel_wants(string node, string id) => Assert.That(Small(node).BoardIds(), Is.EqualTo(new[] { id }));

    [Test]
    public void Regions_are_no_devices() => Assert.That(Reserved("a@80000000 { reg = <0x80000000 0x1000>; };").Board!.Devices, Is.Empty);
}
