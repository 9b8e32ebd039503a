using System.Collections.Generic;
using System.Globalization;
using System.Text;

namespace KmemKit.BoardCompiler.Writers.CSharp;

// Reserved memory and devices: what the tree gives a name.
public static partial class BoardTypeWriter
{
    // A line of a column of numbers.
    private const int NumbersPerLine = 8;

    private static void WriteReserved(SourceWriter output, BoardTypeModel model)
    {
        Property(output, $"global::System.ReadOnlySpan<{BoardsNs}BoardReservation>", "Reserved", "Tables.Reserved", "Reserved memory, in the board's order.");
        output.Doc("summary", "Reserved memory by label, or by name where a region has no label.");
        output.OpenBlock("public static class ReservedMemory");
        foreach (var region in model.Reserved)
        {
            var traits = (region.NoMap ? ", no-map" : "") + (region.Reusable ? ", reusable" : "");
            var where = region.NodePath.Length == 0 ? "<c>/memreserve/</c>" : $"<c>{SourceWriter.Escape(region.NodePath)}</c>";
            Property(
                output, BoardsNs + "BoardReservation", region.Identifier, ReservationRow(region),
                $"{where}: {Describe(region.Range)}{traits}{Place(region.From)}.");
        }
        output.CloseBlock();
        output.Line();
    }

    private static IEnumerable<string> ReservedTableRows(BoardTypeModel model)
    {
        foreach (var region in model.Reserved)
            yield return ReservationRow(region);
    }

    private static string ReservationRow(ReservedRow region) =>
        $"new {BoardsNs}BoardReservation({SourceWriter.Literal(region.Name)}, {SourceWriter.Literal(region.NodePath)}, {CSharpLiteral.Range(region.Range)}, " +
        $"{CSharpLiteral.Bool(region.NoMap)}, {CSharpLiteral.Bool(region.Reusable)})";

    private static void WriteDevices(SourceWriter output, BoardTypeModel model)
    {
        OpenType(output, model);
        output.Doc("summary", "Devices by label, and all of them as columns: row n of each column is the same address range.");
        output.OpenBlock("public static class Devices");
        foreach (var member in model.DeviceMembers)
        {
            var device = model.Devices[member.Row];
            Property(
                output, BoardsNs + "DeviceRegion", member.Identifier,
                $"new {BoardsNs}DeviceRegion({SourceWriter.Literal(device.NodePath)}, {CSharpLiteral.Phys(device.Base)}, {CSharpLiteral.Number(device.Size)})",
                Describe(device));
        }
        Constant(output, "int", "Count", model.Devices.Length.ToString(CultureInfo.InvariantCulture), "How many address ranges all devices together have, labelled or not.");
        WriteColumn(output, "Bases", "First physical address of each range.", Column(model, size: false));
        WriteColumn(output, "Sizes", "Bytes of each range.", Column(model, size: true));
        WritePaths(output, model);
        output.CloseBlock();
        output.CloseBlock();
    }

    private static string Describe(DeviceRow device)
    {
        var text = new StringBuilder("<c>").Append(SourceWriter.Escape(device.NodePath)).Append("</c>");
        if (device.RangeName.Length > 0)
            text.Append(", <c>").Append(SourceWriter.Escape(device.RangeName)).Append("</c>");
        text.Append(": ").Append(Describe(new Architecture.PhysRange(device.Base, device.Size)));
        if (device.Compatible.Length > 0)
            text.Append(", ").Append(SourceWriter.Escape(device.Compatible));
        if (!device.Enabled)
            text.Append(", disabled");
        return text.Append(Place(device.From)).Append('.').ToString();
    }

    private static IEnumerable<ulong> Column(BoardTypeModel model, bool size)
    {
        foreach (var device in model.Devices)
            yield return size ? device.Size : device.Base.Value;
    }

    // The compiler turns a span of constants into data of the assembly: no array is made and nothing runs at start.
    private static void WriteColumn(SourceWriter output, string name, string summary, IEnumerable<ulong> values)
    {
        output.Doc("summary", summary);
        output.Line($"public static global::System.ReadOnlySpan<ulong> {name} => new ulong[]");
        output.Line("{");
        output.Indent();
        var line = new StringBuilder();
        var count = 0;
        foreach (var value in values)
        {
            line.Append(line.Length > 0 ? " " : "").Append(SourceWriter.Hex(value)).Append(',');
            if (++count % NumbersPerLine != 0)
                continue;
            output.Line(line.ToString());
            line.Clear();
        }
        if (line.Length > 0)
            output.Line(line.ToString());
        output.Outdent();
        output.Line("};");
        output.Line();
    }

    private static void WritePaths(SourceWriter output, BoardTypeModel model)
    {
        output.Doc("summary", "Path of the node that a range belongs to.");
        output.Line("/// <param name=\"index\">Row of the range, from 0 to <see cref=\"Count\"/> - 1.</param>");
        output.Line("/// <exception cref=\"global::System.ArgumentOutOfRangeException\">There is no such row.</exception>");
        output.Line("public static string PathOf(int index) => index switch");
        output.Line("{");
        output.Indent();
        for (var i = 0; i < model.Devices.Length; i++)
            output.Line($"{i.ToString(CultureInfo.InvariantCulture)} => {SourceWriter.Literal(model.Devices[i].NodePath)},");
        output.Line("_ => throw new global::System.ArgumentOutOfRangeException(nameof(index)),");
        output.Outdent();
        output.Line("};");
    }
}
