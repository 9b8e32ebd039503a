using System.Collections.Immutable;

namespace KmemKit.BoardCompiler.Layout;

/// <summary>A section of the sparse memory model that holds memory.</summary>
/// <param name="Number">Physical address divided by the section size.</param>
/// <param name="Present">Frames in it that are RAM.</param>
public readonly record struct MemorySection(ulong Number, ulong Present);

/// <summary>Where page descriptors are needed.</summary>
/// <param name="Kind">Flat or sparse.</param>
/// <param name="SectionSizeBits">Log2 of the section size in bytes; 0 for flat.</param>
/// <param name="Sections">Sections that hold memory, by number; empty for flat.</param>
/// <param name="DescribedPages">Frames that get a descriptor.</param>
public sealed record MemoryModel(
    Policies.MemoryModelKind Kind, int SectionSizeBits, ImmutableArray<MemorySection> Sections, ulong DescribedPages);
