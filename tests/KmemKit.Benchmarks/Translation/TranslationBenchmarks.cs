using System;
using System.Collections.Generic;
using System.Linq;
using BenchmarkDotNet.Attributes;
using KmemKit.Architecture;
using KmemKit.Benchmarks.Native;

namespace KmemKit.Benchmarks.Translation;

/// <summary>The translation that is written for a board, beside the kernel's macro of the same map compiled by gcc; time per address.</summary>
/// <remarks>
/// <para><c>dotnet run -c Release --project tests/KmemKit.Benchmarks -- --filter '*TranslationBenchmarks*'</c> takes about three minutes where nothing else runs;
/// <c>-- --paired</c> in place of the filter takes seconds and bears other work on the machine (<see cref="PairedComparison"/>).</para>
/// <para>16,384 addresses, since a branch predictor learns a few thousand by heart; both sides read the same 64-bit words and sum up.</para>
/// </remarks>
[Config(typeof(SideBySideConfig))]
[CategoriesColumn]
public unsafe class TranslationBenchmarks
{
    private const int Count = 16384;
    private const int Seed = 8974;

    private PhysAddr[] _random = [];
    private PhysAddr[] _predictable = [];
    private VirtAddr[] _back = [];
    private VirtAddr[] _there = [];
    private NativePeer? _gcc;
    private NativePeer? _gccVectors;
    private WrittenTranslation? _written;
    private delegate* unmanaged<PhysAddr*, nuint, ulong> _sum;
    private delegate* unmanaged<VirtAddr*, nuint, ulong> _sumBack;
    private delegate* unmanaged<PhysAddr*, nuint, ulong> _chain;
    private delegate* unmanaged<PhysAddr*, nuint, ulong> _emptyChain;
    private delegate* unmanaged<PhysAddr*, VirtAddr*, nuint, void> _translate;

    /// <summary>By name, since what identifies a case is printed.</summary>
    public static IEnumerable<string> Maps => BenchmarkMap.All.Select(map => map.Name);

    [ParamsSource(nameof(Maps))]
    public string Map { get; set; } = string.Empty;

    [GlobalSetup]
    public void Compile()
    {
        var map = BenchmarkMap.All.Single(candidate => candidate.Name == Map);
        string[] macros = [$"-DPHYS_TO_VIRT(x)={map.PhysToVirtMacro()}", $"-DVIRT_TO_PHYS(x)={map.VirtToPhysMacro()}"];
        _gcc = NativePeer.Compile("translation.c", ["-O2", .. macros]);
        _gccVectors = NativePeer.Compile("translation.c", ["-O3", "-march=native", .. macros]);
        _sum = (delegate* unmanaged<PhysAddr*, nuint, ulong>)_gcc["sum"];
        _sumBack = (delegate* unmanaged<VirtAddr*, nuint, ulong>)_gcc["sum_back"];
        _chain = (delegate* unmanaged<PhysAddr*, nuint, ulong>)_gcc["chain"];
        _emptyChain = (delegate* unmanaged<PhysAddr*, nuint, ulong>)_gcc["empty_chain"];
        _translate = (delegate* unmanaged<PhysAddr*, VirtAddr*, nuint, void>)_gccVectors["translate"];
        _written = new WrittenTranslation(map.Map);

        var random = new Random(Seed);
        var segments = map.Map.Segments;
        _random = new PhysAddr[Count];
        _back = new VirtAddr[Count];
        _there = new VirtAddr[Count];
        for (var i = 0; i < Count; i++)
        {
            // Each segment as often as any other: the worst that a predictor can meet.
            var segment = segments[random.Next(segments.Length)];
            _random[i] = segment.Phys + ((ulong)random.NextInt64((long)segment.Size) & ~1UL);
            map.Map.PhysToVirt(_random[i], out _back[i]);
        }
        var last = segments[^1];
        _predictable = [.. Enumerable.Range(0, Count).Select(i => last.Phys + (ulong)(i * 64))];
        CheckThatBothAgree();
    }

    [GlobalCleanup]
    public void Release()
    {
        _gcc?.Dispose();
        _gccVectors?.Dispose();
    }

    [Benchmark(Baseline = true, OperationsPerInvoke = Count), BenchmarkCategory("1 random")]
    public ulong GccRandom() => Native(_sum, _random);

    [Benchmark(OperationsPerInvoke = Count), BenchmarkCategory("1 random")]
    public ulong WrittenRandom() => _written!.Sum(_random);

    [Benchmark(OperationsPerInvoke = Count), BenchmarkCategory("1 random")]
    public ulong CheckedRandom() => _written!.SumChecked(_random);

    [Benchmark(Baseline = true, OperationsPerInvoke = Count), BenchmarkCategory("2 random, back")]
    public ulong GccBack()
    {
        fixed (VirtAddr* addresses = _back)
            return _sumBack(addresses, Count);
    }

    [Benchmark(OperationsPerInvoke = Count), BenchmarkCategory("2 random, back")]
    public ulong WrittenBack() => _written!.SumBack(_back);

    [Benchmark(Baseline = true, OperationsPerInvoke = Count), BenchmarkCategory("3 predictable")]
    public ulong GccPredictable() => Native(_sum, _predictable);

    [Benchmark(OperationsPerInvoke = Count), BenchmarkCategory("3 predictable")]
    public ulong WrittenPredictable() => _written!.Sum(_predictable);

    [Benchmark(Baseline = true, OperationsPerInvoke = Count), BenchmarkCategory("4 chain")]
    public ulong GccChain() => Native(_chain, _random);

    [Benchmark(OperationsPerInvoke = Count), BenchmarkCategory("4 chain")]
    public ulong WrittenChain() => _written!.Chain(_random);

    [Benchmark(OperationsPerInvoke = Count), BenchmarkCategory("4 chain")]
    public ulong EmptyChain() => Native(_emptyChain, _random);

    [Benchmark(Baseline = true, OperationsPerInvoke = Count), BenchmarkCategory("5 span")]
    public void GccSpan()
    {
        fixed (PhysAddr* source = _random)
        fixed (VirtAddr* destination = _there)
            _translate(source, destination, Count);
    }

    [Benchmark(OperationsPerInvoke = Count), BenchmarkCategory("5 span")]
    public void WrittenSpan() => _written!.Span(_random, _there);

    private static ulong Native(delegate* unmanaged<PhysAddr*, nuint, ulong> loop, PhysAddr[] addresses)
    {
        fixed (PhysAddr* first = addresses)
            return loop(first, (nuint)addresses.Length);
    }

    // A comparison of two loops that compute different things is worth nothing.
    private void CheckThatBothAgree()
    {
        GccSpan();
        var native = (VirtAddr[])_there.Clone();
        WrittenSpan();
        var agree = native.AsSpan().SequenceEqual(_there) && GccRandom() == WrittenRandom() && GccRandom() == CheckedRandom()
            && GccBack() == WrittenBack() && GccPredictable() == WrittenPredictable() && GccChain() == WrittenChain();
        if (!agree)
            throw new InvalidOperationException($"{Map}: the macro and the written code disagree.");
    }
}
