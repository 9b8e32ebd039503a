using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using KmemKit.Benchmarks.Native;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Slab;

namespace KmemKit.Benchmarks.SlabAllocation;

/// <summary>Something that allocates and frees memory of one size. A struct, so that each workload is compiled for each heap by itself.</summary>
internal unsafe interface IHeap
{
    void* Alloc(nuint size);

    void Free(void* item);
}

/// <summary>A malloc of the system.</summary>
internal readonly unsafe struct NativeHeap(MallocPeer peer) : IHeap
{
    private readonly delegate* unmanaged[SuppressGCTransition]<nuint, void*> _malloc = peer.Malloc;
    private readonly delegate* unmanaged[SuppressGCTransition]<void*, void> _free = peer.Free;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void* Alloc(nuint size) => _malloc(size);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Free(void* item) => _free(item);
}

/// <summary>.NET's own way to malloc.</summary>
internal readonly unsafe struct NetHeap : IHeap
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void* Alloc(nuint size) => NativeMemory.Alloc(size);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Free(void* item) => NativeMemory.Free(item);
}

/// <summary>kmalloc and kfree.</summary>
internal readonly unsafe struct KmallocHeap(ObjectAllocator objects, Cpu cpu) : IHeap
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void* Alloc(nuint size) => objects.Kmalloc(cpu, size, GfpFlags.Kernel);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Free(void* item) => objects.Kfree(cpu, item);
}

/// <summary>A cache of that size.</summary>
internal readonly unsafe struct CacheHeap(KmemCache cache, Cpu cpu) : IHeap
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void* Alloc(nuint size) => cache.Alloc(cpu, GfpFlags.Kernel);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Free(void* item) => cache.Free(cpu, item);
}
