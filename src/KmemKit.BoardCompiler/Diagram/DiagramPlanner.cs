using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using System.Text;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Linear;
using KmemKit.BoardCompiler.Writers;

namespace KmemKit.BoardCompiler.Diagram;

/// <summary>Lays the drawing of a layout out: which scale, where each block, label and band stands.</summary>
/// <remarks>
/// <code>
///  8         400 422    528          672    778 800       1192
///  | labels    | | phys |  linear map |  virt | |    labels |
/// </code>
/// Both columns have one scale, so that a band of the linear map is as high at both ends. The scale is the one at which RAM can be seen, the picture fits
/// a screen, and least is broken.
/// </remarks>
public static class DiagramPlanner
{
    internal const double NameSize = 12.5;
    internal const double DetailSize = 11;

    // Advance of the common monospaced fonts: 0.60 em, and a little to spare.
    internal const double Advance = 0.61;

    private const double Width = 1200;
    private const double Margin = 8;
    private const double LabelWidth = 392;
    private const double Leader = 22;
    private const double ColumnWidth = 106;
    private const double Top = 112;
    private const double Footer = 74;
    private const double LabelHeight = 30;
    private const double LabelPitch = 33;
    private const double BestHeight = 860;
    private const double LeastRam = 110;

    /// <summary>The drawing of <paramref name="layout"/>.</summary>
    public static LayoutDiagram Plan(MemoryLayout layout)
    {
        if (layout is null)
            throw new ArgumentNullException(nameof(layout));
        var physical = DiagramRanges.Physical(layout);
        var @virtual = DiagramRanges.Virtual(layout);
        var scale = ChooseScale(layout, physical, @virtual);
        var left = AddressAxis.Of(physical, scale);
        var right = AddressAxis.Of(@virtual, scale);
        var height = Math.Max(Math.Max(left.Height, right.Height), Math.Max(physical.Length, @virtual.Length) * LabelPitch);
        var rise = Rise(layout, left, right);
        var (leftTop, rightTop) = left.Height >= right.Height
            ? ((height - left.Height) / 2, Clamp(((height - left.Height) / 2) - rise, height - right.Height))
            : (Clamp(((height - right.Height) / 2) + rise, height - left.Height), (height - right.Height) / 2);
        var leftColumn = new Box(Margin + LabelWidth + Leader, Top + leftTop, ColumnWidth, left.Height);
        var rightColumn = new Box(Width - Margin - LabelWidth - Leader - ColumnWidth, Top + rightTop, ColumnWidth, right.Height);
        var wide = AddressWidth.Is64Bit(layout);
        var blocks = ImmutableArray.CreateBuilder<DiagramBlock>();
        AddBlocks(blocks, physical, left, leftColumn, insetLeft: true, wide);
        AddBlocks(blocks, @virtual, right, rightColumn, insetLeft: false, wide);
        var labels = ImmutableArray.CreateBuilder<DiagramLabel>();
        AddLabels(labels, blocks.Take(physical.Length).Zip(physical, (b, r) => (b, r)), leftColumn, toLeft: true, wide);
        AddLabels(labels, blocks.Skip(physical.Length).Zip(@virtual, (b, r) => (b, r)), rightColumn, toLeft: false, wide);
        var bottom = labels.Select(l => l.Box.Bottom).Concat([Top + height]).Max();
        return new LayoutDiagram
        {
            Width = Width,
            Height = Math.Ceiling(bottom + Footer),
            Heading = layout.Board.Name + (layout.Board.Model.Length > 0 ? ": " + layout.Board.Model : ""),
            Subheading = Subheading(layout),
            Scale = ScaleText(scale),
            PhysicalColumn = leftColumn,
            VirtualColumn = rightColumn,
            Blocks = blocks.ToImmutable(),
            Labels = labels.ToImmutable(),
            Bands = Bands(layout, left, leftColumn, right, rightColumn),
            Breaks = [.. Breaks(left, leftColumn), .. Breaks(right, rightColumn)],
            Legend = [.. blocks.Select(b => b.Kind).Distinct().OrderBy(k => k)],
        };
    }

