using System;
using System.Runtime.CompilerServices;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Slab;
using KmemKit.Runtime.Tracking;

namespace KmemKit.Runtime.SlubDebug;

/// <summary>The work of <c>slub_debug</c> on one cache: what is done to its objects on each call (alloc_debug_processing, free_debug_processing, mm/slub.c).</summary>
/// <remarks>
/// <para>What is filled in when depends on the flags alone; it is compared only with <see cref="SlabFlags.ConsistencyChecks"/>, as since 4.6. After a
/// report the damaged bytes are restored. An allocation then gives up the whole slab and takes another; a free leaves the object allocated.</para>
/// <para>The word behind the object, the kernel's free pointer, says whether the object is free: 0 while it is, while it is allocated a number that follows
/// from its address. So one comparison shows that an address is an allocated object's first byte and that nobody wrote over the word; only when it fails the
/// slab is looked up and the reason found. <c>F</c> alone adds nothing to an object: a map beside RAM says it then (<see cref="ObjectMarks"/>). Where that does not fit, and
/// for <c>T</c> alone, the allocator is asked.</para>
/// <para>Nobody else has the object meanwhile: no lock is needed.</para>
/// </remarks>
internal sealed unsafe partial class SlubChecks
{
    private readonly MachineState _machine;
    private readonly KmemCache _cache;
    private readonly SlabObjectChecker _checker;
    private readonly bool _checks;
    private readonly bool _traces;
    private readonly bool _tracks;
    private readonly int _size;
    private readonly int _wordAt;
    private readonly bool _isWide;
    private readonly byte* _ram;
    private readonly nuint _readable;
    private readonly ObjectMarks? _marks;

    public SlubChecks(MachineState machine, KmemCache cache)
    {
        _machine = machine;
        (_sites, _clock) = (machine.Sites, machine.Clock);
        _cache = cache;
        _checker = new SlabObjectChecker(cache.Layout, cache.Flags, cache.KeepsContents);
        _checks = (cache.Flags & SlabFlags.ConsistencyChecks) != 0;
        _traces = (cache.Flags & SlabFlags.Trace) != 0;
        _tracks = _checker.HasTracks;
        _slot = _checker.Slot;
        _allocTrackAt = cache.Layout.TracksAt;
        _wholeRequest = cache.Layout.OriginalSizeAt >= 0 ? cache.Layout.ObjectSize : -1;
        _fillsPoison = _checker.Poisons && !_checks;
        _size = cache.Layout.ObjectSize;
        _wordAt = cache.Layout.FreePointerAt;
        _isWide = cache.Allocator.WordSize == 8;
        _ram = cache.Allocator.Ram.Base;
        // Any address on a slab may be freed; the word of the last ones would be beyond RAM.
        var reach = (nuint)Math.Max(0, _wordAt) + sizeof(ulong);
        _readable = cache.Allocator.Ram.Span > reach ? cache.Allocator.Ram.Span - reach : 0;
        if (!HasWord && _checks && ObjectMarks.Fits(cache.Layout.Size, cache.Layout.Align))
            _marks = machine.Marks;
    }

    /// <summary>Whether objects say by themselves if they are free.</summary>
    public bool HasWord => _wordAt >= 0;

    /// <summary>A new slab: all of it padding, its objects free.</summary>
    public void SlabCreated(in SlabView slab)
    {
        // What SLAB keeps in front of the first object is not ours.
        _checker.InitSlab(slab.First, slab.Bytes - (slab.First - slab.Start));
        for (var i = 0; i < slab.Objects; i++)
        {
            var at = slab.ObjectAt(i);
            _checker.Init(at, SlabPoison.RedInactive, _size);
            if (_tracks)
            {
                _checker.AllocTrack(at) = default;
                _checker.FreeTrack(at) = default;
            }
            if (HasWord)
                WriteWord(at, 0);
        }
    }

    /// <summary>A slab goes back: its padding and its free objects are looked at for the last time.</summary>
    public void SlabDestroyed(Cpu cpu, in SlabView slab)
    {
        if (_checks)
            CheckSlab(cpu, slab, default, default);
    }

    /// <summary>Whether an object may be given out; it is made ready then.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Alloc(Cpu cpu, byte* at, int requested, AllocationSite site)
    {
        if (_checks)
        {
            if (!_checker.IsWholeFree(at) || (HasWord && ReadWord(at) != 0))
            {
                ReportAlloc(cpu, at, _checker.Check(at, SlabPoison.RedInactive), site);
                return false;
            }
        }
        if (_tracks)
            _checker.AllocTrack(at) = _machine.Track(cpu, site);
        if (_traces)
            Trace(at, isAllocation: true);
        if (_checks)
            _checker.InitChecked(at, requested);
        else
            _checker.Init(at, SlabPoison.RedActive, requested);
        if (HasWord)
            WriteWord(at, WordOf(at));
        else
            _marks?.Set(at, isAllocated: true);
        return true;
    }

