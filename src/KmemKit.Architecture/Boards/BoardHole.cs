namespace KmemKit.Architecture.Boards;

/// <summary>Why addresses between the first and the last byte of a board's RAM are not RAM to the kernel.</summary>
public enum BoardHoleKind
{
    /// <summary>Nothing there: a gap between banks, or memory removed before the kernel looks (<c>qcom,memblock-remove</c>).</summary>
    Gap,

    /// <summary>Taken by the platform: a <c>no-map</c> region.</summary>
    NoMap,

    /// <summary>RAM that this layout cannot reach and the kernel ignores.</summary>
    Ignored,
}

/// <summary>Physical addresses that are not usable RAM, between or behind a board's banks.</summary>
/// <param name="Range">Physical addresses.</param>
/// <param name="Kind">Why.</param>
public readonly record struct BoardHole(PhysRange Range, BoardHoleKind Kind);
