using System;
using System.Collections.Generic;

namespace KmemKit.Conformance.Allocators;

/// <summary>An allocator as the suite sees it: a page allocator, an object allocator, a heap of C code behind P/Invoke, a model.</summary>
/// <remarks>
/// A new one is made for each rule, and disposed behind it. The suite calls it from several threads at once only where it promises to be
/// <see cref="AllocatorPromises.IsThreadSafe"/>.
/// </remarks>
public interface IAllocatorSubject : IDisposable
{
    /// <summary>What it promises beyond giving out memory that nobody else has.</summary>
    AllocatorPromises Promises { get; }

    /// <summary>Where its blocks lie: disjoint, by rising address.</summary>
    IReadOnlyList<AddressSpan> Arena { get; }

    /// <summary>Bytes that are free now; only asked where <see cref="AllocatorPromises.CountsFree"/> says that it knows.</summary>
    ulong FreeBytes { get; }

    /// <summary>Takes a block.</summary>
    /// <param name="bytes">A size that <see cref="AllocatorPromises"/> allows, or one above its largest.</param>
    /// <param name="zeroed">Whether all of it is to be 0; only asked where it promises to zero.</param>
    /// <returns>Its first byte; null where there is none (-ENOMEM).</returns>
    ulong? Allocate(ulong bytes, bool zeroed);

    /// <summary>Gives a block back.</summary>
    /// <param name="address">What <see cref="Allocate"/> returned, or something else where it promises to refuse that.</param>
    /// <param name="bytes">What was asked for.</param>
    /// <returns>False where it refuses: nobody has such a block.</returns>
    bool Free(ulong address, ulong bytes);

    /// <summary>Writes into a block, as its owner does.</summary>
    void Write(ulong address, ReadOnlySpan<byte> source);

    /// <summary>Reads from a block, as its owner does.</summary>
    void Read(ulong address, Span<byte> destination);
}

/// <summary>What an allocator promises; what it does not promise is not held against it.</summary>
/// <param name="Smallest">Bytes of the smallest block; a smaller request takes as many.</param>
/// <param name="Largest">Bytes of the largest request that can succeed.</param>
/// <param name="Alignment">Every block is aligned to this power of two.</param>
public sealed record AllocatorPromises(ulong Smallest, ulong Largest, ulong Alignment)
{
    /// <summary>Whether requests are powers of two only, and take what they ask for, as those of a buddy system.</summary>
    public bool OnlyPowersOfTwo { get; init; }

    /// <summary>Whether a request of a power of two is aligned to it.</summary>
    public bool AlignsToSize { get; init; }

    /// <summary>Whether free memory joins again: with all back, as many of the largest blocks can be had as at the start.</summary>
    public bool Merges { get; init; }

    /// <summary>Whether it zeroes where asked.</summary>
    public bool Zeroes { get; init; }

    /// <summary>Whether <see cref="IAllocatorSubject.FreeBytes"/> is exact: with blocks of powers of two it falls and rises by them.</summary>
    public bool CountsFree { get; init; }

    /// <summary>Whether several threads may use it at once.</summary>
    public bool IsThreadSafe { get; init; }

    /// <summary>Whether it refuses to free what nobody has.</summary>
    public bool RefusesBadFrees { get; init; }

    /// <summary>Whether the same requests to a new one get the same addresses, counted from its arena.</summary>
    public bool IsDeterministic { get; init; }

    /// <summary>The promises of a buddy system: powers of two from a page on, aligned to themselves, counted, joined when free.</summary>
    /// <param name="pageBytes">Bytes of a page.</param>
    /// <param name="maxOrder">Order of the largest block.</param>
    public static AllocatorPromises Buddy(ulong pageBytes, int maxOrder) => new(pageBytes, pageBytes << maxOrder, pageBytes)
    {
        OnlyPowersOfTwo = true,
        AlignsToSize = true,
        Merges = true,
        CountsFree = true,
    };

    /// <summary>The promises of an object allocator (<c>kmalloc</c>): any size, aligned, powers of two aligned to themselves or not.</summary>
    /// <param name="alignment">Every block is aligned to it.</param>
    /// <param name="largest">Bytes of the largest request.</param>
    public static AllocatorPromises Objects(ulong alignment, ulong largest) => new(1, largest, alignment);
}
