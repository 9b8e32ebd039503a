using System.Collections.Immutable;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.BoardCompiler.Boards;

/// <summary>Everything that a board is compiled from.</summary>
/// <param name="Main">The <c>.dts</c> source, or the blob.</param>
public sealed record BoardInput(SourceFile Main)
{
    /// <summary>Where included files come from; null makes every include an error.</summary>
    public ISourceProvider? Provider { get; init; }

    /// <summary>The board's <c>_defconfig</c>; null where it has none.</summary>
    public SourceFile? Defconfig { get; init; }

    /// <summary>Kconfig fragments laid over it, in order (<c>kmem --config FILE</c>).</summary>
    public ImmutableArray<SourceFile> Fragments { get; init; } = ImmutableArray<SourceFile>.Empty;

    /// <summary><c>CONFIG_KEY=VALUE</c> laid over all files (<c>kmem --config KEY=VALUE</c>).</summary>
    public ImmutableArray<string> Overrides { get; init; } = ImmutableArray<string>.Empty;

    /// <summary>Kernel parameters instead of the tree's (<c>kmem --bootargs</c>); null leaves those.</summary>
    public string? Bootargs { get; init; }

    /// <summary>The board's name; null for the file name without extension.</summary>
    public string? Name { get; init; }

    /// <summary>
    /// Whether the caller cannot do without a layout. A board without memory, such as a tree whose boot loader fills the memory in, is then an
    /// error; otherwise it is a warning and <see cref="BoardCompilation.Layout"/> is null.
    /// </summary>
    public bool RequireLayout { get; init; }
}
