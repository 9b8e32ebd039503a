using System;
using System.Globalization;
using System.Linq;
using System.Text;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Policies;
using KmemKit.BoardCompiler.Sources;
using KmemKit.BoardCompiler.Writers.CSharp;

namespace KmemKit.BoardCompiler.Writers.Emulators;

/// <summary>Prints QEMU's arguments for a board's memory map as a file for <c>-readconfig</c>: machine and memory, and where images are loaded.</summary>
/// <remarks>
/// QEMU has fixed machines; the file names the one that has this map, and where there is none it says so and leaves <c>-M</c> to the caller. Source: QEMU's
/// system emulation manual, "-readconfig", "-m" and "Generic Loader".
/// </remarks>
public static class QemuConfigWriter
{
    /// <summary>The file.</summary>
    /// <param name="layout">The board's layout.</param>
    public static string Write(MemoryLayout layout)
    {
        if (layout is null)
            throw new ArgumentNullException(nameof(layout));
        var board = layout.Board;
        var machine = QemuMachine.Of(board);
        var w = new SourceWriter();
        w.Line($"# {Plain(board.Name)}: the memory map, made by KmemKit from {Plain(FilePath.NameOf(board.Tree.Source.Path))}; change the board, not this file.");
        var cpu = QemuMachine.CpuOf(board) is { } name ? " -cpu " + name : "";
        w.Line($"# {Program(board.Architecture)}{cpu} -readconfig {Plain(board.Name)}.qemu.cfg -device loader,file=IMAGE,addr=ADDRESS");
        w.Line("#");
        w.Line("# Where images are loaded:");
        foreach (var bank in layout.Banks)
            w.Line($"#   RAM {bank.Range.Start} to {bank.Range.End}");
        foreach (var device in NamedRange.Devices(board).Where(d => d.Enabled && d.Device!.IsSram))
            w.Line($"#   {Plain(device.Name)} {device.Range.Start} to {device.Range.End}");
        foreach (var reserved in NamedRange.Reserved(layout))
            w.Line($"#   not {Plain(reserved.Name)}, reserved: {reserved.Range.Start} to {reserved.Range.End}");
        w.Line();
        if (machine is not null)
        {
            w.Line("[machine]");
            w.Line($"  type = \"{machine.Name}\"");
        }
        else
        {
            w.Line("# QEMU is not known to have a machine with this map: choose one with -M.");
        }
        w.Line();
        if (machine is { TakesSize: false })
        {
            w.Line($"# The machine has all the memory that the board can have; of it, {Size(layout)} are the board's.");
        }
        else
        {
            w.Line("[memory]");
            w.Line($"  size = \"{Size(layout)}\"");
        }
        return w.ToString();
    }

    // All RAM of the tree, whoever may use it; in mebibytes where it is a whole number of them, as people write it.
    private static string Size(MemoryLayout layout)
    {
        var ranges = layout.Board.Banks.IsEmpty ? layout.Banks.Select(b => b.Range) : layout.Board.Banks.Select(b => b.Range);
        var bytes = ranges.Aggregate(0UL, (sum, range) => checked(sum + range.Size.Value));
        return (bytes & 0xfffff) == 0 ? (bytes >> 20).ToString(CultureInfo.InvariantCulture) + "M" : bytes.ToString(CultureInfo.InvariantCulture) + "B";
    }

    private static string Program(TargetArchitecture architecture) => architecture switch
    {
        TargetArchitecture.Arm => "qemu-system-arm",
        TargetArchitecture.Arm64 => "qemu-system-aarch64",
        TargetArchitecture.X86 => "qemu-system-i386",
        TargetArchitecture.X64 => "qemu-system-x86_64",
        TargetArchitecture.RiscV32 => "qemu-system-riscv32",
        TargetArchitecture.RiscV64 => "qemu-system-riscv64",
        _ => "qemu-system-ARCHITECTURE",
    };

    private static string Plain(string text)
    {
        var result = new StringBuilder(text.Length);
        foreach (var c in text)
            result.Append(c is < ' ' or '\x7f' ? '_' : c);
        return result.ToString();
    }
}
