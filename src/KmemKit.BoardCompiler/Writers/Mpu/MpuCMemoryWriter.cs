using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture.Mpu;
using KmemKit.BoardCompiler.Mpu;
using KmemKit.BoardCompiler.Writers.CSharp;

namespace KmemKit.BoardCompiler.Writers.Mpu;

/// <summary>The part of the C header for Arm M-profile, whose protection registers are memory at 0xe000ed90.</summary>
/// <remarks>
/// ARM DDI 0403E B3.5 and ARM DDI 0553 D1.2: MPU_CTRL at 0x04, MPU_RNR at 0x08, MPU_RBAR at 0x0c, MPU_RASR or MPU_RLAR at 0x10, MPU_MAIR0 and 1 at 0x30
/// and 0x34. A DMB before the unit goes off completes what was accessed under the old map; DSB and ISB behind each change of MPU_CTRL make it count for the
/// accesses and fetches that follow (B3.5.5, "MPU access permission"; the application note "Barrier instructions" DAI 0321A, 4.10).
/// </remarks>
internal static class MpuCMemoryWriter
{
    private const uint EnableBit = 1, PrivilegedDefaultBit = 4;

    public static void Write(SourceWriter output, MpuCNames names, MpuImage image)
    {
        var (p, m) = (names.Prefix, names.Macro);
        var registers = image.Plan.Mpu.Format.RegionRegisters(0);
        var (first, second) = (registers[0].ToLowerInvariant(), registers[1].ToLowerInvariant());
        output.Line("/* One region: its number, and the values of its two registers. */");
        output.OpenBlock($"struct {p}_region");
        foreach (var member in new[] { "number", first, second })
            output.Line($"uint32_t {member};");
        output.CloseBlock(";");
        output.Line();
        var shared = image.States[0].Shared;
        foreach (var register in shared)
            output.Line($"#define {m}_{register.Name} {MpuCHeaderWriter.Literal(register.Value, "uint32_t")}");
        if (!shared.IsEmpty)
            output.Line();
        WriteTables(output, names, image);

        output.Line($"#ifndef {m}_BASE");
        output.Line($"#define {m}_BASE 0xe000ed90u /* MPU_TYPE */");
        output.Line("#endif");
        output.Line($"#define {m}_REGISTER(offset) (*(volatile uint32_t *)({m}_BASE + (offset)))");
        output.Line($"#define {m}_CONTROL {MpuCHeaderWriter.Literal(EnableBit | (image.Plan.PrivilegedBackground ? PrivilegedDefaultBit : 0), "uint32_t")}");
        output.Line();
        output.OpenBlock($"static inline void {p}_write(const struct {p}_region *region, uint32_t count)");
        output.OpenBlock("for (; count > 0u; count--, region++)");
        output.Line($"{m}_REGISTER(0x08u) = region->number;");
        output.Line($"{m}_REGISTER(0x0cu) = region->{first};");
        output.Line($"{m}_REGISTER(0x10u) = region->{second};");
        output.CloseBlock();
        output.CloseBlock();
        output.Line();
        WriteApply(output, names, image, isSwitch: false);
        WriteApply(output, names, image, isSwitch: true);
        WriteVerify(output, names, image, first, second);
    }

    private static void WriteTables(SourceWriter output, MpuCNames names, MpuImage image)
    {
        var (p, m) = (names.Prefix, names.Macro);
        output.Line($"#define {m}_FIXED {MpuText.Number(image.Fixed.Length)} /* regions that no switch changes, those that are off among them */");
        output.Line($"#define {m}_SWITCHED {MpuText.Number(image.States[0].Slots.Length)} /* regions that a switch writes */");
        output.Line();
        if (!image.Fixed.IsEmpty)
        {
            output.OpenBlock($"static const struct {p}_region {p}_fixed[{m}_FIXED] =");
            WriteRows(output, image.Fixed);
            output.CloseBlock(";");
            output.Line();
        }
        if (image.States[0].Slots.IsEmpty)
            return;
        output.OpenBlock($"static const struct {p}_region {p}_states[{m}_DOMAINS][{m}_SWITCHED] =");
        for (var i = 0; i < image.States.Length; i++)
        {
            output.Line($"{{ /* {MpuCNames.Comment(image.States[i].Domain ?? "no domain")} */");
            output.Indent();
            WriteRows(output, image.States[i].Slots);
            output.Outdent();
            output.Line(i < image.States.Length - 1 ? "}," : "}");
        }
        output.CloseBlock(";");
        output.Line();
    }

    private static void WriteRows(SourceWriter output, ImmutableArray<MpuSlot> slots)
    {
        for (var i = 0; i < slots.Length; i++)
        {
            var values = string.Join(", ", slots[i].Values.Select(v => MpuCHeaderWriter.Literal(v.Value, "uint32_t")));
            output.Line($"{{ {MpuText.Number(slots[i].Number)}u, {values} }}{(i < slots.Length - 1 ? "," : "")} /* {MpuCHeaderWriter.Describe(slots[i])} */");
        }
    }

