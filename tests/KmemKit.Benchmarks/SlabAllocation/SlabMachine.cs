using System;
using System.Collections.Generic;
using KmemKit.BoardCompiler.Policies;
using KmemKit.Benchmarks.PageAllocation;
using KmemKit.Runtime.Slab;

namespace KmemKit.Benchmarks.SlabAllocation;

/// <summary>A 64-bit board of 512 MiB and two CPUs with one of the three object allocators.</summary>
internal sealed class SlabMachine : IDisposable
{
    private readonly BenchmarkMachine _machine = new(512, 2);
    private readonly Dictionary<nuint, KmemCache> _caches = [];

    public SlabMachine(ObjectAllocatorKind kind, ObjectDebugger? debugger = null) =>
        Objects = ObjectAllocator.Boot(_machine.Layout, _machine.Memory, _machine.Allocator, new ObjectAllocatorOptions { Kind = kind, Debugger = debugger });

    public ObjectAllocator Objects { get; }

    public IRunner Kmalloc(nuint size) => new Runner<KmallocHeap>(
        $"kmalloc of {Objects.Kind}", new KmallocHeap(Objects, _machine.Allocator.Cpus[0]), new KmallocHeap(Objects, _machine.Allocator.Cpus[1]), size);

    public IRunner Cache(nuint size)
    {
        if (!_caches.TryGetValue(size, out var cache))
            _caches[size] = cache = Objects.CreateCache($"bench-{size}", (int)size, 0, SlabFlags.NoMerge)!;
        return new Runner<CacheHeap>(cache.Name, new CacheHeap(cache, _machine.Allocator.Cpus[0]), new CacheHeap(cache, _machine.Allocator.Cpus[1]), size);
    }

    public IWork KmallocWork(nuint size) => new Work<KmallocHeap>(new KmallocHeap(Objects, _machine.Allocator.Cpus[0]), size);

    public IWork CacheWork(nuint size) => new Work<CacheHeap>(
        new CacheHeap(Objects.CreateCache($"work-{size}", (int)size, 0, SlabFlags.NoMerge)!, _machine.Allocator.Cpus[0]), size);

    public void Dispose()
    {
        Objects.Dispose();
        _machine.Dispose();
    }
}
