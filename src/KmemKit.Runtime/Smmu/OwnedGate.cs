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
    private int _owner;
    private int _depth;

    /// <summary>Takes the gate; disposing of the answer gives it back.</summary>
    [UnscopedRef]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Held Hold()
    {
        if (Interlocked.CompareExchange(ref _owner, Environment.CurrentManagedThreadId, 0) != 0)
            EnterSlowly();
        return new Held(ref this);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Leave()
    {
        if (_depth != 0)
            _depth--;
        else
            Volatile.Write(ref _owner, 0);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void EnterSlowly()
    {
        var own = Environment.CurrentManagedThreadId;
        if (Volatile.Read(ref _owner) == own)
        {
            _depth++;
            return;
        }
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
