using System;
using KmemKit.Architecture.Boards;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Tables;
using KmemKit.Conformance.Boards;

namespace KmemKit.Conformance.Harness;

/// <summary>What all machines of one board share, and none of them changes: the compiled board and its planned page tables. A machine starts from it.</summary>
/// <remarks>Compiling and planning cost milliseconds, so they are done once; threads may start machines from one image at once.</remarks>
public sealed class MachineImage
{
    private MachineImage(BoardCompilation compilation, PageTablePlan? tables) => (Compilation, Tables) = (compilation, tables);

    /// <summary>The board.</summary>
    public BoardCompilation Compilation { get; }

    /// <summary>Its page tables; null where it runs without MMU.</summary>
    public PageTablePlan? Tables { get; }

    /// <summary>The image of a compiled board.</summary>
    /// <exception cref="ArgumentException">It has no layout, no page tables, or no protection plan: the findings are in the message.</exception>
    public static MachineImage Of(BoardCompilation compilation)
    {
        ArgumentNullException.ThrowIfNull(compilation);
        if (compilation is not { Layout: { } layout, Board: { } board })
            throw new ArgumentException($"{compilation.Name} has no layout: {string.Join("; ", compilation.Diagnostics)}", nameof(compilation));
        if (!board.UsesMmu)
        {
            return compilation.MpuPlan is null
                ? throw new ArgumentException($"{compilation.Name} runs without MMU and has no protection plan: {string.Join("; ", compilation.Diagnostics)}", nameof(compilation))
                : new MachineImage(compilation, null);
        }
        var planned = BoardTables.Of(layout);
        return planned.Plan is { } plan
            ? new MachineImage(compilation, plan)
            : throw new ArgumentException($"{compilation.Name} has no page tables: {string.Join("; ", planned.Diagnostics)}", nameof(compilation));
    }

    /// <summary>The image of a board that is a type, made once.</summary>
    /// <typeparam name="TBoard">The board.</typeparam>
    public static MachineImage Of<TBoard>() where TBoard : struct, IBoard<TBoard> => Cache<TBoard>.Image.Value;

    private static class Cache<TBoard> where TBoard : struct, IBoard<TBoard>
    {
        // Of the sources, where they are there: faults name their lines.
        public static readonly Lazy<MachineImage> Image = new(() => MachineImage.Of(BoardPipeline.Compile(BoardSources.InputOf(TBoard.Definition, typeof(TBoard).Assembly))));
    }
}
