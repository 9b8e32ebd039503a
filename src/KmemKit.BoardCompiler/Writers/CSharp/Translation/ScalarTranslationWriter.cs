using System.Collections.Generic;
using System.Globalization;
using System.Linq;

namespace KmemKit.BoardCompiler.Writers.CSharp.Translation;

/// <summary>Writes the translation of one address: the unchecked and the checked form.</summary>
internal static class ScalarTranslationWriter
{
    private const string Inline = "[global::System.Runtime.CompilerServices.MethodImpl(global::System.Runtime.CompilerServices.MethodImplOptions.AggressiveInlining)]";
    private const string Unsafe = "global::System.Runtime.CompilerServices.Unsafe";
    private const string GetReference = "global::System.Runtime.InteropServices.MemoryMarshal.GetReference";

    public static void WriteUnchecked(SourceWriter w, TranslationDirection direction)
    {
        var plan = direction.Plan;
        w.Doc("summary", $"The {direction.ResultText} of RAM at a {direction.ArgumentText}, without a check: <c>{direction.Macro}</c>.");
        w.Line("/// <remarks>");
        foreach (var sentence in Rule(plan))
            w.Line($"/// <para>{sentence}</para>");
        w.Line("/// </remarks>");
        w.Doc("param name=\"address\"", $"A {direction.ArgumentText} for which <see cref=\"{direction.Guard}({direction.Argument})\"/> holds; a Debug build asserts it.");
        w.Line(Inline);
        w.OpenBlock($"public static {direction.Result} {direction.Method}({direction.Argument} address)");
        w.Line($"global::System.Diagnostics.Debug.Assert({direction.Guard}(address), \"{direction.Method}: no RAM of the linear map is there.\");");
        w.OpenBlock("unchecked");
        w.Line("ulong a = address.Value;");
        WriteArithmetic(w, direction);
        w.CloseBlock();
        w.CloseBlock();
        WriteTables(w, direction);
    }

    public static void WriteChecked(SourceWriter w, TranslationDirection direction)
    {
        w.Doc("summary", $"The {direction.ResultText} of RAM at a {direction.ArgumentText}, if RAM of the linear map is there.");
        w.Doc("param name=\"address\"", $"Any {direction.ArgumentText}.");
        w.Doc("param name=\"result\"", $"The {direction.ResultText}; 0 where the answer is false.");
        w.Doc("returns", "False in a hole, in front of the first bank, behind the last one, and everywhere else that the linear map reaches no RAM.");
        w.OpenBlock($"public static bool Try{direction.Method}({direction.Argument} address, out {direction.Result} result)");
        w.OpenBlock($"if ({direction.Guard}(address))");
        w.Line($"result = {direction.Method}(address);");
        w.Line("return true;");
        w.CloseBlock();
        w.Line("result = default;");
        w.Line("return false;");
        w.CloseBlock();
    }

    /// <summary>A constant of the width that a plan's results have.</summary>
    public static string Constant(ulong value, int bits) => SourceWriter.Hex(value) + (bits == 32 ? "u" : "UL");

    private static void WriteArithmetic(SourceWriter w, TranslationDirection direction)
    {
        var plan = direction.Plan;
        var bits = plan.ResultBits;
        var address = bits == 32 ? "(uint)a" : "a";
        switch (plan.Form)
        {
            case TranslationForm.Offset:
                w.Line($"return new {direction.Result}({address} + {Constant(plan.Offsets[0], bits)});");
                break;
            case TranslationForm.Masks:
                w.Line($"return new {direction.Result}({address} + {Constant(plan.Offsets[plan.Offsets.Length - 1], bits)}");
                w.Indent();
                for (var i = 0; i < plan.Boundaries.Length; i++)
                {
                    var end = i == plan.Boundaries.Length - 1 ? ");" : string.Empty;
                    w.Line($"+ ({Mask(plan, i)} & {Constant(StepAt(plan, i), bits)}){end}");
                }
                w.Outdent();
                break;
            case TranslationForm.Sections:
                w.Line($"nuint section = (uint)a >> {plan.SectionShift};");
                w.Line($"return new {direction.Result}({address} + {Unsafe}.Add(ref {GetReference}({direction.Method}Offsets), section));");
                break;
            default:
                w.Line($"ref ulong starts = ref {GetReference}({direction.Method}Starts);");
                w.Line("nuint segment = 0;");
                for (var step = SearchSize(plan) / 2; step > 0; step /= 2)
                    w.Line($"segment += (nuint){Unsafe}.BitCast<bool, byte>({Unsafe}.Add(ref starts, segment + {step}) <= a) * {step};");
                w.Line($"return new {direction.Result}({address} + {Unsafe}.Add(ref {GetReference}({direction.Method}Offsets), segment));");
                break;
        }
    }

