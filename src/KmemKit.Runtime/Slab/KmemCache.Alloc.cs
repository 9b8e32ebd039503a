using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Threading;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Gfp;

namespace KmemKit.Runtime.Slab;

/// <summary>Allocation.</summary>
public sealed unsafe partial class KmemCache
{
    private bool _hasLostSlabs;

    /// <summary>Takes an object (<c>kmem_cache_alloc</c>; <c>kmem_cache_zalloc</c> with <see cref="GfpFlags.Zero"/>).</summary>
    /// <param name="cpu">The CPU that the caller runs on.</param>
    /// <param name="flags">What may be done to get pages; zones and kinds come from the cache.</param>
    /// <param name="file">The caller: leave it to the compiler.</param>
    /// <param name="line">The caller: leave it to the compiler.</param>
    /// <returns>Host address of <see cref="ObjectSize"/> bytes, as the constructor or the last user left them; null when there is no memory.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void* Alloc(Cpu cpu, GfpFlags flags, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        if (((uint)flags & cpu.SlowFlags) == 0)
        {
            var array = (ObjectArray*)(cpu.Objects + _arrayAt);
            Volatile.Write(ref array->Busy, 1);
            var left = unchecked(array->Count - 1);
            if (unchecked((uint)left) < (uint)Volatile.Read(ref array->Limit))
            {
                var taken = array->Stack[left];
                ObjectArray.Leave(array, left);
                return taken;
            }
            Volatile.Write(ref array->Busy, 0);
        }
        return AllocSlow(cpu, flags, ObjectSize, file, line);
    }

    /// <summary>Takes many objects, or none (<c>kmem_cache_alloc_bulk</c>).</summary>
    /// <param name="cpu">The CPU.</param>
    /// <param name="flags">As for <see cref="Alloc"/>.</param>
    /// <param name="into">Room for them.</param>
    /// <param name="file">The caller: leave it to the compiler.</param>
    /// <param name="line">The caller: leave it to the compiler.</param>
    /// <returns>False when there is no memory for all of them: none stays allocated, and <paramref name="into"/> holds nothing of use.</returns>
    public bool AllocBulk(Cpu cpu, GfpFlags flags, Span<nint> into, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        ArgumentNullException.ThrowIfNull(cpu);
        for (var i = 0; i < into.Length;)
        {
            i += IsWatched || ((uint)flags & cpu.SlowFlags) != 0 ? 0 : Move(ArrayOf(cpu), into[i..]);
            if (i == into.Length)
                break;
            var item = Alloc(cpu, flags, file, line);
            if (item is null)
            {
                FreeBulk(cpu, into[..i], file, line);
                return false;
            }
            into[i++] = (nint)item;
        }
        return true;
    }

    // kmalloc comes here with the size it was asked for.
    [MethodImpl(MethodImplOptions.NoInlining)]
    internal void* AllocSlow(Cpu cpu, GfpFlags flags, int requested, string file, int line)
    {
        ArgumentNullException.ThrowIfNull(cpu);
        return ((uint)flags & cpu.SlowFlags) == 0 && Quick is { } checks && checks.CanTake(cpu, file, line, out var site)
            ? checks.Take(cpu, ArrayOf(cpu), flags, requested, file, line, site)
            : AllocLong(cpu, flags, requested, file, line);
    }

    /// <summary>An object that is no longer in an array was found to be damaged: it is reported, and another taken.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    internal void* AllocInsteadOf(byte* damaged, Cpu cpu, GfpFlags flags, int requested, string file, int line)
    {
        if (_debugger!.AllocChecked(cpu, this, damaged, requested, new AllocationSite(file, line)))
            return damaged;
        WriteOff(damaged);
        return AllocLong(cpu, flags, requested, file, line);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    internal void* AllocLong(Cpu cpu, GfpFlags flags, int requested, string file, int line)
    {
        if (IsCheckedAlone && ((uint)flags & cpu.SlowFlags) == 0 && TryTakeAlone(cpu, requested, file, line) is var quick && quick is not null)
            return quick;
        if (cpu.InAtomic && GfpRules.MaySleep(flags))
        {
            Allocator.Pages.Report(KernelBugKind.SleepInAtomicContext, flags, Order);
            flags &= ~GfpFlags.DirectReclaim;
        }
        var site = new AllocationSite(file, line);
        var item = Find(cpu, flags, requested, site);
        if (item is not null && (flags & GfpFlags.Zero) != 0)
            NativeMemory.Clear(item, (nuint)(IsWatched || Allocator.IsGuarded(item) ? requested : ObjectSize));
        return item;
    }

    private void* Find(Cpu cpu, GfpFlags flags, int requested, AllocationSite site)
    {
        if (References == 0)
            throw new ObjectErrorException(ObjectErrorKind.Destroyed, $"The cache {Name} was destroyed.");
        if (Allocator.Debugger is { } debugger)
        {
            if ((Flags & SlabFlags.FailSlab) != 0 && debugger.ShouldFail(this, flags))
                return null;
            if (Allocator.TakeSample(cpu) && debugger.AllocSampled(cpu, this, requested, flags, site) is var sampled && sampled is not null)
                return sampled;
        }
        if (_slob is not null)
            return _slob.Take(cpu, flags);
        return IsWatched ? AllocWatched(cpu, flags, requested, site) : Refill(cpu, flags);
    }

    private void* Refill(Cpu cpu, GfpFlags flags)
    {
        var array = ArrayOf(cpu);
        while (true)
        {
            EnterGate(array);
            array->Limit = IsWatched ? 0 : array->Capacity;
            array->Touched = 1;
            if (array->Count == 0)
            {
                array->Count = SharedObjects.Take(_shared, array->Stack, array->Batch);
                if (array->Count == 0)
                    array->Count = _slabs.Take(cpu.Number, array->Stack, array->Batch);
            }
            if (array->Count != 0)
            {
                var item = array->Stack[--array->Count];
                Volatile.Write(ref array->Busy, 0);
                return item;
            }
            Volatile.Write(ref array->Busy, 0);
            // The gate is open meanwhile: what is reclaimed for this slab may come from this array.
            if (!_slabs.Grow(cpu, flags))
                return null;
        }
    }

    private void* AllocWatched(Cpu cpu, GfpFlags flags, int requested, AllocationSite site)
    {
        if (IsCheckedAlone)
        {
            while (true)
            {
                var taken = (byte*)Refill(cpu, flags);
                if (taken is null || (!IsLost(taken) && _debugger!.AllocChecked(cpu, this, taken, requested, site)))
                    return taken;
                WriteOff(taken);
            }
        }
        while (true)
        {
            ZoneLock.Acquire(ref _slabs.Lock);
            var item = _slabs.TakeChecked(cpu, requested, site);
            ZoneLock.Release(ref _slabs.Lock);
            if (item is not null || !_slabs.Grow(cpu, flags))
                return item;
        }
    }

    // What most allocations of a watched cache need: an object of the CPU's array, looked at by itself. Null for everything else.
    private void* TryTakeAlone(Cpu cpu, int requested, string file, int line)
    {
        if ((Flags & SlabFlags.FailSlab) != 0 || _hasLostSlabs || Volatile.Read(ref ((ObjectCpu*)cpu.Objects)->Armed) != 0)
            return null;
        var array = ArrayOf(cpu);
        byte* taken = null;
        Volatile.Write(ref array->Busy, 1);
        if (Volatile.Read(ref array->Draining) == 0 && array->Count > 0)
            taken = array->Stack[--array->Count];
        Volatile.Write(ref array->Busy, 0);
        if (taken is null || _debugger!.AllocChecked(cpu, this, taken, requested, new AllocationSite(file, line)))
            return taken;
        WriteOff(taken);
        return null;
    }

    // An object of a slab that was taken out of use meanwhile.
    private bool IsLost(byte* item) => _hasLostSlabs && Allocator.Ram.TryIndex(item, out var page) && _slabs.IsWrittenOff(_slabs.HeadOf(page));

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void WriteOff(byte* item)
    {
        if (!Allocator.Ram.TryIndex(item, out var page))
            return;
        var head = _slabs.HeadOf(page);
        ZoneLock.Acquire(ref _slabs.Lock);
        if (!_slabs.IsWrittenOff(head))
            _slabs.WriteOff(head);
        _hasLostSlabs = true;
        Quick = null;
        ZoneLock.Release(ref _slabs.Lock);
    }

    private static int Move(ObjectArray* array, Span<nint> into)
    {
        Volatile.Write(ref array->Busy, 1);
        var moved = Volatile.Read(ref array->Limit) == 0 ? 0 : Math.Min(array->Count, into.Length);
        array->Count -= moved;
        new ReadOnlySpan<nint>(array->Stack + array->Count, moved).CopyTo(into);
        Volatile.Write(ref array->Busy, 0);
        return moved;
    }

    private static void EnterGate(ObjectArray* array)
    {
        var spinner = new SpinWait();
        while (true)
        {
            Volatile.Write(ref array->Busy, 1);
            if (Volatile.Read(ref array->Draining) == 0)
                return;
            Volatile.Write(ref array->Busy, 0);
            while (Volatile.Read(ref array->Draining) != 0)
                spinner.SpinOnce();
        }
    }
}
