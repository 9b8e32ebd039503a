using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Globalization;
using System.Linq;
using KmemKit.BoardCompiler.Linear;
using KmemKit.BoardCompiler.Writers.CSharp;
using KmemKit.BoardCompiler.Writers.CSharp.Translation;

namespace KmemKit.BoardCompiler.Writers.C;

/// <summary>Writes a linear map as C macros that the preprocessor and the assembler evaluate too, and as inline functions over them.</summary>
/// <remarks>
/// <para>One text serves three languages: the offset is a sum of steps, each counted while the address is below a boundary. <c>KMEM_BELOW</c> is a
/// comparison in C and a borrow in the assembler, whose own comparisons are signed and whose truth is -1.</para>
/// <para>It means what the C# of <see cref="TranslationWriter"/> means, from the same <see cref="TranslationPlan"/> and <see cref="RamRanges"/>: the unchecked form
/// gives each address the offset of the last segment that starts at or below it, modulo the width of the result; the checked form asks by the banks of RAM.</para>
/// </remarks>
internal static class CTranslationWriter
{
    /// <summary>Writes what the macros are made of, for the assembler and for C; stands in front of every constant.</summary>
    public static void WriteHelpers(SourceWriter w)
    {
        w.Lines(
            """
            #ifdef __ASSEMBLER__
            #define KMEM_U32(number) number
            #define KMEM_U64(number) number
            #define KMEM_CAST(type, value) (value)
            /* 1 where a < b, both unsigned, else 0: the borrow of a - b. */
            #define KMEM_BELOW(a, b) ((((((~(a)) & (b)) | (((~(a)) | (b)) & ((a) - (b))))) >> 63) & 1)
            #define KMEM_CHOOSE(condition, yes, no) ((no) + ((condition) * ((yes) - (no))))
            #else
            #include <stdint.h>
            #define KMEM_U32(number) number##U
            #define KMEM_U64(number) number##ULL
            #ifdef __cplusplus
            #define KMEM_CAST(type, value) (type(value))
            #else
            #include <stdbool.h>
            #define KMEM_CAST(type, value) ((type)(value))
            #endif
            #define KMEM_BELOW(a, b) ((a) < (b) ? 1U : 0U)
            #define KMEM_CHOOSE(condition, yes, no) ((condition) != 0 ? (yes) : (no))
            #endif
            /* 1 where first <= x <= last, else 0. */
            #define KMEM_WITHIN(x, first, last) (1 - KMEM_BELOW((last) - (first), (x) - (first)))
            """);
    }

    /// <summary>Writes types, macros and functions.</summary>
    public static void Write(SourceWriter w, LinearMap map, int physicalBits, int virtualBits)
    {
        var down = new Direction("phys", "virt", TranslationPlan.PhysToVirt(map, physicalBits, virtualBits), RamRanges.Physical(map), RamRanges.Virtual(map));
        var up = new Direction("virt", "phys", TranslationPlan.VirtToPhys(map, physicalBits, virtualBits), RamRanges.Virtual(map), RamRanges.Physical(map));
        w.Line("#ifndef __ASSEMBLER__");
        w.Line($"typedef uint{Number(physicalBits)}_t kmem_phys_t; /* a physical address */");
        w.Line($"typedef uint{Number(virtualBits)}_t kmem_virt_t; /* a virtual address */");
        w.Line("#endif");
        w.Line();
        WriteMacros(w, down);
        w.Line();
        WriteMacros(w, up);
        w.Line();
        w.Lines(
            """
            /*
             * The kernel's names. As macros they are constant expressions of integer arguments and evaluate x more than once; what #if shall evaluate is
             * written with KMEM_PHYS_TO_VIRT and its like, which have no casts. The functions below evaluate their argument once.
             */
            #ifndef KMEM_NO_KERNEL_NAMES
            #define __phys_to_virt(x) KMEM_CAST(kmem_virt_t, KMEM_PHYS_TO_VIRT(KMEM_CAST(kmem_phys_t, x)))
            #define __virt_to_phys(x) KMEM_CAST(kmem_phys_t, KMEM_VIRT_TO_PHYS(KMEM_CAST(kmem_virt_t, x)))
            #define __phys_to_virt_checked(x) KMEM_CAST(kmem_virt_t, KMEM_PHYS_TO_VIRT_CHECKED(KMEM_CAST(kmem_phys_t, x)))
            #define __virt_to_phys_checked(x) KMEM_CAST(kmem_phys_t, KMEM_VIRT_TO_PHYS_CHECKED(KMEM_CAST(kmem_virt_t, x)))
            #endif
            """);
        w.Line();
        w.Line("#ifndef __ASSEMBLER__");
        WriteFunctions(w, down);
        w.Line();
        WriteFunctions(w, up);
        w.Line("#endif");
    }

