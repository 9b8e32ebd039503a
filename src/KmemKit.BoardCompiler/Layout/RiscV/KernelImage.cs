using KmemKit.Architecture;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Linear;
using KmemKit.BoardCompiler.Policies;

namespace KmemKit.BoardCompiler.Layout.RiscV;

/// <summary>Where the image of a RISC-V kernel is loaded.</summary>
/// <remarks>
/// The image's header asks for 2 MiB behind the start of RAM, 32-bit kernels for 4 MiB (arch/riscv/kernel/head.S, image_load_offset); firmware lives below. Up
/// to 6.3, and with 32 bits, that place is PHYS_OFFSET too (setup_vm: va_pa_offset).
/// </remarks>
internal static class KernelImage
{
    private static readonly LinuxVersion s_withMapFromStartOfRam = new(6, 4);

    /// <summary>Whether the linear map starts with RAM and not with the image.</summary>
    public static bool MapStartsWithRam(TargetArchitecture architecture, LinuxVersion version) =>
        architecture == TargetArchitecture.RiscV64 && version >= s_withMapFromStartOfRam;

    /// <summary>The place: CONFIG_KERNEL_PHYS, else CONFIG_PHYS_OFFSET where that is the same, else what the header asks for.</summary>
    public static ulong PlaceOf(Board board, LinuxVersion version)
    {
        if (board.Policy.KernelPhys is { } given)
            return given.Value.Value;
        if (board.Policy.PhysOffset is { } same && !MapStartsWithRam(board.Architecture, version))
            return same.Value.Value;
        var offset = board.Architecture == TargetArchitecture.RiscV64 ? 2UL << 20 : 4UL << 20;
        return Alignment.Up(BankCollection.FirstByte(board), offset) + offset;
    }

    /// <summary>The image's own map; null where the image is in the linear map.</summary>
    public static LinearSegment? MapOf(MemoryLayout layout)
    {
        foreach (var range in layout.Virtual)
        {
            if (range.Name == "kernel")
            {
                var version = layout.Board.Policy.LinuxVersion?.Value ?? RiscVRules.Newest;
                return new LinearSegment(new PhysAddr(PlaceOf(layout.Board, version)), range.Range.Start, ImageSegments.Reach);
            }
        }
        return null;
    }
}
