using System.Collections.Generic;

namespace KmemKit.BoardCompiler.Mpu;

/// <summary>The pictures that a search has seen, by the fewest regions that gave each: a picture is a class for each point.</summary>
/// <remarks>
/// Zobrist hashing: the key of a picture is the exclusive or of a random number for each point and its class, so that the key of a picture with one region more is made
/// from the points of that region. Two pictures with one key (of 2^64) would be one here: the search would leave one of them out.
/// </remarks>
internal sealed class PictureSet
{
    private readonly Dictionary<ulong, int> _seen = [];
    private readonly ulong[] _numbers;
    private readonly int _classes;

    /// <param name="points">Points of a picture.</param>
    /// <param name="classes">Classes, with that of no region.</param>
    public PictureSet(int points, int classes)
    {
        _classes = classes;
        _numbers = new ulong[points * classes];
        ulong state = 0;
        for (var i = 0; i < _numbers.Length; i++)
            _numbers[i] = Next(ref state);
    }

    /// <summary>The key of a picture.</summary>
    public ulong KeyOf(byte[] picture)
    {
        ulong key = 0;
        for (var at = 0; at < picture.Length; at++)
            key ^= _numbers[at * _classes + picture[at]];
        return key;
    }

    /// <summary>The key of a picture with a region on top.</summary>
    /// <param name="key">Of the picture.</param>
    /// <param name="picture">Without the region.</param>
    /// <param name="points">Those that the region covers.</param>
    /// <param name="painted">Its class.</param>
    public ulong KeyWith(ulong key, byte[] picture, int[] points, int painted)
    {
        foreach (var at in points)
            key ^= _numbers[at * _classes + picture[at]] ^ _numbers[at * _classes + painted];
        return key;
    }

    /// <summary>Whether a picture is new, or was never made of so few regions.</summary>
    public bool Add(ulong key, int regions)
    {
        if (_seen.TryGetValue(key, out var before) && before <= regions)
            return false;
        _seen[key] = regions;
        return true;
    }

    // SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, OOPSLA 2014).
    private static ulong Next(ref ulong state)
    {
        unchecked
        {
            state += 0x9e3779b97f4a7c15UL;
            var mixed = (state ^ state >> 30) * 0xbf58476d1ce4e5b9UL;
            mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111ebUL;
            return mixed ^ mixed >> 31;
        }
    }
}
