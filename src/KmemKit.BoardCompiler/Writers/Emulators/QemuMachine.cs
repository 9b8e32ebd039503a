using System;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.BoardCompiler.Boards;

namespace KmemKit.BoardCompiler.Writers.Emulators;

/// <summary>A machine of QEMU that has a board's memory map.</summary>
/// <param name="Compatible">The board's <c>compatible</c>.</param>
/// <param name="Name"><c>-M</c>.</param>
/// <param name="Cpu">The <c>compatible</c> of its processor, where that tells machines apart: the images of the MPS2 board; null where any will do.</param>
/// <remarks>Sources: QEMU's hw/arm/virt.c, mps2.c, mps2-tz.c, integratorcp.c, hw/riscv/virt.c.</remarks>
internal sealed record QemuMachine(string Compatible, string Name, string? Cpu = null)
{
    /// <summary>Whether <c>-m</c> says how much RAM it has; false where the machine has all that the real board could have.</summary>
    public bool TakesSize { get; init; } = true;

    private static readonly ImmutableArray<QemuMachine> All =
    [
        new("linux,dummy-virt", "virt"),
        new("riscv-virtio", "virt"),
        new("arm,mps2", "mps2-an385", "arm,cortex-m3"),
        new("arm,mps2", "mps2-an386", "arm,cortex-m4"),
        new("arm,mps2", "mps2-an500", "arm,cortex-m7"),
        new("arm,mps2-an505", "mps2-an505"),
        new("arm,mps3-an547", "mps3-an547") { TakesSize = false },
        new("arm,integrator-cp", "integratorcp"),
    ];

    /// <summary>The machine; null where QEMU is not known to have one.</summary>
    public static QemuMachine? Of(Board board) =>
        board.Compatible.SelectMany(c => All.Where(m => string.Equals(m.Compatible, c, StringComparison.Ordinal)))
            .FirstOrDefault(m => m.Cpu is null || board.Cpus.Any(cpu => cpu.Compatible.Contains(m.Cpu, StringComparer.Ordinal)));

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
