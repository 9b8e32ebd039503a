using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using KmemKit.Runtime.Slab;
using KmemKit.Runtime.Tracking;

namespace KmemKit.Runtime.SlubDebug;

/// <summary>Fills and compares the bytes of slots (init_object, check_object, restore_bytes, mm/slub.c). Knows memory and a layout, no slab and no report.</summary>
internal sealed unsafe class SlabObjectChecker
{
    private const ulong LastPoison = 0xa56b6b6b6b6b6b6b;

    private readonly int _size;
    private readonly int _left;
    private readonly int _inUse;
    private readonly int _padding;
    private readonly int _slotEnd;
    private readonly int _tracks;
    private readonly int _original;
    private readonly bool _zones;
    private readonly bool _poisons;

    private readonly bool _pads;
    private readonly SlotPattern _slot;

    /// <summary>A checker of a cache.</summary>
    /// <param name="layout">Where things are.</param>
    /// <param name="flags">What is filled and checked.</param>
    /// <param name="keepsContents">The cache has a constructor or is SLAB_TYPESAFE_BY_RCU: its free objects are not poisoned (__OBJECT_POISON).</param>
    public SlabObjectChecker(ObjectLayout layout, SlabFlags flags, bool keepsContents)
    {
        _size = layout.ObjectSize;
        _left = layout.RedLeftPad;
        _inUse = layout.Inuse;
        _padding = layout.PaddingAt;
        _slotEnd = layout.Size - layout.RedLeftPad;
        _tracks = layout.TracksAt;
        _original = layout.OriginalSizeAt;
        _zones = (flags & SlabFlags.RedZone) != 0;
        _pads = (flags & SlabFlags.Poison) != 0;
        _poisons = _pads && !keepsContents;
        _slot = new SlotPattern(layout, flags, _poisons);
    }

    public bool HasTracks => _tracks >= 0;

    /// <summary>What is compared as a whole; of no use where the slot is not known by words (<see cref="SlotPattern.IsKnown"/>).</summary>
    public SlotPattern Slot => _slot;

    /// <summary>Free objects hold poison.</summary>
    public bool Poisons => _poisons;

    /// <summary>Makes all of a new slab padding (setup_slab_debug).</summary>
    public void InitSlab(byte* first, long bytes)
    {
        if (_pads)
            NativeMemory.Fill(first, (nuint)bytes, SlabPoison.InUse);
    }

    /// <summary>The object's bytes and zones as they are while it is allocated or free.</summary>
    /// <param name="at">The object.</param>
    /// <param name="red"><see cref="SlabPoison.RedActive"/> or <see cref="SlabPoison.RedInactive"/>.</param>
    /// <param name="used">Bytes of it that the caller asked for: what follows is red zone as well. The whole object while it is free.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Init(byte* at, byte red, int used)
    {
        if (_original >= 0)
            Unsafe.WriteUnaligned(at + _original, (uint)used);
        var size = _original >= 0 ? used : _size;
        if (_zones)
        {
            BytePattern.Fill(at - _left, _left, red);
            BytePattern.Fill(at + size, _inUse - size, red);
        }
        if (_poisons && size > 0)
            Poison(at, size);
    }

    /// <summary>The bytes that a caller asked for become more or fewer; what it holds stays.</summary>
    public void Resize(byte* at, int used)
    {
        if (_original < 0)
            return;
        var before = (int)Unsafe.ReadUnaligned<uint>(at + _original);
        Unsafe.WriteUnaligned(at + _original, (uint)used);
        if (_zones && used < before)
            new Span<byte>(at + used, Math.Min(before, _size) - used).Fill(SlabPoison.RedActive);
    }

    /// <summary>What <see cref="Init"/> does to an object that <see cref="Check"/> has just found free and whole: its poison is there already.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void InitChecked(byte* at, int used)
    {
        if (_original >= 0 && used != _size)
        {
            Init(at, SlabPoison.RedActive, used);
            return;
        }
        if (_slot.IsKnown)
        {
            _slot.WriteActive(at);
            return;
        }
        if (_original >= 0)
            Unsafe.WriteUnaligned(at + _original, (uint)used);
        if (!_zones)
            return;
        BytePattern.Fill(at - _left, _left, SlabPoison.RedActive);
        BytePattern.Fill(at + _size, _inUse - _size, SlabPoison.RedActive);
    }

    /// <summary>What <see cref="Init"/> does to an object that becomes free.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void InitFree(byte* at)
    {
        if (_slot.IsKnown)
            _slot.WriteFree(at);
        else
            Init(at, SlabPoison.RedInactive, _size);
    }

