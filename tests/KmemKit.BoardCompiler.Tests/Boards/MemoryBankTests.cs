using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Sources;
using NUnit.Framework;
using static KmemKit.BoardCompiler.Tests.Boards.BoardText;

namespace KmemKit.BoardCompiler.Tests.Boards;

public class MemoryBankTests
{
    [TestCase("#address-cells = <1>; #size-cells = <1>;", "0x80000000 0x8000000 0x90000000 0x30000000")]
    [TestCase("#address-cells = <1>; #size-cells = <2>;", "0x80000000 0 0x8000000 0x90000000 0 0x30000000")]
    [TestCase("#address-cells = <2>; #size-cells = <1>;", "0 0x80000000 0x8000000 0 0x90000000 0x30000000")]
    [TestCase("", "0 0x80000000 0x8000000 0 0x90000000 0x30000000")]
    [TestCase("#address-cells = <2>; #size-cells = <2>;", "0 0x80000000 0 0x8000000 0 0x90000000 0 0x30000000")]
    [TestCase("#address-cells = <3>; #size-cells = <3>;", "0 0 0x80000000 0 0 0x8000000 0 0 0x90000000 0 0 0x30000000")]
    public void Banks_are_the_same_in_every_width_of_cells(string cells, string reg)
    {
        var result = Compile("/dts-v1/;\n/ { " + cells + " memory@80000000 { device_type = \"memory\"; reg = <" + reg + ">; }; };");
        Assert.That(result.BoardIds(), Is.Empty);
        Assert.That(result.Banks(), Is.EqualTo(new[] { Range(0x80000000, 0x8000000), Range(0x90000000, 0x30000000) }));
    }

    [Test]
    public void Banks_keep_the_order_of_the_tree_and_their_place_in_the_source()
    {
        var result = Root("""
            memory@c0000000 { device_type = "memory"; reg = <0 0xc0000000 0 0x10000000>, <1 0 1 0>; };
            memory { reg = <0 0x80000000 0 0x10000000>; numa-node-id = <1>; hotpluggable; };
            """);
        var banks = result.Board!.Banks;
        Assert.That(banks.Select(b => b.Range), Is.EqualTo(new[] { Range(0xc0000000, 0x10000000), Range(1UL << 32, 1UL << 32), Range(0x80000000, 0x10000000) }));
        Assert.That(banks.Select(b => b.Span.File!.Text.Substring(b.Span.Start, b.Span.Length)), Is.All.StartsWith("<"));
        Assert.That(banks.Select(b => b.Span.ToString()), Is.EqualTo(new[] { "board.dts(3,49)", "board.dts(3,78)", "board.dts(4,16)" }));
        Assert.That((banks[2].NumaNode, banks[2].Hotpluggable, banks[2].NodePath, banks[0].NumaNode), Is.EqualTo((1, true, "/memory", 0)));
    }

    [Test]
    public void Usable_memory_replaces_reg() => Assert.That(
        Root("memory@0 { device_type = \"memory\"; reg = <0 0 0 0x40000000>; linux,usable-memory = <0 0x10000000 0 0x1000000>; };").Banks(),
        Is.EqualTo(new[] { Range(0x10000000, 0x1000000) }));

    [Test]
    public void A_bank_may_end_at_the_end_of_the_address_space()
    {
        var bank = Root("memory@0 { device_type = \"memory\"; reg = <0xffffffff 0xfff00000 0 0x100000>; };").Banks().Single();
        Assert.That(bank.End.IsTop, Is.True);
    }

    [TestCase("reg = <0xffffffff 0xfff00000 0 0x100001>;")]
    [TestCase("reg = <0x80000000 0 0x80000000 1>;")]
    public void A_bank_beyond_64_bits_is_an_error(string reg) =>
        Assert.That(Root("memory@0 { device_type = \"memory\"; " + reg + " };").BoardIds(), Does.Contain("KMK3005"));

