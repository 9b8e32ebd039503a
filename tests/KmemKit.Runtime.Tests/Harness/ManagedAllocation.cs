using System;

namespace KmemKit.Runtime.Tests.Harness;

/// <summary>What a piece of code takes from the managed heap.</summary>
internal static class ManagedAllocation
{
    /// <summary>The least of a few runs, in bytes, on the calling thread.</summary>
    /// <remarks>A collection that another thread starts retires the rest of this thread's allocation context, up to 8 KiB, and counts it as allocated.</remarks>
    public static long LeastOf(Action run)
    {
        var least = long.MaxValue;
        for (var i = 0; i < 5 && least != 0; i++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            run();
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }
        return least;
    }
}
