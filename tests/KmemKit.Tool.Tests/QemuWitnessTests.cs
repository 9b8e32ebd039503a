using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text.RegularExpressions;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Devicetree;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Layout;
using KmemKit.Tool.Commands;
using KmemKit.Tool.Input;
using KmemKit.Tests.Shared;
using NUnit.Framework;

namespace KmemKit.Tool.Tests;

/// <summary>QEMU itself says where its machines have RAM and devices: our boards must say the same.</summary>
public sealed class QemuWitnessTests
{
    [TestCase("virt-cortex-a15", "qemu-system-arm", "virt", "cortex-a15")]
    [TestCase("virt-cortex-a53", "qemu-system-aarch64", "virt", "cortex-a53")]
    [TestCase("virt-smmuv3", "qemu-system-aarch64", "virt,iommu=smmuv3", "cortex-a53")]
    [TestCase("virt-sv32", "qemu-system-riscv32", "virt", "rv32")]
    [TestCase("virt-sv48", "qemu-system-riscv64", "virt", "rv64")]
    public void The_devicetree_that_QEMU_makes_has_the_same_nodes_with_the_same_addresses(string board, string qemu, string machine, string cpu)
    {
        using var scratch = new Scratch();
        var blob = scratch["qemu.dtb"];
        RunQemu(qemu, ["-M", $"{machine},dumpdtb={blob}", "-cpu", cpu, "-m", "1024", "-nic", "none", "-display", "none", .. WithoutFirmware(qemu)]);

        Assert.That(AddressedNodes(Tree($"boards/qemu/{board}/{board}.dts")), Is.EquivalentTo(AddressedNodes(Tree(blob))));
    }

    [TestCase("virt-cortex-a15", "qemu-system-arm", "virt", "cortex-a15")]
    [TestCase("virt-cortex-a53", "qemu-system-aarch64", "virt", "cortex-a53")]
    [TestCase("virt-sv32", "qemu-system-riscv32", "virt", "rv32")]
    [TestCase("virt-sv48", "qemu-system-riscv64", "virt", "rv64")]
    [TestCase("mps2-an385", "qemu-system-arm", "mps2-an385", "cortex-m3")]
    [TestCase("mps2-an505", "qemu-system-arm", "mps2-an505", "cortex-m33")]
    [TestCase("integratorcp-arm946", "qemu-system-arm", "integratorcp", "arm946")]
    public void Every_range_of_the_board_is_in_QEMU_s_own_memory_map(string board, string qemu, string machine, string cpu)
    {
        var memory = machine == "virt" ? new[] { "-m", "1024" } : [];
        var map = MemoryMap(RunQemu(qemu, ["-M", machine, "-cpu", cpu, .. memory, "-nographic", "-nic", "none", "-S", "-monitor", "stdio", "-serial", "null", .. WithoutFirmware(qemu)]));
        var layout = Layout($"boards/qemu/{board}/{board}.dts");

        foreach (var bank in layout.Board.Banks)
            Assert.That(map.Where(r => r.Kind == "ram" && bank.Range.Contains(r.Range)).Sum(r => (long)r.Range.Size.Value), Is.EqualTo((long)bank.Range.Size.Value), bank.ToString());
        foreach (var device in layout.Board.Devices.Where(d => d.Enabled))
        {
            foreach (var range in device.Ranges)
            {
                var there = map.Where(r => r.Range.Overlaps(range.Range)).ToList();
                Assert.That(there, Is.Not.Empty, $"{device.NodePath} {range.Range}: QEMU has nothing there");
                // A region may be larger than what answers in it; it never starts in nothing.
                Assert.That(there.Any(r => r.Range.Contains(range.Range.Start)), $"{device.NodePath} {range.Range} starts in nothing");
                if (device.IsSram)
                    Assert.That(there.Aggregate(0UL, (sum, r) => sum + r.Range.Intersect(range.Range).Size.Value), Is.EqualTo(range.Range.Size.Value), device.NodePath);
            }
        }
    }

