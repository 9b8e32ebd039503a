using System;
using System.Collections.Generic;
using System.Threading;
using KmemKit.Architecture;
using KmemKit.Runtime.Buddy;

namespace KmemKit.Runtime.Slab;

/// <summary>Giving memory back: shrink, destroy, and the drain of other CPUs' arrays.</summary>
public sealed unsafe partial class KmemCache
{
    /// <summary>Empties all CPUs' arrays and gives every slab without used objects back (<c>kmem_cache_shrink</c>). Other CPUs may go on meanwhile.</summary>
    /// <param name="cpu">The CPU of the calling thread.</param>
    /// <returns>Pages freed; those that wait for a grace period count.</returns>
    public long Shrink(Cpu cpu)
    {
        ArgumentNullException.ThrowIfNull(cpu);
        if (References == 0 || !HasSlabs)
            return 0;
        if (IsWatched)
            Allocator.Debugger?.Flushing(cpu, this);
        var pages = DrainArrays(cpu);
        return pages + _slabs.Discard(cpu, _slabs.TakeEmpty());
    }

    /// <summary>Ends a cache, or one of its names (<c>kmem_cache_destroy</c>).</summary>
    /// <param name="cpu">The CPU of the calling thread. No other thread may use the cache.</param>
    /// <returns>What became of it: where objects are live, it is refused and they are listed.</returns>
    public DestroyResult Destroy(Cpu cpu)
    {
        ArgumentNullException.ThrowIfNull(cpu);
        if (References == 0)
            throw new ObjectErrorException(ObjectErrorKind.Destroyed, $"The cache {Name} was destroyed.");
        if (References > 1)
        {
            References--;
            return new DestroyResult(true, [], 0);
        }
        Shrink(cpu);
        if (_store.Count().ActiveObjects is var left && left > 0)
        {
            Allocator.Report($"kmem_cache_destroy {Name}: Slab cache still has {left} objects");
            return new DestroyResult(false, ListLive(), left);
        }
        References = 0;
        Allocator.Remove(this);
        return new DestroyResult(true, [], 0);
    }

    internal void Merge(string name, int size)
    {
        AddAlias(name);
        if (size > ObjectSize)
            Layout = Layout with { ObjectSize = size };
    }

    /// <summary>Pages that would come free, for the choice of a cache to reap; and whether it was left alone since the last time.</summary>
    internal bool IsReapable()
    {
        var touched = false;
        foreach (var cpu in Allocator.Pages.Cpus)
        {
            touched |= ArrayOf(cpu)->Touched != 0;
            ArrayOf(cpu)->Touched = 0;
        }
        return !touched;
    }

    internal long DrainArrays(Cpu cpu)
    {
        var pages = 0L;
        foreach (var other in Allocator.Pages.Cpus)
        {
            var array = ArrayOf(other);
            if (array->Capacity == 0)
                continue;
            uint empty;
            if (other == cpu)
            {
                EnterGate(array);
                empty = Empty(cpu, array);
                Volatile.Write(ref array->Busy, 0);
            }
            else
            {
                empty = DrainRemotely(cpu, array);
            }
            pages += _slabs.Discard(cpu, empty);
        }
        var batch = stackalloc byte*[64];
        for (var taken = SharedObjects.Take(_shared, batch, 64); taken != 0; taken = SharedObjects.Take(_shared, batch, 64))
            pages += _slabs.Discard(cpu, _slabs.Give(cpu.Number, batch, taken));
        return pages;
    }

    private uint DrainRemotely(Cpu cpu, ObjectArray* array)
    {
        var spinner = new SpinWait();
        while (Interlocked.CompareExchange(ref array->Draining, 1, 0) != 0)
            spinner.SpinOnce();
        do
        {
            Volatile.Write(ref array->Limit, 0);
            // From here on the owner either sees the limit, or its Busy is seen here.
            Interlocked.MemoryBarrierProcessWide();
            while (Volatile.Read(ref array->Busy) != 0)
                spinner.SpinOnce();
            // An owner that was through the gate before Draining was seen may have set the limit again: but not twice.
        }
        while (Volatile.Read(ref array->Limit) != 0);
        var empty = Empty(cpu, array);
        Volatile.Write(ref array->Limit, IsWatched ? 0 : array->Capacity);
        Volatile.Write(ref array->Draining, 0);
        return empty;
    }

    private uint Empty(Cpu cpu, ObjectArray* array)
    {
        var count = array->Count;
        array->Count = 0;
        return count == 0 ? SlabInfo.None : _slabs.Give(cpu.Number, array->Stack, count);
    }

    private List<VirtAddr> ListLive()
    {
        var live = new List<VirtAddr>();
        var slots = new List<int>();
        _store.Visit((in SlabView slab, ReadOnlySpan<ulong> free) =>
        {
            slots.Clear();
            for (var i = 0; i < slab.Objects; i++)
            {
                if (((free[i >> 6] >> (i & 63)) & 1) != 0)
                    continue;
                slots.Add(i);
                if (Allocator.AddressOf(slab.ObjectAt(i)) is { } address)
                    live.Add(address);
            }
            if (slots.Count != 0)
                Allocator.Debugger?.LiveAtDestroy(slab, System.Runtime.InteropServices.CollectionsMarshal.AsSpan(slots));
        });
        return live;
    }
}
