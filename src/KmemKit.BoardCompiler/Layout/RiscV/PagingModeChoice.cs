using System.Linq;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Policies;
using Rules = KmemKit.BoardCompiler.Diagnostics.DiagnosticTable.Layout;

namespace KmemKit.BoardCompiler.Layout.RiscV;

/// <summary>Which paging mode a kernel runs in: the widest that its harts all have, that it is built for, and that the kernel parameters leave.</summary>
/// <remarks>
/// Source: arch/riscv/mm/init.c, set_satp_mode, of 5.17 (Sv48), 5.18 (Sv57) and 6.4 (<c>no4lvl</c>, <c>no5lvl</c>). The kernel asks the hardware by trying; here
/// <c>mmu-type</c> of the cpu nodes answers.
/// </remarks>
internal static class PagingModeChoice
{
    private static readonly PagingMode[] s_wide = [PagingMode.Sv39, PagingMode.Sv48, PagingMode.Sv57];
    private static readonly LinuxVersion s_withSv48 = new(5, 17);
    private static readonly LinuxVersion s_withSv57 = new(5, 18);
    private static readonly LinuxVersion s_withParameters = new(6, 4);

    /// <summary>The mode; null, with a finding, where the board or its policy asks for one that there is not.</summary>
    public static PagingMode? Of(Board board, LinuxVersion version, DiagnosticBag diagnostics)
    {
        var is64 = board.Architecture == TargetArchitecture.RiscV64;
        if (OfHarts(board, is64, diagnostics) is not { } harts || OfBuild(board, version, is64, diagnostics) is not { } build)
            return null;
        return Narrowest(harts, build, OfParameters(board, version, is64, diagnostics));
    }

    /// <summary>The widest mode that a release knows, whatever the hardware.</summary>
    public static PagingMode WidestOf(LinuxVersion version) =>
        version >= s_withSv57 ? PagingMode.Sv57 : version >= s_withSv48 ? PagingMode.Sv48 : PagingMode.Sv39;

    private static PagingMode Narrowest(params PagingMode[] modes) => modes.OrderBy(mode => mode.Bits).First();

    private static PagingMode? OfHarts(Board board, bool is64, DiagnosticBag diagnostics)
    {
        PagingMode[] usable = is64 ? s_wide : [PagingMode.Sv32];
        PagingMode? narrowest = null;
        foreach (var hart in board.Cpus)
        {
            // A hart without an MMU (the monitor hart of SiFive's SoCs) does not run the kernel.
            if (!hart.Enabled || hart.MmuType is null or "riscv,none")
                continue;
            if (usable.Where(mode => mode.MmuType == hart.MmuType).Select(mode => (PagingMode?)mode).FirstOrDefault() is not { } has)
            {
                diagnostics.Add(Rules.PagingModeUnusable, hart.Span, "mmu-type of " + hart.NodePath, $"\"{hart.MmuType}\"", is64 ? 64 : 32,
                    string.Join(", ", usable.Select(mode => mode.MmuType)));
                return null;
            }
            narrowest = Narrowest(narrowest ?? has, has);
        }
        if (narrowest is null && is64)
            diagnostics.Add(Rules.PagingModeAssumed, board.Cpus.IsEmpty ? board.Tree.Root.Span : board.Cpus[0].Span, board.Name, PagingMode.Sv39.MmuType);
        return narrowest ?? usable[0];
    }

    private static PagingMode? OfBuild(Board board, LinuxVersion version, bool is64, DiagnosticBag diagnostics)
    {
        var widest = is64 ? WidestOf(version) : PagingMode.Sv32;
        if (board.Policy.PageTableLevels is not { } levels)
            return widest;
        var built = (is64 ? s_wide : [PagingMode.Sv32]).Where(mode => mode.Bits <= widest.Bits).ToList();
        if (built.Any(mode => mode.Levels == levels.Value))
            return built.First(mode => mode.Levels == levels.Value);
        diagnostics.Add(Rules.PagingModeUnusable, levels.Span, "CONFIG_PGTABLE_LEVELS", levels.Value, is64 ? 64 : 32,
            string.Join(", ", built.Select(mode => $"{mode.Levels} ({mode.Name})")) + $" in Linux {version}");
        return null;
    }

    private static PagingMode OfParameters(Board board, LinuxVersion version, bool is64, DiagnosticBag diagnostics)
    {
        var arguments = board.Policy.Bootargs;
        var widest = is64 ? PagingMode.Sv57 : PagingMode.Sv32;
        foreach (var (name, set, mode) in new[] { ("no4lvl", arguments.NoFourLevel, PagingMode.Sv39), ("no5lvl", arguments.NoFiveLevel, PagingMode.Sv48) })
        {
            if (set is not { } parameter)
                continue;
            if (is64 && version >= s_withParameters)
                widest = Narrowest(widest, mode);
            else
                diagnostics.Add(Rules.ParameterWithoutEffect, parameter.Span, name, is64 ? $"Linux {version} does not know it, 6.4 does" : "a 32-bit kernel has two levels");
        }
        return widest;
    }
}
