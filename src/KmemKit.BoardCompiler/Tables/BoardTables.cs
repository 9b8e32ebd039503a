using System;
using System.Runtime.CompilerServices;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Layout;

namespace KmemKit.BoardCompiler.Tables;

/// <summary>The tables that a board's kernel starts with: planned when they are first asked for, once for each layout.</summary>
public static class BoardTables
{
    private static readonly ConditionalWeakTable<MemoryLayout, PageTablePlanResult> s_plans = new();

    /// <summary>The plan with its findings; null for a board without layout or without MMU.</summary>
    /// <param name="compilation">The board.</param>
    public static PageTablePlanResult? Of(BoardCompilation compilation)
    {
        if (compilation is null)
            throw new ArgumentNullException(nameof(compilation));
        return compilation.Layout is { Board.UsesMmu: true } layout ? Of(layout) : null;
    }

    /// <summary>The plan with its findings, and without a plan where there can be none.</summary>
    /// <param name="layout">The board's layout.</param>
    public static PageTablePlanResult Of(MemoryLayout layout) => s_plans.GetValue(layout, static l => PageTablePlanner.Plan(l));
}
