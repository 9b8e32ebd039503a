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
    public uint NumberOf(AllocationSite site) => NumberOf(site.File, site.Line);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private uint NumberOf(string? file, int line)
    {
        var slot = SlotOf(file, line);
        var recent = Volatile.Read(ref _recent[slot]);
        return recent is not null && recent.Line == line && ReferenceEquals(recent.File, file) ? recent.Number : Enter(slot, file, line)?.Number ?? 0;
    }

    /// <summary>The same without a call.</summary>
    /// <returns>False for a site that is not among the recent ones, which <see cref="NumberOf(AllocationSite)"/> puts there.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal bool TryFind(string? file, int line, out uint number)
    {
        number = 0;
        if (file is null || file.Length == 0)
            return true;
        var recent = Volatile.Read(ref _recent[SlotOf(file, line)]);
        if (recent is null || recent.Line != line || !ReferenceEquals(recent.File, file))
            return false;
        number = recent.Number;
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint SlotOf(string? file, int line) =>
        unchecked((((uint)line + 1) * 0x9E3779B1u) ^ ((uint)(file?.Length ?? 0) * 0x85EBCA6Bu)) >> 20;

    /// <summary>The site of a number; the unknown one for 0 and for numbers never given.</summary>
    public AllocationSite SiteOf(uint number)
    {
        lock (_lock)
            return number != 0 && number <= _count ? _entries[number - 1].Site : default;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private Entry? Enter(uint slot, string? file, int line)
    {
        if (string.IsNullOrEmpty(file))
            return null;
        var site = new AllocationSite(file, line);
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
            var recent = new Entry(site, entry.Number);
            Volatile.Write(ref _recent[slot], recent);
            return recent;
        }
    }

    private sealed class Entry(AllocationSite site, uint number)
    {
        public readonly string File = site.File;
        public readonly int Line = site.Line;
        public readonly uint Number = number;

        public AllocationSite Site => new(File, Line);
    }
}
