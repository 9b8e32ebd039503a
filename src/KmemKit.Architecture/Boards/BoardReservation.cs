namespace KmemKit.Architecture.Boards;

/// <summary>Memory of a board that is set aside: a child of <c>/reserved-memory</c>, or a <c>/memreserve/</c> entry.</summary>
/// <param name="Name">Node name without unit address, or <c>memreserve</c>.</param>
/// <param name="Path">Path of the node; empty for <c>/memreserve/</c>.</param>
/// <param name="Range">Physical addresses.</param>
/// <param name="NoMap"><c>no-map</c>: the kernel must not map it.</param>
/// <param name="Reusable"><c>reusable</c>: lent to movable pages.</param>
public readonly record struct BoardReservation(string Name, string Path, PhysRange Range, bool NoMap, bool Reusable);
