using System;

namespace KmemKit.Conformance.Harness.Time;

/// <summary>A call that <see cref="VirtualClock"/> owes.</summary>
public sealed class ClockTimer
{
    internal ClockTimer(Action action, ulong period) => (Action, Period) = (action, period);

    /// <summary>Whether it was taken back.</summary>
    public bool IsCancelled { get; private set; }

    internal Action Action { get; }

    internal ulong Period { get; }

    /// <summary>Takes it back: it is not called any more.</summary>
    public void Cancel() => IsCancelled = true;
}
