using System;
using System.Linq;
using KmemKit.Architecture;

namespace KmemKit.Conformance.Harness.Observation;

/// <summary>Runs a scenario on two machines that start alike and says whether they did the same: what a failure that names its seed relies on.</summary>
public static class Replay
{
    /// <summary>Runs it twice.</summary>
    /// <param name="image">The board.</param>
    /// <param name="options">Its seed counts.</param>
    /// <param name="scenario">What is done with each machine; all its chance comes from <see cref="FirmwareHarness.Random"/>.</param>
    /// <param name="memory">RAM that has to be equal at the end as well. A kernel's own books are not: they hold addresses of the host.</param>
    /// <returns>Null where both did the same accesses at the same times and that RAM is equal; else the first difference.</returns>
    public static string? FirstDifference(MachineImage image, HarnessOptions options, Action<FirmwareHarness> scenario, params ReadOnlySpan<PhysRange> memory)
    {
        ArgumentNullException.ThrowIfNull(scenario);
        using var first = new FirmwareHarness(image, options);
        scenario(first);
        using var second = new FirmwareHarness(image, options);
        scenario(second);
        if (first.Trace.Fingerprint != second.Trace.Fingerprint || first.Trace.Total != second.Trace.Total)
        {
            var pair = first.Trace.Zip(second.Trace).FirstOrDefault(p => p.First != p.Second);
            return pair == default
                ? $"the traces differ before the last {first.Trace.Count} accesses ({first.Trace.Total} and {second.Trace.Total}): a larger {nameof(HarnessOptions.TraceCapacity)} shows where"
                : $"{pair.First}\n{pair.Second}";
        }
        if (memory.IsEmpty)
            return null;
        var change = first.Snapshot(memory).DifferenceTo(second.Memory);
        return change is null ? null : $"RAM differs at {change}";
    }
}
