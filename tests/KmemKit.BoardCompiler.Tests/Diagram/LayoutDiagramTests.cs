using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text;
using System.Xml.Linq;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Diagram;
using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Sources;
using KmemKit.BoardCompiler.Tests.Artifacts;
using KmemKit.BoardCompiler.Writers;
using NUnit.Framework;

namespace KmemKit.BoardCompiler.Tests.Diagram;

/// <summary>The drawing of every board, and of boards with far more regions than any real one.</summary>
internal sealed class LayoutDiagramTests
{
    private const int Seed = 7077;

    [Test]
    public void No_label_covers_another_or_a_column_or_leaves_the_picture([ValueSource(nameof(Boards))] string board)
    {
        var diagram = DiagramPlanner.Plan(Layout(board));
        var labels = diagram.Labels;

        for (var i = 0; i < labels.Length; i++)
        {
            var box = labels[i].Box;
            Assert.That(labels.Skip(i + 1).Where(l => l.Box.Overlaps(box)), Is.Empty, labels[i].Name);
            Assert.That(box.Overlaps(diagram.PhysicalColumn) || box.Overlaps(diagram.VirtualColumn), Is.False, labels[i].Name);
            Assert.That(box.X >= 0 && box.Y >= 60 && box.Right <= diagram.Width && box.Bottom <= diagram.Height - 56, labels[i].ToString());
            Assert.That(labels[i].Name.Length * DiagramPlanner.NameSize * DiagramPlanner.Advance, Is.LessThanOrEqualTo(box.Width), labels[i].Name);
            Assert.That(labels[i].Detail.Length * DiagramPlanner.DetailSize * DiagramPlanner.Advance, Is.LessThanOrEqualTo(box.Width), labels[i].Detail);
            Assert.That(labels[i].Detail, Does.Not.EndWith("\u2026"), "an address is never cut");
        }
        Assert.That(labels.Length, Is.EqualTo(diagram.Blocks.Length));
        foreach (var block in diagram.Blocks.Where(b => b.Inside.Length > 0))
            Assert.That(block.Inside.Length * DiagramPlanner.NameSize * DiagramPlanner.Advance, Is.LessThanOrEqualTo(block.Box.Width), block.Name);
    }

    [Test]
    public void Lines_to_labels_of_a_column_do_not_cross([ValueSource(nameof(Boards))] string board)
    {
        foreach (var column in DiagramPlanner.Plan(Layout(board)).Labels.GroupBy(l => l.AlignRight))
            Assert.That(column.OrderBy(l => l.Box.Y).Select(l => l.FromY), Is.Ordered);
    }

    [Test]
    public void What_is_not_broken_is_to_scale_in_both_columns_and_higher_addresses_stand_higher([ValueSource(nameof(Boards))] string board)
    {
        var layout = Layout(board);
        var diagram = DiagramPlanner.Plan(layout);
        var scales = new List<double>();
        var borders = diagram.Blocks.SelectMany(b => new[] { b.Box.Y, b.Box.Bottom }).ToList();
        foreach (var column in diagram.Blocks.GroupBy(b => b.Box.X < 600))
        {
            var ranges = column.Select(b => (Block: b, Range: RangeOf(b))).ToList();
            foreach (var (block, range) in ranges)
            {
                // The least height is that of an interval between borders, and a thin neighbour inside makes a block a little higher.
                var hasBorderInside = ranges.Any(o => o.Block != block && ((o.Range.Start > range.Start && o.Range.Start < range.End) || (o.Range.End > range.Start && o.Range.End < range.End)));
                if (block.Box.Height > 3.01 && !hasBorderInside && !diagram.Breaks.Any(b => b.Box.Overlaps(block.Box with { Y = block.Box.Y + 0.01, Height = block.Box.Height - 0.02 })))
                    scales.Add(block.Box.Height / (double)(range.End - range.Start));
                Assert.That(block.Box.Height, Is.GreaterThanOrEqualTo(2.99), block.Name);
            }
            foreach (var (low, high) in ranges.SelectMany(a => ranges.Where(b => b.Range.Start >= a.Range.End).Select(b => (a.Block, b.Block))))
                Assert.That(high.Box.Bottom, Is.LessThanOrEqualTo(low.Box.Y + 0.001), $"{high.Name} {low.Name}");
        }
        Assert.That(scales, Is.Not.Empty);
        Assert.That(scales.Max() / scales.Min(), Is.LessThan(1.0001), string.Join(" ", scales));
        Assert.That(borders.Min(), Is.GreaterThan(90));
    }

    [Test]
    public void Every_stretch_of_RAM_of_the_linear_map_is_a_band_from_its_bank_to_where_it_is_mapped([ValueSource(nameof(Boards))] string board)
    {
        var layout = Layout(board);
        var diagram = DiagramPlanner.Plan(layout);
        var lowmem = diagram.Blocks.Where(b => b.Box.X < 600 && b.Kind == BlockKind.Lowmem).ToList();
        var mapped = diagram.Blocks.Where(b => b.Box.X > 600 && b.Kind == BlockKind.Lowmem).ToList();

        Assert.That(diagram.Bands.Length, Is.EqualTo(layout.Linear.Ram.Count(r => !r.IsEmpty)));
        foreach (var band in diagram.Bands)
        {
            Assert.That(lowmem.Any(b => b.Box.Y - 0.01 <= band.LeftTop && band.LeftBottom <= b.Box.Bottom + 0.01) || lowmem.Count > 1, band.Title);
            Assert.That(mapped.Any(b => b.Box.Y - 0.01 <= band.RightTop && band.RightBottom <= b.Box.Bottom + 0.01), band.Title);
        }
        foreach (var block in lowmem)
            Assert.That(diagram.Bands.Any(b => b.LeftTop <= block.Box.Y + 0.01 && block.Box.Bottom <= b.LeftBottom + 0.01), block.Title);
    }

