using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using Perfolizer.Horology;

namespace KmemKit.Benchmarks;

/// <summary>Short iterations in this process, and ratios to the peer that ran beside it.</summary>
/// <remarks>
/// Many iterations of 25 ms instead of few long ones: on a machine that does other work as well, some of them are left alone, and the smallest of
/// each side are compared (<see cref="BestRatioColumn"/>). Means of such a machine tell more about its other work.
/// </remarks>
internal sealed class SideBySideConfig : ManualConfig
{
    public SideBySideConfig()
    {
        AddJob(Job.Default
            .WithToolchain(InProcessEmitToolchain.Instance)
            .WithWarmupCount(2)
            .WithIterationCount(30)
            .WithIterationTime(TimeInterval.FromMilliseconds(25)));
        AddColumn(StatisticColumn.Min, new BestRatioColumn());
        AddLogicalGroupRules(BenchmarkLogicalGroupRule.ByCategory);
        HideColumns(Column.Error, Column.StdDev, Column.RatioSD);
        WithSummaryStyle(SummaryStyle.Default.WithMaxParameterColumnWidth(40));
    }
}