    /// <summary>A value that no checked translation gives: all ones, else 0, else the lowest address that is nobody's.</summary>
    internal static ulong Nowhere(ImmutableArray<(ulong First, ulong Last)> results, int bits)
    {
        var top = TranslationPlan.Wrap(ulong.MaxValue, bits);
        bool IsTaken(ulong address) => results.Any(r => r.First <= address && address <= r.Last);
        if (!IsTaken(top))
            return top;
        if (!IsTaken(0))
            return 0;
        // Where addresses run out every translation succeeds, and the value is never given.
        foreach (var (_, last) in results)
        {
            if (last < top && !IsTaken(last + 1))
                return last + 1;
        }
        return top;
    }

    private static void WriteMacros(SourceWriter w, Direction d)
    {
        foreach (var line in Rule(d))
            w.Line(line);
        WriteMacro(w, $"KMEM_{d.Macro}(x)", Sum(d));
        w.Line();
        w.Line($"/* 1 where the linear map has RAM at the {d.From} address x, else 0. */");
        WriteMacro(w, $"KMEM_IS_LINEAR_{d.FromUpper}(x)", Guard(d));
        w.Line();
        w.Line($"/* The {d.To} address of RAM at the {d.From} address x; KMEM_NO_{d.ToUpper}, which is no such address, where there is no RAM. */");
        w.Line($"#define KMEM_NO_{d.ToUpper} {Result(d, Nowhere(d.Results, d.Plan.ResultBits))}");
        WriteMacro(w, $"KMEM_{d.Macro}_CHECKED(x)",
            [$"(KMEM_CHOOSE(KMEM_IS_LINEAR_{d.FromUpper}(x), KMEM_{d.Macro}(x), KMEM_NO_{d.ToUpper}){Modulo(d)})"]);
    }

    private static void WriteMacro(SourceWriter w, string head, List<string> lines)
    {
        w.Line($"#define {head} \\");
        w.Indent();
        for (var i = 0; i < lines.Count; i++)
            w.Line(lines[i] + (i == lines.Count - 1 ? "" : " \\"));
        w.Outdent();
    }

    private static List<string> Sum(Direction d)
    {
        var plan = d.Plan;
        var lines = new List<string> { $"(((x) + {Wide(d, plan.Offsets[plan.Offsets.Length - 1])}" };
        for (var i = 0; i < plan.Boundaries.Length; i++)
            lines.Add($"  + (KMEM_BELOW(x, {Wide(d, plan.Boundaries[i])}) * {Wide(d, ScalarTranslationWriter.StepAt(plan, i))})");
        lines[lines.Count - 1] += ")" + Modulo(d) + ")";
        return lines;
    }

