using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using System.Text;
using KmemKit.BoardCompiler.Mpu;

namespace KmemKit.BoardCompiler.Writers.Mpu;

/// <summary>Prints a plan for people: the text of <c>kmem mpu</c>.</summary>
public static class MpuTextWriter
{
    /// <summary>The text, lines ended by <c>\n</c>.</summary>
    public static string Write(string board, MpuPlan plan)
    {
        if (plan is null)
            throw new ArgumentNullException(nameof(plan));
        var image = MpuImage.Of(plan);
        var output = new StringBuilder();
        output.Append(MpuTableRows.Summary(board, plan)).Append('\n');
        if (!image.SharedDiffers && !image.States[0].Shared.IsEmpty)
            output.Append("shared: ").Append(MpuTableRows.Shared(image.States[0])).Append('\n');
        output.Append("\nstatic\n");
        WriteTable(output, MpuTableRows.Head(plan.Mpu.Format), [.. MpuTableRows.Rows(plan, null, plan.Static)]);
        for (var state = 0; state < image.States.Length; state++)
        {
            // What is in place without a domain is worth a table only where it is something.
            var regions = plan.Domains[state].Regions;
            if (state == 0 && regions.IsEmpty && !image.SharedDiffers)
                continue;
            output.Append('\n').Append(MpuTableRows.Title(image, state)).Append('\n');
            WriteTable(output, MpuTableRows.Head(plan.Mpu.Format), [.. MpuTableRows.Rows(plan, plan.Domains[state].Name, regions)]);
            if (image.SharedDiffers)
                output.Append("  shared: ").Append(MpuTableRows.Shared(image.States[state])).Append('\n');
        }
        return output.ToString();
    }

    private static void WriteTable(StringBuilder output, ImmutableArray<string> head, List<ImmutableArray<string>> rows)
    {
        if (rows.Count == 0)
        {
            output.Append("  none\n");
            return;
        }
        var all = rows.Prepend(head).ToList();
        var widths = Enumerable.Range(0, head.Length).Select(column => all.Max(row => row[column].Length)).ToArray();
        foreach (var row in all)
        {
            var line = new StringBuilder("  ");
            for (var column = 0; column < row.Length; column++)
                line.Append(column == 0 ? row[column].PadLeft(widths[column]) : row[column].PadRight(widths[column])).Append("  ");
            output.Append(line.ToString().TrimEnd()).Append('\n');
        }
    }
}
