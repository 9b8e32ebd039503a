using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using System.Text;
using KmemKit.BoardCompiler.Mpu;

namespace KmemKit.BoardCompiler.Writers.Mpu;

/// <summary>Prints a plan as markdown tables, for a document or a review.</summary>
public static class MpuMarkdownWriter
{
    /// <summary>The text, lines ended by <c>\n</c>.</summary>
    public static string Write(string board, MpuPlan plan)
    {
        if (plan is null)
            throw new ArgumentNullException(nameof(plan));
        var image = MpuImage.Of(plan);
        var output = new StringBuilder();
        output.Append("# Memory protection of ").Append(Escape(board)).Append("\n\n").Append(Escape(MpuTableRows.Summary(board, plan))).Append(".\n");
        if (!image.SharedDiffers && !image.States[0].Shared.IsEmpty)
            output.Append("Registers that all regions share: `").Append(MpuTableRows.Shared(image.States[0])).Append("`.\n");
        output.Append("\n## Static regions\n\n");
        WriteTable(output, plan, null, plan.Static);
        for (var state = 0; state < image.States.Length; state++)
        {
            if (state == 0 && plan.Domains[0].Regions.IsEmpty && !image.SharedDiffers)
                continue;
            output.Append("\n## ").Append(Escape(char.ToUpperInvariant(MpuTableRows.Title(image, state)[0]) + MpuTableRows.Title(image, state).Substring(1))).Append("\n\n");
            WriteTable(output, plan, plan.Domains[state].Name, plan.Domains[state].Regions);
            if (image.SharedDiffers)
                output.Append("\nRegisters that all regions share: `").Append(MpuTableRows.Shared(image.States[state])).Append("`.\n");
        }
        return output.ToString();
    }

    private static void WriteTable(StringBuilder output, MpuPlan plan, string? domain, ImmutableArray<PlannedRegion> regions)
    {
        if (regions.IsEmpty)
        {
            output.Append("None.\n");
            return;
        }
        var head = MpuTableRows.Head(plan.Mpu.Format);
        WriteRow(output, head);
        WriteRow(output, head.Select(_ => "---"));
        foreach (var row in MpuTableRows.Rows(plan, domain, regions))
            WriteRow(output, row.Select(Escape));
    }

    private static void WriteRow(StringBuilder output, IEnumerable<string> cells) => output.Append("| ").Append(string.Join(" | ", cells)).Append(" |\n");

    // A name out of the tree cannot end a cell, or begin markup.
    private static string Escape(string text)
    {
        var escaped = new StringBuilder(text.Length);
        foreach (var c in text)
            escaped.Append(c is '|' or '\\' or '`' or '*' or '_' or '<' or '[' or '#' ? "\\" : "").Append(c < ' ' ? ' ' : c);
        return escaped.ToString();
    }
}
