using System;
using System.Runtime.CompilerServices;
using System.Threading;

namespace KmemKit.Benchmarks.SlabAllocation;

/// <summary>The workloads of the table, for any heap: each is an allocation and its free, as often as it says.</summary>
internal static unsafe class Workloads
{
    /// <summary>One object, allocated and freed.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void Pairs<THeap>(THeap heap, nuint size, int pairs)
        where THeap : struct, IHeap
    {
        for (var i = 0; i < pairs; i++)
            heap.Free(heap.Alloc(size));
    }

    /// <summary>All slots allocated, then freed last first.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void Lifo<THeap>(THeap heap, nuint size, nint[] slots)
        where THeap : struct, IHeap
    {
        for (var i = 0; i < slots.Length; i++)
            slots[i] = (nint)heap.Alloc(size);
        for (var i = slots.Length - 1; i >= 0; i--)
            heap.Free((void*)slots[i]);
    }

    /// <summary>All slots allocated.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void Fill<THeap>(THeap heap, nuint size, nint[] slots)
        where THeap : struct, IHeap
    {
        for (var i = 0; i < slots.Length; i++)
            slots[i] = (nint)heap.Alloc(size);
    }

    /// <summary>All slots allocated, then freed in the given order.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void FillThenFree<THeap>(THeap heap, nuint size, nint[] slots, int[] order)
        where THeap : struct, IHeap
    {
        for (var i = 0; i < slots.Length; i++)
            slots[i] = (nint)heap.Alloc(size);
        foreach (var at in order)
            heap.Free((void*)slots[at]);
    }

    /// <summary>A random slot is freed and allocated again: the live set stays as it is.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static uint Replace<THeap>(THeap heap, nuint size, nint[] slots, int times, uint random)
        where THeap : struct, IHeap
    {
        for (var i = 0; i < times; i++)
        {
            random = unchecked((random * 1664525) + 1013904223);
            ref var slot = ref slots[(int)(((ulong)random * (uint)slots.Length) >> 32)];
            heap.Free((void*)slot);
            slot = (nint)heap.Alloc(size);
        }
        return random;
    }

    /// <summary>Gives all slots back.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void Empty<THeap>(THeap heap, nint[] slots)
        where THeap : struct, IHeap
    {
        foreach (var slot in slots)
            heap.Free((void*)slot);
    }

    /// <summary>Allocated here, freed by the other thread, which gets them through a ring.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void Send<THeap>(THeap heap, nuint size, Ring ring, int count)
        where THeap : struct, IHeap
    {
        for (var i = 0; i < count; i += Ring.Batch)
        {
            var slots = ring.Reserve();
            for (var at = 0; at < slots.Length; at++)
                slots[at] = (nint)heap.Alloc(size);
            ring.Publish();
        }
    }

    /// <summary>The other thread's side.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void Receive<THeap>(THeap heap, Ring ring)
        where THeap : struct, IHeap
    {
        var slots = ring.Wait();
        for (var at = 0; at < slots.Length; at++)
            heap.Free((void*)slots[at]);
        ring.Release();
    }
}

/// <summary>A ring of batches of addresses between two threads: the same cost for all heaps.</summary>
internal sealed class Ring
{
    public const int Batch = 256;
    private const int Batches = 16;

    private readonly nint[] _slots = new nint[Batch * Batches];
    private readonly long[] _written = new long[32];
    private readonly long[] _read = new long[32];
    private bool _closed;

    public Span<nint> Reserve()
    {
        while (_written[16] - Volatile.Read(ref _read[16]) >= Batches)
            Thread.SpinWait(4);
        return _slots.AsSpan((int)(_written[16] % Batches) * Batch, Batch);
    }

    public void Publish() => Volatile.Write(ref _written[16], _written[16] + 1);

    public Span<nint> Wait()
    {
        while (Volatile.Read(ref _written[16]) == _read[16])
        {
            if (Volatile.Read(ref _closed))
                return [];
            Thread.SpinWait(4);
        }
        return _slots.AsSpan((int)(_read[16] % Batches) * Batch, Batch);
    }

    public void Release() => Volatile.Write(ref _read[16], Math.Min(_read[16] + 1, Volatile.Read(ref _written[16])));

    public bool IsClosed => Volatile.Read(ref _closed) && _read[16] == Volatile.Read(ref _written[16]);

    public void Close() => Volatile.Write(ref _closed, true);
}