    private static double ChooseScale(MemoryLayout layout, ImmutableArray<DiagramRange> physical, ImmutableArray<DiagramRange> @virtual)
    {
        var ram = physical.Where(r => r.Kind is BlockKind.Lowmem or BlockKind.Highmem).OrderByDescending(r => r.Size).FirstOrDefault();
        var candidates = physical.Concat(@virtual).Select(r => AddressAxis.Most / Bytes(r.Size))
            .Concat(Enumerable.Range(0, 200).Select(i => Math.Pow(2, -i / 4.0)));
        var best = (IsBad: true, IsTall: true, Broken: int.MaxValue, Scale: 0.0);
        foreach (var scale in candidates.OrderByDescending(s => s))
        {
            var left = AddressAxis.Of(physical, scale);
            var right = AddressAxis.Of(@virtual, scale);
            var ramHeight = ram is null ? LeastRam : left.At(ram.Start) - left.At(ram.End);
            var score = (IsBad: ramHeight < LeastRam, IsTall: Math.Max(left.Height, right.Height) > BestHeight, Broken: left.BrokenCount + right.BrokenCount, Scale: scale);
            // Largest scale first: of two that break as little, the one that shows more.
            if (best.Scale == 0 || (score.IsBad, score.IsTall, score.Broken).CompareTo((best.IsBad, best.IsTall, best.Broken)) < 0)
                best = score;
        }
        return best.Scale;
    }

    // How much lower the virtual column has the linear map than the physical one: what the shorter column is moved by to make the bands flat.
    private static double Rise(MemoryLayout layout, AddressAxis left, AddressAxis right)
    {
        var (sum, weight) = (0.0, 0.0);
        foreach (var (ram, virt) in Mapped(layout))
        {
            var height = left.At(ram.Start.Value) - left.At(ram.End);
            sum += height * (right.At(virt.End) + right.At(virt.Start.Value) - left.At(ram.End) - left.At(ram.Start.Value)) / 2;
            weight += height;
        }
        return weight == 0 ? 0 : sum / weight;
    }

    private static double Clamp(double value, double most) => Math.Max(0, Math.Min(most, value));

    // The RAM that the linear map reaches, and where.
    private static IEnumerable<(PhysRange Ram, VirtRange Virt)> Mapped(MemoryLayout layout)
    {
        foreach (var ram in layout.Linear.Ram)
        {
            if (!ram.IsEmpty && layout.Linear.PhysToVirt(ram.Start, out var virt) == TranslationStatus.Ok)
                yield return (ram, new VirtRange(virt, ram.Size));
        }
    }

    private static double Bytes(AddressLimit size) => size.IsTop ? 18446744073709551616.0 : size.Value;

    private static void AddBlocks(ImmutableArray<DiagramBlock>.Builder blocks, ImmutableArray<DiagramRange> ranges, AddressAxis axis, Box column, bool insetLeft, bool wide)
    {
        var boxes = ranges.Select(range =>
        {
            var top = column.Y + axis.At(range.End);
            var height = column.Y + axis.At(range.Start) - top;
            var width = range.IsInset ? ColumnWidth * 0.42 : ColumnWidth;
            return new Box(insetLeft || !range.IsInset ? column.X : column.Right - width, top, width, height);
        }).ToList();
        for (var i = 0; i < ranges.Length; i++)
        {
            var range = ranges[i];
            var text = new Box(boxes[i].X, boxes[i].Y + (boxes[i].Height / 2) - 8, boxes[i].Width, 16);
            var inside = Short(range.Name.Split(',')[0], 14);
            var hasRoom = !range.IsInset && boxes[i].Height >= 18 && inside.Length * NameSize * Advance <= boxes[i].Width - 6
                && !ranges.Where((r, j) => r.IsInset && boxes[j].Overlaps(text)).Any()
                && !axis.Breaks.Any(b => new Box(column.X, column.Y + b.Top + (b.Height / 2) - 8, ColumnWidth, 16).Overlaps(text));
            blocks.Add(new DiagramBlock(range.Kind, range.Name, boxes[i], range.Name + "\n" + Detail(range, wide)) { IsInset = range.IsInset, Inside = hasRoom ? inside : "" });
        }
    }

