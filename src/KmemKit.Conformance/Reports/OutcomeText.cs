using System.Globalization;
using KmemKit.Conformance.Rules;

namespace KmemKit.Conformance.Reports;

/// <summary>Words and numbers that all forms of a report share.</summary>
internal static class OutcomeText
{
    public static string Of(RuleOutcome outcome) => outcome switch
    {
        RuleOutcome.Proved => "proved",
        RuleOutcome.Failed => "failed",
        RuleOutcome.NotApplicable => "nothing to prove",
        RuleOutcome.Skipped => "skipped",
        _ => "not run",
    };

    public static string Number(long number) => number.ToString("#,0", CultureInfo.InvariantCulture);

    public static string Summary(ConformanceReport report)
    {
        var text = $"{report.Count(RuleOutcome.Proved)} rules proved by {Number(report.Facts)} facts";
        if (report.Count(RuleOutcome.Failed) is > 0 and var failed)
            text += $", {failed} failed";
        if (report.Count(RuleOutcome.NotApplicable) is > 0 and var nothing)
            text += $", {nothing} with nothing to prove";
        if (report.Count(RuleOutcome.Skipped) is > 0 and var skipped)
            text += $", {skipped} skipped";
        if (report.Count(RuleOutcome.NotRun) is > 0 and var notRun)
            text += $", {notRun} not run";
        return text;
    }
}
