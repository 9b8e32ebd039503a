using KmemKit.Architecture;

namespace KmemKit.BoardCompiler.Layout;

/// <summary>The unit the kernel prints a line's size in.</summary>
public enum SizeUnit
{
    /// <summary>kB, rounded down.</summary>
    KB,

    /// <summary>kB, rounded up (section lines of ARM).</summary>
    KBRoundedUp,

    /// <summary>MB, rounded down.</summary>
    MB,

    /// <summary>GB, rounded down (64-bit).</summary>
    GB,

    /// <summary>TB, rounded down (64-bit RISC-V from 5.19).</summary>
    TB,
}

/// <summary>How the kernel's own block shows a range.</summary>
public enum LineForm
{
    /// <summary>Start and end.</summary>
    Bounds,

    /// <summary>Start and last address, the size a byte short (RISC-V: its macros of that name end a byte early).</summary>
    LastAddress,

    /// <summary>Not at all.</summary>
    Silent,
}

/// <summary>A line of the "Virtual kernel memory layout" block.</summary>
/// <param name="Name">As the kernel prints it: <c>vector</c>, <c>fixmap</c>, <c>DMA</c>, <c>vmalloc</c>, <c>lowmem</c>, <c>pkmap</c>, <c>modules</c>, <c>.text</c>…</param>
/// <param name="Range">Virtual addresses.</param>
/// <param name="Unit">The unit its size is printed in.</param>
public sealed record VirtualRange(string Name, VirtRange Range, SizeUnit Unit)
{
    /// <summary>How the line is printed.</summary>
    public LineForm Form { get; init; }
}
