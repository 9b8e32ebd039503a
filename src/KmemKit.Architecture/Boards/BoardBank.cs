namespace KmemKit.Architecture.Boards;

/// <summary>A stretch of a board's RAM that the kernel manages, of one kind from end to end.</summary>
/// <param name="Range">Physical addresses.</param>
/// <param name="IsHighmem">Whether the kernel reaches it through temporary mappings only; false is lowmem, which the linear map holds for good.</param>
public readonly record struct BoardBank(PhysRange Range, bool IsHighmem);
