using System.Collections.Generic;
using System.Globalization;
using KmemKit.BoardCompiler.Layout;

namespace KmemKit.BoardCompiler.Writers.CSharp;

// Banks, holes, virtual ranges and zones. A row has no member of its own, so its documentation stands in the list of its table's.
public static partial class BoardTypeWriter
{
    private static void WriteLayout(SourceWriter output, BoardTypeModel model)
    {
        Table(output, "BoardBank", "Banks", "Usable RAM, by rising address.", BankDocs(model));
        Table(output, "BoardHole", "Holes", "What is not usable RAM from the first to the last byte of RAM, by rising address.", HoleDocs(model));
        Table(output, "BoardVirtualRange", "VirtualRanges", "The virtual ranges in the order in which the kernel prints them.", VirtualDocs(model));
        Table(output, "BoardZone", "Zones", "Zones that are not empty, by node, then by address.", ZoneDocs(model));
        Table(output, "BoardSegment", "Segments", "Segments of the linear map, by rising address.", SegmentDocs(model));
    }

    private static void WriteTables(SourceWriter output, BoardTypeModel model)
    {
        output.Line();
        output.OpenBlock("private static class Tables");
        Rows(output, "string", "Compatible", CompatibleRows(model));
        Rows(output, BoardsNs + "BoardBank", "Banks", BankRows(model));
        Rows(output, BoardsNs + "BoardHole", "Holes", HoleRows(model));
        Rows(output, BoardsNs + "BoardVirtualRange", "VirtualRanges", VirtualRows(model));
        Rows(output, BoardsNs + "BoardZone", "Zones", ZoneRows(model));
        Rows(output, BoardsNs + "BoardSegment", "Segments", SegmentRows(model));
        Rows(output, BoardsNs + "BoardReservation", "Reserved", ReservedTableRows(model));
        output.CloseBlock();
    }

    private static void Table(SourceWriter output, string type, string name, string summary, IEnumerable<string> items)
    {
        output.Doc("summary", summary);
        var isEmpty = true;
        foreach (var item in items)
        {
            if (isEmpty)
            {
                output.Line("/// <remarks>");
                output.Line("/// <list type=\"number\">");
            }
            isEmpty = false;
            output.Line($"/// <item><description>{item}</description></item>");
        }
        if (!isEmpty)
        {
            output.Line("/// </list>");
            output.Line("/// </remarks>");
        }
        output.Line($"public static global::System.ReadOnlySpan<{BoardsNs}{type}> {name} => Tables.{name};");
        output.Line();
    }

    private static void Rows(SourceWriter output, string type, string name, IEnumerable<string> rows)
    {
        output.Line($"internal static readonly {type}[] {name} =");
        output.Line("{");
        output.Indent();
        foreach (var row in rows)
            output.Line(row + ",");
        output.Outdent();
        output.Line("};");
        output.Line();
    }

    private static IEnumerable<string> CompatibleRows(BoardTypeModel model)
    {
        foreach (var compatible in model.Compatible)
            yield return SourceWriter.Literal(compatible);
    }

    private static IEnumerable<string> BankDocs(BoardTypeModel model)
    {
        foreach (var bank in model.Banks)
        {
            var kind = bank.Kind == BankKind.Highmem ? "highmem" : "lowmem";
            yield return $"{Node(bank.NodePath)}{Describe(bank.Range)}, {kind}{Place(bank.From)}";
        }
    }

    private static IEnumerable<string> BankRows(BoardTypeModel model)
    {
        foreach (var bank in model.Banks)
            yield return $"new {BoardsNs}BoardBank({CSharpLiteral.Range(bank.Range)}, {CSharpLiteral.Bool(bank.Kind == BankKind.Highmem)})";
    }

    private static IEnumerable<string> HoleDocs(BoardTypeModel model)
    {
        foreach (var hole in model.Holes)
        {
            var kind = hole.Kind switch
            {
                HoleKind.NoMap => "taken by the platform (no-map)",
                HoleKind.Ignored => "RAM that the kernel ignores",
                _ => "nothing there",
            };
            yield return $"{Describe(hole.Range)}, {kind}{Place(hole.From)}";
        }
    }

    private static IEnumerable<string> HoleRows(BoardTypeModel model)
    {
        foreach (var hole in model.Holes)
            yield return $"new {BoardsNs}BoardHole({CSharpLiteral.Range(hole.Range)}, {BoardsNs}BoardHoleKind.{hole.Kind})";
    }

    private static IEnumerable<string> VirtualDocs(BoardTypeModel model)
    {
        foreach (var range in model.Virtual)
            yield return $"<c>{SourceWriter.Escape(range.Name)}</c> {Describe(range.Range)}";
    }

    private static IEnumerable<string> VirtualRows(BoardTypeModel model)
    {
        foreach (var range in model.Virtual)
            yield return $"new {BoardsNs}BoardVirtualRange({SourceWriter.Literal(range.Name)}, {CSharpLiteral.Range(range.Range)})";
    }

    private static IEnumerable<string> ZoneDocs(BoardTypeModel model)
    {
        foreach (var zone in model.Zones)
        {
            yield return $"<c>{SourceWriter.Escape(zone.Name)}</c> of node {zone.Node.ToString(CultureInfo.InvariantCulture)}: from {zone.Start}, " +
                $"{zone.Spanned.ToString(CultureInfo.InvariantCulture)} pages spanned, {zone.Present.ToString(CultureInfo.InvariantCulture)} present";
        }
    }

    private static IEnumerable<string> ZoneRows(BoardTypeModel model)
    {
        foreach (var zone in model.Zones)
        {
            yield return $"new {BoardsNs}BoardZone({SourceWriter.Literal(zone.Name)}, {zone.Node.ToString(CultureInfo.InvariantCulture)}, " +
                $"new {Arch}PageFrame({CSharpLiteral.Number(zone.Start.Number)}), {CSharpLiteral.Decimal(zone.Spanned)}, {CSharpLiteral.Decimal(zone.Present)})";
        }
    }

    private static IEnumerable<string> SegmentDocs(BoardTypeModel model)
    {
        foreach (var segment in model.Segments)
            yield return $"{Describe(segment.PhysRange)} at {segment.Virt}";
    }

    private static IEnumerable<string> SegmentRows(BoardTypeModel model)
    {
        foreach (var segment in model.Segments)
            yield return $"new {BoardsNs}BoardSegment({CSharpLiteral.Phys(segment.Phys)}, {CSharpLiteral.Virt(segment.Virt)}, {CSharpLiteral.Number(segment.Size)})";
    }

    private static string Node(string path) => path.Length == 0 ? "" : $"<c>{SourceWriter.Escape(path)}</c> ";
}
