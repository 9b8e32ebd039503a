using System;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Toolchains.InProcess.Emit;

namespace KmemKit.Benchmarks.Devicetree;

/// <summary>In this process, few and long iterations: one of them goes over the whole set, and dtc's takes seconds.</summary>
internal sealed class DevicetreeConfig : ManualConfig
{
    public DevicetreeConfig()
    {
        AddJob(Job.Default.WithToolchain(new InProcessEmitToolchain(TimeSpan.FromHours(1), logOutput: false))
            .WithWarmupCount(2).WithIterationCount(5).WithUnrollFactor(1).WithInvocationCount(1));
        AddColumn(StatisticColumn.Min);
        AddColumn(StatisticColumn.Median);
    }
}