    /// <summary>Whether an object becomes free; it is poisoned then.</summary>
    /// <param name="cpu">The CPU.</param>
    /// <param name="address">What is freed, on a slab of the cache.</param>
    /// <param name="isFree">For a cache without the word: whether the slot is free.</param>
    /// <param name="site">The caller.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Free(Cpu cpu, void* address, bool isFree, AllocationSite site)
    {
        var at = (byte*)address;
        if (!IsAllocated(at) && !IsFreeable(cpu, at, isFree, site))
            return false;
        if (_checks && !_checker.IsWholeActive(at))
        {
            ReportFree(cpu, at, _checker.Check(at, SlabPoison.RedActive), site);
            return false;
        }
        if (_tracks)
            _checker.FreeTrack(at) = _machine.Track(cpu, site);
        if (_traces)
            Trace(at, isAllocation: false);
        _checker.InitFree(at);
        if (HasWord)
            WriteWord(at, 0);
        else
            _marks?.Set(at, isAllocated: false);
        return true;
    }

    /// <summary>Whether an object says of itself that it is free: also where its slab was given up after a report, of which the allocator counts every object as used.</summary>
    public bool IsFree(byte* at) => HasWord && ReadWord(at) == 0;

    /// <summary>An object's owner may use more or fewer bytes of it.</summary>
    public void Resized(byte* at, int size) => _checker.Resize(at, size);

    /// <summary>Checks all objects and the padding of a slab (validate_slab). Nobody may use the slab meanwhile.</summary>
    /// <param name="cpu">Who checks.</param>
    /// <param name="slab">The slab.</param>
    /// <param name="live">The slots that are not free, as the allocator knows it; not needed where objects have the word.</param>
    /// <param name="site">The caller.</param>
    public void CheckSlab(Cpu cpu, in SlabView slab, ReadOnlySpan<int> live, AllocationSite site)
    {
        CheckSlabPadding(cpu, slab, site);
        for (var i = 0; i < slab.Objects; i++)
        {
            var at = slab.ObjectAt(i);
            var red = (HasWord ? ReadWord(at) != 0 : live.Contains(i)) ? SlabPoison.RedActive : SlabPoison.RedInactive;
            // Each fault hides the next: all of them are found, as each is restored.
            for (var fault = _checker.Check(at, red); fault.Kind != ObjectFaultKind.None; fault = _checker.Check(at, red))
                ReportDamage(cpu, at, fault, site, null);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool IsAllocated(byte* at) => HasWord
        ? unchecked((nuint)(at - _ram)) < _readable && ReadWord(at) == WordOf(at)
        : _marks is { } marks && marks.IsAllocated(at);

    // Why the word is not an allocated object's: reported, unless it is one all the same.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool IsFreeable(Cpu cpu, byte* at, bool isFree, AllocationSite site)
    {
        if (!_cache.Allocator.FindSlab(at, out var slab) || slab.IndexOf(at, out var offset) < 0 || offset != 0)
        {
            ReportInvalid(cpu, at, site);
            return false;
        }
        if (HasWord)
        {
            var word = ReadWord(at);
            if (word == WordOf(at))
                return true;
            // Someone may have written zeroes all over it; the zone in front of the object would still be an allocated one's.
            isFree = word == 0 && !_checker.IsLeftZone(at, SlabPoison.RedActive);
        }
        else if (_marks is not null)
        {
            isFree = true;
        }
        if (isFree)
        {
            ReportObject(SlabReportKind.ObjectAlreadyFree, "Object already free", cpu, at, site, NotFreed(at));
            return false;
        }
        if (!HasWord)
            return true;
        var fault = _checks ? _checker.Check(at, SlabPoison.RedActive) : default;
        if (fault.Kind != ObjectFaultKind.None)
            ReportFree(cpu, at, fault, site);
        else
            ReportObject(SlabReportKind.FreePointerCorrupt, "Freepointer corrupt", cpu, at, site, NotFreed(at));
        WriteWord(at, WordOf(at));
        return false;
    }

    // Never 0, and different for any two objects of a slab.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ulong WordOf(byte* at) => _isWide ? WideWordOf(at) : (uint)(Mixed(at) >> 32) | 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ulong WideWordOf(byte* at) => Mixed(at) | 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ulong Mixed(byte* at) => unchecked((ulong)(at - _ram) * 0x9E3779B97F4A7C15);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ulong ReadWord(byte* at) => _isWide ? Unsafe.ReadUnaligned<ulong>(at + _wordAt) : Unsafe.ReadUnaligned<uint>(at + _wordAt);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void WriteWord(byte* at, ulong word)
    {
        if (_isWide)
            Unsafe.WriteUnaligned(at + _wordAt, word);
        else
            Unsafe.WriteUnaligned(at + _wordAt, unchecked((uint)word));
    }
}
