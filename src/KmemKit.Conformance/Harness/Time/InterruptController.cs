using System;
using System.Collections.Generic;

namespace KmemKit.Conformance.Harness.Time;

/// <summary>The interrupt controller and the CPU's readiness for it: handlers run one after the other, the lowest number first, at the moment their line asks.</summary>
/// <remarks>A handler is not interrupted; what asks while one runs, or while interrupts are off, is served afterwards.</remarks>
public sealed class InterruptController
{
    // A level that nobody lowers would be served for ever.
    private const int MostInARow = 1000;

    private readonly SortedList<int, InterruptLine> _lines = [];
    private readonly VirtualClock _clock;
    private int _masked;
    private bool _isServing;

    internal InterruptController(VirtualClock clock) => _clock = clock;

    /// <summary>Whether the CPU takes interrupts now.</summary>
    public bool AreOn => _masked == 0;

    /// <summary>A line, made when it is first asked for.</summary>
    /// <param name="number">At least 0.</param>
    /// <param name="trigger">When it asks.</param>
    /// <exception cref="ArgumentException">The line is there with another trigger.</exception>
    public InterruptLine Line(int number, InterruptTrigger trigger = InterruptTrigger.Level)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(number);
        if (!_lines.TryGetValue(number, out var line))
            _lines[number] = line = new InterruptLine(this, number, trigger);
        return line.Trigger == trigger ? line : throw new ArgumentException($"Interrupt {number} is a line of kind {line.Trigger}.", nameof(trigger));
    }

    /// <summary>Turns interrupts off (local_irq_save); each call wants its <see cref="On"/>.</summary>
    public void Off() => _masked++;

    /// <summary>Turns interrupts on again (local_irq_restore) and serves what waits.</summary>
    /// <exception cref="InvalidOperationException">They are on.</exception>
    public void On()
    {
        if (_masked == 0)
            throw new InvalidOperationException("Interrupts are on already.");
        _masked--;
        Serve();
    }

    internal void Serve()
    {
        if (_isServing || _masked > 0)
            return;
        _isServing = true;
        try
        {
            for (var served = 0; Next() is { } line; served++)
            {
                if (served == MostInARow)
                    throw new InvalidOperationException($"Interrupt storm at {_clock.Now} ns: interrupt {line.Number} asks again {MostInARow} times in a row. Its handler does not make the device lower the line.");
                line.Call();
            }
        }
        finally
        {
            _isServing = false;
        }
    }

    private InterruptLine? Next()
    {
        if (_masked > 0)
            return null;
        foreach (var line in _lines.Values)
        {
            if (line.Asks)
                return line;
        }
        return null;
    }
}
