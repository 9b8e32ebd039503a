using System.Runtime.CompilerServices;
using System.Threading;
using KmemKit.Runtime.Slab;

namespace KmemKit.Runtime.Tracking;

/// <summary>Numbers for call sites, so that a track in simulated RAM holds one in four bytes.</summary>
/// <remarks>
/// No stack is walked. A caller's file and line come from the compiler as literals, so a site is known by the reference of its file and its line: looking one
/// up costs a look into a table of the 4096 most recent ones and allocates only when a site is new. Sites are entered for ever: there are as many as lines
/// of code that allocate. Threads may ask at once.
/// </remarks>
public sealed class SiteTable
{
    private const int RecentSites = 4096;

    private readonly Lock _lock = new();
    private readonly Entry?[] _recent = new Entry?[RecentSites];
    private readonly System.Collections.Generic.Dictionary<AllocationSite, Entry> _known = [];
    private Entry[] _entries = new Entry[64];
    private uint _count;

    /// <summary>The number of a site, from 1; 0 for one that nobody named.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public uint NumberOf(AllocationSite site)
    {
        var slot = unchecked((((uint)site.Line + 1) * 0x9E3779B1u) ^ ((uint)(site.File?.Length ?? 0) * 0x85EBCA6Bu)) >> 20;
        var recent = Volatile.Read(ref _recent[slot]);
        return recent is not null && recent.Site.Line == site.Line && ReferenceEquals(recent.Site.File, site.File) ? recent.Number : Enter(slot, site);
    }

    /// <summary>The site of a number; the unknown one for 0 and for numbers never given.</summary>
    public AllocationSite SiteOf(uint number)
    {
        lock (_lock)
            return number != 0 && number <= _count ? _entries[number - 1].Site : default;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private uint Enter(uint slot, AllocationSite site)
    {
        if (string.IsNullOrEmpty(site.File))
            return 0;
        lock (_lock)
        {
            if (!_known.TryGetValue(site, out var entry))
            {
                entry = new Entry(site, ++_count);
                if (_count > _entries.Length)
                    System.Array.Resize(ref _entries, _entries.Length * 2);
                _entries[_count - 1] = entry;
                _known.Add(site, entry);
            }
            // With this caller's string: an equal one of another assembly is another object.
            Volatile.Write(ref _recent[slot], new Entry(site, entry.Number));
            return entry.Number;
        }
    }

    private sealed record Entry(AllocationSite Site, uint Number);
}
