using System;
using System.Globalization;

namespace KmemKit.Runtime.FaultInjection;

/// <summary>When a fault is injected (<c>struct fault_attr</c>, include/linux/fault-inject.h; Documentation/fault-injection).</summary>
public sealed record FaultAttributes
{
    /// <summary>Percent of the calls that come through the other filters: 0 to 100.</summary>
    public int Probability { get; init; }

    /// <summary>Of the calls that have used up <see cref="Space"/> every so-manieth may fail; 1 for each.</summary>
    public ulong Interval { get; init; } = 1;

    /// <summary>Failures until injection ends; -1 for no end.</summary>
    public int Times { get; init; } = 1;

    /// <summary>Bytes that may be allocated before the first failure, at least 0.</summary>
    public long Space { get; init; }

    /// <summary>Reads the form of the boot parameter: <c>interval,probability,space,times</c>, four decimal numbers (setup_fault_attr, lib/fault-inject.c).</summary>
    /// <returns>False where it is not of that form or a number is out of its range.</returns>
    public static bool TryParse(string text, out FaultAttributes attributes)
    {
        ArgumentNullException.ThrowIfNull(text);
        attributes = new FaultAttributes();
        var parts = text.Split(',');
        if (parts.Length != 4
            || !ulong.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var interval)
            || !int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var probability) || probability > 100
            || !long.TryParse(parts[2], NumberStyles.None, CultureInfo.InvariantCulture, out var space)
            || !int.TryParse(parts[3], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var times) || times < -1)
        {
            return false;
        }
        attributes = new FaultAttributes { Interval = interval, Probability = probability, Space = space, Times = times };
        return true;
    }

    internal void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfNegative(Probability);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(Probability, 100);
        ArgumentOutOfRangeException.ThrowIfLessThan(Times, -1);
        ArgumentOutOfRangeException.ThrowIfNegative(Space);
    }
}
