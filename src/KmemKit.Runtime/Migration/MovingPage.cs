namespace KmemKit.Runtime.Migration;

/// <summary>A block that is isolated for a move: it cannot be freed, and no one else moves it.</summary>
/// <param name="Index">Descriptor number of its first page.</param>
/// <param name="Order">Its order.</param>
/// <param name="IsCompound">Allocated with __GFP_COMP.</param>
/// <param name="Mover">Its owner.</param>
internal readonly record struct MovingPage(uint Index, int Order, bool IsCompound, IPageMover Mover)
{
    /// <summary>Pages it has.</summary>
    public uint Pages => 1u << Order;
}

/// <summary>Whether a block can be isolated for a move.</summary>
internal enum HoldResult
{
    /// <summary>It is.</summary>
    Held,

    /// <summary>No mover is registered for it.</summary>
    NotMovable,

    /// <summary>Someone else is moving it.</summary>
    Isolated,

    /// <summary>Its owner does not agree.</summary>
    Refused,
}
