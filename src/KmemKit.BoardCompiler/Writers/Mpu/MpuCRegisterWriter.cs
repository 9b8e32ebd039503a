using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture.Mpu;
using KmemKit.BoardCompiler.Mpu;
using KmemKit.BoardCompiler.Writers.CSharp;

namespace KmemKit.BoardCompiler.Writers.Mpu;

/// <summary>The part of the C header for units behind coprocessor, system or control registers.</summary>
/// <remarks>
/// From where the unit goes off to where it is on again everything is one assembler statement, so that the compiler can spill nothing into memory whose
/// attributes change in between.
/// </remarks>
internal static class MpuCRegisterWriter
{
    public static void Write(SourceWriter output, MpuCNames names, MpuImage image, MpuInstructions instructions)
    {
        var words = new MpuWords(image, instructions);
        var (p, m, word) = (names.Prefix, names.Macro, instructions.Word);
        output.Line($"#define {m}_FIXED_WORDS {MpuText.Number(words.Fixed.Length)} /* registers that no switch changes, those of regions that are off among them */");
        output.Line($"#define {m}_STATE_WORDS {MpuText.Number(words.States[0].Length)} /* registers that a switch writes */");
        output.Line($"#define {m}_WORDS ({m}_FIXED_WORDS + {m}_STATE_WORDS)");
        output.Line();
        if (!words.Fixed.IsEmpty)
        {
            output.OpenBlock($"static const {word} {p}_fixed[{m}_FIXED_WORDS] =");
            WriteWords(output, image, words.Fixed, word, isFixed: true);
            output.CloseBlock(";");
            output.Line();
        }
        if (!words.States[0].IsEmpty)
        {
            output.OpenBlock($"static const {word} {p}_states[{m}_DOMAINS][{m}_STATE_WORDS] =");
            for (var i = 0; i < words.States.Length; i++)
            {
                output.Line($"{{ /* {MpuCNames.Comment(image.States[i].Domain ?? "no domain")} */");
                output.Indent();
                WriteWords(output, image, words.States[i], word, isFixed: false);
                output.Outdent();
                output.Line(i < words.States.Length - 1 ? "}," : "}");
            }
            output.CloseBlock(";");
            output.Line();
        }
        output.Line("/* Programs the whole unit and turns it on. " + instructions.Remarks + " */");
        WriteApply(output, names, image, words, instructions, isSwitch: false);
        output.Line("/* Goes over to a domain: only what domains have of their own is written. The same holds as for the whole unit. */");
        WriteApply(output, names, image, words, instructions, isSwitch: true);
        WriteRead(output, names, words, instructions);
        WriteVerify(output, names, image.Plan.Mpu.Format, words, word);
    }

    private static void WriteWords(SourceWriter output, MpuImage image, ImmutableArray<MpuWord> words, string type, bool isFixed)
    {
        for (var i = 0; i < words.Length; i++)
        {
            var isFirst = words[i].Slot is not null && (i == 0 || !ReferenceEquals(words[i - 1].Slot, words[i].Slot));
            var about = words[i].Slot is { } slot && isFirst ? $"{slot.Number}{(slot.Space == MpuSpace.Unified ? "" : " " + MpuText.Of(slot.Space))}, {What(slot)}; " : "";
            output.Line($"{MpuCHeaderWriter.Literal(words[i].Value, type)}{(i < words.Length - 1 ? "," : "")} /* {about}{words[i].Register} */");
        }

        // Of a region that a switch changes, this word is the same in all states, and others are not.
        string What(MpuSlot slot) => isFixed && !image.Fixed.Contains(slot) ? "the same in every domain that has it" : MpuCHeaderWriter.Describe(slot);
    }

    private static void WriteApply(SourceWriter output, MpuCNames names, MpuImage image, MpuWords words, MpuInstructions instructions, bool isSwitch)
    {
        var (p, m, word) = (names.Prefix, names.Macro, instructions.Word);
        output.OpenBlock($"static inline int {p}_{(isSwitch ? "switch" : "apply")}(enum {p}_domain domain)");
        var hasFixed = !isSwitch && !words.Fixed.IsEmpty;
        var hasState = !words.States[0].IsEmpty;
        if (hasFixed)
            output.Line($"const {word} *fixed = {p}_fixed;");
        if (hasState)
            output.Line($"const {word} *state;");
        if (hasFixed || hasState)
            output.Line($"{word} value;");
        var lines = new List<string>();
        var off = instructions.Off.ToList();
        if (off.Count > 0 && (hasFixed || hasState))
            output.Line($"{word} control;");
        output.OpenBlock($"if ((unsigned int)domain >= {m}_DOMAINS)");
        output.Line("return -1;");
        output.CloseBlock();
        if (!hasFixed && !hasState)
        {
            output.Line("return 0; /* no domain has regions of its own */");
            output.CloseBlock();
            output.Line();
            return;
        }
        if (hasState)
            output.Line($"state = {p}_states[domain];");
        lines.AddRange(off);
        // What turns regions on goes behind the registers of all of them. (A locked top of range would keep the address below it from being written.)
        foreach (var isLast in instructions.SharedLast ? [false, true] : new bool?[] { null })
        {
            if (hasFixed)
                AddWrites(lines, words.Fixed, instructions, "%[fixed]", isLast);
            if (hasState)
                AddWrites(lines, words.States[0], instructions, "%[state]", isLast);
        }
        lines.AddRange(instructions.On(image.Plan.PrivilegedBackground));
        output.Line("__asm__ volatile (");
        output.Indent();
        foreach (var line in lines)
            output.Line($"\"{Named(line)}\\n\\t\"");
        var operands = new List<string> { "[value] \"=&r\" (value)" };
        if (off.Count > 0)
            operands.Add("[control] \"=&r\" (control)");
        if (hasFixed)
            operands.Add("[fixed] \"+r\" (fixed)");
        if (hasState)
            operands.Add("[state] \"+r\" (state)");
        output.Line($": {string.Join(", ", operands)}");
        output.Line(": : \"memory\");");
        output.Outdent();
        output.Line("return 0;");
        output.CloseBlock();
        output.Line();
    }

