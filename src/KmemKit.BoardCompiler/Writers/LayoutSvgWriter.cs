using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text;
using KmemKit.BoardCompiler.Diagram;
using KmemKit.BoardCompiler.Writers.CSharp;

namespace KmemKit.BoardCompiler.Writers;

/// <summary>Prints a <see cref="LayoutDiagram"/> as SVG 1.1, in light colours or dark ones as the reader prefers.</summary>
public static class LayoutSvgWriter
{
    private const string Style =
        """
        text { font-family: ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace; fill: #1d2330; }
        .page { fill: #ffffff; } .heading { font-size: 19px; font-weight: 700; } .sub { font-size: 12.5px; fill: #4a5468; }
        .column { font-size: 13.5px; font-weight: 700; } .name { font-size: 12.5px; font-weight: 600; } .detail { font-size: 11px; fill: #4a5468; }
        .inside { font-size: 12.5px; font-weight: 600; fill: #14181f; }
        .block { stroke: #3c4557; stroke-width: 1; } .leader { fill: none; stroke: #9aa3b5; stroke-width: 1; }
        .lowmem { fill: #8fce92; } .highmem { fill: #84b6e8; } .hole { fill: url(#hatch); } .reserved { fill: #f2b25c; } .sram { fill: #d9cf6a; }
        .device { fill: #c3b1e1; } .vmalloc { fill: #f09a9a; } .kernel { fill: #9fd5d1; } .user { fill: #d5d9e2; }
        .hatching { fill: #f3f4f7; } .hatchline { stroke: #aab2c2; stroke-width: 1.5; }
        .band { fill: #8fce92; fill-opacity: 0.22; } .edge { fill: none; stroke: #3f9a4b; stroke-width: 1; stroke-dasharray: 4 3; }
        .arrow { fill: none; stroke: #2f8a3c; stroke-width: 1.6; } .head { fill: #2f8a3c; }
        .break { fill: #ffffff; stroke: #3c4557; stroke-width: 1; } .empty { fill: none; stroke: #9aa3b5; stroke-width: 1; stroke-dasharray: 2 3; }
        @media (prefers-color-scheme: dark) {
        text { fill: #e6e9f0; } .page { fill: #161a22; } .sub, .detail { fill: #a9b3c6; } .inside { fill: #f4f6fa; }
        .block { stroke: #aab3c5; } .leader { stroke: #5d6880; }
        .lowmem { fill: #2f7d3c; } .highmem { fill: #2b5f97; } .reserved { fill: #9a6414; } .sram { fill: #7d7420; }
        .device { fill: #614a8c; } .vmalloc { fill: #9a3f3f; } .kernel { fill: #2a716c; } .user { fill: #454e61; }
        .hatching { fill: #222835; } .hatchline { stroke: #4b556b; }
        .band { fill: #58b566; fill-opacity: 0.18; } .edge { stroke: #6cc47a; } .arrow { stroke: #6cc47a; } .head { fill: #6cc47a; }
        .break { fill: #161a22; stroke: #aab3c5; } .empty { stroke: #5d6880; }
        }
        """;

