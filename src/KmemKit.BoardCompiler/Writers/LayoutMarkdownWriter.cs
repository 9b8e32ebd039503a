using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Linear;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.BoardCompiler.Writers;

/// <summary>Prints a layout as a report in Markdown: tables that GitHub and GitLab show, with the place in the source of each row.</summary>
public static class LayoutMarkdownWriter
{
    /// <summary>The report.</summary>
    /// <param name="layout">The board's layout.</param>
    public static string Write(MemoryLayout layout)
    {
        if (layout is null)
            throw new ArgumentNullException(nameof(layout));
        var output = new StringBuilder(4096);
        var nameOf = PlaceNames.RelativeTo(layout.Board);
        var wide = AddressWidth.Is64Bit(layout);
        output.Append("# ").Append(Cell(layout.Board.Name)).Append(": memory layout\n\n");
        if (layout.Board.Model.Length > 0)
            output.Append(Cell(layout.Board.Model)).Append(". ");
        output.Append("Rules: ").Append(layout.Profile).Append(". Made by KmemKit from ").Append(Cell(FilePath.NameOf(layout.Board.Tree.Source.Path)));
        output.Append("; change the board, not this file.\n\n");
        Table(output, "Facts", ["what", "value"],
        [
            ["PAGE_OFFSET", Hex(layout.PageOffset.Value, wide)],
            ["PHYS_OFFSET", Hex(layout.PhysOffset.Value, wide)],
            ["lowmem ends at, physical", Hex(layout.LowmemLimit, wide)],
            ["high_memory", Hex(layout.HighMemory, wide)],
            ["page size", SizeText.Of(layout.Pages.PageSize)],
            ["lowmem", Pages(layout.LowPages, layout)],
            ["highmem", Pages(layout.HighPages, layout)],
        ]);
        Table(output, "Physical map", ["start", "end", "size", "what", "from"], layout.Banks.Select(b => (b.Range, What: LayoutJsonWriter.NameOf(b.Kind), b.Span))
            .Concat(layout.Holes.Select(h => (h.Range, What: "hole, " + LayoutJsonWriter.NameOf(h.Kind), h.Span))).OrderBy(r => r.Range).Select(r => Row(r.Range, r.What, r.Span)));
        Table(output, "Reserved memory", ["start", "end", "size", "what", "from"], NamedRange.Reserved(layout).Select(r => Row(
            r.Range, r.Name + (r.Region!.NoMap ? ", no-map" : "") + (r.Region.Reusable ? ", reusable" : ""), r.Span)));
        Table(output, "Virtual ranges", ["name", "start", "end", "size"], layout.Virtual.Select(v => new[]
        {
            Cell(v.Name), Hex(v.Range.Start.Value, wide), Hex(v.Range.End, wide), SizeText.Of(v.Range.Size),
        }));
        Table(output, "Linear map", ["virtual", "physical", "size"], layout.Linear.Segments.Select(s => new[]
        {
            Hex(s.Virt.Value, wide), Hex(s.Phys.Value, wide), SizeText.Of(s.Size),
        }));
        Table(output, "Zones", ["zone", "node", "first pfn", "spanned", "present"], layout.Zones.Select(z => new[]
        {
            z.Name, Number((ulong)z.Node), Hex(z.Start.Number, false), Number(z.Spanned), Number(z.Present),
        }));
        Table(output, "Devices", ["start", "end", "size", "what", "from"], NamedRange.Devices(layout.Board).Where(d => d.Enabled).Select(d => Row(
            d.Range, d.Name + (d.Compatible.Length > 0 ? ", " + d.Compatible : ""), d.Span)));
        // A table ends with an empty line, the file does not.
        return output.ToString(0, output.Length - 1);

        string[] Row(PhysRange range, string what, SourceSpan span) =>
            [Hex(range.Start.Value, wide), Hex(range.End, wide), SizeText.Of(range.Size), Cell(what), Cell(PlaceNames.Of(span, nameOf))];
    }

    private static void Table(StringBuilder output, string title, string[] head, IEnumerable<string[]> rows)
    {
        var lines = rows.ToList();
        if (lines.Count == 0)
            return;
        output.Append("## ").Append(title).Append("\n\n| ").Append(string.Join(" | ", head)).Append(" |\n|").Append(string.Concat(head.Select(_ => "---|"))).Append('\n');
        foreach (var line in lines)
            output.Append("| ").Append(string.Join(" | ", line)).Append(" |\n");
        output.Append('\n');
    }

    private static string Pages(ulong pages, MemoryLayout layout) =>
        Number(pages) + " pages, " + SizeText.Of(AddressLimit.FromUInt64(pages << layout.Pages.PageShift));

    private static string Hex(AddressLimit value, bool wide)
    {
        var text = new StringBuilder(20).Append('`');
        AddressWidth.Append(text, value, wide);
        return text.Append('`').ToString();
    }

    private static string Number(ulong value) => value.ToString(CultureInfo.InvariantCulture);

    // What Markdown would take for markup, and the bar that ends a cell.
    private static string Cell(string text)
    {
        var result = new StringBuilder(text.Length + 8);
        foreach (var c in text)
        {
            if (c is '|' or '\\' or '`' or '*' or '_' or '<' or '[')
                result.Append('\\');
            result.Append(c is < ' ' or '\x7f' ? ' ' : c);
        }
        return result.ToString();
    }
}
