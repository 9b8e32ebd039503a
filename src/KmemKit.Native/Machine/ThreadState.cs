using System;
using System.Collections.Generic;
using KmemKit.Native.Reports;

namespace KmemKit.Native.Machine;

/// <summary>What is kept for each thread of the C program: its place, its reports, whether it may sleep.</summary>
internal sealed unsafe class ThreadState
{
    [ThreadStatic]
    private static ThreadState? t_current;

    private static int s_threads;

    /// <summary>This thread's.</summary>
    public static ThreadState Current => t_current ??= new ThreadState();

    private ThreadState() => Number = System.Threading.Interlocked.Increment(ref s_threads);

    /// <summary>The thread's number, from 1: what reports show as its PID.</summary>
    public int Number { get; }

    /// <summary>The sites that it called from.</summary>
    public SiteCache Sites { get; } = new();

    /// <summary>Reports that were not delivered yet.</summary>
    public Queue<NativeReport> Pending { get; } = new();

    /// <summary>The call that runs now; null where none does.</summary>
    public CallSite* At { get; set; }

    /// <summary>How deep in code that must not sleep: interrupt handlers, preempt_disable.</summary>
    public int AtomicDepth { get; set; }

    /// <summary>The CPU that it used last; -1 at first.</summary>
    public int LastCpu { get; set; } = -1;

    /// <summary>The CPU that it holds, and how often: a constructor of a cache may call the allocator.</summary>
    public int HeldCpu { get; set; } = -1;

    /// <summary>Calls that hold <see cref="HeldCpu"/>.</summary>
    public int Holds { get; set; }

    /// <summary>The site of the call that runs now.</summary>
    public KnownSite Site => Sites.Of(At);

    /// <summary>Makes the C side look, though no report waits: there is a line to log.</summary>
    public void Touch()
    {
        if (At != null && At->Reports == 0)
            At->Reports = 1;
    }

    /// <summary>Adds a report to those that wait.</summary>
    public void Report(NativeReport report)
    {
        Pending.Enqueue(report);
        if (At != null)
            At->Reports = Pending.Count;
    }
}
