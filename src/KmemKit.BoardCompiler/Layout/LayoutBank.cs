using KmemKit.Architecture;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.BoardCompiler.Layout;

/// <summary>What a stretch of physical memory is to the kernel.</summary>
public enum BankKind
{
    /// <summary>Mapped for good by the linear map.</summary>
    Lowmem,

    /// <summary>Reached through temporary mappings only.</summary>
    Highmem,
}

/// <summary>RAM that the kernel manages, cut where its kind changes.</summary>
/// <param name="Range">Physical addresses.</param>
/// <param name="Kind">Lowmem or highmem.</param>
/// <param name="Span">The bank of the source that it comes from.</param>
public sealed record LayoutBank(PhysRange Range, BankKind Kind, SourceSpan Span);
