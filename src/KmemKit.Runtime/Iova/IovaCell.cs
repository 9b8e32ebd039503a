using System.Numerics;
using System.Runtime.CompilerServices;

namespace KmemKit.Runtime.Iova;

/// <summary>What an IOVA window knows of one granule, in a byte: whether a range starts there, how long it is, and whose it is.</summary>
/// <remarks>
/// <para>0: no range starts here. Bits 2 to 0 of a start: 1 to 6 for a range of 2^0 to 2^5 granules, 7 for a longer one, whose length stands in the four bytes behind, six
/// bits in each, with bits 7 and 6 set so that none of them is taken for a start. A longer range has these granules, so nobody else writes there.</para>
/// <para>Bit 5: claimed, its owner is giving it back; bit 7: in a magazine. A byte a granule: a million live ranges are known in a megabyte.</para>
/// </remarks>
internal static unsafe class IovaCell
{
    /// <summary>Log2 of the longest range that is told in the start's own byte.</summary>
    public const int LargestOrder = 5;

    /// <summary>Its owner is giving it back.</summary>
    public const byte Claimed = 0x20;

    /// <summary>Nobody has it, it waits in a magazine.</summary>
    public const byte InMagazine = 0x80;

    private const byte Long = 7;
    private const byte LengthPart = 0xC0;
    private const int PartBits = 6;
    private const int Parts = 4;

    /// <summary>The byte of a range of 2^<paramref name="order"/> granules.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte OfOrder(int order) => (byte)(order + 1);

    /// <summary>Says that a range starts at a cell.</summary>
    /// <param name="cell">Its first granule's.</param>
    /// <param name="count">Granules: a power of two up to 32, or more than that.</param>
    public static void Mark(byte* cell, uint count)
    {
        if (count <= 1u << LargestOrder)
        {
            *cell = OfOrder(BitOperations.Log2(count));
            return;
        }
        *cell = Long;
        for (var i = 0; i < Parts; i++)
            cell[1 + i] = (byte)(LengthPart | ((count >> (i * PartBits)) & ((1 << PartBits) - 1)));
    }

    /// <summary>Granules of the range that starts at a cell, whoever has it; 0 where none does.</summary>
    public static uint LengthOf(byte* cell)
    {
        if (*cell is 0 or >= LengthPart)
            return 0;
        if ((*cell & 7) != Long)
            return 1u << ((*cell & 7) - 1);
        var count = 0u;
        for (var i = 0; i < Parts; i++)
            count |= (uint)(cell[1 + i] & ~LengthPart) << (i * PartBits);
        return count;
    }

    /// <summary>Whether a range of that many granules starts at a cell and is somebody's.</summary>
    public static bool IsTaken(byte* cell, ulong count) => (*cell & (InMagazine | Claimed)) == 0 && LengthOf(cell) == count;

    /// <summary>Forgets the range that starts at a cell.</summary>
    public static void Clear(byte* cell)
    {
        if ((*cell & 7) == Long)
        {
            for (var i = 1; i <= Parts; i++)
                cell[i] = 0;
        }
        *cell = 0;
    }
}
