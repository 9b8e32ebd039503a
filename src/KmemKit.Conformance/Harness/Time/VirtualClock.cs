using System;
using System.Collections.Generic;
using KmemKit.Runtime.Masters;

namespace KmemKit.Conformance.Harness.Time;

/// <summary>Virtual time: it passes when a test says so, and what is due happens in one order, by time and then by who asked first.</summary>
public sealed class VirtualClock
{
    private readonly PriorityQueue<ClockTimer, (ulong Due, ulong Order)> _timers = new();
    private readonly List<(IDmaMaster Master, ulong StalledUntil)> _masters = [];
    private ulong _order;
    private bool _isRunning;

    /// <summary>Nanoseconds since the start.</summary>
    public ulong Now { get; private set; }

    /// <summary>The longest time that masters work before others have their turn, at least 1 ns: what one writes, another sees after that at the latest.</summary>
    public ulong Quantum
    {
        get;
        set
        {
            ArgumentOutOfRangeException.ThrowIfZero(value);
            field = value;
        }
    } = 1000;

    /// <summary>Calls back once.</summary>
    /// <param name="delay">Nanoseconds from now; 0 for the next time that time passes.</param>
    /// <param name="action">What is to be done.</param>
    public ClockTimer After(ulong delay, Action action) => Schedule(Due(delay), 0, action);

    /// <summary>Calls back again and again.</summary>
    /// <param name="period">Nanoseconds, at least 1; the first time one period from now.</param>
    /// <param name="action">What is to be done.</param>
    public ClockTimer Every(ulong period, Action action)
    {
        ArgumentOutOfRangeException.ThrowIfZero(period);
        return Schedule(Due(period), period, action);
    }

    /// <summary>Lets time pass.</summary>
    /// <exception cref="InvalidOperationException">Time is passing already: a callback cannot let it pass.</exception>
    public void Advance(ulong nanoseconds)
    {
        if (_isRunning)
            throw new InvalidOperationException("Time is passing already. A callback asks to be called again (After) and returns.");
        _isRunning = true;
        try
        {
            var end = Due(nanoseconds);
            while (true)
            {
                var isDue = _timers.TryPeek(out _, out var next) && next.Due <= end;
                WorkUntil(isDue ? next.Due : end);
                if (!isDue)
                    return;
                Call(_timers.Dequeue());
            }
        }
        finally
        {
            _isRunning = false;
        }
    }

    /// <summary>Lets a master have its share of time.</summary>
    internal void Add(IDmaMaster master) => _masters.Add((master, 0));

    /// <summary>A master does nothing until then.</summary>
    internal void Stall(IDmaMaster master, ulong nanoseconds)
    {
        var at = _masters.FindIndex(m => ReferenceEquals(m.Master, master));
        if (at < 0)
            throw new ArgumentException($"{master.Name} is attached to no machine.", nameof(master));
        _masters[at] = (master, Due(nanoseconds));
    }

    private ulong Due(ulong delay) => delay <= ulong.MaxValue - Now ? Now + delay : ulong.MaxValue;

    private ClockTimer Schedule(ulong due, ulong period, Action action)
    {
        ArgumentNullException.ThrowIfNull(action);
        var timer = new ClockTimer(action, period);
        _timers.Enqueue(timer, (due, _order++));
        return timer;
    }

    private void Call(ClockTimer timer)
    {
        if (timer.IsCancelled)
            return;
        if (timer.Period > 0)
            _timers.Enqueue(timer, (Due(timer.Period), _order++));
        timer.Action();
    }

    private void WorkUntil(ulong time)
    {
        while (Now < time)
        {
            // Without masters there is nobody to share with.
            var slice = _masters.Count == 0 ? time - Now : Math.Min(Quantum, time - Now);
            Now += slice;
            foreach (var (master, stalledUntil) in _masters.ToArray())
            {
                var from = Math.Max(Now - slice, stalledUntil);
                if (from < Now)
                    master.Advance(Now - from);
            }
        }
    }
}
