using System;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.BoardCompiler.Boards;

namespace KmemKit.BoardCompiler.Writers.Emulators;

/// <summary>A machine of QEMU that has a board's memory map.</summary>
/// <param name="Compatible">The board's <c>compatible</c>.</param>
/// <param name="Name"><c>-M</c>.</param>
/// <remarks>Sources: QEMU's hw/arm/virt.c, mps2.c, mps2-tz.c, integratorcp.c, hw/riscv/virt.c. All of them take the size of their one RAM from <c>-m</c>.</remarks>
internal sealed record QemuMachine(string Compatible, string Name)
{
    private static readonly ImmutableArray<QemuMachine> All =
    [
        new("linux,dummy-virt", "virt"),
        new("riscv-virtio", "virt"),
        new("arm,mps2", "mps2-an385"),
        new("arm,mps2-an385", "mps2-an385"),
        new("arm,mps2-an505", "mps2-an505"),
        new("arm,integrator-cp", "integratorcp"),
    ];

    /// <summary>The machine; null where QEMU is not known to have one.</summary>
    public static QemuMachine? Of(Board board) =>
        board.Compatible.Select(c => All.FirstOrDefault(m => string.Equals(m.Compatible, c, StringComparison.Ordinal))).FirstOrDefault(m => m is not null);

    /// <summary>The <c>-cpu</c> of a processor: Arm's names are QEMU's, but for the ARM9 and ARM11 cores; null where that is not so.</summary>
    public static string? CpuOf(Board board)
    {
        foreach (var compatible in board.Cpus.SelectMany(c => c.Compatible).Where(c => c.StartsWith("arm,", StringComparison.Ordinal)))
        {
            var name = compatible.Substring(4);
            if (name.StartsWith("cortex-", StringComparison.Ordinal))
                return name;
            if (name.StartsWith("arm9", StringComparison.Ordinal) || name.StartsWith("arm11", StringComparison.Ordinal))
                return name.Split('-')[0].Replace("946e", "946").Replace("926ej", "926").Replace("1136jf", "1136").Replace("1176jzf", "1176");
        }
        return null;
    }
}
