using System;
using System.Diagnostics;
using System.Linq;
using KmemKit.Architecture.Mpu;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Mpu;

namespace KmemKit.Benchmarks.Protection;

/// <summary>What <see cref="PlannerBenchmarks"/> measures, all formats and cases in half a minute: medians of some plans each, with what they use and write.</summary>
internal static class PlanningTimes
{
    private const int Warmups = 3, Plans = 9;
    private const double WarmupMilliseconds = 400;

    public static void Run(string? part)
    {
        Console.WriteLine($"{"format",-12} {"case",-28} {"median",10} {"least",10}  plan");
        foreach (var format in MpuFormats.All.Where(f => part is null || f.Name.Contains(part, StringComparison.Ordinal)))
        {
            foreach (var (name, entries, regions) in new[] { ("16 entries, 8 domains", 16, 64), ("64 entries, 8 domains", 64, 64), ("64 entries that do not fit", 64, 8) })
            {
                var policy = ProtectionWorkloads.Realistic(format, entries, 8, seed: 1);
                var unit = ProtectionWorkloads.Unit(format, regions);
                MpuPlanResult? result = null;
                var begun = Stopwatch.GetTimestamp();
                for (var i = 0; i < Warmups || Stopwatch.GetElapsedTime(begun).TotalMilliseconds < WarmupMilliseconds; i++)
                    result = MpuPlanner.Plan(policy, unit);
                var times = Enumerable.Range(0, Plans).Select(_ =>
                {
                    var start = Stopwatch.GetTimestamp();
                    MpuPlanner.Plan(policy, unit);
                    return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
                }).Order().ToArray();
                Console.WriteLine($"{format.Name,-12} {name,-28} {times[Plans / 2],7:F2} ms {times[0],7:F2} ms  {Told(result!)}");
            }
        }
    }

    private static string Told(MpuPlanResult result) => result.Plan is { } plan
        ? $"{plan.Used} of {plan.Available} regions, at least {plan.LowerBound}; {plan.Static.Length} stay, {plan.Domains.Sum(d => d.Regions.Length)} are written in all domains"
        : string.Join(", ", result.Diagnostics.Select(d => d.Id));
}
