using System.Collections.Generic;

namespace KmemKit.BoardCompiler.Mpu;

/// <summary>Some of the points that a search looks at, a bit each.</summary>
internal readonly struct PointSet
{
    private const int WordBits = 64;

    private readonly ulong[] _words;

    /// <param name="count">How many points there are.</param>
    /// <param name="points">Those in the set.</param>
    public PointSet(int count, IEnumerable<int> points)
    {
        _words = new ulong[(count + WordBits - 1) / WordBits];
        foreach (var point in points)
            _words[point / WordBits] |= 1UL << point % WordBits;
    }

    /// <summary>Whether each point is in one of two other sets.</summary>
    public bool IsIn(PointSet one, PointSet other)
    {
        for (var i = 0; i < _words.Length; i++)
        {
            if ((_words[i] & ~one._words[i] & ~other._words[i]) != 0)
                return false;
        }
        return true;
    }
}
