using System.Globalization;
using System.Text;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Policies;

namespace KmemKit.BoardCompiler.Writers;

/// <summary>Prints the "Virtual kernel memory layout" block of a boot log, character for character.</summary>
/// <remarks>
/// <para>One rule makes the label columns of all architectures: a name stands left in seven columns behind four spaces, a section name (it starts with a
/// point) or a name that does not fit stands right in eleven. Addresses have as many digits as the architecture's word, sizes four columns on
/// 32-bit and six on 64-bit, where the kernel also writes KB for kB.</para>
/// <para>Sources: mem_init() of arch/arm/mm/init.c (2.6.32 to 4.19), arch/x86/mm/init_32.c (3.0 to 4.19), arch/arm64/mm/init.c (3.10 to 4.20), and
/// print_vmalloc_lowmem_info() of the msm 3.4 kernel for vmalloc saving, whose lines start with a tab. The 64-bit x86 kernel prints no such block: its has the form
/// of arm64. RISC-V (print_vm_layout() of arch/riscv/mm/init.c, 5.5 to 6.12) has forms of its own: names stand right in twelve columns, sizes have four, kB is written so.</para>
/// </remarks>
public static class KernelBlockWriter
{
    /// <summary>The headline and the lines, each ended by a newline; empty where the layout has no virtual ranges.</summary>
    public static string Write(MemoryLayout layout)
    {
        var output = new StringBuilder(1024);
        WriteTo(output, layout);
        return output.ToString();
    }

    /// <summary>The same into <paramref name="output"/>.</summary>
    public static void WriteTo(StringBuilder output, MemoryLayout layout)
    {
        if (layout.Virtual.IsDefaultOrEmpty)
            return;
        // i386 alone writes it small.
        output.Append(layout.Board.Architecture == TargetArchitecture.X86 ? "virtual" : "Virtual").Append(" kernel memory layout:\n");
        foreach (var range in layout.Virtual)
        {
            if (range.Form == LineForm.Silent)
                continue;
            AppendLine(output, layout, range);
            output.Append('\n');
        }
    }

    /// <summary>One line of the block, without newline.</summary>
    public static string Line(MemoryLayout layout, VirtualRange range)
    {
        var output = new StringBuilder(80);
        AppendLine(output, layout, range);
        return output.ToString();
    }

    private static void AppendLine(StringBuilder output, MemoryLayout layout, VirtualRange range)
    {
        var wide = AddressWidth.Is64Bit(layout);
        var isRiscV = layout.Board.Architecture is TargetArchitecture.RiscV32 or TargetArchitecture.RiscV64;
        if (isRiscV)
            output.Append(range.Name.PadLeft(12)).Append(" : ");
        else
            AppendLabel(output, range.Name, layout.Board.Policy.Reclaim?.Value == ReclaimStrategy.VmallocSaving && (range.Name is "vmalloc" or "lowmem"));
        AddressWidth.Append(output, range.Range.Start.Value, wide);
        output.Append(" - ");
        AddressWidth.Append(output, range.Form == LineForm.LastAddress ? range.Range.End.Last : range.Range.End, wide);
        output.Append("   (");
        AppendSize(output, range.Form == LineForm.LastAddress ? range.Range.Size.Last : range.Range.Size, range.Unit, wide && !isRiscV);
        // arm64 tells what the area could hold from what it does hold.
        if (range.Name == "vmemmap" && layout.Board.Architecture == TargetArchitecture.Arm64)
            output.Append(" maximum");
        output.Append(')');
    }

    private static void AppendLabel(StringBuilder output, string name, bool saving)
    {
        if (saving)
            output.Append("\t   ").Append(name.PadLeft(7));
        else if (name.StartsWith(".", System.StringComparison.Ordinal) || name.Length > 7)
            output.Append(name.PadLeft(11));
        else
            output.Append("    ").Append(name.PadRight(7));
        output.Append(" : ");
    }

    private static void AppendSize(StringBuilder output, AddressLimit size, SizeUnit unit, bool wide)
    {
        // A size of 2^64 is shifted before it can wrap: 2^64 >> n is 1 << (64 - n).
        var shift = unit switch { SizeUnit.MB => 20, SizeUnit.GB => 30, SizeUnit.TB => 40, _ => 10 };
        var amount = size.IsTop ? 1UL << (64 - shift) : size.Value >> shift;
        if (unit == SizeUnit.KBRoundedUp && !size.IsTop && (size.Value & 0x3ff) != 0)
            amount++;
        output.Append(amount.ToString(CultureInfo.InvariantCulture).PadLeft(wide ? 6 : 4)).Append(' ');
        output.Append(unit switch { SizeUnit.MB => "MB", SizeUnit.GB => "GB", SizeUnit.TB => "TB", _ => wide ? "KB" : "kB" });
    }
}
