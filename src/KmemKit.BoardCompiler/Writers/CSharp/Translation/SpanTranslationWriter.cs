namespace KmemKit.BoardCompiler.Writers.CSharp.Translation;

/// <summary>Writes the translation of a span of addresses.</summary>
/// <remarks>
/// The addresses are 64-bit lanes of the widest vector the machine is fast with (512, 256 or 128 bits, which the JIT decides as a constant), and the rest goes
/// through the scalar form one by one. For every address of the board's width the lanes compute what the scalar form computes. A vector is stored only after it was loaded, and nothing is loaded twice, so source and destination may be the same memory; spans that overlap
/// in any other way are refused, since part of the source would be translated twice.
/// </remarks>
internal static class SpanTranslationWriter
{
    private const string Intrinsics = "global::System.Runtime.Intrinsics.";
    private const string Marshal = "global::System.Runtime.InteropServices.MemoryMarshal.";

    public static void Write(SourceWriter w, TranslationDirection direction)
    {
        var source = $"global::System.ReadOnlySpan<{direction.Argument}>";
        var hasVectors = direction.Plan.Offsets.Length <= TranslationPlan.LastWithMasks;
        w.Doc("summary", $"The {direction.ResultText} of RAM at each {direction.ArgumentText}, without a check, as by <see cref=\"{direction.Method}({direction.Argument})\"/>.");
        w.Doc("param name=\"source\"", $"The addresses; <see cref=\"{direction.Guard}({direction.Argument})\"/> holds for each, which a Debug build asserts.");
        w.Doc("param name=\"destination\"", "Takes as many addresses as the source has; what is behind them stays as it is. It may be the same memory as the source.");
        w.Doc("exception cref=\"global::System.ArgumentException\"",
            "The destination is shorter than the source, or the two overlap without being the same memory.");
        w.OpenBlock($"public static void {direction.Method}({source} source, global::System.Span<{direction.Result}> destination)");
        w.Line("if (destination.Length < source.Length)");
        w.Line("    throw new global::System.ArgumentException(\"The destination takes fewer addresses than the source has.\", nameof(destination));");
        w.Line($"global::System.ReadOnlySpan<ulong> from = {Marshal}Cast<{direction.Argument}, ulong>(source);");
        w.Line($"global::System.Span<ulong> to = {Marshal}Cast<{direction.Result}, ulong>(destination.Slice(0, source.Length));");
        w.Line("if (global::System.MemoryExtensions.Overlaps<ulong>(from, to, out int apart) && apart != 0)");
        w.Line("    throw new global::System.ArgumentException(\"The destination overlaps the source at another place.\", nameof(destination));");
        w.Line($"Assert{direction.Guard}(source);");
        w.Line("nuint i = 0;");
        w.Line("nuint count = (nuint)source.Length;");
        w.Line($"ref ulong read = ref {Marshal}GetReference(from);");
        w.Line($"ref ulong write = ref {Marshal}GetReference(to);");
        if (hasVectors)
            WriteVectors(w, direction.Plan);
        w.Line("for (; i < count; i++)");
        w.Line("    global::System.Runtime.CompilerServices.Unsafe.Add(ref write, i) =");
        w.Line($"        {direction.Method}(new {direction.Argument}(global::System.Runtime.CompilerServices.Unsafe.Add(ref read, i))).Value;");
        w.CloseBlock();
        w.Line();
        w.Line("[global::System.Diagnostics.Conditional(\"DEBUG\")]");
        w.OpenBlock($"private static void Assert{direction.Guard}({source} addresses)");
        w.Line($"foreach ({direction.Argument} address in addresses)");
        w.Line($"    global::System.Diagnostics.Debug.Assert({direction.Guard}(address), \"{direction.Method}: no RAM of the linear map is there.\");");
        w.CloseBlock();
    }

    private static void WriteVectors(SourceWriter w, TranslationPlan plan)
    {
        WriteLoop(w, plan, 512, "if");
        WriteLoop(w, plan, 256, "else if");
        WriteLoop(w, plan, 128, "else if");
    }

    private static void WriteLoop(SourceWriter w, TranslationPlan plan, int bits, string keyword)
    {
        var vector = $"{Intrinsics}Vector{bits}";
        var lanes = bits / 64;
        w.OpenBlock($"{keyword} ({vector}.IsHardwareAccelerated)");
        w.OpenBlock($"for (; count - i >= {lanes}; i += {lanes})");
        w.Line($"{vector}<ulong> a = {vector}.LoadUnsafe(ref read, i);");
        w.Line($"{vector}<ulong> r = a + {vector}.Create({ScalarTranslationWriter.Constant(plan.Offsets[plan.Offsets.Length - 1], 64)});");
        for (var k = 0; k < plan.Boundaries.Length; k++)
        {
            var boundary = $"{vector}.Create({SourceWriter.Hex(plan.Boundaries[k])}UL)";
            var step = $"{vector}.Create({ScalarTranslationWriter.Constant(ScalarTranslationWriter.StepAt(plan, k), 64)})";
            w.Line(Accumulate(plan, vector, bits, boundary, step));
        }
        if (plan.ResultBits == 32)
            w.Line($"r &= {vector}.Create(0xffffffffUL);");
        w.Line($"{vector}.StoreUnsafe(r, ref write, i);");
        w.CloseBlock();
        w.CloseBlock();
    }

    /// <summary>The step between two offsets, added in the lanes whose address is below the boundary.</summary>
    private static string Accumulate(TranslationPlan plan, string vector, int bits, string boundary, string step)
    {
        // The 512-bit set compares into a mask register, and an add under a mask is one instruction.
        if (bits == 512)
            return $"r = {vector}.ConditionalSelect({vector}.LessThan(a, {boundary}), r + {step}, r);";
        // The narrower sets compare 64-bit lanes as signed numbers alone, which is the same for 32-bit addresses.
        return plan.ArgumentBits == 32
            ? $"r += {vector}.AsUInt64({vector}.LessThan({vector}.AsInt64(a), {vector}.AsInt64({boundary}))) & {step};"
            : $"r += {vector}.LessThan(a, {boundary}) & {step};";
    }
}
