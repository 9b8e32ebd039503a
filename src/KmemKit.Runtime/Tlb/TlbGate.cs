using System.Runtime.CompilerServices;
using System.Threading;
using KmemKit.Runtime.Buddy;

namespace KmemKit.Runtime.Tlb;

/// <summary>Who is in a TLB: its CPU, at every miss, or somebody else, who invalidates. Never copied: it is a field of a class.</summary>
/// <remarks>
/// <para>A lock that leans to the CPU (biased locking: Russell and Detlefs, 2006) by the asymmetric form of Dekker's protocol, as <see cref="Iova.IovaCpuGate"/>. While its
/// door is open the CPU says that it is in with a plain store, and then looks whether the door is still open; a processor may turn these two around. Others take the lock
/// word, shut the door, and issue a barrier on all processors before they look whether the CPU is in: so one of the two sees the other. With the door shut the CPU
/// takes the lock word as well; after many times in a row, in which nobody else came, it opens the door again. So the barrier, which costs microseconds, is paid
/// once for that many misses at most, and an invalidation that follows soon on another one costs none.</para>
/// <para>Invariants: only the CPU writes <c>_inside</c> and <c>_holds</c>, and one thread at a time is the CPU; <c>_open</c> is written by who has the lock word.</para>
/// </remarks>
internal struct TlbGate
{
    /// <summary>Misses in a row that open the door: many times what shutting it costs.</summary>
    public const int Row = 4096;

    private int _inside;
    private int _open;
    private int _holds;
    private int _lock;
    private int _row;

    /// <summary>The CPU comes in.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Enter()
    {
        Volatile.Write(ref _inside, 1);
        if (Volatile.Read(ref _open) == 0)
            EnterByLock();
    }

    /// <summary>It goes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Leave()
    {
        Volatile.Write(ref _inside, 0);
        if (_holds != 0)
            LeaveByLock();
    }

    /// <summary>Somebody else comes in: when this returns, the CPU is not in and will not come in.</summary>
    public void EnterFromOutside()
    {
        ZoneLock.Acquire(ref _lock);
        _row = 0;
        if (_open == 0)
            return;
        Volatile.Write(ref _open, 0);
        Interlocked.MemoryBarrierProcessWide();
        var spinner = new SpinWait();
        while (Volatile.Read(ref _inside) != 0)
            spinner.SpinOnce();
    }

    /// <summary>Who came from outside goes.</summary>
    public void LeaveFromOutside() => ZoneLock.Release(ref _lock);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void EnterByLock()
    {
        Volatile.Write(ref _inside, 0);
        ZoneLock.Acquire(ref _lock);
        _holds = 1;
        if (++_row < Row)
            return;
        _row = 0;
        Volatile.Write(ref _open, 1);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void LeaveByLock()
    {
        _holds = 0;
        ZoneLock.Release(ref _lock);
    }
}
