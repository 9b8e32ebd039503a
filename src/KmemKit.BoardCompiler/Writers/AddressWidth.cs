using System.Globalization;
using System.Text;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Policies;

namespace KmemKit.BoardCompiler.Writers;

/// <summary>How many digits an address is printed with: those of the architecture's word, more where the value needs them.</summary>
internal static class AddressWidth
{
    public static bool Is64Bit(MemoryLayout layout) =>
        layout.Board.Architecture is TargetArchitecture.Arm64 or TargetArchitecture.X64 or TargetArchitecture.RiscV64;

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
