using System;
using BenchmarkDotNet.Attributes;
using KmemKit.Architecture;
using KmemKit.Runtime.Memory;

namespace KmemKit.Benchmarks.Ram;

/// <summary>
/// Accesses to simulated RAM beside the same loads through a host pointer: the difference is the bounds check. 64 bits at a random place of 32 KiB, so that
/// the cache is no part of it; times are per access, the loop included.
/// </summary>
[Config(typeof(SideBySideConfig))]
public unsafe class RamAccessBenchmarks
{
    private const int Accesses = 4096;
    private const ulong Small = 1UL << 30;
    private const ulong Main = 1UL << 32;

    private readonly ulong[] _offsets = new ulong[Accesses];
    private PhysicalMemory _memory = null!;
    private byte* _host;

    /// <summary>1 GiB at 1 GiB, which is not the main window, and 4 GiB at 4 GiB, which is.</summary>
    [GlobalSetup]
    public void Setup()
    {
        _memory = PhysicalMemory.Create([new PhysRange(new PhysAddr(Small), 1UL << 30), new PhysRange(new PhysAddr(Main), 1UL << 32)]);
        _host = _memory.PointerTo(new PhysAddr(Main));
        _memory.Fill(new PhysAddr(Main), 1 << 15, 1);
        _memory.Fill(new PhysAddr(Small), 1 << 15, 1);
        var random = new Random(1);
        for (var i = 0; i < Accesses; i++)
            _offsets[i] = (ulong)random.Next(1 << 12) * 8;
    }

    /// <summary>Gives the memory back.</summary>
    [GlobalCleanup]
    public void Cleanup() => _memory.Dispose();

    /// <summary>The peer: no check at all.</summary>
    [Benchmark(Baseline = true, OperationsPerInvoke = Accesses)]
    public ulong HostPointer()
    {
        var sum = 0UL;
        var host = _host;
        foreach (var offset in _offsets)
            sum += *(ulong*)(host + offset);
        return sum;
    }

    /// <summary>By physical address, in the largest piece of RAM.</summary>
    [Benchmark(OperationsPerInvoke = Accesses)]
    public ulong MainWindow()
    {
        var sum = 0UL;
        var memory = _memory;
        foreach (var offset in _offsets)
            sum += memory.ReadUInt64(new PhysAddr(Main + offset));
        return sum;
    }

    /// <summary>By physical address, in another piece.</summary>
    [Benchmark(OperationsPerInvoke = Accesses)]
    public ulong OtherBank()
    {
        var sum = 0UL;
        var memory = _memory;
        foreach (var offset in _offsets)
            sum += memory.ReadUInt64(new PhysAddr(Small + offset));
        return sum;
    }
}
