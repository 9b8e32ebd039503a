using System;
using System.Threading;
using KmemKit.Runtime.Slab;

namespace KmemKit.Runtime.Kasan;

/// <summary>Freed objects that wait before they can be allocated again, so that a late use hits memory that is still nobody's (mm/kasan/quarantine.c).</summary>
/// <remarks>First in, first out, up to so many bytes. Memory grows to the largest number of objects there were at a time; nothing else is allocated.</remarks>
internal sealed class Quarantine(long limit)
{
    private readonly Lock _lock = new();
    private Entry[] _ring = new Entry[256];
    private int _first;
    private int _count;
    private long _bytes;

    public readonly record struct Entry(KmemCache Cache, nint Item);

    public long Bytes => Interlocked.Read(ref _bytes);

    public int Count => Volatile.Read(ref _count);

    /// <summary>Takes an object in. The cache's lock may be held.</summary>
    public void Add(KmemCache cache, nint item)
    {
        lock (_lock)
        {
            if (_count == _ring.Length)
                Grow();
            _ring[(_first + _count) & (_ring.Length - 1)] = new Entry(cache, item);
            _count++;
            _bytes += cache.Layout.Size;
        }
    }

    /// <summary>Takes the oldest object out where there are too many bytes.</summary>
    public bool TryEvict(out Entry entry)
    {
        lock (_lock)
        {
            if (_bytes <= limit || _count == 0)
            {
                entry = default;
                return false;
            }
            entry = RemoveFirst();
            return true;
        }
    }

    /// <summary>Takes the oldest object of a cache out.</summary>
    public bool TryRemove(KmemCache cache, out Entry entry)
    {
        lock (_lock)
        {
            for (var i = 0; i < _count; i++)
            {
                entry = At(i);
                if (entry.Cache != cache)
                    continue;
                // Those before it move up by one; their order stays.
                for (var j = i; j > 0; j--)
                    At(j) = At(j - 1);
                RemoveFirst();
                return true;
            }
            entry = default;
            return false;
        }
    }

    private ref Entry At(int i) => ref _ring[(_first + i) & (_ring.Length - 1)];

    private Entry RemoveFirst()
    {
        var entry = At(0);
        At(0) = default;
        _first = (_first + 1) & (_ring.Length - 1);
        _count--;
        _bytes -= entry.Cache.Layout.Size;
        return entry;
    }

    private void Grow()
    {
        var ring = new Entry[_ring.Length * 2];
        for (var i = 0; i < _count; i++)
            ring[i] = At(i);
        (_ring, _first) = (ring, 0);
    }
}
