using System.Collections.Immutable;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.BoardCompiler.Compare;

/// <summary>What happened to a thing of a board.</summary>
public enum ChangeKind
{
    /// <summary>More is permitted than before.</summary>
    Widened,

    /// <summary>Shares addresses with another thing, which it did not before.</summary>
    Overlaps,

    /// <summary>Only the old board has it.</summary>
    Removed,

    /// <summary>Only the new board has it.</summary>
    Added,

    /// <summary>Another start.</summary>
    Moved,

    /// <summary>The same start and more bytes.</summary>
    Grown,

    /// <summary>The same start and fewer bytes.</summary>
    Shrunk,

    /// <summary>Lowmem, highmem or memory that is so no more.</summary>
    Lost,

    /// <summary>Lowmem, highmem or memory that was not so before.</summary>
    Gained,

    /// <summary>Less is permitted than before.</summary>
    Narrowed,

    /// <summary>Another value.</summary>
    Changed,
}

/// <summary>One side of a change.</summary>
/// <param name="Range">Addresses: physical, or virtual for a virtual range; null where the thing has none.</param>
/// <param name="Span">What in the source says so.</param>
public readonly record struct ChangeSide(AddressRange? Range, SourceSpan Span);

/// <summary>Addresses of either space, half-open.</summary>
/// <param name="Start">First address.</param>
/// <param name="End">End, exclusive.</param>
public readonly record struct AddressRange(ulong Start, AddressLimit End)
{
    /// <summary>Bytes.</summary>
    public AddressLimit Size => End.SizeFrom(Start);
}

/// <summary>A difference between two definitions of a board.</summary>
/// <param name="Kind">What happened.</param>
/// <param name="What">To what: <c>bank</c>, <c>hole</c>, <c>reserved</c>, <c>device</c>, <c>lowmem</c>, <c>highmem</c>, <c>virtual</c>, <c>protection</c>, <c>layout</c>.</param>
/// <param name="Name">Its name.</param>
/// <param name="Old">The old side; null for what is new.</param>
/// <param name="New">The new side; null for what is gone.</param>
/// <param name="Detail">What the ranges do not say, such as <c>privileged "rx" to "rwx"</c>; empty where they say all.</param>
public sealed record BoardChange(ChangeKind Kind, string What, string Name, ChangeSide? Old, ChangeSide? New, string Detail)
{
    /// <summary>Whether someone may do more than before: what a reviewer must look at.</summary>
    public bool IsWidening => Kind == ChangeKind.Widened;
}

/// <summary>All differences between two definitions.</summary>
/// <param name="OldName">The old board's name.</param>
/// <param name="NewName">The new board's name.</param>
/// <param name="Changes">The differences: what widens first, then by kind of thing and in the order of the sources.</param>
public sealed record BoardDifference(string OldName, string NewName, ImmutableArray<BoardChange> Changes);
