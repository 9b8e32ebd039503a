using System.Collections.Generic;

namespace KmemKit.Native.Machine;

/// <summary>Lines of the kernel's log that no C code wrote: allocation failures, caches that cannot be made. The C side prints them.</summary>
internal static class Log
{
    private static readonly Queue<string> s_lines = new();

    /// <summary>Adds a line, without a line feed at its end; the call that runs now has it printed when it returns.</summary>
    public static void Add(string line)
    {
        lock (s_lines)
            s_lines.Enqueue(line);
        ThreadState.Current.Touch();
    }

    /// <summary>Takes the oldest line; null where there is none.</summary>
    public static string? Take()
    {
        lock (s_lines)
            return s_lines.TryDequeue(out var line) ? line : null;
    }
}
