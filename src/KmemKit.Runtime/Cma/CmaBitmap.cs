namespace KmemKit.Runtime.Cma;

/// <summary>Which pages of an area are allocated: a bit each.</summary>
internal sealed class CmaBitmap(uint pages)
{
    private readonly ulong[] _words = new ulong[(pages + 63) / 64];

    /// <summary>Bits that are set.</summary>
    public uint Used { get; private set; }

    public bool IsSet(uint bit) => (_words[bit >> 6] >> (int)(bit & 63) & 1) != 0;

    /// <summary>Finds clear bits in a row (<c>bitmap_find_next_zero_area_off</c>).</summary>
    /// <param name="from">The first bit that may start the row.</param>
    /// <param name="count">How many.</param>
    /// <param name="mask">Start and <paramref name="offset"/> together have none of these bits.</param>
    /// <param name="offset">What the frame of bit 0 adds to the alignment.</param>
    /// <param name="found">The first bit.</param>
    public bool TryFind(uint from, uint count, ulong mask, ulong offset, out uint found)
    {
        for (var start = (ulong)from; ;)
        {
            start = ((start + offset + mask) & ~mask) - offset;
            if (start + count > pages)
                break;
            var at = (uint)start;
            while (at < start + count && !IsSet(at))
                at++;
            if (at == start + count)
            {
                found = (uint)start;
                return true;
            }
            start = at + 1UL;
        }
        found = 0;
        return false;
    }

    public void Set(uint first, uint count)
    {
        for (var bit = first; bit < first + count; bit++)
            _words[bit >> 6] |= 1UL << (int)(bit & 63);
        Used += count;
    }

    public void Clear(uint first, uint count)
    {
        for (var bit = first; bit < first + count; bit++)
            _words[bit >> 6] &= ~(1UL << (int)(bit & 63));
        Used -= count;
    }

    /// <summary>The longest row of clear bits.</summary>
    public uint LongestClear()
    {
        uint longest = 0, run = 0;
        for (var bit = 0u; bit < pages; bit++)
        {
            run = IsSet(bit) ? 0 : run + 1;
            longest = System.Math.Max(longest, run);
        }
        return longest;
    }
}
