namespace KmemKit.BoardCompiler.Devicetree.Printing;

/// <summary>How source is printed.</summary>
public sealed record DtsPrintOptions
{
    /// <summary>
    /// Reservations by address, properties and subnodes by name (dtc's <c>-s</c>), so that two trees of one meaning print as one text. The sorted
    /// source compiles to a tree of the sorted order.
    /// </summary>
    public bool Sort { get; init; }

    /// <summary>
    /// Labels, and references by label or path where the tree came from source and they still give the same value. Without them the text shows
    /// values alone, so that a tree from source and the same tree from a blob can be compared.
    /// </summary>
    public bool References { get; init; } = true;
}