    [Test]
    public void An_address_with_a_bit_above_64_is_an_error()
    {
        var result = Compile("/dts-v1/;\n/ { #address-cells = <3>; #size-cells = <1>; memory@0 { device_type = \"memory\"; reg = <1 0 0 0x1000>; }; };");
        Assert.That(result.BoardIds(), Does.Contain("KMK3005"));
        Assert.That(result.HasErrors, Is.True);
    }

    [TestCase("<0 0x80000000 0 0x20000000>, <0 0x90000000 0 0x20000000>", "[0x90000000, 0xa0000000)")]
    [TestCase("<0 0x80000000 0 0x20000000>, <0 0x80000000 0 0x20000000>", "[0x80000000, 0xa0000000)")]
    [TestCase("<0 0x90000000 0 0x1000>, <0 0x80000000 0 0x20000000>", "[0x90000000, 0x90001000)")]
    public void Banks_that_overlap_are_an_error_that_names_both_ranges_and_places(string reg, string common)
    {
        var result = Root("memory@80000000 { device_type = \"memory\";\n\treg = " + reg + "; };");
        var error = result.Diagnostics.Single(d => d.Id == "KMK3001");
        Assert.That(error.Message, Does.EndWith("both have " + common));
        Assert.That(new[] { error.Span.StartPosition.Line, error.Related.Single().Span.StartPosition.Line }, Is.All.EqualTo(3));
        Assert.That(error.Span, Is.Not.EqualTo(error.Related.Single().Span));
        foreach (var bank in result.Banks())
            Assert.That(error.Message, Does.Contain(bank.ToString()));
        Assert.That(result.Layout, Is.Null);
    }

    [Test]
    public void Banks_that_touch_stay_two()
    {
        var result = Root("memory@0 { device_type = \"memory\"; reg = <0 0 0 0x10000000>, <0 0x10000000 0 0x10000000>; };");
        Assert.That(result.BoardIds(), Is.Empty);
        Assert.That(result.Board!.Banks, Has.Length.EqualTo(2));
    }

    [TestCase("memory@0 { device_type = \"memory\"; reg = <0 0 0>; };", "KMK3002")]
    [TestCase("memory@0 { device_type = \"memory\"; reg; };", "KMK3002")]
    [TestCase("memory@0 { device_type = \"memory\"; reg = [00 11]; };", "KMK3002")]
    [TestCase("memory { device_type = \"memory\"; };", "KMK3007")]
    [TestCase("memory@0 { device_type = \"memory\"; reg = <0 0 0 0>; };", "KMK3004")]
    [TestCase("memory@0 { device_type = \"memory\"; reg = <0 0 0 0x1000>; status = \"disabled\"; };", "KMK3006")]
    public void Memory_that_is_none_is_a_finding_and_then_there_is_no_memory(string node, string id)
    {
        var result = Root(node);
        Assert.That(result.BoardIds(), Is.EqualTo(new[] { id, "KMK3000" }));
        Assert.That(result.Layout, Is.Null);
    }

    [Test]
    public void A_board_without_memory_is_a_warning_and_an_error_only_for_who_needs_the_layout()
    {
        var input = new BoardInput(new SourceFile("a/nomem.dts", "/dts-v1/;\n/ { cpus { #address-cells = <1>; #size-cells = <0>; cpu@0 { reg = <0>; compatible = \"arm,cortex-a9\"; }; }; };"));
        var check = BoardPipeline.Compile(input);
        var layout = BoardPipeline.Compile(input with { RequireLayout = true });
        Assert.That((check.HasErrors, check.Board is null, check.Layout is null, check.Name), Is.EqualTo((false, false, true, "nomem")));
        Assert.That(check.BoardIds(), Is.EqualTo(new[] { "KMK3000" }));
        Assert.That((layout.HasErrors, layout.Layout is null), Is.EqualTo((true, true)));
    }

    [Test]
    public void Memory_given_by_parameter_counts_as_memory() =>
        Assert.That(Root("chosen { bootargs = \"mem=64M@0x80000000\"; };").BoardIds(), Is.Empty);

