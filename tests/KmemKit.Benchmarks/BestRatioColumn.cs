using System.Globalization;
using System.Linq;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;

namespace KmemKit.Benchmarks;

/// <summary>The smallest measurement over the smallest one of the baseline in the same logical group.</summary>
internal sealed class BestRatioColumn : IColumn
{
    public string Id => nameof(BestRatioColumn);

    public string ColumnName => "BestRatio";

    public bool AlwaysShow => true;

    public ColumnCategory Category => ColumnCategory.Baseline;

    public int PriorityInCategory => 1;

    public bool IsNumeric => true;

    public UnitType UnitType => UnitType.Dimensionless;

    public string Legend => "Min / Min of the baseline";

    public bool IsAvailable(Summary summary) => true;

    public bool IsDefault(Summary summary, BenchmarkCase benchmarkCase) => false;

    public string GetValue(Summary summary, BenchmarkCase benchmarkCase) => GetValue(summary, benchmarkCase, summary.Style);

    public string GetValue(Summary summary, BenchmarkCase benchmarkCase, SummaryStyle style)
    {
        var group = summary.GetLogicalGroupKey(benchmarkCase);
        var baseline = summary.BenchmarksCases.FirstOrDefault(
            candidate => candidate.Descriptor.Baseline && summary.GetLogicalGroupKey(candidate) == group);
        var mine = summary[benchmarkCase]?.ResultStatistics;
        var its = baseline == null ? null : summary[baseline]?.ResultStatistics;
        return mine == null || its == null ? "?" : (mine.Min / its.Min).ToString("0.00", CultureInfo.InvariantCulture);
    }
}
