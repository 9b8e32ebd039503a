using System;
using System.Collections.Generic;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
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
    // A tag is the first address with these in its low bits.
    private const ulong Valid = 0x80;
    private const ulong ShiftMask = 0x3f;

    private const ulong SpaceMask = 0xffff;
    private const ulong GuestMask = 0xffff_0000;
    private const ulong Global = 1UL << 63;
    private const int SerialShift = 32;

    // Whether the front has pages of the translation: the unprivileged's; the privileged's is the bit above.
    private const ulong InFrontOfUser = 1UL << 61;

    // Log2 of the pages that are quicker forgotten one by one than all together.
    private const int FewPages = 5;

    // Pinned: places come from a masked set and a way, so they are always inside, and are reached by pointers.
    private readonly ulong* _tags;
    private readonly ulong* _contexts;
    private readonly TlbEntry* _entries;
    private readonly Array[] _pinned;
    private readonly int _places;
    private readonly ushort[] _next;
    private readonly int[] _present = new int[64];
    private readonly int _ways;
    private readonly ulong _setMask;
    private int _used;
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
        _places = profile.Entries;
        var tags = GC.AllocateArray<ulong>(_places, pinned: true);
        var contexts = GC.AllocateArray<ulong>(_places, pinned: true);
        var entries = GC.AllocateArray<TlbEntry>(_places, pinned: true);
        // One entry more, so that the first can lie on a cache line.
        var front = GC.AllocateArray<FrontEntry>((2 * FrontEntry.Count) + 1, pinned: true);
        _pinned = [tags, contexts, entries, front];
        _tags = (ulong*)Unsafe.AsPointer(ref tags[0]);
        _contexts = (ulong*)Unsafe.AsPointer(ref contexts[0]);
        _entries = (TlbEntry*)Unsafe.AsPointer(ref entries[0]);
        Front = (FrontEntry*)(((nuint)Unsafe.AsPointer(ref front[0]) + 63) & ~(nuint)63);
        _next = new ushort[profile.Sets];
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
            for (var i = 0; i < _places; i++)
            {
                if (_tags[i] != 0)
                    entries.Add(_entries[i]);
            }
            Leave();
            return entries;
        }
    }

    /// <summary>The last number that <see cref="Fill"/> can keep.</summary>
    internal const uint LastSerial = (1 << 29) - 1;

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

    /// <summary>
    /// Invalidates an address in one address space, global translations included: what <see cref="Invalidate"/> does by <see cref="TlbScope.Address"/>, for whom each
    /// nanosecond counts. Inside <see cref="Enter"/>, or where one thread at a time has the TLB.
    /// </summary>
    internal void InvalidatePage(ulong address, ulong context)
    {
        _invalidations++;
        for (var sizes = _sizes; sizes != 0; sizes &= sizes - 1)
        {
            // Once as a rule; twice where one space's own translation and a global one were filled behind each other.
            while (FindIn(address, System.Numerics.BitOperations.TrailingZeroCount(sizes), context) is var at and >= 0)
            {
                Remove(at);
                _invalidated++;
            }
        }
    }

    /// <summary>What makes one address space's addresses differ from another's.</summary>
    internal static ulong ContextOf(ushort asid, ushort vmid) => asid | ((ulong)vmid << 16);

    /// <summary>What is kept in a word with the context: whether all address spaces have the translation, and the CPU's number for it.</summary>
    internal static ulong ContextBeside(bool isGlobal, uint serial) => ((ulong)serial << SerialShift) | (isGlobal ? Global : 0);

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
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal int Find(ulong address, ulong context)
    {
        if (Domain.IsWatching)
            return FindAndCompare(address, context);
        for (var sizes = _sizes; sizes != 0; sizes &= sizes - 1)
        {
            var at = FindIn(address, BitOperations.TrailingZeroCount(sizes), context);
            if (at >= 0)
                return at;
        }
        return -1;
    }

    // Looks on when it has found one: a second one is a bug of whoever did not invalidate.
    private int FindAndCompare(ulong address, ulong context)
    {
        var found = -1;
        for (var sizes = _sizes; sizes != 0; sizes &= sizes - 1)
        {
            var at = FindIn(address, BitOperations.TrailingZeroCount(sizes), context);
            if (at < 0)
                continue;
            if (found >= 0)
            {
                _conflicts++;
                ReportConflict(new VirtAddr(address), found, at);
                break;
            }
            found = at;
        }
        return found;
    }

    internal ref readonly TlbEntry At(int place) => ref _entries[place];

    /// <summary>The number that the CPU gave a translation.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal uint SerialOf(int place) => (uint)(_contexts[place] >> SerialShift) & LastSerial;

    internal void CountHit() => _hits++;

    internal void CountMiss() => _misses++;

    /// <summary>Puts a translation in, in the place of another one if its set is full. Inside <see cref="Enter"/>.</summary>
    /// <param name="entry">The translation.</param>
    /// <param name="serial">A number of the CPU's own, that it finds again at the place; 0 for none.</param>
    internal int Fill(in TlbEntry entry, uint serial = 0)
    {
        var place = MakeRoom(entry.First.Value, entry.Shift);
        _tags[place] = entry.First.Value | Valid | entry.Shift;
        _contexts[place] = ContextOf(entry.Asid, entry.Vmid) | ContextBeside(entry.Attributes.IsGlobal, serial);
        _entries[place] = entry;
        return place;
    }

    /// <summary><see cref="Fill"/> for a page that differs from another in its addresses and its space alone. Inside <see cref="Enter"/>.</summary>
    /// <param name="like">The other.</param>
    /// <param name="context">Its context, and what is beside it (<see cref="ContextBeside"/>).</param>
    /// <param name="first">The first address.</param>
    /// <param name="output">Where that is mapped.</param>
    /// <param name="asid">The address space.</param>
    /// <param name="vmid">The guest.</param>
    /// <returns>Its place.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal int FillLike(in TlbEntry like, ulong context, ulong first, ulong output, ushort asid, ushort vmid)
    {
        var place = MakeRoom(first, like.Shift);
        _tags[place] = first | Valid | like.Shift;
        _contexts[place] = context;
        // Where it shall be, so that nothing is put together first and read again at once.
        ref var entry = ref _entries[place];
        entry = like;
        entry.First = new VirtAddr(first);
        entry.Output = new PhysAddr(output);
        (entry.Asid, entry.Vmid) = (asid, vmid);
        return place;
    }

    // A place for a translation of an address, counted as one of its size.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int MakeRoom(ulong first, int shift)
    {
        var set = (int)((first >> shift) & _setMask);
        var start = set * _ways;
        if (_used != _places)
        {
            for (var place = start; place < start + _ways; place++)
            {
                if (_tags[place] != 0)
                    continue;
                Count(shift);
                return place;
            }
        }
        ref var next = ref _next[set];
        var victim = start + next;
        next = (ushort)(next + 1 == _ways ? 0 : next + 1);
        _evictions++;
        if ((_tags[victim] & ShiftMask) == FrontEntry.PageShift && shift == FrontEntry.PageShift)
        {
            // A page for a page, the usual case: as many as before.
            ForgetFrontPage(victim);
            return victim;
        }
        Remove(victim);
        Count(shift);
        return victim;
    }

    private void Count(int shift)
    {
        _used++;
        if (_present[shift]++ == 0)
            _sizes |= 1UL << shift;
    }

    /// <summary>Works out a page's answers. Inside <see cref="Enter"/>.</summary>
    /// <param name="place">Place of its translation.</param>
    /// <param name="privilege">Whose accesses.</param>
    /// <param name="page">The page, 4 KiB.</param>
    /// <param name="allowed">What the front shall answer.</param>
    /// <param name="host">Host address of its RAM.</param>
    /// <param name="output">Physical address of it.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void FillFront(int place, int privilege, ulong page, AccessRights allowed, nuint host, ulong output)
    {
        var front = Front + (((nint)privilege * FrontEntry.Count) + (nint)((page >> FrontEntry.PageShift) & (FrontEntry.Count - 1)));
        _hits += front->Hits;
        front->Hits = 0;
        front->Host = unchecked(host - (nuint)page);
        front->Output = unchecked(output - page);
        front->Read = (allowed & AccessRights.Read) != 0 ? page : FrontEntry.Never;
        front->Write = (allowed & AccessRights.Write) != 0 ? page : FrontEntry.Never;
        front->Fetch = (allowed & AccessRights.Execute) != 0 ? page : FrontEntry.Never;
        _contexts[place] |= InFrontOfUser << privilege;
        _frontUsed = true;
    }

    /// <summary>Takes a translation out. Inside <see cref="Enter"/>.</summary>
    internal void Remove(int place)
    {
        ref readonly var entry = ref _entries[place];
        if (entry.Shift > FrontEntry.PageShift + FewPages)
        {
            ForgetFront();
        }
        else
        {
            for (var i = 0UL; i < 1UL << (entry.Shift - FrontEntry.PageShift); i++)
                ForgetFrontPage(place, entry.First.Value + (i << FrontEntry.PageShift));
        }
        _tags[place] = 0;
        _used--;
        if (--_present[entry.Shift] == 0)
            _sizes &= ~(1UL << entry.Shift);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int FindIn(ulong address, int shift, ulong context)
    {
        var tag = (address & ~((1UL << shift) - 1)) | Valid | (uint)shift;
        var start = (int)((address >> shift) & _setMask) * _ways;
        if ((_ways & 3) == 0 && Vector256.IsHardwareAccelerated)
        {
            var tags = Vector256.Create(tag);
            for (var place = start; place < start + _ways; place += 4)
            {
                for (var equal = Vector256.Equals(Vector256.Load(_tags + place), tags).ExtractMostSignificantBits(); equal != 0; equal &= equal - 1)
                {
                    var at = place + BitOperations.TrailingZeroCount(equal);
                    if (IsOf(_contexts[at], context))
                        return at;
                }
            }
            return -1;
        }
        for (var place = start; place < start + _ways; place++)
        {
            if (_tags[place] == tag && IsOf(_contexts[place], context))
                return place;
        }
        return -1;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsOf(ulong entry, ulong context) => ((entry ^ context) & (unchecked((long)entry) < 0 ? GuestMask : GuestMask | SpaceMask)) == 0;

    private void InvalidateAddress(ulong address, in TlbScope scope)
    {
        for (var sizes = _sizes; sizes != 0; sizes &= sizes - 1)
        {
            var shift = BitOperations.TrailingZeroCount(sizes);
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
        for (var i = 0; i < _places; i++)
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

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void ForgetFrontPage(int place) => ForgetFrontPage(place, _tags[place] & ~(Valid | ShiftMask));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void ForgetFrontPage(int place, ulong page)
    {
        var at = (int)((page >> FrontEntry.PageShift) & (FrontEntry.Count - 1));
        if ((_contexts[place] & InFrontOfUser) != 0)
            ForgetIfOf(page, ref Front[at]);
        if ((_contexts[place] & (InFrontOfUser << 1)) != 0)
            ForgetIfOf(page, ref Front[FrontEntry.Count + at]);
    }

    // An entry that is another page's by now stays.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void ForgetIfOf(ulong page, ref FrontEntry front)
    {
        if (front.Read == page || front.Write == page || front.Fetch == page)
            Forget(ref front);
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