    [Test]
    public void Sizes_of_no_cells_cannot_describe_memory() => Assert.That(
        Compile("/dts-v1/;\n/ { #address-cells = <1>; #size-cells = <0>; memory@0 { device_type = \"memory\"; reg = <0>; }; };").BoardIds(),
        Is.EqualTo(new[] { "KMK3008", "KMK3000" }));

    [TestCase("#address-cells = <5>;")]
    [TestCase("#address-cells = \"two\";")]
    [TestCase("#address-cells;")]
    public void A_malformed_cell_count_is_an_error(string property) => Assert.That(
        Compile("/dts-v1/;\n/ { " + property + " #size-cells = <1>; memory@0 { device_type = \"memory\"; reg = <0 0 0x1000>; }; };").Diagnostics
            .Where(d => d.Severity == DiagnosticSeverity.Error).Select(d => d.Id),
        Does.Contain("KMK3003").Or.Some.StartsWith("KMK1"));

    [TestCase("ranges;", 0x40000000UL)]
    [TestCase("ranges = <0x40000000 0 0x50000000 0x1000000>;", 0x50000000UL)]
    public void Memory_inside_a_bus_is_where_the_cpu_sees_it(string ranges, ulong start) => Assert.That(
        Root("soc { #address-cells = <1>; #size-cells = <1>; " + ranges + " sram: memory@40000000 { device_type = \"memory\"; reg = <0x40000000 0x10000>; }; };").Banks(),
        Is.EqualTo(new[] { Range(start, 0x10000) }));

    [Test]
    public void Memory_that_the_cpu_cannot_reach_is_a_warning() => Assert.That(
        Root("soc { #address-cells = <1>; #size-cells = <1>; memory@40000000 { device_type = \"memory\"; reg = <0x40000000 0x10000>; }; };").BoardIds(),
        Is.EqualTo(new[] { "KMK3009", "KMK3000" }));

    [Test]
    public void A_memory_controller_is_no_memory() => Assert.That(
        Small("memory-controller@70000000 { reg = <0x70000000 0x1000>; };").Board!.Banks, Has.Length.EqualTo(1));

    [Test]
    public void Memory_attributes_are_kept()
    {
        var board = Small("sram@20000000 { compatible = \"mmio-sram\"; reg = <0x20000000 0x1000>; zephyr,memory-attr = <0x100000>; };").Board!;
        Assert.That((board.Devices.Single().IsSram, board.Devices.Single().Attribute?.Bits), Is.EqualTo((true, (uint?)0x100000)));
    }

    [Test]
    public void Qualcomm_holes_are_pairs_of_32_bit_cells_on_any_node()
    {
        var result = Root("""
            memory@0 { device_type = "memory"; reg = <0 0 0 0x80000000>; };
            qcom,msm-mem-hole { compatible = "qcom,msm-mem-hole"; qcom,memblock-remove = <0x5d00000 0x7d00000 0xfa00000 0x500000>; };
            a-device { qcom,memblock-remove = <0x70000000 0x100000>; qcom,memblock-reserve = <0x3200000 0xfa0000>; };
            """);
        Assert.That(result.BoardIds(), Is.Empty);
        Assert.That(result.Board!.Holes.Select(h => h.Range),
            Is.EqualTo(new[] { Range(0x5d00000, 0x7d00000), Range(0xfa00000, 0x500000), Range(0x70000000, 0x100000) }));
        Assert.That(result.Board.Reserved.Single().Range, Is.EqualTo(Range(0x3200000, 0xfa0000)));
    }

    [TestCase("qcom,memblock-remove = <0x1000>;")]
    [TestCase("qcom,memblock-remove = <0x1000 0x1000 0x4000>;")]
    [TestCase("qcom,memblock-remove;")]
    [TestCase("qcom,memblock-reserve = <0x1000 0x1000 0x4000 0x1000>;")]
    public void A_malformed_hole_is_an_error(string property) => Assert.That(Small("hole { " + property + " };").BoardIds(), Is.EqualTo(new[] { "KMK3030" }));
}
