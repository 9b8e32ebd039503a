using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text;
using KmemKit.BoardCompiler.KernelMaps;
using KmemKit.BoardCompiler.Tables;
using static System.FormattableString;

namespace KmemKit.BoardCompiler.Writers.Tables;

/// <summary>Prints the image as C: a header with place, size, registers and the addresses of fixed mappings, and a source with the array.</summary>
public static class TableCWriter
{
    private const int PerLine = 4;

    /// <summary>The header.</summary>
    public static string WriteHeader(PageTablePlan plan)
    {
        var output = new StringBuilder(2048);
        output.Append(Invariant($"/* Made by KmemKit from board {plan.Map.Layout.Board.Name}; not to be edited. {plan.Regime.Name}: {plan.Tables.Length} tables. */\n"));
        output.Append("#ifndef KMEM_TABLES_H\n#define KMEM_TABLES_H\n\n");
        Define(output, "KMEM_TABLES_BASE", plan.Base.Value);
        Define(output, "KMEM_TABLES_SIZE", plan.Bytes);
        Define(output, "KMEM_TABLES_ALIGN", plan.Alignment);
        output.Append("\n/* System registers, in the order to write them. */\n");
        foreach (var register in plan.Registers)
            Define(output, "KMEM_TABLES_" + Macro(register.Name), register.Value);
        if (plan.Map.VectorsPage is { } vectors)
        {
            output.Append("\n/* Physical page that the vectors are mapped to. */\n");
            Define(output, "KMEM_VECTORS_PHYS", vectors.Start.Value);
        }
        WriteMappings(output, plan);
        output.Append("\n#ifndef __ASSEMBLER__\n#include <stdint.h>\n");
        output.Append(Invariant($"extern {Type(plan)} kmem_tables[{plan.Bytes / (ulong)TableText.WordSize(plan)}];\n#endif\n\n#endif\n"));
        return output.ToString();
    }

    /// <summary>The source.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="header">Name of the header, as the source includes it.</param>
    public static string WriteSource(PageTablePlan plan, string header)
    {
        var image = TableImage.Write(plan);
        var size = TableText.WordSize(plan);
        var output = new StringBuilder(image.Length);
        output.Append(Invariant($"/* Made by KmemKit from board {plan.Map.Layout.Board.Name}; not to be edited. To be linked at {plan.Base}. */\n"));
        output.Append(Invariant($"#include \"{header}\"\n\n"));
        output.Append(Invariant($"{Type(plan)} kmem_tables[{image.Length / size}] __attribute__((section(\".kmem_tables\"), aligned({plan.Alignment}))) = {{\n"));
        foreach (var table in plan.Tables)
        {
            output.Append(Invariant($"\t/* {TableText.Hex(plan.Base.Value + table.Offset)}: level {table.Level}, from {TableText.Hex(table.Virt)} */\n"));
            // Designated: what is not mentioned is zero, and most of a table is.
            var onLine = 0;
            var previous = -1;
            for (var at = (int)table.Offset; at < (int)table.Offset + table.Bytes; at += size)
            {
                var word = TableText.Word(image, at, size);
                if (word == 0)
                    continue;
                var index = at / size;
                var follows = previous == index - 1 && previous >= 0 && onLine > 0;
                if (!follows || onLine == PerLine)
                {
                    output.Append(onLine > 0 ? "\n" : "").Append(Invariant($"\t[{index}] = "));
                    onLine = 0;
                }
                output.Append(onLine > 0 ? " " : "").Append(TableText.Padded(word, size)).Append(size == 8 ? "ULL," : "UL,");
                (previous, onLine) = (index, onLine + 1);
            }
            if (onLine > 0)
                output.Append('\n');
        }
        output.Append("};\n");
        return output.ToString();
    }

    private static void WriteMappings(StringBuilder output, PageTablePlan plan)
    {
        var io = plan.Map.Regions.Where(r => r.Rule == MapRule.StaticIo).ToList();
        if (io.Count == 0)
            return;
        output.Append("\n/* Fixed mappings of devices: virtual address, physical address, bytes. */\n");
        var used = new HashSet<string>(System.StringComparer.Ordinal);
        foreach (var region in io)
        {
            var name = Macro(region.Name);
            var unique = name;
            for (var i = 1; !used.Add(unique); i++)
                unique = name + "_" + i.ToString(CultureInfo.InvariantCulture);
            Define(output, $"KMEM_IO_{unique}_VIRT", region.Virt.Start.Value);
            Define(output, $"KMEM_IO_{unique}_PHYS", region.Phys.Value);
            Define(output, $"KMEM_IO_{unique}_SIZE", region.Virt.Size.Value);
        }
    }

    private static string Type(PageTablePlan plan) => TableText.WordSize(plan) == 4 ? "uint32_t" : "uint64_t";

    // Without a suffix: assembly reads the header, too; C gives a constant the type it needs.
    private static void Define(StringBuilder output, string name, ulong value) => output.Append(Invariant($"#define {name} {TableText.Hex(value)}\n"));

    private static string Macro(string name)
    {
        var text = new StringBuilder(name.Length);
        foreach (var letter in name)
            text.Append(letter is >= 'a' and <= 'z' ? (char)(letter - 32) : letter is (>= 'A' and <= 'Z') or (>= '0' and <= '9') ? letter : '_');
        return text.ToString();
    }
}
