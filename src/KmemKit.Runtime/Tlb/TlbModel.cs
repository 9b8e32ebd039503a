using System;
using System.Collections.Generic;
using System.Runtime.CompilerServices;
using System.Threading;
using KmemKit.Architecture;

namespace KmemKit.Runtime.Tlb;

/// <summary>The TLB of a CPU: a set-associative array of translations of all leaf sizes, which are used until they are invalidated or make room, whatever the tables say by then.</summary>
/// <remarks>
/// <para>An address is looked up once for every size of leaf that is present, in the set that its page number at that size selects. In front of the array lies a
/// direct-mapped table of 4 KiB pages, of no architecture, in which an access finds its translation with one comparison (<see cref="FrontEntry"/>); it holds nothing
/// that the array does not hold, and its hits count as the array's.</para>
/// <para>The CPU's own thread looks up and fills; any thread may invalidate. Look-ups in the front take no lock: an access of another CPU that has begun
/// when an invalidation returns may still end with the old translation, that one and no later one.</para>
/// </remarks>
public sealed unsafe class TlbModel
{
    private const ulong Valid = 0x80;
    private const ulong SpaceMask = 0xffff;
    private const ulong GuestMask = 0xffff_0000;

    private readonly ulong[] _tags;
    private readonly ulong[] _contexts;
    private readonly TlbEntry[] _entries;
    private readonly ushort[] _next;
    private readonly int[] _present = new int[64];
    private readonly FrontEntry[] _frontMemory;
    private readonly int _ways;
    private readonly ulong _setMask;
    private ulong _sizes;
    private bool _frontUsed;
    private int _lock;
    private ulong _hits;
    private ulong _misses;
    private ulong _evictions;
    private ulong _invalidations;
    private ulong _invalidated;
    private ulong _conflicts;

    /// <summary>An empty TLB.</summary>
    /// <param name="profile">Its size.</param>
    /// <param name="domain">The CPUs that share tables with this one.</param>
    public TlbModel(TlbProfile profile, TlbDomain domain)
    {
        ArgumentNullException.ThrowIfNull(profile);
        ArgumentNullException.ThrowIfNull(domain);
        Profile = profile;
        Domain = domain;
        _ways = profile.Ways;
        _setMask = (ulong)profile.Sets - 1;
        _tags = new ulong[profile.Entries];
        _contexts = new ulong[profile.Entries];
        _entries = new TlbEntry[profile.Entries];
        _next = new ushort[profile.Sets];
        // Pinned, and one entry more, so that the first can lie on a cache line.
        _frontMemory = GC.AllocateArray<FrontEntry>((2 * FrontEntry.Count) + 1, pinned: true);
        Front = (FrontEntry*)(((nuint)Unsafe.AsPointer(ref _frontMemory[0]) + 63) & ~(nuint)63);
        ForgetFront();
        Number = domain.Add(this);
    }

    /// <summary>Its size.</summary>
    public TlbProfile Profile { get; }

    /// <summary>The CPUs that share tables with this one.</summary>
    public TlbDomain Domain { get; }

    /// <summary>Its CPU's number in the domain.</summary>
    public int Number { get; }

    /// <summary>What it did until now. Exact while its CPU is at rest.</summary>
    public TlbStatistics Statistics
    {
        get
        {
            Enter();
            var hits = _hits;
            for (var i = 0; i < 2 * FrontEntry.Count; i++)
                hits += Front[i].Hits;
            var statistics = new TlbStatistics(hits, _misses, _evictions, _invalidations, _invalidated, _conflicts);
            Leave();
            return statistics;
        }
    }

    /// <summary>The translations it holds now.</summary>
    public IReadOnlyList<TlbEntry> Entries
    {
        get
        {
            Enter();
            var entries = new List<TlbEntry>();
            for (var i = 0; i < _tags.Length; i++)
            {
                if (_tags[i] != 0)
                    entries.Add(_entries[i]);
            }
            Leave();
            return entries;
        }
    }

    /// <summary>Pages of both privileges, the unprivileged first.</summary>
    internal FrontEntry* Front { get; }

    /// <summary>Invalidates on this CPU alone.</summary>
    public void Invalidate(in TlbScope scope)
    {
        Enter();
        _invalidations++;
        if (_sizes != 0)
        {
            if (scope.First is { } first && scope.Last == first)
                InvalidateAddress(first.Value, scope);
            else
                InvalidateAll(scope);
        }
        Domain.Changes?.Invalidated(Number, scope);
        Leave();
    }

    /// <summary>What makes one address space's addresses differ from another's.</summary>
    internal static ulong ContextOf(ushort asid, ushort vmid) => asid | ((ulong)vmid << 16);

    /// <summary>The CPU works in another address space, or under other controls: the answers that were worked out do not hold any longer.</summary>
    internal void DropFront()
    {
        Enter();
        ForgetFront();
        Leave();
    }

