using System;
using System.Collections.Generic;
using System.Linq;
using BenchmarkDotNet.Attributes;
using KmemKit.Architecture.Mpu;
using KmemKit.BoardCompiler.Mpu;
using KmemKit.BoardCompiler.Protection;
using KmemKit.BoardCompiler.Tests.Mpu;

namespace KmemKit.Benchmarks.Mpu;

/// <summary>Region tables for random policies of each format, on a unit with regions enough; times an eight-policy set, so a plan is an eighth.</summary>
[Config(typeof(SideBySideConfig))]
[BenchmarkCategory("mpu")]
public class PlannerBenchmarks
{
    private const int Policies = 8;

    private ProtectionPolicy[] _few = [];
    private ProtectionPolicy[] _many = [];
    private MpuFormat? _format;

    /// <summary>The formats by name.</summary>
    public static IEnumerable<string> Names => RandomPolicy.Formats.Select(static format => format.Name);

    /// <summary>Which format.</summary>
    [ParamsSource(nameof(Names))]
    public string Format { get; set; } = "";

    /// <summary>Makes the policies.</summary>
    [GlobalSetup]
    public void SetUp()
    {
        _format = RandomPolicy.Formats.Single(format => format.Name == Format);
        _few = [.. Enumerable.Range(1, Policies).Select(seed => RandomPolicy.Make(_format, new Random(seed), 16, 8))];
        _many = [.. Enumerable.Range(1, Policies).Select(seed => RandomPolicy.Make(_format, new Random(seed), 64, 0))];
    }

    /// <summary>16 entries and 8 domains.</summary>
    [Benchmark(OperationsPerInvoke = Policies)]
    public int SixteenEntriesEightDomains() => Plan(_few);

    /// <summary>64 entries.</summary>
    [Benchmark(OperationsPerInvoke = Policies)]
    public int SixtyFourEntries() => Plan(_many);

    private int Plan(ProtectionPolicy[] policies)
    {
        var unit = RandomPolicy.Unit(_format!, 1024);
        return policies.Sum(policy => MpuPlanner.Plan(policy, unit).Plan?.Used ?? 0);
    }
}
