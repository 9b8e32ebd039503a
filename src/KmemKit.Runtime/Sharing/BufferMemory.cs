using System;
using System.Collections.Immutable;
using KmemKit.Architecture;
using KmemKit.Runtime.Dma;
using KmemKit.Runtime.Memory;

namespace KmemKit.Runtime.Sharing;

/// <summary>The memory of a buffer: stretches of whole pages, in the order in which users see them.</summary>
/// <remarks>Invariant: at least one piece, each of whole pages, no two that touch in order (they are one).</remarks>
public sealed class BufferMemory
{
    private BufferMemory(ImmutableArray<DmaPiece> pieces)
    {
        Pieces = pieces;
        foreach (var piece in pieces)
        {
            Size += piece.Size;
            LargestRow = Math.Max(LargestRow, piece.Size);
        }
    }

    /// <summary>The stretches.</summary>
    public ImmutableArray<DmaPiece> Pieces { get; }

    /// <summary>Bytes.</summary>
    public ulong Size { get; }

    /// <summary>Bytes of the longest stretch that is contiguous in physical memory.</summary>
    public ulong LargestRow { get; }

    /// <summary>Whether it is one stretch.</summary>
    public bool IsContiguous => Pieces.Length == 1;

    /// <summary>Joins pieces that follow each other.</summary>
    public static BufferMemory Of(ReadOnlySpan<DmaPiece> pieces)
    {
        if (pieces.IsEmpty)
            throw new ArgumentException("A buffer has memory.", nameof(pieces));
        var joined = ImmutableArray.CreateBuilder<DmaPiece>();
        foreach (var piece in pieces)
        {
            if (joined.Count > 0 && joined[^1].Address.Value + joined[^1].Size == piece.Address.Value)
                joined[^1] = joined[^1] with { Size = joined[^1].Size + piece.Size };
            else
                joined.Add(piece);
        }
        return new BufferMemory(joined.ToImmutable());
    }

    /// <summary>Its only stretch.</summary>
    /// <exception cref="SharingException">It has more.</exception>
    public PhysRange Row(string subject) => IsContiguous
        ? new PhysRange(Pieces[0].Address, Pieces[0].Size)
        : throw new SharingException(SharingError.NotContiguous, subject, $"it has {Pieces.Length} stretches of memory, and no one physical address.");

    /// <summary>Where a byte of it is.</summary>
    /// <param name="offset">Below <see cref="Size"/>.</param>
    public PhysAddr At(ulong offset)
    {
        foreach (var piece in Pieces)
        {
            if (offset < piece.Size)
                return piece.Address + offset;
            offset -= piece.Size;
        }
        throw new ArgumentOutOfRangeException(nameof(offset), offset, $"The buffer has {Size} bytes.");
    }

    /// <summary>Makes all of it 0, so that nobody reads what another had in it.</summary>
    internal void Clear(PhysicalMemory memory)
    {
        foreach (var piece in Pieces)
            memory.Fill(piece.Address, piece.Size, 0);
    }
}