    /// <summary>Whether a free object is whole.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool IsWholeFree(byte* at) => _slot.IsKnown ? _slot.IsFree(at, 0) : Check(at, SlabPoison.RedInactive).Kind == ObjectFaultKind.None;

    /// <summary>Whether an allocated object is whole.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool IsWholeActive(byte* at) => _slot.IsKnown ? _slot.IsActive(at) : Check(at, SlabPoison.RedActive).Kind == ObjectFaultKind.None;

    public ref ObjectTrack AllocTrack(byte* at) => ref *(ObjectTrack*)(at + _tracks);

    public ref ObjectTrack FreeTrack(byte* at) => ref *((ObjectTrack*)(at + _tracks) + 1);

    /// <summary>The first fault of an object, in the kernel's order.</summary>
    public ObjectFault Check(byte* at, byte red)
    {
        if (_zones)
        {
            if (!BytePattern.IsAll(at - _left, _left, red) || !BytePattern.IsAll(at + _size, _inUse - _size, red))
                return ZoneFault(at, red);
            if (_original >= 0 && red == SlabPoison.RedActive && OriginalFault(at) is { Kind: not ObjectFaultKind.None } asked)
                return asked;
        }
        else if (_pads && _inUse > _size)
        {
            var fault = Differs(at, _size, _inUse, SlabPoison.InUse, ObjectFaultKind.AlignmentPadding);
            if (fault.Kind != ObjectFaultKind.None)
                return fault;
        }
        if (!_pads)
            return default;
        if (_poisons && red == SlabPoison.RedInactive && !IsPoisoned(at, _size))
        {
            var fault = Differs(at, 0, _size - 1, SlabPoison.Free, ObjectFaultKind.Poison);
            return fault.Kind != ObjectFaultKind.None ? fault : new ObjectFault(ObjectFaultKind.Poison, _size - 1, _size, SlabPoison.End);
        }
        return BytePattern.IsAll(at + _padding, _slotEnd - _padding, SlabPoison.InUse)
            ? default
            : Differs(at, _padding, _slotEnd, SlabPoison.InUse, ObjectFaultKind.ObjectPadding);
    }

    /// <summary>Whether the zone in front of an object is so; false where there is none.</summary>
    public bool IsLeftZone(byte* at, byte red) => _zones && _left > 0 && BytePattern.IsAll(at - _left, _left, red);

    public static void Restore(byte* at, in ObjectFault fault) => new Span<byte>(At(at, fault.First), fault.End - fault.First).Fill(fault.Expected);

    /// <summary>A byte at an offset that may be negative, which the checked arithmetic of pointers does not take.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte* At(byte* at, nint offset) => unchecked(at + offset);

    // From the first to the last byte that differs: what lies between may be as it was (check_bytes_and_report).
    internal static ObjectFault Differs(byte* at, int from, int to, byte expected, ObjectFaultKind kind)
    {
        var bytes = new ReadOnlySpan<byte>(At(at, from), to - from);
        var first = bytes.IndexOfAnyExcept(expected);
        return first < 0 ? default : new ObjectFault(kind, from + first, from + bytes.LastIndexOfAnyExcept(expected) + 1, expected);
    }

    private ObjectFault OriginalFault(byte* at)
    {
        var used = Unsafe.ReadUnaligned<uint>(at + _original);
        return used < (uint)_size ? Differs(at, (int)used, _size, SlabPoison.RedActive, ObjectFaultKind.RequestedRedZone) : default;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private ObjectFault ZoneFault(byte* at, byte red)
    {
        var left = Differs(at, -_left, 0, red, ObjectFaultKind.LeftRedZone);
        return left.Kind != ObjectFaultKind.None ? left : Differs(at, _size, _inUse, red, ObjectFaultKind.RightRedZone);
    }

    // The last word has the end's byte on top: a store of its own would be in the way of the comparison.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Poison(byte* at, int size)
    {
        if (size >= sizeof(ulong))
        {
            BytePattern.Fill(at, size - sizeof(ulong), SlabPoison.Free);
            Unsafe.WriteUnaligned(at + size - sizeof(ulong), LastPoison);
            return;
        }
        BytePattern.Fill(at, size - 1, SlabPoison.Free);
        at[size - 1] = SlabPoison.End;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsPoisoned(byte* at, int size) => size >= sizeof(ulong)
        ? BytePattern.IsAll(at, size - sizeof(ulong), SlabPoison.Free) && Unsafe.ReadUnaligned<ulong>(at + size - sizeof(ulong)) == LastPoison
        : BytePattern.IsAll(at, size - 1, SlabPoison.Free) && at[size - 1] == SlabPoison.End;
}
