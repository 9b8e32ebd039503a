using System.Runtime.CompilerServices;
using System.Threading;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Slab;
using KmemKit.Runtime.Tracking;

namespace KmemKit.Runtime.SlubDebug;

/// <summary>An object's whole way, between its user and the CPU's array, when nothing is wrong with it: in one piece, with neither lock nor report.</summary>
/// <remarks>
/// <para><see cref="Alloc"/> and <see cref="Free"/> do the same and say what is wrong; whatever is not as it should be is left to them, before anything was changed. They
/// cost several times as much, and not for what they look at: where a call may report, the caller is a structure that is stored for it and zeroed before.</para>
/// <para>So here the caller stays in two registers, and there is no call but the last thing that is done: nothing has to be kept over one.</para>
/// </remarks>
internal sealed unsafe partial class SlubChecks
{
    private readonly SiteTable _sites;
    private readonly KernelClock _clock;
    private readonly SlotPattern _slot;
    private readonly int _allocTrackAt;

    // Where what a request leaves of an object is red zone; -1 where the request is not kept.
    private readonly int _wholeRequest;

    // Nobody compared the poison: it is written again for who takes the object.
    private readonly bool _fillsPoison;

    /// <summary>Whether a cache's objects can go this way.</summary>
    public bool IsQuick => !_traces && (HasWord ? _isWide : _marks is not null) && _slot.IsKnown;

    /// <summary>Whether <see cref="Take"/> may be called: the caller is known, and no sample is due.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool CanTake(Cpu cpu, string file, int line, out uint site)
    {
        site = 0;
        return (!_tracks || _sites.TryFind(file, line, out site)) && Volatile.Read(ref ((ObjectCpu*)cpu.Objects)->Armed) == 0;
    }

    /// <summary>Takes an object of the CPU's array; from wherever there is one where it is empty or the object damaged.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void* Take(Cpu cpu, ObjectArray* array, GfpFlags flags, int requested, string file, int line, uint site)
    {
        Volatile.Write(ref array->Busy, 1);
        var left = unchecked(array->Count - 1);
        if ((left | -Volatile.Read(ref array->Draining)) < 0)
        {
            Volatile.Write(ref array->Busy, 0);
            return _cache.AllocLong(cpu, flags, requested, file, line);
        }
        var at = array->Stack[left];
        ObjectArray.Leave(array, left);
        if (_checks && !_slot.IsFree(at, HasWord ? *(ulong*)(at + _wordAt) : 0))
            return _cache.AllocInsteadOf(at, cpu, flags, requested, file, line);
        if (_tracks)
            _machine.WriteTrack(at + _allocTrackAt, cpu, site, _clock.Jiffies);
        if (_fillsPoison || (_wholeRequest >= 0 && requested != _wholeRequest))
            return Fill(at, requested);
        _slot.WriteActive(at);
        MarkTaken(at);
        return at;
    }

    /// <summary>Whether <see cref="Give"/> may be called: an allocated and whole object starts at an address on a slab of the cache, and the caller is known.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool CanGive(byte* at, string file, int line, out uint site)
    {
        site = 0;
        return (HasWord ? unchecked((nuint)(at - _ram)) < _readable && *(ulong*)(at + _wordAt) == WideWordOf(at) : _marks!.IsAllocated(at))
            && (!_checks || _slot.IsActive(at))
            && (!_tracks || _sites.TryFind(file, line, out site));
    }

    /// <summary>Frees an object into the CPU's array.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Give(Cpu cpu, ObjectArray* array, byte* at, uint site)
    {
        if (_tracks)
            _machine.WriteTrack(at + _allocTrackAt + sizeof(ObjectTrack), cpu, site, _clock.Jiffies);
        _slot.WriteFree(at);
        if (HasWord)
            *(ulong*)(at + _wordAt) = 0;
        else
            _marks!.Set(at, isAllocated: false);
        Volatile.Write(ref array->Busy, 1);
        var count = array->Count;
        if (Volatile.Read(ref array->Draining) == 0 && count < array->Capacity)
        {
            array->Stack[count] = at;
            ObjectArray.Leave(array, count + 1);
            return;
        }
        Volatile.Write(ref array->Busy, 0);
        _cache.Push(cpu, at);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void* Fill(byte* at, int requested)
    {
        _checker.Init(at, SlabPoison.RedActive, requested);
        MarkTaken(at);
        return at;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void MarkTaken(byte* at)
    {
        if (HasWord)
            *(ulong*)(at + _wordAt) = WideWordOf(at);
        else
            _marks!.Set(at, isAllocated: true);
    }
}
