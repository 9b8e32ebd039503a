using System.IO;
using System.Linq;
using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Writers;
using Spectre.Console;

namespace KmemKit.Tool.Output;

/// <summary>A layout as tables, for a person at a terminal. It holds what the plain text holds; the kernel's block stays as the kernel prints it.</summary>
internal static class TerminalLayoutView
{
    public static string Render(MemoryLayout layout, int width)
    {
        using var text = new StringWriter { NewLine = "\n" };
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = AnsiSupport.Yes,
            ColorSystem = ColorSystemSupport.EightBit,
            Interactive = InteractionSupport.No,
            Out = new AnsiConsoleOutput(text),
        });
        console.Profile.Width = width;
        console.Write(new Rule($"[bold]{Safe(layout.Board.Name)}[/]  {Safe(layout.Profile)}  [grey]{Safe(layout.Board.Model)}[/]") { Justification = Justify.Left });
        foreach (var message in layout.Messages)
            console.MarkupLine($"[yellow]{Safe(message)}[/]");
        console.MarkupLine(Safe(LayoutTextWriter.MemoryLine(layout)));
        // Written past Spectre: the block's tabs and columns are the kernel's.
        text.Write(TerminalSafe.Of(KernelBlockWriter.Write(layout)));
        console.Write(Zones(layout));
        console.Write(Linear(layout));
        console.Write(Physical(layout));
        if (!layout.Reserved.IsDefaultOrEmpty)
            console.Write(Reserved(layout));
        return text.ToString();
    }

    private static Table Zones(MemoryLayout layout)
    {
        var table = New("Zones", "zone", "node", "start pfn", "spanned", "present");
        foreach (var zone in layout.Zones)
            table.AddRow(Safe(zone.Name), zone.Node.ToString(), $"0x{zone.Start.Number:x}", zone.Spanned.ToString(), zone.Present.ToString());
        table.Caption($"low {layout.LowPages} pages, high {layout.HighPages} pages of {layout.Pages}; {layout.Model.Kind.ToString().ToLowerInvariant()} memory model");
        return table;
    }

    private static Table Linear(MemoryLayout layout)
    {
        var table = New("Linear map", "virtual", "physical", "size");
        foreach (var segment in layout.Linear.Segments)
            table.AddRow(segment.VirtRange.ToString().EscapeMarkup(), segment.PhysRange.ToString().EscapeMarkup(), $"0x{segment.Size:x}");
        return table;
    }

    private static Table Physical(MemoryLayout layout)
    {
        var table = New("Physical map", "start", "end", "size", "what", "where");
        var rows = layout.Banks.Select(b => (b.Range, What: b.Kind == BankKind.Lowmem ? "[green]lowmem[/]" : "[blue]highmem[/]", b.Span))
            .Concat(layout.Holes.Select(h => (h.Range, What: h.Kind switch { HoleKind.NoMap => "[red]no-map[/]", HoleKind.Ignored => "[red]ignored[/]", _ => "[grey]gap[/]" }, h.Span)));
        foreach (var (range, what, span) in rows.OrderBy(r => r.Range))
            table.AddRow(range.Start.ToString(), range.End.ToString(), range.Size.ToString(), what, Safe(span.ToString()));
        return table;
    }

    private static Table Reserved(MemoryLayout layout)
    {
        var table = New("Reserved", "start", "end", "size", "name", "where");
        foreach (var placed in layout.Reserved)
        {
            table.AddRow(placed.Range.Start.ToString(), placed.Range.End.ToString(), placed.Range.Size.ToString(),
                Safe(placed.Region.Name) + (placed.Region.NoMap ? " [red]no-map[/]" : ""), Safe(placed.Region.Span.ToString()));
        }
        return table;
    }

    private static Table New(string title, params string[] columns)
    {
        var table = new Table { Border = TableBorder.Rounded, Title = new TableTitle(title) };
        foreach (var column in columns)
            table.AddColumn(new TableColumn(column));
        return table;
    }

    private static string Safe(string text) => TerminalSafe.Of(text).EscapeMarkup();
}