    private static void WriteApply(SourceWriter output, MpuCNames names, MpuImage image, bool isSwitch)
    {
        var (p, m) = (names.Prefix, names.Macro);
        output.Line(isSwitch
            ? "/* Goes over to a domain: only what domains have of their own is written. Privileged code, interrupts masked. */"
            : "/* Programs the whole unit and turns it on. Privileged code, interrupts masked. */");
        output.OpenBlock($"static inline int {p}_{(isSwitch ? "switch" : "apply")}(enum {p}_domain domain)");
        output.OpenBlock($"if ((unsigned int)domain >= {m}_DOMAINS)");
        output.Line("return -1;");
        output.CloseBlock();
        if (isSwitch && image.States[0].Slots.IsEmpty)
        {
            output.Line("return 0; /* no domain has regions of its own */");
            output.CloseBlock();
            output.Line();
            return;
        }
        output.Line("__asm__ volatile (\"dmb\" : : : \"memory\");");
        output.Line($"{m}_REGISTER(0x04u) = 0u;");
        output.Line("__asm__ volatile (\"dsb\\n\\tisb\" : : : \"memory\");");
        if (!isSwitch)
        {
            for (var i = 0; i < image.States[0].Shared.Length; i++)
                output.Line($"{m}_REGISTER({MpuText.Hex((ulong)(0x30 + 4 * i))}u) = {m}_{image.States[0].Shared[i].Name};");
            if (!image.Fixed.IsEmpty)
                output.Line($"{p}_write({p}_fixed, {m}_FIXED);");
        }
        if (!image.States[0].Slots.IsEmpty)
            output.Line($"{p}_write({p}_states[domain], {m}_SWITCHED);");
        output.Line($"{m}_REGISTER(0x04u) = {m}_CONTROL;");
        output.Line("__asm__ volatile (\"dsb\\n\\tisb\" : : : \"memory\");");
        output.Line("return 0;");
        output.CloseBlock();
        output.Line();
    }

    private static void WriteVerify(SourceWriter output, MpuCNames names, MpuImage image, string first, string second)
    {
        var (p, m) = (names.Prefix, names.Macro);
        var kept = MpuCHeaderWriter.Literal(image.Plan.Mpu.Format.KeptBits(first.ToUpperInvariant()) & uint.MaxValue, "uint32_t");
        output.Line($"#define {m}_WORDS ({MpuText.Number(image.States[0].Shared.Length)} + 2 * ({m}_FIXED + {m}_SWITCHED))");
        output.Line();
        output.Line("/* Reads back the shared registers, then both registers of each region in the order of the tables; bits that do not keep what is written are 0. */");
        output.OpenBlock($"static inline void {p}_read(uint32_t *registers)");
        for (var i = 0; i < image.States[0].Shared.Length; i++)
            output.Line($"*registers++ = {m}_REGISTER({MpuText.Hex((ulong)(0x30 + 4 * i))}u);");
        foreach (var slot in image.Fixed.Concat(image.States[0].Slots))
        {
            output.Line($"{m}_REGISTER(0x08u) = {MpuText.Number(slot.Number)}u;");
            output.Line($"*registers++ = {m}_REGISTER(0x0cu) & {kept};");
            output.Line($"*registers++ = {m}_REGISTER(0x10u);");
        }
        output.CloseBlock();
        output.Line();
        output.OpenBlock($"static inline int {p}_differ(const struct {p}_region *region, uint32_t count)");
        output.Line("int differ = 0;");
        output.OpenBlock("for (; count > 0u; count--, region++)");
        output.Line($"{m}_REGISTER(0x08u) = region->number;");
        output.Line($"differ += ((({m}_REGISTER(0x0cu) ^ region->{first}) & {kept}) != 0u);");
        output.Line($"differ += ({m}_REGISTER(0x10u) != region->{second});");
        output.CloseBlock();
        output.Line("return differ;");
        output.CloseBlock();
        output.Line();
        output.Line("/* How many registers do not hold what the plan says for a domain; -1 for a domain that is not there. */");
        output.OpenBlock($"static inline int {p}_verify(enum {p}_domain domain)");
        output.Line("int differ = 0;");
        output.OpenBlock($"if ((unsigned int)domain >= {m}_DOMAINS)");
        output.Line("return -1;");
        output.CloseBlock();
        for (var i = 0; i < image.States[0].Shared.Length; i++)
            output.Line($"differ += ({m}_REGISTER({MpuText.Hex((ulong)(0x30 + 4 * i))}u) != {m}_{image.States[0].Shared[i].Name});");
        if (!image.Fixed.IsEmpty)
            output.Line($"differ += {p}_differ({p}_fixed, {m}_FIXED);");
        if (!image.States[0].Slots.IsEmpty)
            output.Line($"differ += {p}_differ({p}_states[domain], {m}_SWITCHED);");
        output.Line($"return differ + ({m}_REGISTER(0x04u) != {m}_CONTROL);");
        output.CloseBlock();
        output.Line();
    }
}
