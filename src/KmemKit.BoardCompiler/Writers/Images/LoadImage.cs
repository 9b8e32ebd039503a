using System.Collections.Immutable;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;

namespace KmemKit.BoardCompiler.Writers.Images;

/// <summary>A part of an image, such as one table: what a comment says about it.</summary>
/// <param name="Offset">Bytes from the start of the image.</param>
/// <param name="Bytes">Size.</param>
/// <param name="Comment">What it is.</param>
public sealed record LoadImagePart(int Offset, int Bytes, string Comment);

/// <summary>Constants of a header that belong together.</summary>
/// <param name="Comment">What they are.</param>
/// <param name="Constants">Full macro names and values.</param>
public sealed record LoadImageConstants(string Comment, ImmutableArray<(string Name, ulong Value)> Constants);

/// <summary>Bytes that are loaded at a physical address, and what belongs to them: what the writers of assembly, C and C# print, whatever is in them.</summary>
/// <remarks>Invariant: parts lie one behind the other by rising offset; what is in none of them is zero.</remarks>
public sealed record LoadImage
{
    /// <summary>The board's name.</summary>
    public required string Board { get; init; }

    /// <summary>Symbol and section: <c>kmem_tables</c>. Macros have it in upper case in front.</summary>
    public required string Symbol { get; init; }

    /// <summary>What it is, in words.</summary>
    public required string Title { get; init; }

    /// <summary>What is in it, such as <c>vmsav8-64-4k: 7 tables</c>.</summary>
    public required string Summary { get; init; }

    /// <summary>Physical address of the first byte.</summary>
    public PhysAddr Base { get; init; }

    /// <summary>Alignment in bytes.</summary>
    public ulong Alignment { get; init; }

    /// <summary>Bytes of a word: 4 or 8.</summary>
    public int WordSize { get; init; } = 8;

    /// <summary>The content, little-endian.</summary>
    public required byte[] Bytes { get; init; }

    /// <summary>The parts.</summary>
    public ImmutableArray<LoadImagePart> Parts { get; init; } = ImmutableArray<LoadImagePart>.Empty;

    /// <summary>Registers to write, in that order.</summary>
    public ImmutableArray<SystemRegister> Registers { get; init; } = ImmutableArray<SystemRegister>.Empty;

    /// <summary>Further constants of the header.</summary>
    public ImmutableArray<LoadImageConstants> Constants { get; init; } = ImmutableArray<LoadImageConstants>.Empty;
}