    private static List<string> Guard(Direction d)
    {
        // An argument that is not looked at would be unused.
        if (d.Ram.IsEmpty)
            return ["(0 * KMEM_BELOW(x, 1))"];
        var lines = d.Ram.Select(r => r.First == 0 && r.Last == TranslationPlan.Wrap(ulong.MaxValue, d.Plan.ArgumentBits)
            ? "(1 | KMEM_BELOW(x, 1))"
            : $"KMEM_WITHIN(x, {Wide(d, r.First)}, {Wide(d, r.Last)})").ToList();
        for (var i = 0; i < lines.Count; i++)
            lines[i] = (i == 0 ? "(" : " | ") + lines[i];
        lines[lines.Count - 1] += ")";
        return lines;
    }

    private static void WriteFunctions(SourceWriter w, Direction d)
    {
        w.Line($"static inline bool kmem_is_linear_{d.From}(kmem_{d.From}_t {d.From})");
        w.Line("{");
        w.Line($"    return KMEM_IS_LINEAR_{d.FromUpper}({d.From}) != 0;");
        w.Line("}");
        w.Line();
        w.Line($"static inline kmem_{d.To}_t kmem_{d.From}_to_{d.To}(kmem_{d.From}_t {d.From})");
        w.Line("{");
        w.Line($"    return KMEM_CAST(kmem_{d.To}_t, KMEM_{d.Macro}({d.From}));");
        w.Line("}");
        w.Line();
        w.Line($"/* False where the linear map has no RAM there; *{d.To} is 0 then. */");
        w.Line($"static inline bool kmem_{d.From}_to_{d.To}_checked(kmem_{d.From}_t {d.From}, kmem_{d.To}_t *{d.To})");
        w.Line("{");
        w.Line($"    const bool is_linear = kmem_is_linear_{d.From}({d.From});");
        w.Line();
        w.Line($"    *{d.To} = is_linear ? kmem_{d.From}_to_{d.To}({d.From}) : 0;");
        w.Line("    return is_linear;");
        w.Line("}");
    }

    private static IEnumerable<string> Rule(Direction d)
    {
        var plan = d.Plan;
        var modulo = $"modulo 2^{Number(plan.ResultBits)}";
        yield return "/*";
        yield return $" * The {d.To} address of RAM at the {d.From} address x, without a check; {modulo}:";
        if (plan.Boundaries.IsEmpty)
        {
            yield return $" *   every address: plus {SourceWriter.Hex(plan.Offsets[0])}.";
        }
        else
        {
            yield return $" *   below {SourceWriter.Hex(plan.Boundaries[0])}: plus {SourceWriter.Hex(plan.Offsets[0])};";
            for (var i = 0; i < plan.Boundaries.Length; i++)
                yield return $" *   from {SourceWriter.Hex(plan.Boundaries[i])}: plus {SourceWriter.Hex(plan.Offsets[i + 1])}{(i == plan.Boundaries.Length - 1 ? "." : ";")}";
        }
        yield return " */";
    }

    // In unsigned int where both widths have 32 bits; #if and the assembler have 64 all the same, and the mask brings them back.
    private static string Wide(Direction d, ulong value) => CText.Constant(value, Math.Max(d.Plan.ArgumentBits, d.Plan.ResultBits));

    private static string Result(Direction d, ulong value) => CText.Constant(value, d.Plan.ResultBits);

    private static string Modulo(Direction d) => d.Plan.ResultBits == 64 ? "" : " & " + Wide(d, uint.MaxValue);

    private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);

    /// <summary>One direction of the map.</summary>
    /// <param name="From">Of what the argument is an address: <c>phys</c> or <c>virt</c>.</param>
    /// <param name="To">Of what the result is one.</param>
    /// <param name="Plan">The arithmetic.</param>
    /// <param name="Ram">Arguments that the checked form accepts.</param>
    /// <param name="Results">What it may give for them.</param>
    private sealed record Direction(
        string From, string To, TranslationPlan Plan, ImmutableArray<(ulong First, ulong Last)> Ram, ImmutableArray<(ulong First, ulong Last)> Results)
    {
        public string FromUpper => From.ToUpperInvariant();

        public string ToUpper => To.ToUpperInvariant();

        public string Macro => FromUpper + "_TO_" + ToUpper;
    }
}