    /// <summary>Keeps other threads' invalidations out while the CPU looks up, walks and fills.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Enter()
    {
        if (Interlocked.CompareExchange(ref _lock, 1, 0) != 0)
            EnterSlowly();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Leave() => Volatile.Write(ref _lock, 0);

    /// <summary>Place of an address's translation; -1 where there is none. Inside <see cref="Enter"/>.</summary>
    internal int Find(ulong address, ulong context)
    {
        var found = -1;
        for (var sizes = _sizes; sizes != 0; sizes &= sizes - 1)
        {
            var shift = System.Numerics.BitOperations.TrailingZeroCount(sizes);
            var at = FindIn(address, shift, context);
            if (at < 0)
                continue;
            if (found >= 0)
            {
                _conflicts++;
                if (Domain.IsWatching)
                    ReportConflict(new VirtAddr(address), found, at);
                break;
            }
            found = at;
            if (!Domain.IsWatching)
                break;
        }
        return found;
    }

    internal ref readonly TlbEntry At(int place) => ref _entries[place];

    internal void CountHit() => _hits++;

    internal void CountMiss() => _misses++;

    /// <summary>Puts a translation in, in the place of another one if its set is full. Inside <see cref="Enter"/>.</summary>
    internal int Fill(in TlbEntry entry)
    {
        var set = (int)((entry.First.Value >> entry.Shift) & _setMask);
        var start = set * _ways;
        var place = -1;
        for (var way = 0; way < _ways; way++)
        {
            if (_tags[start + way] != 0)
                continue;
            place = start + way;
            break;
        }
        if (place < 0)
        {
            place = start + _next[set];
            _next[set] = (ushort)((_next[set] + 1) % _ways);
            _evictions++;
            Remove(place);
        }
        _tags[place] = entry.First.Value | Valid | entry.Shift;
        _contexts[place] = ContextOf(entry.Asid, entry.Vmid) | (entry.Attributes.IsGlobal ? 1UL << 63 : 0);
        _entries[place] = entry;
        if (_present[entry.Shift]++ == 0)
            _sizes |= 1UL << entry.Shift;
        return place;
    }

    /// <summary>Works out a page's answers. Inside <see cref="Enter"/>.</summary>
    internal void FillFront(int privilege, ulong page, AccessRights allowed, nuint host, ulong output)
    {
        ref var front = ref Front[(privilege * FrontEntry.Count) + (int)((page >> FrontEntry.PageShift) & (FrontEntry.Count - 1))];
        _hits += front.Hits;
        front.Hits = 0;
        front.Host = unchecked(host - (nuint)page);
        front.Output = unchecked(output - page);
        front.Read = (allowed & AccessRights.Read) != 0 ? page : FrontEntry.Never;
        front.Write = (allowed & AccessRights.Write) != 0 ? page : FrontEntry.Never;
        front.Fetch = (allowed & AccessRights.Execute) != 0 ? page : FrontEntry.Never;
        _frontUsed = true;
    }

    /// <summary>Takes a translation out. Inside <see cref="Enter"/>.</summary>
    internal void Remove(int place)
    {
        ref readonly var entry = ref _entries[place];
        if (entry.Shift > FrontEntry.PageShift)
            ForgetFront();
        else
            ForgetFrontPage(entry.First.Value);
        _tags[place] = 0;
        if (--_present[entry.Shift] == 0)
            _sizes &= ~(1UL << entry.Shift);
    }

    private int FindIn(ulong address, int shift, ulong context)
    {
        var tag = (address & ~((1UL << shift) - 1)) | Valid | (uint)shift;
        var start = (int)((address >> shift) & _setMask) * _ways;
        var tags = _tags.AsSpan(start, _ways);
        for (var way = 0; way < tags.Length; way++)
        {
            if (tags[way] == tag && IsOf(_contexts[start + way], context))
                return start + way;
        }
        return -1;
    }

    private static bool IsOf(ulong entry, ulong context) => ((entry ^ context) & (unchecked((long)entry) < 0 ? GuestMask : GuestMask | SpaceMask)) == 0;

    private void InvalidateAddress(ulong address, in TlbScope scope)
    {
        for (var sizes = _sizes; sizes != 0; sizes &= sizes - 1)
        {
            var shift = System.Numerics.BitOperations.TrailingZeroCount(sizes);
            var tag = (address & ~((1UL << shift) - 1)) | Valid | (uint)shift;
            var start = (int)((address >> shift) & _setMask) * _ways;
            for (var way = 0; way < _ways; way++)
            {
                if (_tags[start + way] == tag)
                    RemoveIfReached(start + way, scope);
            }
        }
    }

    private void InvalidateAll(in TlbScope scope)
    {
        for (var i = 0; i < _tags.Length; i++)
        {
            if (_tags[i] != 0)
                RemoveIfReached(i, scope);
        }
    }

    private void RemoveIfReached(int place, in TlbScope scope)
    {
        ref readonly var entry = ref _entries[place];
        if (!scope.Reaches(entry.First, entry.Last, entry.Asid, entry.Attributes.IsGlobal, entry.Vmid))
            return;
        Remove(place);
        _invalidated++;
    }

    private void ForgetFrontPage(ulong page)
    {
        if (!_frontUsed)
            return;
        var at = (int)((page >> FrontEntry.PageShift) & (FrontEntry.Count - 1));
        Forget(ref Front[at]);
        Forget(ref Front[FrontEntry.Count + at]);
    }

    private void ForgetFront()
    {
        if (!_frontUsed && Front->Read == FrontEntry.Never)
            return;
        _frontUsed = false;
        for (var i = 0; i < 2 * FrontEntry.Count; i++)
            Forget(ref Front[i]);
    }

    private void Forget(ref FrontEntry front)
    {
        _hits += front.Hits;
        front.Hits = 0;
        Volatile.Write(ref front.Read, FrontEntry.Never);
        Volatile.Write(ref front.Write, FrontEntry.Never);
        Volatile.Write(ref front.Fetch, FrontEntry.Never);
    }

    private void ReportConflict(VirtAddr address, int one, int other) => Domain.Report(new TranslationBug(
        TranslationBugKind.Conflict, $"CPU {Number} holds two translations of {address}: {_entries[one]}; and {_entries[other]}.", Domain.Changes!.LastOf(address)));

    private void EnterSlowly()
    {
        var spinner = new SpinWait();
        while (Interlocked.CompareExchange(ref _lock, 1, 0) != 0)
            spinner.SpinOnce();
    }
}