    private static void AddLabels(ImmutableArray<DiagramLabel>.Builder labels, IEnumerable<(DiagramBlock Block, DiagramRange Range)> blocks, Box column, bool toLeft, bool wide)
    {
        var rows = blocks.OrderBy(b => b.Block.Box.Y + (b.Block.Box.Height / 2)).ThenByDescending(b => b.Range.Start).ToList();
        var tops = LabelPlacement.Spread([.. rows.Select(r => r.Block.Box.Y + (r.Block.Box.Height / 2))], LabelPitch, Top - (LabelHeight / 2));
        for (var i = 0; i < rows.Count; i++)
        {
            var (block, range) = rows[i];
            labels.Add(new DiagramLabel(
                new Box(toLeft ? Margin : Width - Margin - LabelWidth, tops[i], LabelWidth, LabelHeight),
                Short(range.Name, (int)(LabelWidth / (NameSize * Advance))), Short(Detail(range, wide), (int)(LabelWidth / (DetailSize * Advance))),
                toLeft ? column.X : column.Right, block.Box.Y + (block.Box.Height / 2), toLeft));
        }
    }

    private static ImmutableArray<DiagramBand> Bands(MemoryLayout layout, AddressAxis left, Box leftColumn, AddressAxis right, Box rightColumn)
    {
        var bands = ImmutableArray.CreateBuilder<DiagramBand>();
        foreach (var (ram, range) in Mapped(layout))
        {
            bands.Add(new DiagramBand(
                leftColumn.Right, leftColumn.Y + left.At(ram.End), leftColumn.Y + left.At(ram.Start.Value),
                rightColumn.X, rightColumn.Y + right.At(range.End), rightColumn.Y + right.At(range.Start.Value),
                $"{ram.Start} - {ram.End}\nis mapped at {range.Start} - {range.End}"));
        }
        return bands.ToImmutable();
    }

    private static IEnumerable<DiagramBreak> Breaks(AddressAxis axis, Box column) =>
        axis.Breaks.Select(b => new DiagramBreak(new Box(column.X, column.Y + b.Top, column.Width, b.Height), b.IsEmpty));

    private static string Subheading(MemoryLayout layout)
    {
        var shift = layout.Pages.PageShift;
        var text = $"{layout.Profile}, PAGE_OFFSET {layout.PageOffset}, PHYS_OFFSET {layout.PhysOffset}, {SizeText.Of(layout.LowPages << shift)} lowmem";
        return layout.HighPages == 0 ? text : text + $", {SizeText.Of(layout.HighPages << shift)} highmem";
    }

    private static string ScaleText(double scale)
    {
        // A length of some fifty pixels, in a round size.
        var shift = (int)Math.Floor(Math.Log(50 / scale, 2));
        var pixels = Math.Round(scale * Math.Pow(2, shift));
        return $"{SizeText.Of(AddressLimit.FromUInt64(1UL << Math.Max(0, Math.Min(63, shift))))} are {pixels.ToString(System.Globalization.CultureInfo.InvariantCulture)} px; a zigzag breaks the scale, and what would be less than 3 px is drawn as 3.";
    }

    private static string Detail(DiagramRange range, bool wide)
    {
        var text = new StringBuilder(60);
        AddressWidth.Append(text, range.Start, wide);
        text.Append(" - ");
        AddressWidth.Append(text, range.End, wide);
        return text.Append("  ").Append(SizeText.Of(range.Size)).ToString();
    }

    private static string Short(string text, int length) => text.Length <= length ? text : text.Substring(0, Math.Max(1, length - 1)) + "\u2026";
}
