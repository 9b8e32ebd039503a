using System;
using KmemKit.Architecture.Boards;
using KmemKit.BoardCompiler.Boards;

namespace KmemKit.Runtime.Kernel;

/// <summary>The kernel of a board that is a type. Without an MMU it would be <see cref="Mpu.MpuKernel{TBoard}"/>, and vmalloc would not compile.</summary>
/// <remarks>A driver that asks for <see cref="Processor.IDriverKernel"/> runs in both: only the type of the board changes.</remarks>
/// <typeparam name="TBoard">A board with MMU.</typeparam>
public sealed class MmuKernel<TBoard> : MmuKernel where TBoard : struct, IMmuBoard<TBoard>
{
    private MmuKernel(BoardCompiler.Tables.PageTablePlan plan, Boot.BootedMemory memory, MmuKernelOptions options)
        : base(plan, memory, options)
    {
    }

    /// <summary>Boots the board from what its type was compiled from (<see cref="IBoard{TSelf}.Definition"/>).</summary>
    /// <exception cref="Boot.MemoryBootException">Its memory cannot be booted.</exception>
    /// <exception cref="NotSupportedException">No format of tables is known for its architecture.</exception>
    public static MmuKernel<TBoard> Boot(MmuKernelOptions? options = null)
    {
        var compilation = BoardDefinitions.Compile(TBoard.Definition);
        return compilation.Layout is { } layout
            ? Boot(layout, options ?? new MmuKernelOptions(), static (plan, memory, choice) => new MmuKernel<TBoard>(plan, memory, choice))
            : throw new InvalidOperationException($"{TBoard.Name} does not compile as its type says: {string.Join("; ", compilation.Diagnostics)}");
    }
}
