using System;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Threading;

namespace KmemKit.Runtime.Smmu;

/// <summary>A lock that its thread may take again, with one atomic operation for both taking and giving: held for the time of a command or a translation.</summary>
/// <remarks>
/// Taken again it is where an interrupt handler sends commands: interrupts are raised on the thread whose register write caused them. Never copied: it is a field of a class.
/// </remarks>
internal struct OwnedGate
{
    // A number of each thread, not 0. Environment.CurrentManagedThreadId goes through an object for it, which takes longer than the atomic operation.
    [ThreadStatic]
    private static int t_thread;
    private static int s_threads;

    // Of whom it is not told who he is: no thread's number.
    private const int Somebody = -1;

    private int _owner;
    private int _depth;

    private static int CurrentThread
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => t_thread is var number and not 0 ? number : NumberThread();
    }

    /// <summary>Takes the gate; disposing of the answer gives it back.</summary>
    [UnscopedRef]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Held Hold()
    {
        if (Interlocked.CompareExchange(ref _owner, CurrentThread, 0) != 0)
            EnterSlowly();
        return new Held(ref this);
    }

    /// <summary>Whether nobody has it.</summary>
    public readonly bool IsFree
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Volatile.Read(in _owner) == 0;
    }

    /// <summary>
    /// Takes the gate for a few instructions that neither throw nor call anybody who might want it: the thread does not have it yet, and cannot take it again until
    /// <see cref="LeaveBriefly"/>. Cheaper than <see cref="Hold"/>, because nobody asks for the thread's number.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void EnterBriefly()
    {
        if (Interlocked.CompareExchange(ref _owner, Somebody, 0) != 0)
            WaitFor(Somebody);
    }

    /// <summary>Gives it back after <see cref="EnterBriefly"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void LeaveBriefly() => Volatile.Write(ref _owner, 0);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Leave()
    {
        if (_depth != 0)
            _depth--;
        else
            Volatile.Write(ref _owner, 0);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int NumberThread() => t_thread = Interlocked.Increment(ref s_threads);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void EnterSlowly()
    {
        var own = CurrentThread;
        if (Volatile.Read(ref _owner) == own)
        {
            _depth++;
            return;
        }
        WaitFor(own);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void WaitFor(int own)
    {
        var spinner = new SpinWait();
        do
        {
            // Read before trying again, so that the line is not passed around while the gate is held.
            while (Volatile.Read(ref _owner) != 0)
                spinner.SpinOnce();
        }
        while (Interlocked.CompareExchange(ref _owner, own, 0) != 0);
    }

    /// <summary>A gate that is held.</summary>
    public readonly ref struct Held
    {
        private readonly ref OwnedGate _gate;

        internal Held(ref OwnedGate gate) => _gate = ref gate;

        /// <summary>Gives it back.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Dispose() => _gate.Leave();
    }
}
