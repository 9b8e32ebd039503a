using System;
using System.Collections.Generic;
using System.Linq;
using KmemKit.BoardCompiler.Boards;
using NUnit.Framework;

namespace KmemKit.BoardCompiler.Tests.Boards;

/// <summary>Ways of writing the same board: what the board says about addresses does not change.</summary>
public class MetamorphicTests
{
    private const int Rounds = 60;

    /// <summary>A random board as data, written in many ways.</summary>
    private sealed record Model(List<(ulong Start, ulong Size)> Banks, List<(ulong Start, ulong Size, bool NoMap)> Reserved, List<(ulong Start, ulong Size)> Devices)
    {
        public static Model Random(Random random)
        {
            var model = new Model([], [], []);
            ulong at = 0x10000000;
            for (var n = random.Next(1, 5); n > 0; n--)
            {
                at += (ulong)random.Next(0, 4) << 20;
                var size = (ulong)random.Next(1, 64) << 20;
                model.Banks.Add((at, size));
                if (random.Next(2) == 0)
                    model.Reserved.Add((at + (size / 2), 0x1000, random.Next(2) == 0));
                at += size;
            }
            for (var n = random.Next(0, 6); n > 0; n--)
                model.Devices.Add(((ulong)n * 0x10000, (ulong)random.Next(1, 0x10000)));
            return model;
        }

        public string Write(Random order, int addressCells, int sizeCells, bool disabledNode)
        {
            var nodes = new List<string>();
            // The order of banks means something to old kernels, so all are in one node here.
            nodes.Add("memory@10000000 { device_type = \"memory\"; reg = " + string.Join(", ", Banks.Select(b => Entry(b.Start, b.Size))) + "; };");
            nodes.Add(Node("reserved-memory", "ranges; ", Reserved.Select(r =>
                $"r@{r.Start:x} {{ reg = {Entry(r.Start, r.Size)}; {(r.NoMap ? "no-map; " : "")}}};")));
            nodes.Add(Node("soc", $"ranges = <{Cells(0, addressCells)}{Cells(0x1000000, addressCells)}{Cells(0x1000000, sizeCells)}>; ", Devices.Select(d =>
                $"d@{d.Start:x} {{ reg = {Entry(d.Start, d.Size)}; }};")));
            if (disabledNode)
                nodes.Add("unrelated { status = \"disabled\"; compatible = \"none\"; };");
            return $"/dts-v1/;\n/ {{ #address-cells = <{addressCells}>; #size-cells = <{sizeCells}>; compatible = \"arm,versatile-pb\";\n"
                + string.Join("\n", nodes.OrderBy(_ => order.Next())) + "\n};\n";

            string Node(string name, string properties, IEnumerable<string> children) =>
                $"{name} {{ #address-cells = <{addressCells}>; #size-cells = <{sizeCells}>; {properties}{string.Join(" ", children.OrderBy(_ => order.Next()))} }};";

            string Entry(ulong start, ulong size) => "<" + Cells(start, addressCells) + Cells(size, sizeCells) + ">";
        }

        private static string Cells(ulong value, int count) => string.Concat(Enumerable.Repeat("0 ", count - 1)) + $"0x{value:x} ";
    }

    [Test]
    public void Order_of_nodes_width_of_cells_and_a_disabled_node_change_nothing([Values(3, 20261122)] int seed)
    {
        for (var i = 0; i < Rounds; i++)
        {
            var random = new Random(seed + i);
            var model = Model.Random(random);
            var wanted = Expected(model);
            for (var variant = 0; variant < 6; variant++)
            {
                var dts = model.Write(random, random.Next(1, 4), random.Next(1, 4), variant % 2 == 1);
                var result = BoardText.Compile(dts);
                Assert.That(Describe(result.Board!), Is.EqualTo(wanted), $"seed {seed + i}\n{dts}");
                Assert.That(result.BoardIds(), Is.Empty, $"seed {seed + i}\n{dts}");
            }
        }
    }

    // What a reader of the model expects, in an order of its own.
    private static string Expected(Model model) => string.Join("\n",
    [
        .. model.Banks.Select(b => $"bank {b.Start:x}+{b.Size:x}"),
        .. model.Reserved.Select(r => $"reserved {r.Start:x}+{r.Size:x} {r.NoMap}"),
        .. model.Devices.OrderBy(d => d.Start).Select(d => $"device {d.Start + 0x1000000:x}+{d.Size:x}"),
    ]);

    private static string Describe(Board board) => string.Join("\n",
    [
        .. board.Banks.Select(b => $"bank {b.Range.Start.Value:x}+{b.Range.Size.Value:x}"),
        .. board.Reserved.OrderBy(r => r.Range!.Value.Start).Select(r => $"reserved {r.Range!.Value.Start.Value:x}+{r.Range.Value.Size.Value:x} {r.NoMap}"),
        .. board.Devices.Select(d => d.Ranges.Single().Range).OrderBy(r => r).Select(r => $"device {r.Start.Value:x}+{r.Size.Value:x}"),
    ]);
}
