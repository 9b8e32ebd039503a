using System;
using System.Linq;
using KmemKit.Architecture.Mpu;
using KmemKit.BoardCompiler.Mpu;
using KmemKit.BoardCompiler.Writers.CSharp;

namespace KmemKit.BoardCompiler.Writers.Mpu;

/// <summary>Prints a plan as an include file for the GNU assembler: a symbol for every register value, and macros that lay the tables of the C header.</summary>
/// <remarks>
/// Symbols are <c>B_MPU_FIXED_n_REGISTER</c> and <c>B_MPU_STATE_DOMAIN_n_REGISTER</c> with the region's number n (and <c>D</c> or <c>I</c> behind it where data
/// and instructions have regions of their own); macros are <c>b_mpu_fixed</c> and <c>b_mpu_states</c>, for a section that the user chooses.
/// </remarks>
public static class MpuAssemblyWriter
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
        var words = new MpuWords(image, MpuInstructions.Of(plan.Mpu.Format));
        var output = new SourceWriter();
        output.Line($"/* Made by KmemKit {BoardTypeWriter.GeneratorVersion} from {MpuCNames.Comment(madeFrom)}: change the board, not this file.");
        output.Line(" *");
        output.Line($" * {MpuCNames.Comment(MpuTableRows.Summary(board, plan))}.");
        output.Line(" */");
        Set(output, $"{names.Macro}_AVAILABLE", (ulong)plan.Available);
        Set(output, $"{names.Macro}_USED", (ulong)plan.Used);
        Set(output, $"{names.Macro}_DOMAINS", (ulong)plan.Domains.Length);
        Set(output, $"{names.Macro}_BACKGROUND", plan.PrivilegedBackground ? 1UL : 0);
        for (var i = 0; i < names.Domains.Length; i++)
            Set(output, $"{names.Macro}_DOMAIN_{names.Domains[i]}", (ulong)i);
        output.Line();
        foreach (var word in words.Fixed)
            Set(output, Symbol(names, "FIXED", word), word.Value);
        for (var i = 0; i < words.States.Length; i++)
        {
            output.Line();
            foreach (var word in words.States[i])
                Set(output, Symbol(names, "STATE_" + names.Domains[i], word), word.Value);
        }
        // .4byte and .8byte are the same on every target; .word is not.
        var directive = plan.Mpu.Format.RegisterBits == 64 ? ".8byte" : ".4byte";
        output.Line();
        output.Line($".macro {names.Prefix}_fixed");
        foreach (var word in words.Fixed)
            output.Line($"    {directive} {Symbol(names, "FIXED", word)}");
        output.Line(".endm");
        output.Line();
        output.Line($".macro {names.Prefix}_states");
        for (var i = 0; i < words.States.Length; i++)
        {
            foreach (var word in words.States[i])
                output.Line($"    {directive} {Symbol(names, "STATE_" + names.Domains[i], word)}");
        }
        output.Line(".endm");
        return output.ToString();
    }

    private static void Set(SourceWriter output, string name, ulong value) => output.Line($".set {name}, {MpuText.Hex(value)}");

    private static string Symbol(MpuCNames names, string group, MpuWord word)
    {
        var region = word.Slot is not { } slot ? "" : $"{MpuText.Number(slot.Number)}{slot.Space switch { MpuSpace.Data => "D", MpuSpace.Instruction => "I", _ => "" }}_";
        return $"{names.Macro}_{group}_{region}{word.Register}";
    }
}
