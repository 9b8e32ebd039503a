using System;
using System.Runtime.CompilerServices;
using System.Threading;
using KmemKit.Runtime.Buddy;

namespace KmemKit.Runtime.Slab;

/// <summary>Freeing.</summary>
public sealed unsafe partial class KmemCache
{
    /// <summary>Gives an object back (<c>kmem_cache_free</c>). Null is ignored.</summary>
    /// <param name="cpu">The CPU that the caller runs on; any may free what another allocated.</param>
    /// <param name="item">The object.</param>
    /// <param name="file">The caller: leave it to the compiler.</param>
    /// <param name="line">The caller: leave it to the compiler.</param>
    /// <exception cref="ObjectErrorException">The address is not on a slab of this cache, and no debugger reported it. Nothing changed.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Free(Cpu cpu, void* item, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        var offset = unchecked((nuint)((byte*)item - _base));
        if (offset < _span && _owners[offset >> _pageShift] == _id)
        {
            var array = (ObjectArray*)(cpu.Objects + _arrayAt);
            Volatile.Write(ref array->Busy, 1);
            var count = array->Count;
            if ((uint)count < (uint)Volatile.Read(ref array->Limit))
            {
                array->Stack[count] = (byte*)item;
                ObjectArray.Leave(array, count + 1);
                return;
            }
            Volatile.Write(ref array->Busy, 0);
        }
        FreeSlow(cpu, item, file, line);
    }

    /// <summary>Gives many objects back (<c>kmem_cache_free_bulk</c>).</summary>
    /// <param name="cpu">The CPU.</param>
    /// <param name="items">The objects; nulls are ignored.</param>
    /// <param name="file">The caller: leave it to the compiler.</param>
    /// <param name="line">The caller: leave it to the compiler.</param>
    /// <exception cref="ObjectErrorException">As for <see cref="Free"/>; the objects before the wrong one are free.</exception>
    public void FreeBulk(Cpu cpu, ReadOnlySpan<nint> items, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        ArgumentNullException.ThrowIfNull(cpu);
        foreach (var item in items)
            Free(cpu, (void*)item, file, line);
    }

    /// <summary>Frees an object that the debugger kept (<see cref="FreeVerdict.Keep"/>): no hook sees it again.</summary>
    /// <param name="cpu">The CPU.</param>
    /// <param name="item">The object.</param>
    /// <exception cref="ObjectErrorException">It is not an allocated object of this cache.</exception>
    public void Release(Cpu cpu, void* item)
    {
        ArgumentNullException.ThrowIfNull(cpu);
        if (!Allocator.Ram.TryIndex(item, out var page) || (Allocator.Ram.OwnerOf(page) & ~PageOwner.Small) != _id)
            throw new ObjectErrorException(ObjectErrorKind.NotAnObject, $"{Allocator.Describe(item)} is not on a slab of {Name}.");
        if (IsCheckedAlone)
        {
            Push(cpu, (byte*)item);
            return;
        }
        var head = _slabs.HeadOf(page);
        ZoneLock.Acquire(ref _slabs.Lock);
        var index = _slabs.ViewOf(head).IndexOf(item, out var offset);
        var isObject = index >= 0 && offset == 0 && !_slabs.IsFree(head, index);
        var empty = isObject ? _slabs.PutBack(cpu.Number, head, index) : SlabInfo.None;
        ZoneLock.Release(ref _slabs.Lock);
        if (!isObject)
            throw new ObjectErrorException(ObjectErrorKind.DoubleFree, $"{Allocator.Describe(item)} is not an allocated object of {Name}.");
        _slabs.Discard(cpu, empty);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    internal void FreeSlow(Cpu cpu, void* item, string file, int line)
    {
        ArgumentNullException.ThrowIfNull(cpu);
        var offset = unchecked((nuint)((byte*)item - _base));
        if (offset < _span && (_owners[offset >> _pageShift] & ~PageOwner.Small) == _id && Quick is { } checks && checks.CanGive((byte*)item, file, line, out var site))
            checks.Give(cpu, ArrayOf(cpu), (byte*)item, site);
        else
            FreeLong(cpu, item, file, line);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void FreeLong(Cpu cpu, void* item, string file, int line)
    {
        if (item is null)
            return;
        var site = new AllocationSite(file, line);
        var owner = Allocator.Ram.TryIndex(item, out var page) ? Allocator.Ram.OwnerOf(page) : PageOwner.None;
        if ((owner & ~PageOwner.Small) != _id || References == 0)
        {
            if (owner == PageOwner.Guarded && Allocator.Debugger is { } sampler)
                sampler.FreeSampled(cpu, this, item, site);
            else if (owner == PageOwner.Slob && _slob is not null)
                _slob.Give(cpu, item);
            else
                Allocator.RefuseFree(cpu, this, owner, item, site);
        }
        else if (_slob is not null)
        {
            _slob.Give(cpu, item);
        }
        else if (IsWatched)
        {
            FreeWatched(cpu, page, item, site);
        }
        else
        {
            Push(cpu, (byte*)item);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    internal void Push(Cpu cpu, byte* item)
    {
        var array = ArrayOf(cpu);
        var empty = SlabInfo.None;
        EnterGate(array);
        array->Limit = IsWatched ? 0 : array->Capacity;
        array->Touched = 1;
        if (array->Count >= array->Capacity)
            empty = Flush(cpu.Number, array, Math.Min(array->Batch, array->Count));
        array->Stack[array->Count++] = item;
        Volatile.Write(ref array->Busy, 0);
        if (empty != SlabInfo.None)
            _slabs.Discard(cpu, empty);
    }

    // The bottom of the stack has been free for longest.
    private uint Flush(int cpu, ObjectArray* array, int count)
    {
        var empty = SlabInfo.None;
        if (!SharedObjects.TryPut(_shared, array->Stack, count))
            empty = _slabs.Give(cpu, array->Stack, count);
        var left = array->Count - count;
        new Span<nint>(array->Stack + count, left).CopyTo(new Span<nint>(array->Stack, left));
        array->Count = left;
        return empty;
    }

    internal void FreeAlone(Cpu cpu, void* item, AllocationSite site)
    {
        var verdict = _debugger!.FreeChecked(cpu, this, item, site);
        if (verdict == FreeVerdict.Free)
        {
            var array = ArrayOf(cpu);
            Volatile.Write(ref array->Busy, 1);
            if (Volatile.Read(ref array->Draining) == 0 && array->Count < array->Capacity)
            {
                array->Stack[array->Count++] = (byte*)item;
                Volatile.Write(ref array->Busy, 0);
                return;
            }
            Volatile.Write(ref array->Busy, 0);
            Push(cpu, (byte*)item);
        }
        else if (verdict == FreeVerdict.Keep)
        {
            _debugger.Kept(cpu);
        }
    }

    private void FreeWatched(Cpu cpu, uint page, void* item, AllocationSite site)
    {
        if (IsCheckedAlone)
        {
            FreeAlone(cpu, item, site);
            return;
        }
        var head = _slabs.HeadOf(page);
        ZoneLock.Acquire(ref _slabs.Lock);
        var view = _slabs.ViewOf(head);
        var index = view.IndexOf(item, out _);
        var isFree = index >= 0 && _slabs.IsFree(head, index);
        var verdict = Allocator.Debugger?.FreeProcessing(cpu, view, item, isFree, site) ?? FreeVerdict.Free;
        var empty = verdict == FreeVerdict.Free && index >= 0 && !isFree ? _slabs.PutBack(cpu.Number, head, index) : SlabInfo.None;
        ZoneLock.Release(ref _slabs.Lock);
        _slabs.Discard(cpu, empty);
        if (verdict == FreeVerdict.Keep)
            Allocator.Debugger?.Kept(cpu);
    }
}
