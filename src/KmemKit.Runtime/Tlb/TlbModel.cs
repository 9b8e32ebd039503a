using System;
using System.Collections.Generic;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
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
public sealed unsafe partial class TlbModel
{
    // A tag is the first address with these in its low bits.
    private const ulong Valid = 0x80;
    private const ulong ShiftMask = 0x3f;

    private const ulong SpaceMask = 0xffff;
    private const ulong GuestMask = 0xffff_0000;
    private const ulong Global = 1UL << 63;
    private const int SerialShift = 32;

    // Nothing but addresses and space is kept at the place: all else is what the CPU taught for the number.
    private const ulong IsLike = 1UL << 60;

    // Pinned: places come from a masked set and a way, so they are always inside, and are reached by pointers.
    private readonly ulong* _tags;
    private readonly ulong* _contexts;
    private readonly ulong* _outputs;
    private readonly TlbEntry* _entries;
    private readonly Array[] _pinned;
    private readonly int _places;
    private readonly ushort* _next;
    private readonly int[] _present = new int[64];
    private readonly TlbEntry[] _likes = new TlbEntry[Likes];
    private readonly int _ways;
    private readonly ulong _setMask;
    private int _used;
    private ulong _sizes;
    private TlbGate _gate;
    private ulong _hits;
    private ulong _misses;
    private ulong _evictions;
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
        var outputs = GC.AllocateArray<ulong>(_places, pinned: true);
        var entries = GC.AllocateArray<TlbEntry>(_places, pinned: true);
        // One entry more, so that the first can lie on a cache line.
        var front = GC.AllocateArray<FrontEntry>((2 * FrontEntry.Count) + 1, pinned: true);
        var next = GC.AllocateArray<ushort>(profile.Sets, pinned: true);
        _pinned = [tags, contexts, outputs, entries, front, next];
        _tags = (ulong*)Unsafe.AsPointer(ref tags[0]);
        _contexts = (ulong*)Unsafe.AsPointer(ref contexts[0]);
        _outputs = (ulong*)Unsafe.AsPointer(ref outputs[0]);
        _next = (ushort*)Unsafe.AsPointer(ref next[0]);
        _entries = (TlbEntry*)Unsafe.AsPointer(ref entries[0]);
        Front = (FrontEntry*)(((nuint)Unsafe.AsPointer(ref front[0]) + 63) & ~(nuint)63);
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
            _gate.EnterFromOutside();
            var hits = _hits;
            for (var i = 0; i < 2 * FrontEntry.Count; i++)
                hits += Front[i].Hits;
            var statistics = new TlbStatistics(hits, _misses, _evictions, _invalidations, _invalidated, _conflicts);
            _gate.LeaveFromOutside();
            return statistics;
        }
    }

    /// <summary>The translations it holds now.</summary>
    public IReadOnlyList<TlbEntry> Entries
    {
        get
        {
            _gate.EnterFromOutside();
            var entries = new List<TlbEntry>();
            for (var i = 0; i < _places; i++)
            {
                if (_tags[i] != 0)
                    entries.Add(At(i));
            }
            _gate.LeaveFromOutside();
            return entries;
        }
    }

    /// <summary>The last number that <see cref="Fill"/> can keep.</summary>
    internal const uint LastSerial = (1 << 28) - 1;

    /// <summary>Numbers that differ in what is below this are of different kinds (<see cref="Learn"/>).</summary>
    internal const int Likes = 32;

    /// <summary>What makes one address space's addresses differ from another's.</summary>
    internal static ulong ContextOf(ushort asid, ushort vmid) => asid | ((ulong)vmid << 16);

    /// <summary>What is kept in a word with the context of a page of a kind: whether all address spaces have it, and the CPU's number for the kind.</summary>
    internal static ulong ContextOfLike(bool isGlobal, uint serial) => ContextBeside(isGlobal, serial) | IsLike;

    /// <summary>Keeps other threads' invalidations out while the CPU looks up, walks and fills.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Enter() => _gate.Enter();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Leave() => _gate.Leave();

    /// <summary>Place of an address's translation; -1 where there is none. Inside <see cref="Enter"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal int Find(ulong address, ulong context) => Domain.IsWatching ? FindAndCompare(address, context) : FindUnwatched(address, context);

    /// <summary><see cref="Find"/> where it is known that nobody watches.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal int FindUnwatched(ulong address, ulong context)
    {
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

    /// <summary>The translation at a place.</summary>
    internal TlbEntry At(int place)
    {
        var context = _contexts[place];
        return (context & IsLike) == 0 ? _entries[place] : _likes[SerialOf(place) % Likes] with
        {
            First = new VirtAddr(FirstOf(place)), Output = new PhysAddr(_outputs[place]), Asid = unchecked((ushort)context), Vmid = unchecked((ushort)(context >> 16)),
        };
    }

    /// <summary>Where a place's first address is mapped, less that address.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal ulong OffsetOf(int place) => unchecked(_outputs[place] - FirstOf(place));

    /// <summary>Teaches what translations of a number are like; what was known of another number in its place is written down where it is used. Inside <see cref="Enter"/>.</summary>
    internal void Learn(uint serial, in TlbEntry like)
    {
        for (var place = 0; place < _places; place++)
        {
            if (_tags[place] == 0 || (_contexts[place] & IsLike) == 0 || SerialOf(place) % Likes != serial % Likes)
                continue;
            _entries[place] = At(place);
            _contexts[place] &= ~IsLike;
        }
        _likes[serial % Likes] = like;
    }

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
        _outputs[place] = entry.Output.Value;
        _entries[place] = entry;
        return place;
    }

    /// <summary><see cref="Fill"/> for a page of a kind that was taught (<see cref="Learn"/>). Inside <see cref="Enter"/>.</summary>
    /// <param name="first">The first address.</param>
    /// <param name="shift">Log2 of its bytes.</param>
    /// <param name="context">Its context, and what is beside it (<see cref="ContextOfLike"/>).</param>
    /// <param name="output">Where it is mapped.</param>
    /// <returns>Its place.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal int FillLike(ulong first, int shift, ulong context, ulong output)
    {
        var place = MakeRoom(first, shift);
        _tags[place] = first | Valid | (uint)shift;
        _contexts[place] = context;
        _outputs[place] = output;
        return place;
    }

    // A place for a translation of an address, counted as one of its size.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int MakeRoom(ulong first, int shift)
    {
        var set = (int)((first >> shift) & _setMask);
        var start = set * _ways;
        if (_used != _places && FreePlace(start) is var free and >= 0)
        {
            Count(shift);
            return free;
        }
        var next = (int)_next[set];
        var victim = start + next++;
        _next[set] = (ushort)(next == _ways ? 0 : next);
        _evictions++;
        if ((_tags[victim] & ShiftMask) == (uint)shift && shift == FrontEntry.PageShift)
        {
            // A page for a page, the usual case: as many as before.
            ForgetFrontPageByOwner(victim);
            return victim;
        }
        Replace(victim, shift);
        return victim;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private int FreePlace(int start)
    {
        for (var place = start; place < start + _ways; place++)
        {
            if (_tags[place] == 0)
                return place;
        }
        return -1;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Replace(int victim, int shift)
    {
        Remove(victim);
        Count(shift);
    }

    // The first address of the translation at a place.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ulong FirstOf(int place) => _tags[place] & ~(Valid | ShiftMask);

    private static ulong ContextBeside(bool isGlobal, uint serial) => ((ulong)serial << SerialShift) | (isGlobal ? Global : 0);

    private void Count(int shift)
    {
        _used++;
        if (_present[shift]++ == 0)
            _sizes |= 1UL << shift;
    }

    /// <summary>Takes a translation out. Inside <see cref="Enter"/>.</summary>
    internal void Remove(int place)
    {
        var shift = (int)(_tags[place] & ShiftMask);
        ForgetFrontPages(place, shift);
        _tags[place] = 0;
        _used--;
        if (--_present[shift] == 0)
            _sizes &= ~(1UL << shift);
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

    private void ReportConflict(VirtAddr address, int one, int other) => Domain.Report(new TranslationBug(
        TranslationBugKind.Conflict, $"CPU {Number} holds two translations of {address}: {At(one)}; and {At(other)}.", Domain.Changes!.LastOf(address)));
}
