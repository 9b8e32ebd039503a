using System.Collections.Immutable;

namespace KmemKit.BoardCompiler.Diagram;

/// <summary>What a block of the drawing shows; it decides the colour.</summary>
public enum BlockKind
{
    /// <summary>Lowmem, physical or virtual.</summary>
    Lowmem,

    /// <summary>Highmem.</summary>
    Highmem,

    /// <summary>A hole between banks, or RAM that the kernel does not reach.</summary>
    Hole,

    /// <summary>Reserved memory.</summary>
    Reserved,

    /// <summary>On-chip RAM.</summary>
    Sram,

    /// <summary>Devices.</summary>
    Device,

    /// <summary>vmalloc.</summary>
    Vmalloc,

    /// <summary>Other ranges of the kernel: fixmap, vectors, pkmap, modules, vmemmap…</summary>
    Kernel,

    /// <summary>User space.</summary>
    User,
}

/// <summary>A rectangle, in pixels.</summary>
/// <param name="X">Left edge.</param>
/// <param name="Y">Top edge.</param>
/// <param name="Width">Width.</param>
/// <param name="Height">Height.</param>
public readonly record struct Box(double X, double Y, double Width, double Height)
{
    /// <summary>Right edge.</summary>
    public double Right => X + Width;

    /// <summary>Bottom edge.</summary>
    public double Bottom => Y + Height;

    /// <summary>Whether the two have area in common.</summary>
    public bool Overlaps(Box other) => X < other.Right && other.X < Right && Y < other.Bottom && other.Y < Bottom;
}

/// <summary>A range of addresses in its column.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Name">Its name.</param>
/// <param name="Box">Where it is drawn.</param>
/// <param name="Title">All that is known about it: what a reader sees who points at it.</param>
public sealed record DiagramBlock(BlockKind Kind, string Name, Box Box, string Title)
{
    /// <summary>Whether the block lies within another one: reserved memory in a bank, a section of the kernel in lowmem.</summary>
    public bool IsInset { get; init; }

    /// <summary>The name as it stands in the block; empty where it has no room.</summary>
    public string Inside { get; init; } = "";
}

/// <summary>A block's label beside its column, and the line that leads to it.</summary>
/// <param name="Box">What the text covers.</param>
/// <param name="Name">First line.</param>
/// <param name="Detail">Second line.</param>
/// <param name="FromX">The block's end of the line.</param>
/// <param name="FromY">The block's end of the line.</param>
/// <param name="AlignRight">Whether the text ends at the right edge of its box.</param>
public sealed record DiagramLabel(Box Box, string Name, string Detail, double FromX, double FromY, bool AlignRight);

/// <summary>A stretch of RAM and where the linear map has it.</summary>
/// <param name="Left">Edge of the physical column.</param>
/// <param name="LeftTop">Its end, physical.</param>
/// <param name="LeftBottom">Its start, physical.</param>
/// <param name="Right">Edge of the virtual column.</param>
/// <param name="RightTop">Its end, virtual.</param>
/// <param name="RightBottom">Its start, virtual.</param>
/// <param name="Title">Both ranges.</param>
public sealed record DiagramBand(double Left, double LeftTop, double LeftBottom, double Right, double RightTop, double RightBottom, string Title);

/// <summary>A place where the scale is broken.</summary>
/// <param name="Box">The stretch of the column.</param>
/// <param name="IsEmpty">Whether nothing is there; else a block goes on behind the break.</param>
public sealed record DiagramBreak(Box Box, bool IsEmpty);

/// <summary>A layout as a drawing: physical addresses in one column and virtual ones in another, high ones at the top, on one scale.</summary>
/// <remarks>Invariant: no two labels overlap, none overlaps a column, and all lie inside the picture.</remarks>
public sealed record LayoutDiagram
{
    /// <summary>Width of the picture, in pixels.</summary>
    public double Width { get; init; }

    /// <summary>Height of the picture, in pixels.</summary>
    public double Height { get; init; }

    /// <summary>First line of the heading.</summary>
    public required string Heading { get; init; }

    /// <summary>Second line of the heading.</summary>
    public required string Subheading { get; init; }

    /// <summary>What is said about the scale.</summary>
    public required string Scale { get; init; }

    /// <summary>The physical column.</summary>
    public Box PhysicalColumn { get; init; }

    /// <summary>The virtual column.</summary>
    public Box VirtualColumn { get; init; }

    /// <summary>Blocks, those behind others first.</summary>
    public ImmutableArray<DiagramBlock> Blocks { get; init; } = [];

    /// <summary>Labels, from the top of the physical column to the bottom of the virtual one.</summary>
    public ImmutableArray<DiagramLabel> Labels { get; init; } = [];

    /// <summary>The linear map.</summary>
    public ImmutableArray<DiagramBand> Bands { get; init; } = [];

    /// <summary>Breaks of the scale.</summary>
    public ImmutableArray<DiagramBreak> Breaks { get; init; } = [];

    /// <summary>Kinds that occur, for the legend.</summary>
    public ImmutableArray<BlockKind> Legend { get; init; } = [];
}
