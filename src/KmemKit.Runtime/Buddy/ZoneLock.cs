using System.Runtime.CompilerServices;
using System.Threading;

namespace KmemKit.Runtime.Buddy;

/// <summary>A lock of one word in unmanaged memory: 0 free, 1 held.</summary>
internal static class ZoneLock
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Acquire(ref int word)
    {
        if (Interlocked.Exchange(ref word, 1) != 0)
            Wait(ref word);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Release(ref int word) => Volatile.Write(ref word, 0);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Wait(ref int word)
    {
        var spinner = new SpinWait();
        do
        {
            // Read before trying again, so that the line is not passed around while the lock is held.
            while (Volatile.Read(ref word) != 0)
                spinner.SpinOnce();
        }
        while (Interlocked.Exchange(ref word, 1) != 0);
    }
}