    [Test]
    public void The_maps_of_the_bridge_and_the_node_of_the_SMMU_are_QEMU_s()
    {
        using var scratch = new Scratch();
        var blob = scratch["qemu.dtb"];
        RunQemu("qemu-system-aarch64", "-M", $"virt,iommu=smmuv3,dumpdtb={blob}", "-cpu", "cortex-a53", "-m", "1024", "-nic", "none", "-display", "none");
        var (ours, theirs) = (Tree("boards/qemu/virt-smmuv3/virt-smmuv3.dts"), Tree(blob));
        Assert.That(Facts(ours), Is.EqualTo(Facts(theirs)));

        // Phandles are the compiler's; what they name is the same.
        static IEnumerable<string> Facts(DeviceTree tree)
        {
            var nodes = tree.Root.DescendantsAndSelf().Where(n => n.Property("phandle") is not null).ToDictionary(n => Convert.ToHexString(n.Property("phandle")!.Value.Span), n => n.Path);
            var (pcie, smmu) = (tree.Root.Child("pcie@10000000")!, tree.Root.Child("smmuv3@9050000")!);
            foreach (var name in (string[])["iommu-map", "msi-map"])
            {
                var cells = Convert.ToHexString(pcie.Property(name)!.Value.Span).Chunk(8).Select(c => new string(c)).ToList();
                yield return $"{name} {cells[0]} {nodes[cells[1]]} {cells[2]} {cells[3]}";
            }
            foreach (var name in (string[])["#iommu-cells", "reg", "compatible", "dma-coherent"])
                yield return $"{name} {Convert.ToHexString(smmu.Property(name)!.Value.Span)}";
            yield return $"{pcie.Property("dma-coherent") is not null}";
        }
    }

    [TestCase("virt-sv32", "qemu-system-riscv32", "rv32")]
    [TestCase("virt-sv48", "qemu-system-riscv64", "rv64")]
    public void The_paging_mode_of_the_harts_is_the_one_that_QEMU_says(string board, string qemu, string cpu)
    {
        using var scratch = new Scratch();
        var blob = scratch["qemu.dtb"];
        RunQemu(qemu, ["-M", $"virt,dumpdtb={blob}", "-cpu", cpu, "-m", "1024", "-nic", "none", "-display", "none", .. WithoutFirmware(qemu)]);

        Assert.That(Mode(Tree($"boards/qemu/{board}/{board}.dts")), Is.EqualTo(Mode(Tree(blob))));

        static string Mode(DeviceTree tree) => Convert.ToHexString(tree.Root.Child("cpus")!.Child("cpu@0")!.Property("mmu-type")!.Value.Span);
    }

    // Debian has no firmware for riscv32, and no machine here runs one.
    private static string[] WithoutFirmware(string qemu) => qemu.Contains("riscv", StringComparison.Ordinal) ? ["-bios", "none"] : [];

    // "path without unit address: bytes of reg", for all nodes that have one, cpus apart (QEMU counts them by -smp), and the policy, which is ours.
    private static IEnumerable<string> AddressedNodes(DeviceTree tree) => tree.Root.DescendantsAndSelf()
        .Where(n => n.Property("reg") is not null && !n.Path.StartsWith("/cpus/", StringComparison.Ordinal) && !n.Path.StartsWith("/protection/", StringComparison.Ordinal))
        .Select(n => $"{n.Path} {Convert.ToHexString(n.Property("reg")!.Value.Span)} {Convert.ToHexString((n.Property("compatible")?.Value ?? default).Span)}");

    private static DeviceTree Tree(string board)
    {
        var findings = new DiagnosticBag();
        var tree = BoardLoader.ReadTree(Request(board), findings).Tree;
        return tree ?? throw new AssertionException(string.Join('\n', findings));
    }

    private static MemoryLayout Layout(string board)
    {
        var findings = new DiagnosticBag();
        return BoardLoader.Compile(Request(board), findings).Layout ?? throw new AssertionException(string.Join('\n', findings));
    }

    private static BoardRequest Request(string board) => new(Path.Combine(Kmem.Root, board), new Settings([], null, false, []));

    // The flat view of what the first cpu sees: "  0000000040000000-000000007fffffff (prio 0, ram): mach-virt.ram".
    private static List<(PhysRange Range, string Kind)> MemoryMap(string text)
    {
        var map = new List<(PhysRange, string)>();
        var inside = false;
        foreach (var line in text.Split('\n'))
        {
            if (line.StartsWith("FlatView", StringComparison.Ordinal))
                inside = false;
            inside |= line.Contains("AS \"cpu-memory-0\"", StringComparison.Ordinal);
            var match = Regex.Match(line, @"^\s+([0-9a-f]{16})-([0-9a-f]{16}) \(prio -?\d+, (\w+)");
            if (inside && match.Success)
                map.Add((PhysRange.FromBounds(new PhysAddr(Hex(match.Groups[1])), Hex(match.Groups[2]) + 1), match.Groups[3].Value));
        }
        Assert.That(map, Is.Not.Empty, text);
        return map;

        static ulong Hex(Group group) => ulong.Parse(group.Value, NumberStyles.HexNumber);
    }

    private static string RunQemu(string program, params string[] arguments)
    {
        OutsideTool.Require(program, program.Contains("riscv", StringComparison.Ordinal) ? "qemu-system-misc" : "qemu-system-arm");
        using var process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
        })!;
        var error = process.StandardError.ReadToEndAsync();
        process.StandardInput.Write("info mtree -f\nquit\n");
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.That(process.ExitCode, Is.Zero, error.Result);
        return output;
    }
}
