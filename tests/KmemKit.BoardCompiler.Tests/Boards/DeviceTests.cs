using System.Linq;
using KmemKit.BoardCompiler.Boards;
using NUnit.Framework;
using static KmemKit.BoardCompiler.Tests.Boards.BoardText;

namespace KmemKit.BoardCompiler.Tests.Boards;

public class DeviceTests
{
    [Test]
    public void A_device_keeps_names_labels_compatible_and_its_place()
    {
        var board = Small("""
            aliases { serial0 = "/uart@10000000"; };
            u0: uart0: uart@10000000 { compatible = "arm,pl011", "arm,primecell"; reg = <0x10000000 0x1000>, <0x10010000 0x100>; reg-names = "core", "dma"; };
            """).Board!;
        var device = board.Devices.Single();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(device.NodePath, Is.EqualTo("/uart@10000000"));
            Assert.That(device.Labels, Is.EquivalentTo(new[] { "u0", "uart0" }));
            Assert.That(device.Compatible, Is.EqualTo(new[] { "arm,pl011", "arm,primecell" }));
            Assert.That(device.Ranges.Select(r => (r.Name, r.Range)), Is.EqualTo(new[] { ((string?)"core", Range(0x10000000, 0x1000)), ("dma", Range(0x10010000, 0x100)) }));
            Assert.That(device.Ranges[1].Span.File!.Text.Substring(device.Ranges[1].Span.Start), Does.StartWith("<0x10010000"));
            Assert.That(board.Aliases.Select(a => (a.Name, a.Path)), Is.EqualTo(new[] { ("serial0", "/uart@10000000") }));
        }
    }

    // One device at bus address 0x100 of size 0x10, on a bus that is at 0x40000000 of the CPU, in all widths of the bus and of the root.
    [Test]
    public void Ranges_translate_in_every_width_of_cells([Values(1, 2, 3)] int busAddress, [Values(1, 2)] int busSize, [Values(1, 2, 3)] int rootAddress)
    {
        var dts = "/dts-v1/;\n/ { #address-cells = <" + rootAddress + ">; #size-cells = <1>; "
            + "soc { #address-cells = <" + busAddress + ">; #size-cells = <" + busSize + ">; "
            + "ranges = <" + Cells(0, busAddress) + Cells(0x40000000, rootAddress) + Cells(0x1000, busSize) + ">; "
            + "dev@100 { reg = <" + Cells(0x100, busAddress) + Cells(0x10, busSize) + ">; }; }; };";
        var device = Compile(dts).Board!.Devices.Single();
        Assert.That(device.Ranges.Single().Range, Is.EqualTo(Range(0x40000100, 0x10)));
    }

    [Test]
    public void Buses_chain_and_an_empty_ranges_is_the_identity()
    {
        var board = Small("""
            a { #address-cells = <1>; #size-cells = <1>; ranges = <0 0x40000000 0x10000000>;
                b { #address-cells = <1>; #size-cells = <1>; ranges;
                    c { #address-cells = <1>; #size-cells = <1>; ranges = <0x100 0x200 0x100>, <0x1000 0x5000 0x1000>;
                        dev@1010 { reg = <0x1010 0x10>; }; }; }; };
            """).Board!;
        Assert.That(board.Devices.Single().Ranges.Single().Range, Is.EqualTo(Range(0x40005010, 0x10)));
        Assert.That(board.Buses.Select(b => b.NodePath), Is.EqualTo(new[] { "/a", "/a/b", "/a/b/c" }));
        Assert.That(board.Buses[2].Ranges[1].Cpu, Is.EqualTo(Range(0x40005000, 0x1000)));
    }

    [Test]
    public void Behind_a_bus_without_ranges_there_are_no_devices()
    {
        var result = Small("""
            i2c@40000000 { #address-cells = <1>; #size-cells = <0>; reg = <0x40000000 0x1000>; eeprom@50 { reg = <0x50>; }; };
            flash@50000000 { #address-cells = <1>; #size-cells = <1>; reg = <0x50000000 0x1000>; partition@0 { reg = <0 0x100>; }; };
            """);
        Assert.That(result.BoardIds(), Is.Empty);
        Assert.That(result.Board!.Devices.Select(d => d.NodePath), Is.EqualTo(new[] { "/i2c@40000000", "/flash@50000000" }));
    }

    [Test]
    public void Pci_windows_are_chosen_by_space_and_configuration_space_is_not_mapped()
    {
        var result = Root("""
            memory@80000000 { device_type = "memory"; reg = <0 0x80000000 0 0x10000000>; };
            pcie@10000000 { device_type = "pci"; #address-cells = <3>; #size-cells = <2>; reg = <0 0x10000000 0 0x1000>;
                ranges = <0x02000000 0 0 0 0x20000000 0 0x18000000>, <0x01000000 0 0 0 0x3eff0000 0 0x10000>, <0x43000000 0x80 0 0x90 0 0x80 0>;
                dma-ranges = <0x02000000 0 0 0 0x80000000 0 0x10000000>;
                dev@0,0 { reg = <0x0 0 0 0 0>, <0x82000010 0 0x10100000 0 0x1000>, <0x81000014 0 0x100 0 0x10>, <0x83000018 0x80 0x1000 0 0x1000>; };
            };
            """);
        var device = result.Board!.Devices.Single(d => d.NodePath.EndsWith("dev@0,0", System.StringComparison.Ordinal));
        Assert.That(result.BoardIds(), Is.Empty);
        Assert.That(device.Ranges.Select(r => r.Range), Is.EqualTo(new[] { Range(0x30100000, 0x1000), Range(0x3eff0100, 0x10), Range(0x9000001000, 0x1000) }));
        var bus = result.Board.Buses.Single();
        Assert.That(bus.DmaRanges.Single().Bus.Value, Is.Zero);
        Assert.That((bus.DmaRanges.Single().Parent.Value, bus.DmaRanges.Single().Size.Value, bus.DmaRanges.Single().Space.Single()),
            Is.EqualTo((0x80000000UL, 0x10000000UL, 0x02000000U)));
    }

    [TestCase("ranges = <0 0x40000000 0x1000>;", "reg = <0x1000 0x10>;", "KMK3040")]
    [TestCase("ranges = <0 0x40000000 0x1000>;", "reg = <0xff8 0x10>;", "KMK3043")]
    [TestCase("ranges = <0 0x40000000>;", "reg = <0 0x10>;", "KMK3041")]
    [TestCase("ranges;", "reg = <0 0x10 0x20>;", "KMK3002")]
    [TestCase("ranges;", "reg = <0 0>;", "KMK3004")]
    [TestCase("ranges;", "reg = <0 0x10>; reg-names = \"a\", \"b\";", "KMK3042")]
    public void What_the_cpu_cannot_reach_or_read_is_a_finding(string ranges, string reg, string id) =>
        Assert.That(Small("soc { #address-cells = <1>; #size-cells = <1>; " + ranges + " dev@0 { " + reg + " }; };").BoardIds(), Is.EqualTo(new[] { id }));

    [Test]
    public void A_disabled_parent_disables_its_children()
    {
        var board = Small("soc { #address-cells = <1>; #size-cells = <1>; ranges; status = \"disabled\"; a@0 { reg = <0 1>; status = \"okay\"; }; };\n"
            + "b@10 { reg = <0x10 1>; status = \"ok\"; }; c@20 { reg = <0x20 1>; status = \"reserved\"; };").Board!;
        Assert.That(board.Devices.Select(d => (d.NodePath, d.Enabled)), Is.EqualTo(new[] { ("/soc/a@0", false), ("/b@10", true), ("/c@20", false) }));
    }

    [Test]
    public void The_last_byte_of_the_address_space_translates()
    {
        var result = Root("soc { #address-cells = <2>; #size-cells = <2>; ranges = <0 0 0xffffffff 0xfffff000 0 0x1000>; a@ff0 { reg = <0 0xff0 0 0x10>; }; b@ff1 { reg = <0 0xff1 0 0x10>; }; };");
        Assert.That(result.Board!.Devices[0].Ranges.Single().Range.End.IsTop, Is.True);
        Assert.That(result.BoardIds(), Does.Contain("KMK3005"));
    }

    private static string Cells(uint value, int count) => string.Concat(Enumerable.Repeat("0 ", count - 1)) + "0x" + value.ToString("x") + " ";
}
