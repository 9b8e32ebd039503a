using System;
using System.Linq;
using System.Text;
using KmemKit.BoardCompiler.Compare;

namespace KmemKit.BoardCompiler.Writers;

/// <summary>Prints the differences between two definitions for people: a line each, with both source lines below it.</summary>
public static class DiffTextWriter
{
    /// <summary>The text; empty where nothing differs.</summary>
    public static string Write(BoardDifference difference)
    {
        if (difference is null)
            throw new ArgumentNullException(nameof(difference));
        var output = new StringBuilder(1024);
        foreach (var change in difference.Changes)
        {
            output.Append(DiffJsonWriter.NameOf(change.Kind).PadRight(9)).Append(change.What.PadRight(11)).Append(change.Name);
            var (old, now) = (RangeOf(change.Old), RangeOf(change.New));
            if (old.Length > 0 && now.Length > 0 && old != now)
                output.Append("  ").Append(old).Append(" -> ").Append(now);
            else if (old.Length > 0 || now.Length > 0)
                output.Append("  ").Append(now.Length > 0 ? now : old);
            if (change.Detail.Length > 0)
                output.Append("  ").Append(change.Detail);
            output.Append('\n');
            AppendPlace(output, '-', change.Old);
            AppendPlace(output, '+', change.New);
        }
        return output.ToString();
    }

    private static string RangeOf(ChangeSide? side) => side is { Range: { } range } ? $"0x{range.Start:x}-{range.End}" : "";

    private static void AppendPlace(StringBuilder output, char sign, ChangeSide? side)
    {
        if (side is { Span.IsKnown: true } known)
            output.Append("    ").Append(sign).Append(' ').Append(known.Span.ToString()).Append('\n');
    }
}
