using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Policies;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.BoardCompiler.Writers;

/// <summary>
/// Prints a <see cref="MemoryLayout"/> for people: the kernel's messages and layout block as a boot log has them, then zones, the linear map, and the
/// physical map with what each range is and the place in the source that says so.
/// </summary>
public static class LayoutTextWriter
{
    /// <summary>The whole text, lines ended by a newline.</summary>
    public static string Write(MemoryLayout layout)
    {
        var output = new StringBuilder(4096);
        WriteHeadline(output, layout);
        foreach (var message in layout.Messages)
            output.Append(message).Append('\n');
        output.Append(MemoryLine(layout)).Append('\n');
        KernelBlockWriter.WriteTo(output, layout);
        WriteZones(output, layout);
        WriteLinear(output, layout);
        WritePhysicalMap(output, layout);
        WriteReserved(output, layout);
        return output.ToString();
    }

    /// <summary>
    /// RAM as <c>Memory: 750MB 152MB = 902MB total</c>, one number for each stretch without a gap, each rounded down, and so is the sum of the pages
    /// (mem_init() of arch/arm/mm/init.c up to 3.10, over memblock, which joins banks that touch).
    /// </summary>
    public static string MemoryLine(MemoryLayout layout)
    {
        var output = new StringBuilder("Memory:");
        var shift = 20 - layout.Pages.PageShift;
        ulong total = 0;
        foreach (var (start, end) in Joined(layout.Banks))
        {
            var pages = layout.Pages.PagesIn(end.SizeFrom(start));
            total += pages;
            output.Append(' ').Append((pages >> shift).ToString(CultureInfo.InvariantCulture)).Append("MB");
        }
        return output.Append(" = ").Append((total >> shift).ToString(CultureInfo.InvariantCulture)).Append("MB total").ToString();
    }

    private static IEnumerable<(ulong Start, AddressLimit End)> Joined(IEnumerable<LayoutBank> banks)
    {
        (ulong Start, AddressLimit End)? open = null;
        foreach (var bank in banks)
        {
            if (open is { } current && current.End == bank.Range.Start.Value)
            {
                open = (current.Start, bank.Range.End);
                continue;
            }
            if (open is { } done)
                yield return done;
            open = (bank.Range.Start.Value, bank.Range.End);
        }
        if (open is { } last)
            yield return last;
    }

    private static void WriteHeadline(StringBuilder output, MemoryLayout layout)
    {
        output.Append(layout.Board.Name).Append(": ").Append(layout.Profile);
        if (layout.Board.Model.Length > 0)
            output.Append(", ").Append(layout.Board.Model);
        output.Append('\n');
    }

    private static void WriteZones(StringBuilder output, MemoryLayout layout)
    {
        output.Append("Zones:\n");
        foreach (var zone in layout.Zones)
        {
            var last = (zone.Start + zone.Spanned).Number;
            output.Append("  ").Append(zone.Name.PadRight(8)).Append(" node ").Append(zone.Node.ToString(CultureInfo.InvariantCulture));
            output.Append(": pfn 0x").Append(zone.Start.Number.ToString("x", CultureInfo.InvariantCulture));
            output.Append(" - 0x").Append(last.ToString("x", CultureInfo.InvariantCulture));
            output.Append(", ").Append(zone.Spanned.ToString(CultureInfo.InvariantCulture)).Append(" pages spanned, ");
            output.Append(zone.Present.ToString(CultureInfo.InvariantCulture)).Append(" present\n");
        }
        output.Append("  low ").Append(layout.LowPages.ToString(CultureInfo.InvariantCulture)).Append(" pages, high ");
        output.Append(layout.HighPages.ToString(CultureInfo.InvariantCulture)).Append(" pages of ").Append(layout.Pages.ToString()).Append('\n');
        WriteModel(output, layout.Model);
    }

    private static void WriteModel(StringBuilder output, MemoryModel model)
    {
        output.Append("  memory model ");
        if (model.Kind == MemoryModelKind.Sparse)
        {
            output.Append("sparse, sections of 2^").Append(model.SectionSizeBits.ToString(CultureInfo.InvariantCulture)).Append(" bytes:");
            AppendSections(output, model);
        }
        else
        {
            output.Append("flat");
        }
        output.Append(", ").Append(model.DescribedPages.ToString(CultureInfo.InvariantCulture)).Append(" page descriptors\n");
    }

    // Runs as 3-7: a machine with much memory has hundreds of sections.
    private static void AppendSections(StringBuilder output, MemoryModel model)
    {
        for (var i = 0; i < model.Sections.Length; i++)
        {
            var first = model.Sections[i].Number;
            while (i + 1 < model.Sections.Length && model.Sections[i + 1].Number == model.Sections[i].Number + 1)
                i++;
            var last = model.Sections[i].Number;
            output.Append(' ').Append(first.ToString(CultureInfo.InvariantCulture));
            if (last != first)
                output.Append('-').Append(last.ToString(CultureInfo.InvariantCulture));
        }
    }

    private static void WriteLinear(StringBuilder output, MemoryLayout layout)
    {
        output.Append("Linear map:\n");
        var wide = AddressWidth.Is64Bit(layout);
        foreach (var segment in layout.Linear.Segments)
        {
            output.Append("  virt ");
            AppendRange(output, segment.Virt.Value, segment.VirtRange.End, wide);
            output.Append(" = phys ");
            AppendRange(output, segment.Phys.Value, segment.PhysRange.End, wide);
            output.Append("  ").Append(SizeText.Of(segment.Size)).Append('\n');
        }
    }

    private static void WritePhysicalMap(StringBuilder output, MemoryLayout layout)
    {
        output.Append("Physical map:\n");
        var rows = new List<(PhysRange Range, string What, SourceSpan Span)>();
        foreach (var bank in layout.Banks)
            rows.Add((bank.Range, LayoutJsonWriter.NameOf(bank.Kind), bank.Span));
        foreach (var hole in layout.Holes)
            rows.Add((hole.Range, "hole, " + LayoutJsonWriter.NameOf(hole.Kind), hole.Span));
        WriteRows(output, rows.OrderBy(r => r.Range), AddressWidth.Is64Bit(layout));
    }

    private static void WriteReserved(StringBuilder output, MemoryLayout layout)
    {
        if (layout.Reserved.IsDefaultOrEmpty)
            return;
        output.Append("Reserved:\n");
        WriteRows(output, layout.Reserved.Select(p => (p.Range, Describe(p.Region), p.Region.Span)), AddressWidth.Is64Bit(layout));
    }

    private static string Describe(ReservedRegion region)
    {
        var text = region.Name;
        if (region.NoMap)
            text += ", no-map";
        if (region.Reusable)
            text += ", reusable";
        if (region.DynamicSize is not null)
            text += ", placed by the layout";
        return text;
    }

    private static void WriteRows(StringBuilder output, IEnumerable<(PhysRange Range, string What, SourceSpan Span)> rows, bool wide)
    {
        foreach (var (range, what, span) in rows)
        {
            output.Append("  ");
            AppendRange(output, range.Start.Value, range.End, wide);
            output.Append("  ").Append(SizeText.Of(range.Size).PadLeft(10)).Append("  ").Append(what);
            if (span.IsKnown)
                output.Append("  ").Append(span.ToString());
            output.Append('\n');
        }
    }

    private static void AppendRange(StringBuilder output, ulong start, AddressLimit end, bool wide)
    {
        AddressWidth.Append(output, start, wide);
        output.Append(" - ");
        AddressWidth.Append(output, end, wide);
    }
}
