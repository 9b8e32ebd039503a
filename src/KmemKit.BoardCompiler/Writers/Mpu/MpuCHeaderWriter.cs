using System;
using System.Globalization;
using System.Linq;
using KmemKit.Architecture.Mpu;
using KmemKit.BoardCompiler.Mpu;
using KmemKit.BoardCompiler.Writers.CSharp;

namespace KmemKit.BoardCompiler.Writers.Mpu;

/// <summary>Prints a plan as a C header: register tables, and functions that program the unit, switch a domain and read the registers back.</summary>
/// <remarks>
/// The header is C99 and C++11 but for the assembler in it, which GCC and Clang take; it needs <c>stdint.h</c> and nothing else. With the board <c>b</c> it has
/// <list type="bullet">
/// <item><c>B_MPU_AVAILABLE</c>, <c>B_MPU_USED</c>, <c>B_MPU_LOWER_BOUND</c>, <c>B_MPU_DOMAINS</c>, and <c>enum b_mpu_domain</c>;</item>
/// <item><c>int b_mpu_apply(enum b_mpu_domain)</c>: all registers, as after reset; <c>int b_mpu_switch(enum b_mpu_domain)</c>: only those that domains
/// have of their own. Both give 0, or -1 for a domain that is not there, and then write nothing;</item>
/// <item><c>void b_mpu_read(word *registers)</c>: reads back <c>B_MPU_WORDS</c> words, in the order of the tables;</item>
/// <item><c>int b_mpu_verify(enum b_mpu_domain)</c>: how many registers do not hold what the plan says.</item>
/// </list>
/// </remarks>
public static class MpuCHeaderWriter
{
    /// <summary>The text, lines ended by <c>\n</c>.</summary>
    /// <param name="board">Name of the board.</param>
    /// <param name="madeFrom">The files that the head names.</param>
    /// <param name="plan">The plan.</param>
    public static string Write(string board, string madeFrom, MpuPlan plan)
    {
        if (board is null)
            throw new ArgumentNullException(nameof(board));
        if (madeFrom is null)
            throw new ArgumentNullException(nameof(madeFrom));
        if (plan is null)
            throw new ArgumentNullException(nameof(plan));
        var image = MpuImage.Of(plan);
        var names = MpuCNames.Of(board, plan);
        var output = new SourceWriter();
        output.Line($"/* Made by KmemKit {BoardTypeWriter.GeneratorVersion} from {MpuCNames.Comment(madeFrom)}: change the board, not this file.");
        output.Line(" *");
        output.Line($" * {MpuCNames.Comment(MpuTableRows.Summary(board, plan))}.");
        output.Line(" */");
        output.Line($"#ifndef {names.Macro}_H");
        output.Line($"#define {names.Macro}_H");
        output.Line();
        output.Line("#include <stdint.h>");
        output.Line();
        WriteConstants(output, names, plan);
        if (MpuInstructions.Of(plan.Mpu.Format) is { } instructions)
            MpuCRegisterWriter.Write(output, names, image, instructions);
        else
            MpuCMemoryWriter.Write(output, names, image);
        output.Line($"#endif /* {names.Macro}_H */");
        return output.ToString();
    }

    private static void WriteConstants(SourceWriter output, MpuCNames names, MpuPlan plan)
    {
        Define("AVAILABLE", plan.Available, "regions that the unit has");
        Define("USED", plan.Used, "regions in use at the same time, at most");
        Define("LOWER_BOUND", plan.LowerBound, "no table has fewer");
        Define("DOMAINS", plan.Domains.Length, "domains, the one that stands for none among them");
        output.Line();
        output.OpenBlock($"enum {names.Prefix}_domain");
        for (var i = 0; i < names.Domains.Length; i++)
        {
            var comment = plan.Domains[i].Name is { } name ? MpuCNames.Comment(name) : "no domain runs";
            output.Line($"{names.Macro}_DOMAIN_{names.Domains[i]} = {MpuText.Number(i)}{(i < names.Domains.Length - 1 ? "," : "")} /* {comment} */");
        }
        output.CloseBlock(";");
        output.Line();

        void Define(string name, int value, string comment) =>
            output.Line($"#define {names.Macro}_{name} {value.ToString(CultureInfo.InvariantCulture)} /* {comment} */");
    }

    /// <summary>What a row of a table is, as a comment.</summary>
    internal static string Describe(MpuSlot slot)
    {
        if (slot.Region is not { } planned)
            return "off";
        var region = planned.Region;
        var subregions = region.SubregionDisable == 0 ? "" : $", subregions {MpuText.Hex(region.SubregionDisable)} off";
        var what = region.Mode == PmpMode.Off && region.Range.IsEmpty
            ? $"start of the next entry, {region.Range.Start}"
            : $"{region.Range}{subregions}: {region.Attributes}{(region.Locked ? ", locked" : "")}";
        return MpuCNames.Comment(planned.Entries.IsEmpty ? what : what + ": " + string.Join(", ", planned.Entries.Distinct()));
    }

    internal static string Literal(ulong value, string word) => MpuText.Hex(value) + (word == "uint64_t" ? "ull" : "u");
}
