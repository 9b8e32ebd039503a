using System.Globalization;
using System.Linq;
using System.Text;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Policies;

namespace KmemKit.BoardCompiler.Writers;

/// <summary>How wide a board's addresses are, and with how many digits they are printed: those of the architecture's word, more where the value needs them.</summary>
internal static class AddressWidth
{
    public static bool Is64Bit(MemoryLayout layout) =>
        layout.Board.Architecture is TargetArchitecture.Arm64 or TargetArchitecture.X64 or TargetArchitecture.RiscV64;

    /// <summary>Width of a virtual address: 32 or 64. A board whose architecture is not known has 64.</summary>
    public static int VirtualBits(MemoryLayout layout) => Is32Bit(layout.Board.Architecture) ? 32 : 64;

    /// <summary>Width of <c>phys_addr_t</c>: 64 with LPAE and PAE, and wherever a segment of the linear map needs it; else as the virtual one.</summary>
    public static int PhysicalBits(MemoryLayout layout)
    {
        var policy = layout.Board.Policy;
        var isWide = !Is32Bit(layout.Board.Architecture) || policy.ArmLpae is { Value: true } || policy.X86Pae is { Value: true };
        return isWide || layout.Linear.Segments.Any(s => s.PhysRange.End > 1UL << 32) ? 64 : 32;
    }

    private static bool Is32Bit(TargetArchitecture architecture) => architecture is TargetArchitecture.Arm or TargetArchitecture.X86 or TargetArchitecture.RiscV32;

    public static void Append(StringBuilder output, ulong value, bool wide) =>
        output.Append("0x").Append(value.ToString(wide ? "x16" : "x8", CultureInfo.InvariantCulture));

    // The end of the 64-bit space is 2^64 and printed as that; the kernel's own variable would have wrapped to 0.
    public static void Append(StringBuilder output, AddressLimit limit, bool wide)
    {
        if (limit.IsTop)
            output.Append(limit.ToString());
        else
            Append(output, limit.Value, wide);
    }
}
