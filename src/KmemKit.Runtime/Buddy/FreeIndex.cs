using System.Numerics;
using System.Runtime.CompilerServices;

namespace KmemKit.Runtime.Buddy;

/// <summary>A set of numbers that finds its smallest member in a load a level: a bitmap under 64-ary summaries.</summary>
/// <remarks>
/// Invariant: bit i of level n+1 is set exactly when word i of level n is not zero. Four levels reach 2^24 members, each of 64 frames: 4 TiB of 4 KiB pages
/// in a zone. Only as many levels as the set needs are walked. Memory of all zeroes is the empty set.
/// </remarks>
internal unsafe struct FreeIndex
{
    /// <summary>The largest set.</summary>
    public const uint MaxMembers = 1u << 24;

    private ulong* _level0;
    private ulong* _level1;
    private ulong* _level2;
    private ulong* _level3;
    private int _depth;

    /// <summary>Words that a set of <paramref name="members"/> takes.</summary>
    public static ulong WordsFor(uint members)
    {
        var total = 0UL;
        var words = members;
        do
        {
            words = (uint)(((ulong)words + 63) / 64);
            total += words;
        }
        while (words > 1);
        return total;
    }

    /// <summary>An empty set over zeroed words.</summary>
    /// <returns>The first word behind them.</returns>
    public ulong* Place(ulong* words, uint members)
    {
        _depth = 0;
        var count = members;
        do
        {
            count = (uint)(((ulong)count + 63) / 64);
            switch (_depth++)
            {
                case 0: _level0 = words; break;
                case 1: _level1 = words; break;
                case 2: _level2 = words; break;
                default: _level3 = words; break;
            }
            words += count;
        }
        while (count > 1);
        return words;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly bool Contains(uint member) => ((_level0[member >> 6] >> (int)(member & 63)) & 1) != 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void Add(uint member)
    {
        var word = _level0 + (member >> 6);
        var old = *word;
        *word = old | (1UL << (int)(member & 63));
        if (old == 0 && _depth > 1)
            AddAbove(member >> 6);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void Remove(uint member)
    {
        var word = _level0 + (member >> 6);
        var left = *word & ~(1UL << (int)(member & 63));
        *word = left;
        if (left == 0 && _depth > 1)
            RemoveAbove(member >> 6);
    }

    /// <summary>The smallest member, or false for the empty set.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly bool TryFirst(out uint member)
    {
        var at = 0u;
        switch (_depth)
        {
            case 4:
                if (!Descend(_level3, ref at))
                    break;
                goto case 3;
            case 3:
                if (!Descend(_level2, ref at))
                    break;
                goto case 2;
            case 2:
                if (!Descend(_level1, ref at))
                    break;
                goto case 1;
            case 1:
                if (!Descend(_level0, ref at))
                    break;
                member = at;
                return true;
        }
        member = 0;
        return false;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool Descend(ulong* level, ref uint at)
    {
        var word = level[at];
        at = (at << 6) | (uint)BitOperations.TrailingZeroCount(word);
        return word != 0;
    }

    private readonly void AddAbove(uint word)
    {
        if (!AddTo(_level1, word) || _depth < 3)
            return;
        if (!AddTo(_level2, word >> 6) || _depth < 4)
            return;
        AddTo(_level3, word >> 12);
    }

    private readonly void RemoveAbove(uint word)
    {
        if (!RemoveFrom(_level1, word) || _depth < 3)
            return;
        if (!RemoveFrom(_level2, word >> 6) || _depth < 4)
            return;
        RemoveFrom(_level3, word >> 12);
    }

    private static bool AddTo(ulong* level, uint bit)
    {
        var word = level + (bit >> 6);
        var old = *word;
        *word = old | (1UL << (int)(bit & 63));
        return old == 0;
    }

    private static bool RemoveFrom(ulong* level, uint bit)
    {
        var word = level + (bit >> 6);
        *word &= ~(1UL << (int)(bit & 63));
        return *word == 0;
    }
}
