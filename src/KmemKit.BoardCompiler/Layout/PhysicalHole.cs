using KmemKit.Architecture;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.BoardCompiler.Layout;

/// <summary>Why addresses between the first and the last byte of RAM are not RAM to the kernel.</summary>
public enum HoleKind
{
    /// <summary>Nothing there: a gap between banks, or <c>qcom,memblock-remove</c>.</summary>
    Gap,

    /// <summary>Taken by the platform: a <c>no-map</c> region.</summary>
    NoMap,

    /// <summary>RAM that this layout cannot reach and the kernel ignores.</summary>
    Ignored,
}

/// <summary>Physical addresses that are not usable RAM, between or behind the banks.</summary>
/// <param name="Range">Physical addresses.</param>
/// <param name="Kind">Why.</param>
/// <param name="Span">What in the source makes it so; unknown for a plain gap.</param>
public sealed record PhysicalHole(PhysRange Range, HoleKind Kind, SourceSpan Span);
