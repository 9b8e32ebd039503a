using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Layout.Arm;
using KmemKit.BoardCompiler.Layout.RiscV;
using KmemKit.BoardCompiler.Layout.SixtyFour;
using KmemKit.BoardCompiler.Layout.X86;
using KmemKit.BoardCompiler.Policies;

namespace KmemKit.BoardCompiler.Layout;

/// <summary>Lays a board's memory out as the kernel of its policy's version would.</summary>
public static class MemoryLayoutPlanner
{
    /// <summary>The layout of <paramref name="board"/>, or the errors that leave none.</summary>
    /// <remarks>
    /// The version is <c>CONFIG_LINUX_VERSION</c>, by default the newest whose rules are known. A board that does not use an MMU
    /// (<c>CONFIG_MMU=n</c>, or a core that has none) gets an identity map.
    /// </remarks>
    public static LayoutResult Plan(Board board)
    {
        var diagnostics = new DiagnosticBag();
        var layout = PlanCore(board, diagnostics);
        if (layout is not null)
            layout = layout with { CmaAreas = CmaPlanner.Plan(layout, diagnostics) };
        return new LayoutResult(diagnostics.HasErrors ? null : layout, diagnostics.ToImmutable());
    }

    private static MemoryLayout? PlanCore(Board board, DiagnosticBag diagnostics)
    {
        if (!board.UsesMmu)
            return IdentityLayout.Plan(board, diagnostics);
        if (board.Policy.Kasan is { Value: true } kasan && board.Architecture is not (TargetArchitecture.RiscV32 or TargetArchitecture.RiscV64))
            diagnostics.Add(DiagnosticTable.Layout.ParameterWithoutEffect, kasan.Span, "CONFIG_KASAN", $"the shadow's place is known for RISC-V, and not for {board.Architecture}");
        switch (board.Architecture)
        {
            case TargetArchitecture.Arm:
                return ArmLayout.Plan(board, Version(board, ArmRules.Oldest, ArmRules.Newest, diagnostics), diagnostics);
            case TargetArchitecture.X86:
                return X86Layout.Plan(board, Version(board, X86Layout.Oldest, X86Layout.Newest, diagnostics), diagnostics);
            case TargetArchitecture.Arm64:
                return Arm64Layout.Plan(board, Version(board, Arm64Rules.Oldest, Arm64Rules.Newest, diagnostics), diagnostics);
            case TargetArchitecture.X64:
                return X64Layout.Plan(board, Version(board, X64Layout.Oldest, X64Layout.Newest, diagnostics), diagnostics);
            case TargetArchitecture.RiscV32:
            case TargetArchitecture.RiscV64:
                return RiscVLayout.Plan(board, Version(board, RiscVRules.Oldest, RiscVRules.Newest, diagnostics), diagnostics);
            default:
                diagnostics.Add(DiagnosticTable.Layout.LayoutArchitectureUnknown, board.Tree.Root.Span, board.Architecture, board.Name);
                return null;
        }
    }

    private static LinuxVersion Version(Board board, LinuxVersion oldest, LinuxVersion newest, DiagnosticBag diagnostics)
    {
        if (board.Policy.LinuxVersion is not { } version)
            return newest;
        // A patch release of the newest version is that version.
        var known = version.Value with { Patch = version.Value.Major == 2 ? version.Value.Patch : 0 };
        if (known >= oldest && known <= newest)
            return version.Value;
        var used = known < oldest ? oldest : newest;
        diagnostics.Add(DiagnosticTable.Layout.VersionOutsideRules, version.Span, version.Value, board.Architecture, oldest, newest, used);
        return used;
    }
}