    /// <summary>All ones below boundary <paramref name="index"/>, 0 from it on.</summary>
    private static string Mask(TranslationPlan plan, int index)
    {
        var boundary = SourceWriter.Hex(plan.Boundaries[index]) + "UL";
        if (plan.MasksBySign)
            return plan.ResultBits == 32 ? $"(uint)((long)(a - {boundary}) >> 63)" : $"(ulong)((long)(a - {boundary}) >> 63)";
        var flag = $"{Unsafe}.BitCast<bool, byte>(a < {boundary})";
        return plan.ResultBits == 32 ? $"(0u - {flag})" : $"(0UL - {flag})";
    }

    /// <summary>What an address in front of boundary <paramref name="index"/> gets more than one behind it.</summary>
    public static ulong StepAt(TranslationPlan plan, int index) =>
        TranslationPlan.Wrap(unchecked(plan.Offsets[index] - plan.Offsets[index + 1]), plan.ResultBits);

    private static void WriteTables(SourceWriter w, TranslationDirection direction)
    {
        var plan = direction.Plan;
        var element = plan.ResultBits == 32 ? "uint" : "ulong";
        if (plan.Form == TranslationForm.Sections)
        {
            var offsets = Enumerable.Range(0, 1 << (32 - plan.SectionShift)).Select(section => plan.OffsetOf((ulong)section << plan.SectionShift));
            w.Line();
            w.Line("// What is added in each section.");
            WriteTable(w, $"private static global::System.ReadOnlySpan<{element}> {direction.Method}Offsets", offsets, plan.ResultBits);
        }
        else if (plan.Form == TranslationForm.Search)
        {
            // Places behind the last segment hold the last address there is: whether it counts as reached or not, the same offset is found.
            var size = SearchSize(plan);
            var starts = Enumerable.Range(0, size).Select(i => i == 0 ? 0 : i <= plan.Boundaries.Length ? plan.Boundaries[i - 1] : ulong.MaxValue);
            var offsets = Enumerable.Range(0, size).Select(i => plan.Offsets[i < plan.Offsets.Length ? i : plan.Offsets.Length - 1]);
            w.Line();
            w.Line("// Where each segment starts (the first one takes all below it), filled up to a power of two.");
            WriteTable(w, $"private static global::System.ReadOnlySpan<ulong> {direction.Method}Starts", starts, 64);
            w.Line();
            w.Line("// What is added in each segment.");
            WriteTable(w, $"private static global::System.ReadOnlySpan<{element}> {direction.Method}Offsets", offsets, plan.ResultBits);
        }
    }

    /// <summary>A table that the compiler puts into the read-only data of the assembly.</summary>
    public static void WriteTable(SourceWriter w, string header, IEnumerable<ulong> values, int bits)
    {
        w.Line(header + " =>");
        w.Line("[");
        w.Indent();
        var line = string.Empty;
        var count = 0;
        foreach (var value in values)
        {
            line += (count % 8 == 0 ? string.Empty : " ") + Constant(value, bits) + ",";
            if (++count % 8 != 0)
                continue;
            w.Line(line);
            line = string.Empty;
        }
        if (line.Length > 0)
            w.Line(line);
        w.Outdent();
        w.Line("];");
    }

    private static int SearchSize(TranslationPlan plan)
    {
        var size = 1;
        while (size < plan.Offsets.Length)
            size *= 2;
        return size;
    }

    private static IEnumerable<string> Rule(TranslationPlan plan)
    {
        var modulo = $"modulo 2^{plan.ResultBits.ToString(CultureInfo.InvariantCulture)}";
        if (plan.Boundaries.IsEmpty)
        {
            yield return $"Every address: plus {SourceWriter.Hex(plan.Offsets[0])}, {modulo}.";
        }
        else
        {
            yield return $"Below {SourceWriter.Hex(plan.Boundaries[0])}: plus {SourceWriter.Hex(plan.Offsets[0])}, {modulo}.";
            for (var i = 0; i < plan.Boundaries.Length; i++)
                yield return $"From {SourceWriter.Hex(plan.Boundaries[i])}: plus {SourceWriter.Hex(plan.Offsets[i + 1])}, {modulo}.";
        }
        yield return "It answers by that rule and never throws in a Release build, in a hole as well, where the answer is nobody's address: "
            + "an address in a hole may come out as one that other RAM has.";
        if (plan.ArgumentBits == 32 && !plan.Boundaries.IsEmpty)
            yield return "From 2^32 on, where this board has no address, there is an answer, but no promise which.";
    }
}
