namespace KmemKit.Architecture.Boards;

/// <summary>What a board's type was compiled from, whole: what can be compiled again without the files it came from.</summary>
/// <remarks>
/// The runtime boots a board from it by the same functions that the build used, so that there is one answer to what the board is. Invariant: compiling it gives
/// the layout that the type's members state.
/// </remarks>
/// <param name="Name">The board's name.</param>
/// <param name="Tree">The devicetree as one source (DTS v1): includes and macros resolved, labels kept.</param>
/// <param name="Policy">The settings of its defconfig that a memory map depends on, one Kconfig line each; empty where it has none.</param>
/// <param name="Bootargs">Kernel parameters in place of those of <c>/chosen</c>; null where the tree's count.</param>
public sealed record BoardDefinition(string Name, string Tree, string Policy, string? Bootargs);
