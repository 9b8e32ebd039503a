using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Threading;

namespace KmemKit.Runtime.Iova;

/// <summary>Who is in a CPU's magazines: its own thread, which pays two plain stores and a load for it, or a thread that empties them, which pays for both.</summary>
/// <remarks>
/// An asymmetric lock. The owner says that it is in and then looks whether it is kept out; a processor may turn these two around, and the other side makes up for it
/// by a barrier on all processors between keeping out and looking who is in. So one of the two sees the other.
/// </remarks>
[StructLayout(LayoutKind.Sequential, Size = 64)]
internal struct IovaCpuGate
{
    private int _busy;
    private int _closed;

    /// <summary>The CPU's own thread comes in.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Enter()
    {
        Volatile.Write(ref _busy, 1);
        if (Volatile.Read(ref _closed) != 0)
            EnterSlowly();
    }

    /// <summary>The CPU's own thread comes in if it is not kept out.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryEnter()
    {
        Volatile.Write(ref _busy, 1);
        if (Volatile.Read(ref _closed) == 0)
            return true;
        Volatile.Write(ref _busy, 0);
        return false;
    }

    /// <summary>It goes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Leave() => Volatile.Write(ref _busy, 0);

    /// <summary>Another thread keeps the owner out. Gates of several CPUs are closed by rising number, and then the caller issues one barrier for all.</summary>
    public void Close()
    {
        var spinner = new SpinWait();
        while (Interlocked.CompareExchange(ref _closed, 1, 0) != 0)
            spinner.SpinOnce();
    }

    /// <summary>Behind the barrier: until the owner has gone.</summary>
    public void WaitForOwner()
    {
        var spinner = new SpinWait();
        while (Volatile.Read(ref _busy) != 0)
            spinner.SpinOnce();
    }

    /// <summary>The owner may come in again.</summary>
    public void Open() => Volatile.Write(ref _closed, 0);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void EnterSlowly()
    {
        var spinner = new SpinWait();
        do
        {
            Volatile.Write(ref _busy, 0);
            while (Volatile.Read(ref _closed) != 0)
                spinner.SpinOnce();
            Volatile.Write(ref _busy, 1);
        }
        while (Volatile.Read(ref _closed) != 0);
    }
}
