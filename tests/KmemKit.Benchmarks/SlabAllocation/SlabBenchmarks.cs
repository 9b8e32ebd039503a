using System;
using System.Collections.Generic;
using System.Linq;
using BenchmarkDotNet.Attributes;
using KmemKit.Benchmarks.Native;
using KmemKit.BoardCompiler.Policies;

namespace KmemKit.Benchmarks.SlabAllocation;

/// <summary>The one-thread rows of the table, each heap beside glibc. Nanoseconds an allocation with its free; <c>--slab</c> is quicker and has all rows.</summary>
[Config(typeof(SideBySideConfig))]
[BenchmarkCategory("slab")]
public class SlabBenchmarks : IDisposable
{
    private const int Few = 1000;
    private const int Many = 100_000;

    private readonly nint[] _slots = new nint[Few];
    private readonly nint[] _manySlots = new nint[Many];
    private readonly int[] _order = Shuffled(Few);
    private readonly int[] _manyOrder = Shuffled(Many);
    private SlabMachine? _slub;
    private SlabMachine? _slab;
    private SlabMachine? _slob;
    private IWork? _small;
    private IWork? _middle;
    private IWork? _large;

    /// <summary>The heaps; those that are missing on this machine are left out.</summary>
    public static IEnumerable<string> Heaps => new[] { "glibc", "mimalloc", "jemalloc", "NativeMemory", "kmalloc", "KmemCache", "SLAB", "SLOB" }.Where(static heap =>
        heap switch { "mimalloc" => MallocPeer.Mimalloc() is not null, "jemalloc" => MallocPeer.Jemalloc() is not null, _ => true });

    /// <summary>Which heap.</summary>
    [ParamsSource(nameof(Heaps))]
    public string Heap { get; set; } = "glibc";

    /// <summary>Boots what the heap needs.</summary>
    [GlobalSetup]
    public void SetUp()
    {
        _slub = new SlabMachine(ObjectAllocatorKind.Slub);
        _slab = new SlabMachine(ObjectAllocatorKind.Slab);
        _slob = new SlabMachine(ObjectAllocatorKind.Slob);
        (_small, _middle, _large) = (Of(64), Of(256), Of(1024));
    }

    /// <summary>Ends it.</summary>
    [GlobalCleanup]
    public void Dispose()
    {
        _slub?.Dispose();
        _slab?.Dispose();
        _slob?.Dispose();
        (_slub, _slab, _slob) = (null, null, null);
        GC.SuppressFinalize(this);
    }

    /// <summary>64 bytes, allocated and freed.</summary>
    [Benchmark(OperationsPerInvoke = 1024)]
    public void Pair() => _small!.Pairs(1024);

    /// <summary>64 bytes, 1000 allocated, then freed last first.</summary>
    [Benchmark(OperationsPerInvoke = Few)]
    public void Lifo() => _small!.Lifo(_slots);

    /// <summary>1024 bytes, 1000 live, freed in random order.</summary>
    [Benchmark(OperationsPerInvoke = Few)]
    public void Random1024() => _large!.FillThenFree(_slots, _order);

    /// <summary>64 bytes, 100,000 live, freed in random order.</summary>
    [Benchmark(OperationsPerInvoke = Many)]
    public void Many64() => _small!.FillThenFree(_manySlots, _manyOrder);

    /// <summary>256 bytes, 100,000 live, freed in random order.</summary>
    [Benchmark(OperationsPerInvoke = Many)]
    public void Many256() => _middle!.FillThenFree(_manySlots, _manyOrder);

    private static int[] Shuffled(int count)
    {
        var order = Enumerable.Range(0, count).ToArray();
        new Random(1).Shuffle(order);
        return order;
    }

    private IWork Of(nuint size) => Heap switch
    {
        "mimalloc" => new Work<NativeHeap>(new NativeHeap(MallocPeer.Mimalloc()!), size),
        "jemalloc" => new Work<NativeHeap>(new NativeHeap(MallocPeer.Jemalloc()!), size),
        "NativeMemory" => new Work<NetHeap>(default, size),
        "kmalloc" => _slub!.KmallocWork(size),
        "KmemCache" => _slub!.CacheWork(size),
        "SLAB" => _slab!.KmallocWork(size),
        "SLOB" => _slob!.KmallocWork(size),
        _ => new Work<NativeHeap>(new NativeHeap(MallocPeer.Glibc), size),
    };
}

/// <summary>The workloads on one heap and size.</summary>
internal interface IWork
{
    void Pairs(int pairs);

    void Lifo(nint[] slots);

    void FillThenFree(nint[] slots, int[] order);
}

/// <inheritdoc/>
internal sealed class Work<THeap>(THeap heap, nuint size) : IWork
    where THeap : struct, IHeap
{
    public void Pairs(int pairs) => Workloads.Pairs(heap, size, pairs);

    public void Lifo(nint[] slots) => Workloads.Lifo(heap, size, slots);

    public void FillThenFree(nint[] slots, int[] order) => Workloads.FillThenFree(heap, size, slots, order);
}
