using System;
using System.Runtime.CompilerServices;
using KmemKit.Runtime.Memory;

namespace KmemKit.Runtime.Kasan;

/// <summary>The values of shadow bytes (mm/kasan/kasan.h).</summary>
public static class ShadowByte
{
    /// <summary>All 8 bytes may be used. 1 to 7: only so many of them, from the first.</summary>
    public const byte Accessible = 0;

    /// <summary>KASAN_SLAB_FREE: a free object.</summary>
    public const byte SlabFree = 0xfb;

    /// <summary>KASAN_SLAB_REDZONE: of a slab, but of no allocated object.</summary>
    public const byte SlabRedZone = 0xfc;

    /// <summary>A page of the KFENCE pool: who checks an access asks the pool. No byte of the kernel's.</summary>
    public const byte Guarded = 0xfd;

    /// <summary>KASAN_PAGE_REDZONE: of a block of pages of kmalloc, behind what was asked for.</summary>
    public const byte PageRedZone = 0xfe;

    /// <summary>KASAN_PAGE_FREE: a page that was a slab's or kmalloc's, and went back.</summary>
    public const byte PageFree = 0xff;
}

/// <summary>A byte for each 8 bytes of RAM that says which of them may be used.</summary>
/// <remarks>
/// <para>Shadow of RAM at offset n of a piece is at n / 8 of the piece's shadow: <c>shadow = base + (offset &gt;&gt; 3)</c>, as in the kernel
/// (kasan_mem_to_shadow). It is host memory that costs nothing until it is touched, and not charged to the board: a checked board has the memory that the
/// unchecked one has, so that what is tested under the checker is the same.</para>
/// <para>Beside it a bit for each byte of RAM marks bytes that were written with the value that stands for "never written".</para>
/// </remarks>
internal sealed unsafe class ShadowMemory : IDisposable
{
    public const int GranuleShift = 3;
    public const int GranuleSize = 1 << GranuleShift;

    private readonly Piece[] _pieces;
    private readonly HostMapping[] _mappings;

    private readonly record struct Piece(nuint Host, nuint Bytes, nuint Shadow, nuint Marks);

    public ShadowMemory(PhysicalMemory memory)
    {
        _pieces = new Piece[memory.Ram.Length];
        _mappings = new HostMapping[2 * _pieces.Length];
        for (var i = 0; i < _pieces.Length; i++)
        {
            var range = memory.Ram[i];
            var bytes = range.Size.Value;
            _mappings[2 * i] = new HostMapping((bytes >> GranuleShift) + 1);
            _mappings[(2 * i) + 1] = new HostMapping((bytes >> 3) + sizeof(ulong));
            _pieces[i] = new Piece((nuint)memory.PointerTo(range.Start), (nuint)bytes, (nuint)_mappings[2 * i].Base, (nuint)_mappings[(2 * i) + 1].Base);
            if (bytes <= MainBytes)
                continue;
            MainBase = (byte*)_pieces[i].Host;
            MainBytes = (nuint)bytes;
            MainShadow = (byte*)_pieces[i].Shadow;
        }
    }

    /// <summary>First byte of the largest piece of RAM.</summary>
    public byte* MainBase { get; }

    public nuint MainBytes { get; }

    /// <summary>Its shadow.</summary>
    public byte* MainShadow { get; }

    /// <summary>The shadow of an address; null where no RAM is.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public byte* Of(void* address)
    {
        var offset = unchecked((nuint)((byte*)address - MainBase));
        return offset < MainBytes ? MainShadow + (offset >> GranuleShift) : OfOther(address);
    }

    /// <summary>Sets whole granules.</summary>
    /// <param name="start">At the start of a granule.</param>
    /// <param name="bytes">A multiple of 8.</param>
    /// <param name="value">What they become.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Poison(byte* start, long bytes, byte value) => new Span<byte>(Of(start), (int)(bytes >> GranuleShift)).Fill(value);

    /// <summary>Makes bytes usable, and what is left of their last granule not.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Unpoison(byte* start, long bytes)
    {
        var shadow = Of(start);
        new Span<byte>(shadow, (int)(bytes >> GranuleShift)).Clear();
        if ((bytes & (GranuleSize - 1)) != 0)
            shadow[bytes >> GranuleShift] = (byte)(bytes & (GranuleSize - 1));
    }

    /// <summary>The first byte that may not be used; null where all may.</summary>
    /// <param name="start">The first byte; <paramref name="bytes"/> of RAM follow.</param>
    /// <param name="bytes">How many, at least 1.</param>
    public byte* FirstBad(byte* start, nint bytes)
    {
        var end = start + bytes;
        for (var at = start; at < end; at = (byte*)(((nuint)at | (GranuleSize - 1)) + 1))
        {
            var shadow = Of(at);
            if (shadow is null)
                return at;
            if (*shadow == 0)
                continue;
            // Pieces of RAM start at host pages, so that an address has the granule's offset in its low bits.
            var usable = *shadow < GranuleSize ? (byte*)((nuint)at & ~(nuint)(GranuleSize - 1)) + *shadow : at;
            if (usable < end && usable < (byte*)(((nuint)at | (GranuleSize - 1)) + 1))
                return usable > at ? usable : at;
        }
        return null;
    }

    /// <summary>Marks bytes as written with the value that else means that nobody wrote them.</summary>
    public void Mark(byte* start, int bytes)
    {
        for (var i = 0; i < bytes; i++)
        {
            var word = MarkOf(start + i, out var bit);
            if (word is not null)
                System.Threading.Interlocked.Or(ref *word, 1u << bit);
        }
    }

    public bool IsMarked(byte* at)
    {
        var word = MarkOf(at, out var bit);
        return word is not null && ((System.Threading.Volatile.Read(ref *word) >> bit) & 1) != 0;
    }

    /// <summary>Takes the marks of a fresh object away.</summary>
    /// <param name="start">At the start of a granule.</param>
    /// <param name="bytes">Its bytes; the rest of the last granule is unmarked as well.</param>
    public void Unmark(byte* start, int bytes)
    {
        // The marks of a granule are one byte, so objects that start on granules share none.
        foreach (var piece in _pieces)
        {
            var offset = unchecked((nuint)start - piece.Host);
            if (offset < piece.Bytes)
                new Span<byte>((byte*)piece.Marks + (offset >> 3), (bytes + 7) >> 3).Clear();
        }
    }

    public void Dispose()
    {
        foreach (var mapping in _mappings)
            mapping.Dispose();
    }

    private uint* MarkOf(byte* at, out int bit)
    {
        bit = 0;
        foreach (var piece in _pieces)
        {
            var offset = unchecked((nuint)at - piece.Host);
            if (offset >= piece.Bytes)
                continue;
            bit = (int)(offset & 31);
            return (uint*)piece.Marks + (offset >> 5);
        }
        return null;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private byte* OfOther(void* address)
    {
        foreach (var piece in _pieces)
        {
            var offset = unchecked((nuint)address - piece.Host);
            if (offset < piece.Bytes)
                return (byte*)piece.Shadow + (offset >> GranuleShift);
        }
        return null;
    }
}
