using KmemKit.BoardCompiler.Policies;

namespace KmemKit.Runtime.SlubDebug;

/// <summary>How the kernel of a version writes a report.</summary>
/// <param name="Prefix"><c>INFO: </c> in front of facts, gone since 5.13; there the red zones are also told apart by name.</param>
/// <param name="Digits">Digits of an address: 8 on 32-bit machines, else 16.</param>
/// <param name="TaintFlags">Letters that the kernel knows: the width of <c>Tainted: G    B</c> and blanks.</param>
public readonly record struct SlabReportStyle(string Prefix, int Digits, int TaintFlags)
{
    private static readonly LinuxVersion PlainSince = new(5, 13);

    /// <summary>Whether it is the form of 5.13 and later.</summary>
    public bool IsPlain => Prefix.Length == 0;

    /// <summary>The style of a kernel.</summary>
    /// <param name="version">Its version.</param>
    /// <param name="is64Bit">Its pointers.</param>
    public static SlabReportStyle Of(LinuxVersion version, bool is64Bit) =>
        new(version >= PlainSince ? "" : "INFO: ", is64Bit ? 16 : 8, version >= PlainSince ? 19 : 16);

    /// <summary>An address with <c>0x</c>, and what stands for none.</summary>
    public string Pointer(Architecture.VirtAddr? address) => address is { } value
        ? "0x" + value.Value.ToString(Digits == 8 ? "x8" : "x16")
        : "0x" + (IsPlain ? new string('0', Digits) : "(null)".PadLeft(Digits));
}
