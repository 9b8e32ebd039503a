using System;
using System.Linq;
using KmemKit.Architecture.Mpu;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Devicetree;
using KmemKit.BoardCompiler.Sources;
using NUnit.Framework;

namespace KmemKit.BoardCompiler.Tests.Boards;

/// <summary>Any bytes in the properties that the board reader reads give findings, and never an exception.</summary>
public class BoardFuzzTests
{
    private const int Rounds = 4000;

    private static readonly string[] s_names =
        ["memory", "memory@0", "reserved-memory", "cpus", "cpu@0", "soc", "pcie@1", "dev@2", "chosen", "aliases", "pool", "protection", "domain-a", "entry"];

    private static readonly string[] s_properties =
    [
        "reg", "ranges", "dma-ranges", "#address-cells", "#size-cells", "device_type", "status", "size", "alignment", "alloc-ranges", "no-map", "reusable",
        "reg-names", "compatible", "numa-node-id", "linux,usable-memory", "qcom,memblock-remove", "qcom,memblock-reserve", "bootargs", "riscv,isa",
        "zephyr,memory-attr", "model", "serial0", "region", "privileged", "user", "memory-type", "shareable", "allow-rounding", "mpu", "regions", "granule",
        "privileged-background", "optimize-over-unpopulated", "arm,num-mpu-regions", "phandle",
    ];

    [Test]
    public void Any_tree_reads_without_an_exception([Values(5, 20261122)] int seed)
    {
        for (var i = 0; i < Rounds; i++)
        {
            var random = new Random(seed + i);
            var tree = Tree(random);
            try
            {
                var result = BoardPipeline.Compile(new BoardInput(tree.Source), new FrontEndResult(tree, []));
                Assert.That(result.Board, Is.Not.Null);
                foreach (var diagnostic in result.Diagnostics)
                    Assert.That(diagnostic.Message, Is.Not.Empty);
            }
            catch (Exception e) when (e is not AssertionException)
            {
                Assert.Fail($"seed {seed + i}: {e}");
            }
        }
    }

    private static DeviceTree Tree(Random random)
    {
        var source = new SourceFile("fuzz.dtb", ReadOnlyMemory<byte>.Empty);
        var root = Node("", 0);
        return new DeviceTree(source, root,
            [.. Enumerable.Range(0, random.Next(3)).Select(_ => new MemoryReservation(new(Interesting()), Interesting(), [], default))], 0);

        DeviceTreeNode Node(string name, int depth)
        {
            var node = new DeviceTreeNode(name, default);
            foreach (var property in s_properties.OrderBy(_ => random.Next()).Take(random.Next(8)))
                node.MutableProperties.Add(new DeviceTreeProperty(property, Value(property), default));
            if (depth < 4)
            {
                foreach (var child in s_names.OrderBy(_ => random.Next()).Take(random.Next(depth == 0 ? 8 : 4)))
                    node.AddChild(Node(child, depth + 1));
            }
            return node;
        }

        byte[] Value(string property)
        {
            if (property[0] == '#' && random.Next(8) > 0)
                return [0, 0, 0, (byte)random.Next(5)];
            if (property == "compatible" && random.Next(3) > 0)
                return [.. (random.Next(3) == 0 ? "arm,cortex-m3\0"u8 : random.Next(2) == 0 ? "kmemkit,protection\0"u8 : "arm,armv8m-mpu\0"u8)];
            if (property is "privileged" or "user" && random.Next(4) > 0)
                return [.. (random.Next(3) == 0 ? "rwx\0"u8 : random.Next(2) == 0 ? "rw\0"u8 : "r\0"u8)];
            if (property == "mpu" && random.Next(4) > 0)
                return [.. System.Text.Encoding.ASCII.GetBytes(MpuFormats.All[random.Next(MpuFormats.All.Length)].Name + "\0")];
            if (property == "device_type" && random.Next(4) > 0)
                return [.. "memory\0"u8];
            if (property == "status" && random.Next(4) > 0)
                return [.. "okay\0"u8];
            var cells = new byte[4 * random.Next(random.Next(2) == 0 ? 4 : 13)];
            for (var i = 0; i < cells.Length; i += 4)
                BitConverter.GetBytes(unchecked((uint)Interesting())).Reverse().ToArray().CopyTo(cells, i);
            return random.Next(10) == 0 ? [.. cells, (byte)random.Next(256)] : cells;
        }

        ulong Interesting() => random.Next(6) switch
        {
            0 => 0,
            1 => ulong.MaxValue,
            2 => (ulong)random.Next(4),
            3 => 0x80000000,
            4 => 1UL << random.Next(64),
            _ => (ulong)random.NextInt64(),
        };
    }
}
