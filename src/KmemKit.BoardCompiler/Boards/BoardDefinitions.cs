using System;
using KmemKit.Architecture.Boards;
using KmemKit.BoardCompiler.Devicetree.Printing;
using KmemKit.BoardCompiler.Policies;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.BoardCompiler.Boards;

/// <summary>From a board to a text that stands for it, and back.</summary>
public static class BoardDefinitions
{
    /// <summary>What a board is made from, as one value.</summary>
    /// <param name="board">The board.</param>
    /// <param name="defconfig">The defconfig it was compiled with; null where it had none.</param>
    /// <param name="bootargs">Kernel parameters that stood in place of the tree's; null where those counted.</param>
    public static BoardDefinition Of(Board board, SourceFile? defconfig, string? bootargs)
    {
        if (board is null)
            throw new ArgumentNullException(nameof(board));
        // Tabs are indentation alone: the printer escapes those in strings.
        return new BoardDefinition(board.Name, DtsPrinter.Print(board.Tree).Replace("\t", "    "), defconfig is null ? "" : PolicyText.Reduce(defconfig), bootargs);
    }

    /// <summary>Compiles a definition: what <see cref="BoardPipeline"/> makes of the files it came from.</summary>
    public static BoardCompilation Compile(BoardDefinition definition)
    {
        if (definition is null)
            throw new ArgumentNullException(nameof(definition));
        return BoardPipeline.Compile(new BoardInput(new SourceFile(definition.Name + ".dts", definition.Tree))
        {
            Defconfig = definition.Policy.Length == 0 ? null : new SourceFile(definition.Name + "_defconfig", definition.Policy),
            Bootargs = definition.Bootargs,
            Name = definition.Name,
            RequireLayout = true,
        });
    }
}
