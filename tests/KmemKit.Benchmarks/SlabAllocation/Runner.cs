using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using System.Threading;

namespace KmemKit.Benchmarks.SlabAllocation;

/// <summary>A load on one heap that can be run again and again.</summary>
/// <param name="Turn">Runs it for some milliseconds.</param>
/// <param name="Operations">How many allocations with their frees that is.</param>
/// <param name="End">Gives back what it still holds.</param>
internal sealed record Workload(Action Turn, int Operations, Action? End = null)
{
    /// <summary>Runs loads in turns.</summary>
    /// <returns>By load and round: nanoseconds an operation. A round's turns follow one another, so that what slows one slows all.</returns>
    public static double[][] Measure(IReadOnlyList<Workload> loads, int rounds)
    {
        var times = loads.Select(_ => new double[rounds]).ToArray();
        foreach (var load in loads)
            load.Turn();
        for (var round = 0; round < rounds; round++)
        {
            for (var i = 0; i < loads.Count; i++)
            {
                var start = Stopwatch.GetTimestamp();
                loads[i].Turn();
                times[i][round] = (Stopwatch.GetTimestamp() - start) * 1e9 / Stopwatch.Frequency / loads[i].Operations;
            }
        }
        foreach (var load in loads)
            load.End?.Invoke();
        return times;
    }
}

/// <summary>The workloads of the table on one heap.</summary>
internal interface IRunner
{
    Workload Pairs(int pairs);

    Workload Lifo(int count, int times);

    Workload FillThenFree(int count, int times);

    Workload Replace(int count, int replacements);

    Workload Remote(int count);
}

/// <param name="name">The heap's name.</param>
/// <param name="heap">The heap.</param>
/// <param name="other">The same heap as another thread uses it.</param>
/// <param name="size">Bytes of an object.</param>
internal sealed class Runner<THeap>(string name, THeap heap, THeap other, nuint size) : IRunner
    where THeap : struct, IHeap
{
    public Workload Pairs(int pairs) => new(() => Workloads.Pairs(heap, size, pairs), pairs);

    public Workload Lifo(int count, int times)
    {
        var slots = new nint[count];
        return new Workload(() => Repeat(times, () => Workloads.Lifo(heap, size, slots)), count * times);
    }

    public Workload FillThenFree(int count, int times)
    {
        var slots = new nint[count];
        var order = Enumerable.Range(0, count).ToArray();
        new Random(1).Shuffle(order);
        return new Workload(() => Repeat(times, () => Workloads.FillThenFree(heap, size, slots, order)), count * times);
    }

    public Workload Replace(int count, int replacements)
    {
        var slots = new nint[count];
        Workloads.Fill(heap, size, slots);
        // Until the live set is as mixed as it gets.
        var random = Workloads.Replace(heap, size, slots, 4 * count, 1u);
        return new Workload(() => random = Workloads.Replace(heap, size, slots, replacements, random), replacements, () => Workloads.Empty(heap, slots));
    }

    public Workload Remote(int count) => new(
        () =>
        {
            var ring = new Ring();
            var receiver = new Thread(() =>
            {
                while (!ring.IsClosed)
                    Workloads.Receive(other, ring);
            }) { Name = name };
            receiver.Start();
            Workloads.Send(heap, size, ring, count);
            ring.Close();
            receiver.Join();
        },
        count);

    private static void Repeat(int times, Action action)
    {
        for (var i = 0; i < times; i++)
            action();
    }
}
