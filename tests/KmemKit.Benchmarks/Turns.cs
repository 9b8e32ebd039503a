using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.Linq;

namespace KmemKit.Benchmarks;

/// <summary>Several loads measured in turns, each turn shorter than a time slice: whatever else the machine does, it does to all of them.</summary>
/// <remarks>
/// The fastest turn of each counts, where all turns of a load are alike; the median where they are not (a random mix has lucky turns). Ratios are to the first load.
/// </remarks>
internal sealed class Turns
{
    private readonly List<(string Name, int Operations, Func<bool> Turn, Action? Again, bool IsMedian)> _loads = [];

    /// <summary>Adds a load whose turns are alike.</summary>
    public Turns Add(string name, int operations, Action turn)
    {
        _loads.Add((name, operations, () => { turn(); return true; }, null, false));
        return this;
    }

    /// <summary>Adds a load whose turns differ.</summary>
    public Turns AddMixed(string name, int operations, Action turn)
    {
        _loads.Add((name, operations, () => { turn(); return true; }, null, true));
        return this;
    }

    /// <summary>Adds a load that comes to an end: when a turn says so, it is started anew outside the measurement.</summary>
    public Turns Add(string name, int operations, Func<bool> turn, Action again)
    {
        _loads.Add((name, operations, turn, again, false));
        return this;
    }

    /// <summary>Measures and prints a line a load: nanoseconds an operation, and over those of the first load.</summary>
    public void Run(int turns)
    {
        var times = _loads.Select(_ => new double[turns]).ToArray();
        foreach (var load in _loads)
        {
            load.Again?.Invoke();
            if (load.Again is null)
                load.Turn();
        }
        for (var turn = 0; turn < turns; turn++)
        {
            for (var i = 0; i < _loads.Count; i++)
            {
                var start = Stopwatch.GetTimestamp();
                var goesOn = _loads[i].Turn();
                times[i][turn] = (Stopwatch.GetTimestamp() - start) * 1e9 / Stopwatch.Frequency / _loads[i].Operations;
                if (!goesOn)
                    _loads[i].Again!();
            }
        }
        foreach (var time in times)
            Array.Sort(time);
        for (var i = 0; i < _loads.Count; i++)
        {
            var at = _loads[i].IsMedian ? turns / 2 : 0;
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"{_loads[i].Name,-36} {times[i][at],7:F2} {times[i][at] / times[0][at],6:F2}{(_loads[i].IsMedian ? "  (median)" : "")}"));
        }
    }
}
