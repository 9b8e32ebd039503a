using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.BoardCompiler.Devicetree;
using KmemKit.BoardCompiler.Devicetree.Blobs;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Mpu;
using KmemKit.BoardCompiler.Policies;
using KmemKit.BoardCompiler.Streams;

namespace KmemKit.BoardCompiler.Boards;

/// <summary>
/// The one way from files to a board, which generator, build tasks, <c>kmem</c> and runtime all go: source or blob, policy, board, layout (design,
/// section 3).
/// </summary>
/// <remarks>
/// A stage runs whenever the one before left it something to work on, so that one call shows the findings of all stages; only the layout, whose numbers
/// would be wrong, waits for a board without errors. The same input gives the same result; bad input never throws.
/// </remarks>
public static class BoardPipeline
{
    /// <summary>Compiles a board from its files.</summary>
    public static BoardCompilation Compile(BoardInput input)
    {
        if (input is null)
            throw new ArgumentNullException(nameof(input));
        var front = input.Main.IsBinary ? FdtReader.Read(input.Main) : DtsCompiler.Compile(input.Main, input.Provider);
        return Compile(input, front);
    }

    /// <summary>Compiles a board whose tree is already there: a host that keeps trees saves reading them again.</summary>
    public static BoardCompilation Compile(BoardInput input, FrontEndResult front)
    {
        if (input is null)
            throw new ArgumentNullException(nameof(input));
        if (front is null)
            throw new ArgumentNullException(nameof(front));
        var policy = PolicyReader.Read(new PolicyInput
        {
            Defconfig = input.Defconfig,
            Fragments = input.Fragments,
            Overrides = input.Overrides,
            Bootargs = input.Bootargs,
            Tree = front.Tree,
        });
        var name = input.Name ?? BoardReader.NameOf(input.Main);
        var diagnostics = new DiagnosticBag();
        diagnostics.AddRange(front.Diagnostics);
        diagnostics.AddRange(policy.Diagnostics);
        Board? board = null;
        if (front.Tree is { } tree)
        {
            var read = BoardReader.Read(tree, policy.Policy, name);
            diagnostics.AddRange(read.Diagnostics);
            board = read.Board;
        }
        MemoryLayout? layout = null;
        if (board is not null && !diagnostics.HasErrors && (input.RequireLayout || HasMemory(board)))
        {
            var planned = MemoryLayoutPlanner.Plan(board);
            diagnostics.AddRange(planned.Diagnostics);
            layout = planned.Layout;
        }
        MpuPlan? mpuPlan = null;
        if (board is { UsesMmu: false, Protection: { } protection, Mpu: { RegionCount: not null } mpu } && !diagnostics.HasErrors)
        {
            var planned = MpuPlanner.Plan(protection, mpu);
            diagnostics.AddRange(planned.Diagnostics);
            mpuPlan = planned.Plan;
        }
        StreamTablePlan? streams = null;
        if (layout is not null && !diagnostics.HasErrors)
        {
            var planned = StreamTablePlanner.Plan(layout);
            diagnostics.AddRange(planned.Diagnostics);
            streams = planned.Plan;
        }
        return new BoardCompilation
        {
            Name = name,
            Tree = front.Tree,
            Policy = policy.Policy,
            Board = board,
            Layout = layout,
            MpuPlan = mpuPlan,
            Streams = streams,
            Diagnostics = diagnostics.ToImmutable(),
            Dependencies = Dependencies(input, front),
        };
    }

    private static bool HasMemory(Board board) => !board.Banks.IsEmpty || BoardReader.HasMemoryByParameter(board.Policy);

    private static ImmutableArray<string> Dependencies(BoardInput input, FrontEndResult front)
    {
        IEnumerable<string> paths = [input.Main.Path, .. front.Dependencies];
        if (input.Defconfig is { } defconfig)
            paths = paths.Append(defconfig.Path);
        return [.. paths.Concat(input.Fragments.Select(f => f.Path)).Distinct(StringComparer.Ordinal)];
    }
}
