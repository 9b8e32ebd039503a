using System.Collections.Generic;
using BenchmarkDotNet.Attributes;
using KmemKit.Architecture.Mpu;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Mpu;
using KmemKit.BoardCompiler.Protection;

namespace KmemKit.Benchmarks.Protection;

/// <summary>Planning a policy as a build does it, every format: the targets are 10 ms for 16 entries and 8 domains, and a second for 64 entries.</summary>
/// <remarks>There is no peer: no other tool plans regions exactly. The last case does not fit its unit, and is answered with advice.</remarks>
[Config(typeof(SideBySideConfig))]
[MemoryDiagnoser]
public class PlannerBenchmarks
{
    private ProtectionPolicy _policy = null!;
    private BoardMpu _unit = null!;

    /// <summary>Formats by name.</summary>
    public static IEnumerable<string> Formats
    {
        get
        {
            foreach (var format in MpuFormats.All)
                yield return format.Name;
        }
    }

    /// <summary>The unit.</summary>
    [ParamsSource(nameof(Formats))]
    public string Format { get; set; } = "";

    /// <summary>Entries, domains, regions of the unit.</summary>
    [Params("16 entries, 8 domains", "64 entries, 8 domains", "64 entries that do not fit")]
    public string Case { get; set; } = "";

    /// <summary>Makes the policy.</summary>
    [GlobalSetup]
    public void Setup()
    {
        var format = MpuFormats.Find(Format)!;
        var isSmall = Case.StartsWith("16", System.StringComparison.Ordinal);
        _policy = ProtectionWorkloads.Realistic(format, isSmall ? 16 : 64, 8, seed: 1);
        _unit = ProtectionWorkloads.Unit(format, Case.EndsWith("fit", System.StringComparison.Ordinal) ? 8 : 64);
    }

    /// <summary>The plan, or the finding that says why there is none.</summary>
    [Benchmark]
    public MpuPlanResult Plan() => MpuPlanner.Plan(_policy, _unit);
}