    [Test]
    public void Its_SVG_is_XML_with_every_label_and_no_other_file([ValueSource(nameof(Boards))] string board)
    {
        var diagram = DiagramPlanner.Plan(Layout(board));
        var svg = LayoutSvgWriter.Write(diagram);
        var texts = XDocument.Parse(svg).Descendants().Where(e => e.Name.LocalName == "text").Select(e => e.Value).ToList();

        Assert.That(diagram.Labels.SelectMany(l => new[] { l.Name, l.Detail }), Is.SubsetOf(texts));
        Assert.That(svg, Does.Not.Contain("href").And.Not.Contain("@import").And.Not.Contain("NaN").And.Not.Contain("∞"));
        Assert.That(svg, Does.Contain("prefers-color-scheme: dark"));
    }

    [Test]
    public void A_name_that_looks_like_markup_stays_a_name()
    {
        var layout = Layout("seed/ex1");
        var named = layout with { Board = layout.Board with { Name = "<script>&\"", Model = "a\u0001b" } };

        var document = XDocument.Parse(LayoutSvgWriter.Write(DiagramPlanner.Plan(named)));

        Assert.That(document.Descendants().Select(e => e.Name.LocalName), Does.Not.Contain("script"));
        Assert.That(document.Root!.Value, Does.Contain("<script>&\""));
    }

    [Test]
    public void Labels_that_have_room_stand_where_they_wish_and_others_move_no_more_than_they_must()
    {
        var random = new Random(Seed);
        for (var round = 0; round < 300; round++)
        {
            var wishes = Enumerable.Range(0, 1 + random.Next(8)).Select(_ => 50 + (random.NextDouble() * 200)).Order().ToArray();
            var tops = LabelPlacement.Spread(wishes, 20, 0);
            var cost = Cost(tops);

            for (var i = 1; i < tops.Length; i++)
                Assert.That(tops[i] - tops[i - 1], Is.GreaterThanOrEqualTo(20 - 1e-9), $"seed {Seed}, round {round}");
            Assert.That(tops[0], Is.GreaterThanOrEqualTo(0));
            // Where the top is not in the way, no other placement is better: the cost is convex, so that small steps that keep the distance are enough.
            for (var attempt = 0; attempt < 50 && tops[0] > 1; attempt++)
            {
                var other = tops.Select(t => t + (random.NextDouble() - 0.5)).ToArray();
                if (Enumerable.Range(1, other.Length - 1).All(i => other[i] - other[i - 1] >= 20))
                    Assert.That(Cost(other), Is.GreaterThanOrEqualTo(cost - 1e-9), $"seed {Seed}, round {round}");
            }

            double Cost(double[] places) => places.Zip(wishes, (t, w) => Math.Pow(t + 10 - w, 2)).Sum();
        }
    }

    public static IEnumerable<string> Boards => [.. RepositoryBoards.Names, "many", "huge", "one page", "top of 64 bits"];

    private static MemoryLayout Layout(string board) => board switch
    {
        "many" => Compile("CONFIG_ARM=y\n", "memory@80000000 { device_type = \"memory\"; reg = <0 0x80000000 0 0x60000000>; }; reserved-memory { #address-cells = <2>; #size-cells = <2>; ranges; "
            + string.Concat(Enumerable.Range(0, 60).Select(i => string.Create(CultureInfo.InvariantCulture,
                $"region-with-a-long-name-to-be-cut-{i}@{0x80000000L + (i * 0x200000L):x} {{ reg = <0 0x{0x80000000L + (i * 0x200000L):x} 0 0x{0x1000 * (1 + (i % 7)):x}>; {(i % 2 == 0 ? "no-map;" : "")} }}; "))) + "};"),
        "huge" => Compile("CONFIG_ARM64=y\n", "memory@0 { device_type = \"memory\"; reg = <0 0 0x100 0>, <0x200 0 0 0x1000>, <0x300 0 0x10 0>; };"),
        "one page" => Compile("CONFIG_MMU=n\nCONFIG_ARM=y\n", "memory@1000 { device_type = \"memory\"; reg = <0 0x1000 0 0x1000>; };"),
        "top of 64 bits" => Compile("CONFIG_X86_64=y\n", "memory@0 { device_type = \"memory\"; reg = <0 0 1 0>; }; dev@ffffffffffff0000 { reg = <0xffffffff 0xffff0000 0 0x10000>; };"),
        _ => RepositoryBoards.Compile(board).Layout!,
    };

    private static MemoryLayout Compile(string defconfig, string nodes)
    {
        var compilation = BoardPipeline.Compile(new BoardInput(new SourceFile("t.dts", "/dts-v1/;\n/ { #address-cells = <2>; #size-cells = <2>;\n" + nodes + "\n};\n"))
        {
            Defconfig = new SourceFile("t_defconfig", defconfig),
            RequireLayout = true,
        });
        Assert.That(compilation.Layout, Is.Not.Null, string.Join("\n", compilation.Diagnostics));
        return compilation.Layout!;
    }

    // The second line of a block's title is its range.
    private static (UInt128 Start, UInt128 End) RangeOf(DiagramBlock block)
    {
        var words = block.Title.Split('\n')[1].Split(' ');
        return (UInt128.Parse(words[0].AsSpan(2), NumberStyles.HexNumber), UInt128.Parse(words[2].AsSpan(2), NumberStyles.HexNumber));
    }
}