    /// <summary>The picture.</summary>
    public static string Write(LayoutDiagram diagram)
    {
        if (diagram is null)
            throw new ArgumentNullException(nameof(diagram));
        var w = new SourceWriter();
        var size = $"{Number(diagram.Width)} {Number(diagram.Height)}";
        w.Line($"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{Number(diagram.Width)}\" height=\"{Number(diagram.Height)}\" viewBox=\"0 0 {size}\" role=\"img\">");
        w.Line("<!-- Made by KmemKit; change the board, not this file. -->");
        w.Line($"<title>{Text(diagram.Heading)}</title>");
        w.Line("<style>");
        w.Lines(Style);
        w.Line("</style>");
        w.Line("<defs><pattern id=\"hatch\" width=\"8\" height=\"8\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">");
        w.Line("<rect class=\"hatching\" width=\"8\" height=\"8\"/><line class=\"hatchline\" x1=\"0\" y1=\"0\" x2=\"0\" y2=\"8\"/></pattern></defs>");
        w.Line("<rect class=\"page\" width=\"100%\" height=\"100%\"/>");
        WriteHeading(w, diagram);
        foreach (var band in diagram.Bands)
            WriteBand(w, band);
        foreach (var block in diagram.Blocks)
            WriteBlock(w, block);
        foreach (var gap in diagram.Breaks)
            WriteBreak(w, gap);
        foreach (var block in diagram.Blocks.Where(b => b.Inside.Length > 0))
            w.Line($"<text class=\"inside\" text-anchor=\"middle\" x=\"{Number(block.Box.X + (block.Box.Width / 2))}\" y=\"{Number(block.Box.Y + (block.Box.Height / 2) + 4)}\">{Text(block.Inside)}</text>");
        foreach (var label in diagram.Labels)
            WriteLabel(w, label);
        WriteFooter(w, diagram);
        w.Line("</svg>");
        return w.ToString();
    }

    private static void WriteHeading(SourceWriter w, LayoutDiagram d)
    {
        w.Line($"<text class=\"heading\" x=\"12\" y=\"30\">{Text(d.Heading)}</text>");
        w.Line($"<text class=\"sub\" x=\"12\" y=\"52\">{Text(d.Subheading)}</text>");
        foreach (var (column, name) in new[] { (d.PhysicalColumn, "physical"), (d.VirtualColumn, "virtual") })
            w.Line($"<text class=\"column\" text-anchor=\"middle\" x=\"{Number(column.X + (column.Width / 2))}\" y=\"84\">{name}</text>");
        if (!d.Bands.IsEmpty)
            w.Line($"<text class=\"sub\" text-anchor=\"middle\" x=\"{Number((d.PhysicalColumn.Right + d.VirtualColumn.X) / 2)}\" y=\"84\">linear map</text>");
    }

    private static void WriteBand(SourceWriter w, DiagramBand b)
    {
        var (leftMiddle, rightMiddle) = ((b.LeftTop + b.LeftBottom) / 2, (b.RightTop + b.RightBottom) / 2);
        w.Line($"<g><title>{Text(b.Title)}</title>");
        w.Line($"<polygon class=\"band\" points=\"{Point(b.Left, b.LeftTop)} {Point(b.Right, b.RightTop)} {Point(b.Right, b.RightBottom)} {Point(b.Left, b.LeftBottom)}\"/>");
        w.Line($"<path class=\"edge\" d=\"M{Point(b.Left, b.LeftTop)} L{Point(b.Right, b.RightTop)} M{Point(b.Left, b.LeftBottom)} L{Point(b.Right, b.RightBottom)}\"/>");
        // The head turns with the line, so it is drawn here and not as a marker, which some programs leave out.
        var (dx, dy) = (b.Right - b.Left, rightMiddle - leftMiddle);
        var length = Math.Sqrt((dx * dx) + (dy * dy));
        var (ux, uy) = (dx / length, dy / length);
        var (tipX, tipY) = (b.Right - 2, rightMiddle - (2 * dy / dx));
        var (backX, backY) = (tipX - (11 * ux), tipY - (11 * uy));
        w.Line($"<path class=\"arrow\" d=\"M{Point(b.Left + 3, leftMiddle + (3 * dy / dx))} L{Point(backX, backY)}\"/>");
        w.Line($"<polygon class=\"head\" points=\"{Point(tipX, tipY)} {Point(backX - (4 * uy), backY + (4 * ux))} {Point(backX + (4 * uy), backY - (4 * ux))}\"/></g>");
    }

    private static void WriteBlock(SourceWriter w, DiagramBlock b) =>
        w.Line($"<rect class=\"block {ClassOf(b.Kind)}\" {Rect(b.Box)}><title>{Text(b.Title)}</title></rect>");

    private static void WriteBreak(SourceWriter w, DiagramBreak gap)
    {
        var box = gap.Box;
        if (gap.IsEmpty)
            w.Line($"<path class=\"empty\" d=\"M{Point(box.X, box.Y)} L{Point(box.X, box.Bottom)} M{Point(box.Right, box.Y)} L{Point(box.Right, box.Bottom)}\"/>");
        // Two zigzags with the page between them, a little over both edges of the column.
        var middle = box.Y + (box.Height / 2);
        const int teeth = 10;
        var points = new List<string>();
        for (var i = 0; i <= teeth; i++)
            points.Add(Point(box.X - 4 + ((box.Width + 8) * i / teeth), middle - 4 + (i % 2 == 0 ? -3 : 3)));
        for (var i = teeth; i >= 0; i--)
            points.Add(Point(box.X - 4 + ((box.Width + 8) * i / teeth), middle + 4 + (i % 2 == 0 ? -3 : 3)));
        w.Line($"<polygon class=\"break\" points=\"{string.Join(" ", points)}\"/>");
    }

    private static void WriteLabel(SourceWriter w, DiagramLabel label)
    {
        var box = label.Box;
        var (x, anchor, edge, turn) = label.AlignRight
            ? (box.Right, "end", box.Right + 3, label.FromX - 8)
            : (box.X, "start", box.X - 3, label.FromX + 8);
        var y = box.Y + (box.Height / 2);
        w.Line($"<path class=\"leader\" d=\"M{Point(label.FromX, label.FromY)} L{Point(turn, label.FromY)} L{Point(edge, y)}\"/>");
        w.Line($"<text class=\"name\" text-anchor=\"{anchor}\" x=\"{Number(x)}\" y=\"{Number(box.Y + 12)}\">{Text(label.Name)}</text>");
        w.Line($"<text class=\"detail\" text-anchor=\"{anchor}\" x=\"{Number(x)}\" y=\"{Number(box.Y + 26)}\" xml:space=\"preserve\">{Text(label.Detail)}</text>");
    }

    private static void WriteFooter(SourceWriter w, LayoutDiagram d)
    {
        var x = 12.0;
        foreach (var kind in d.Legend)
        {
            w.Line($"<rect class=\"block {ClassOf(kind)}\" {Rect(new Box(x, d.Height - 52, 16, 14))}/>");
            w.Line($"<text class=\"detail\" x=\"{Number(x + 22)}\" y=\"{Number(d.Height - 41)}\">{NameOf(kind)}</text>");
            x += 22 + (NameOf(kind).Length * 6.8) + 20;
        }
        w.Line($"<text class=\"detail\" x=\"12\" y=\"{Number(d.Height - 16)}\">{Text(d.Scale)}</text>");
    }

    private static string ClassOf(BlockKind kind) => kind.ToString().ToLowerInvariant();

    private static string NameOf(BlockKind kind) => kind switch
    {
        BlockKind.Sram => "on-chip RAM",
        BlockKind.Device => "devices",
        BlockKind.Kernel => "other kernel ranges",
        BlockKind.User => "user space",
        _ => ClassOf(kind),
    };

    private static string Rect(Box box) => $"x=\"{Number(box.X)}\" y=\"{Number(box.Y)}\" width=\"{Number(box.Width)}\" height=\"{Number(box.Height)}\"";

    private static string Point(double x, double y) => Number(x) + "," + Number(y);

    // A tenth of a pixel is finer than any screen, and the same on every machine.
    private static string Number(double value) => (Math.Round(value * 10, MidpointRounding.AwayFromZero) / 10 + 0.0).ToString("0.#", CultureInfo.InvariantCulture);

    private static string Text(string text)
    {
        var result = new StringBuilder(SourceWriter.Escape(text).Length);
        // Escape keeps lines apart for nobody: a title may have two.
        foreach (var line in text.Split('\n'))
            result.Append(result.Length > 0 ? " " : "").Append(SourceWriter.Escape(line));
        return result.ToString();
    }
}
