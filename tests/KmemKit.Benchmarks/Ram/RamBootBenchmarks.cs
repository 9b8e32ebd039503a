using BenchmarkDotNet.Attributes;
using KmemKit.Architecture;
using KmemKit.Runtime.Memory;

namespace KmemKit.Benchmarks.Ram;

/// <summary>What it costs to have a board's RAM and to give it back untouched.</summary>
[Config(typeof(SideBySideConfig))]
public class RamBootBenchmarks
{
    private const ulong GiB = 1UL << 30;

    private readonly PhysRange[] _one = [new(new PhysAddr(2 * GiB), 4 * GiB)];
    private readonly PhysRange[] _sparse = new PhysRange[128];

    /// <summary>128 banks of 8 GiB, one every 64 GiB.</summary>
    [GlobalSetup]
    public void Setup()
    {
        for (var i = 0; i < _sparse.Length; i++)
            _sparse[i] = new PhysRange(new PhysAddr((ulong)i * 64 * GiB), 8 * GiB);
    }

    /// <summary>4 GiB in one piece.</summary>
    [Benchmark]
    public ulong FourGiB()
    {
        using var memory = PhysicalMemory.Create(_one);
        return memory.TotalBytes;
    }

    /// <summary>1 TiB in 128 pieces.</summary>
    [Benchmark]
    public ulong OneTiBSparse()
    {
        using var memory = PhysicalMemory.Create(_sparse);
        return memory.TotalBytes;
    }
}
