using System.Text;
using KmemKit.BoardCompiler.Tables;
using static System.FormattableString;

namespace KmemKit.BoardCompiler.Writers.Tables;

/// <summary>Prints the image as GNU assembly: section <c>.kmem_tables</c>, symbol <c>kmem_tables</c>, to be linked at the plan's base.</summary>
/// <remarks>Comments, directives and the section's type are in the spelling that every GNU assembler takes, whatever its architecture.</remarks>
public static class TableAssemblyWriter
{
    private const int PerLine = 4;

    /// <summary>The text, lines ended by a newline.</summary>
    public static string Write(PageTablePlan plan)
    {
        var image = TableImage.Write(plan);
        var size = TableText.WordSize(plan);
        var output = new StringBuilder(image.Length);
        output.Append(Invariant($"/* Made by KmemKit from board {plan.Map.Layout.Board.Name}; not to be edited. {plan.Regime.Name}: {plan.Tables.Length} tables, {plan.Bytes} bytes, to be linked at {plan.Base}. */\n"));
        output.Append("\t.section .kmem_tables, \"aw\", %progbits\n");
        output.Append(Invariant($"\t.balign {plan.Alignment}\n"));
        output.Append("\t.globl kmem_tables\nkmem_tables:\n");
        foreach (var table in plan.Tables)
        {
            output.Append(Invariant($"\t/* {TableText.Hex(plan.Base.Value + table.Offset)}: level {table.Level}, from {TableText.Hex(table.Virt)} */\n"));
            WriteTable(output, image, (int)table.Offset, table.Bytes, size);
        }
        output.Append("\t.globl kmem_tables_end\nkmem_tables_end:\n");
        return output.ToString();
    }

    private static void WriteTable(StringBuilder output, byte[] image, int start, int bytes, int size)
    {
        var directive = size == 4 ? "\t.long " : "\t.quad ";
        for (var at = start; at < start + bytes;)
        {
            var zeros = 0;
            while (at + zeros < start + bytes && TableText.Word(image, at + zeros, size) == 0)
                zeros += size;
            if (zeros > 0)
            {
                output.Append(Invariant($"\t.zero {zeros}\n"));
                at += zeros;
                continue;
            }
            output.Append(directive);
            for (var i = 0; i < PerLine && at < start + bytes && TableText.Word(image, at, size) is var word and not 0; i++, at += size)
                output.Append(i == 0 ? "" : ", ").Append(TableText.Padded(word, size));
            output.Append('\n');
        }
    }
}
