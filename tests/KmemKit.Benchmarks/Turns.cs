using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.Linq;
using KmemKit.Benchmarks.PageAllocation;

namespace KmemKit.Benchmarks;

/// <summary>Several loads measured in turns, each turn shorter than a time slice: whatever else the machine does, it does to all of them.</summary>
/// <remarks>
/// Three figures a load: its fastest turn, its median turn, and the median of its ratios to the first load in the same round. The last is what to quote: a phase in
/// which the machine is slow, is slow for both sides of each ratio.
/// </remarks>
internal sealed class Turns
{
    private readonly List<Load> _loads = [];

    private sealed record Load(string Name, Func<(bool GoesOn, int Operations)> Turn, Action? Before, Action? Again, int? NetOf);

    /// <summary>Adds a load.</summary>
    public Turns Add(string name, int operations, Action turn)
    {
        _loads.Add(new Load(name, () => { turn(); return (true, operations); }, null, null, null));
        return this;
    }

    /// <summary>Adds a load that comes to an end: when a turn says so, it is started anew outside the measurement.</summary>
    public Turns Add(string name, int operations, Func<bool> turn, Action again)
    {
        _loads.Add(new Load(name, () => (turn(), operations), null, again, null));
        return this;
    }

    /// <summary>Adds a mixed load, whose steps are drawn before each turn.</summary>
    /// <param name="name">What it is called.</param>
    /// <param name="load">The load.</param>
    /// <param name="isNetOf">The load, by its place, that is the loop alone: the median of what is left without it is shown as well.</param>
    public Turns AddDrawn<TBlocks, THandle>(string name, MixedLoad<TBlocks, THandle> load, int? isNetOf = null)
        where TBlocks : struct, IBlocks<THandle>
        where THandle : unmanaged
    {
        _loads.Add(new Load(name, () => (true, load.Run()), load.Draw, null, isNetOf));
        return this;
    }

    /// <summary>Goes through all loads in turns without measuring, until the JIT has compiled what they call for the last time.</summary>
    public Turns WarmUp(TimeSpan time)
    {
        for (var start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start) < time;)
        {
            foreach (var load in _loads)
            {
                load.Before?.Invoke();
                if (!load.Turn().GoesOn)
                    load.Again!();
            }
        }
        return this;
    }

    /// <summary>Measures and prints a line a load: nanoseconds an operation, fastest and median, and the median of the ratios to the first load.</summary>
    /// <returns>The medians.</returns>
    public double[] Run(int turns)
    {
        var times = _loads.Select(_ => new double[turns]).ToArray();
        foreach (var load in _loads)
        {
            load.Again?.Invoke();
            load.Before?.Invoke();
            if (load.Again is null)
                load.Turn();
        }
        for (var turn = 0; turn < turns; turn++)
        {
            for (var i = 0; i < _loads.Count; i++)
            {
                var load = _loads[i];
                load.Before?.Invoke();
                var start = Stopwatch.GetTimestamp();
                var (goesOn, operations) = load.Turn();
                times[i][turn] = (Stopwatch.GetTimestamp() - start) * 1e9 / Stopwatch.Frequency / operations;
                if (!goesOn)
                    load.Again!();
            }
        }
        for (var i = 0; i < _loads.Count; i++)
        {
            var (time, first) = (times[i], times[0]);
            var net = _loads[i].NetOf is { } loop ? $"   net {Format(Median(time.Zip(times[loop], static (all, alone) => all - alone)))}" : "";
            var ratio = Median(time.Zip(first, static (own, other) => own / other));
            Console.WriteLine($"{_loads[i].Name,-36} fastest {Format(time.Min())}  median {Format(Median(time))}  ratio {Format(ratio)}{net}");
        }
        return Array.ConvertAll(times, Median);
    }

    /// <summary>The middle one.</summary>
    public static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return sorted[sorted.Length / 2];
    }

    private static string Format(double value) => value.ToString("F2", CultureInfo.InvariantCulture).PadLeft(6);
}