    /// <param name="lines">Where the instructions go.</param>
    /// <param name="words">The table.</param>
    /// <param name="instructions">Those of the unit.</param>
    /// <param name="table">The operand that points to it.</param>
    /// <param name="shared">Only shared registers, or only those of regions; null for the table as it is, which a pointer that steps on needs.</param>
    private static void AddWrites(List<string> lines, ImmutableArray<MpuWord> words, MpuInstructions instructions, string table, bool? shared)
    {
        MpuSlot? selected = null;
        for (var i = 0; i < words.Length; i++)
        {
            var slot = words[i].Slot;
            if (shared is { } only && slot is null != only)
                continue;
            if (slot is not null && !ReferenceEquals(selected, slot))
            {
                selected = slot;
                lines.AddRange(instructions.Select(slot.Space, slot.Number));
            }
            lines.Add(instructions.Load(i).Replace("{t}", table));
            lines.Add(instructions.Write(words[i].Register, slot?.Space ?? default, slot?.Number ?? 0));
        }
    }

    private static string Named(string line) => line.Replace("{v}", "%[value]").Replace("{s}", "%[control]");

    private static void WriteRead(SourceWriter output, MpuCNames names, MpuWords words, MpuInstructions instructions)
    {
        output.Line("/* Reads back all registers of the tables, in their order: those that no switch changes, then those that a switch writes. */");
        output.OpenBlock($"static inline void {names.Prefix}_read({instructions.Word} *registers)");
        output.Line($"{instructions.Word} value;");
        MpuSlot? selected = null;
        foreach (var word in words.Fixed.Concat(words.States[0]))
        {
            var lines = new List<string>();
            if (word.Slot is { } slot && !ReferenceEquals(selected, slot))
            {
                selected = slot;
                lines.AddRange(instructions.Select(slot.Space, slot.Number));
            }
            lines.Add(instructions.Read(word.Register, word.Slot?.Space ?? default, word.Slot?.Number ?? 0));
            output.Line($"__asm__ volatile (\"{string.Join("\\n\\t", lines.Select(Named))}\" : [value] \"=&r\" (value) : : \"memory\");");
            output.Line("*registers++ = value;");
        }
        output.CloseBlock();
        output.Line();
    }

    private static void WriteVerify(SourceWriter output, MpuCNames names, MpuFormat format, MpuWords words, string word)
    {
        var (p, m) = (names.Prefix, names.Macro);
        output.Line("/* How many registers do not hold what the plan says for a domain; -1 for a domain that is not there. */");
        output.OpenBlock($"static inline int {p}_verify(enum {p}_domain domain)");
        output.Line($"{word} registers[{m}_WORDS];");
        output.Line("int differ = 0;");
        output.OpenBlock($"if ((unsigned int)domain >= {m}_DOMAINS)");
        output.Line("return -1;");
        output.CloseBlock();
        output.Line($"{p}_read(registers);");
        WriteCompare(output, words.Fixed, format, word, $"{p}_fixed", 0);
        WriteCompare(output, words.States[0], format, word, $"{p}_states[domain]", words.Fixed.Length);
        output.Line("return differ;");
        output.CloseBlock();
        output.Line();
    }

    // Runs of registers that keep the same bits, a loop each.
    private static void WriteCompare(SourceWriter output, ImmutableArray<MpuWord> words, MpuFormat format, string word, string table, int offset)
    {
        for (var first = 0; first < words.Length;)
        {
            var kept = format.KeptBits(words[first].Register);
            var last = first + 1;
            while (last < words.Length && format.KeptBits(words[last].Register) == kept)
                last++;
            output.OpenBlock($"for (uint32_t i = {MpuText.Number(first)}u; i < {MpuText.Number(last)}u; i++)");
            output.Line($"differ += (((registers[i + {MpuText.Number(offset)}u] ^ {table}[i]) & {MpuCHeaderWriter.Literal(kept, word)}) != 0u);");
            output.CloseBlock();
            first = last;
        }
    }
}
