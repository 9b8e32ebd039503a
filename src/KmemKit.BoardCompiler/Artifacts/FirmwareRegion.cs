using KmemKit.Architecture;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.BoardCompiler.Artifacts;

/// <summary>What a region of memory is to the program that is linked into it.</summary>
public enum FirmwareRegionKind
{
    /// <summary>RAM that nothing else claims.</summary>
    Ram,

    /// <summary>On-chip RAM (<c>mmio-sram</c>).</summary>
    Sram,

    /// <summary>Read-only memory that code runs from.</summary>
    Flash,

    /// <summary>Reserved memory: only what is put there by name belongs there.</summary>
    Reserved,
}

/// <summary>A region that a linker may place sections in.</summary>
/// <param name="Name">The name the board gives it, not yet an identifier.</param>
/// <param name="Range">Physical addresses.</param>
/// <param name="Kind">What it is.</param>
/// <param name="What">The node, and what else is worth saying.</param>
/// <param name="Span">What in the source says so.</param>
public sealed record FirmwareRegion(string Name, PhysRange Range, FirmwareRegionKind Kind, string What, SourceSpan Span)
{
    /// <summary>Whether the program may read it.</summary>
    public bool Readable { get; init; } = true;

    /// <summary>Whether the program may write it.</summary>
    public bool Writable { get; init; } = true;

    /// <summary>Whether the program may execute from it.</summary>
    public bool Executable { get; init; } = true;
}
