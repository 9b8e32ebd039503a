using System;
using System.Globalization;

namespace KmemKit.Conformance.Reports;

/// <summary>How long something took, as people read it: three digits, in the unit that fits.</summary>
public static class Durations
{
    /// <summary><c>83 µs</c>, <c>2.41 ms</c>, <c>312 ms</c>, <c>1.24 s</c>, <c>74.0 s</c>, <c>4 min 07 s</c>.</summary>
    /// <param name="time">Any span of time that is not negative.</param>
    public static string Text(TimeSpan time)
    {
        // A tick is 100 ns; what rounds up to the next unit is said in it.
        var milliseconds = time.TotalMilliseconds;
        return milliseconds switch
        {
            < 0.9995 => string.Create(CultureInfo.InvariantCulture, $"{milliseconds * 1000:F0} µs"),
            < 9.995 => string.Create(CultureInfo.InvariantCulture, $"{milliseconds:F2} ms"),
            < 99.95 => string.Create(CultureInfo.InvariantCulture, $"{milliseconds:F1} ms"),
            < 999.5 => string.Create(CultureInfo.InvariantCulture, $"{milliseconds:F0} ms"),
            < 9_995 => string.Create(CultureInfo.InvariantCulture, $"{milliseconds / 1000:F2} s"),
            < 119_950 => string.Create(CultureInfo.InvariantCulture, $"{milliseconds / 1000:F1} s"),
            _ => string.Create(CultureInfo.InvariantCulture, $"{(long)Math.Round(milliseconds / 1000) / 60} min {(long)Math.Round(milliseconds / 1000) % 60:00} s"),
        };
    }
}
