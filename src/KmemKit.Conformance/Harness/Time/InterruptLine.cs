using System;

namespace KmemKit.Conformance.Harness.Time;

/// <summary>An interrupt line from a device to the controller.</summary>
public sealed class InterruptLine
{
    private readonly InterruptController _controller;

    internal InterruptLine(InterruptController controller, int number, InterruptTrigger trigger) => (_controller, Number, Trigger) = (controller, number, trigger);

    /// <summary>Its number at the controller; the lowest is served first.</summary>
    public int Number { get; }

    /// <summary>When it asks.</summary>
    public InterruptTrigger Trigger { get; }

    /// <summary>Whether the device holds it high.</summary>
    public bool IsHigh { get; private set; }

    /// <summary>Whether it asks for its handler and has not had it.</summary>
    public bool IsPending { get; private set; }

    /// <summary>Whether it may ask; what it asks meanwhile waits (disable_irq).</summary>
    public bool IsEnabled { get; private set; } = true;

    /// <summary>How often its handler was called.</summary>
    public int Served { get; private set; }

    internal Action? Handler { get; private set; }

    internal bool Asks => IsEnabled && Handler is not null && (IsPending || (Trigger == InterruptTrigger.Level && IsHigh));

    /// <summary>Says who serves it (request_irq); what was asked before is served now.</summary>
    /// <exception cref="InvalidOperationException">It has a handler (-EBUSY).</exception>
    public void Request(Action handler)
    {
        ArgumentNullException.ThrowIfNull(handler);
        if (Handler is not null)
            throw new InvalidOperationException($"Interrupt {Number} has a handler (-EBUSY).");
        Handler = handler;
        _controller.Serve();
    }

    /// <summary>Nobody serves it any more (free_irq).</summary>
    public void Free() => Handler = null;

    /// <summary>The device holds it high.</summary>
    public void Raise()
    {
        if (!IsHigh && Trigger == InterruptTrigger.Edge)
            IsPending = true;
        IsHigh = true;
        _controller.Serve();
    }

    /// <summary>The device lets it go.</summary>
    public void Lower() => IsHigh = false;

    /// <summary>The device says once that there is something.</summary>
    public void Pulse()
    {
        IsPending = true;
        _controller.Serve();
    }

    /// <summary>Lets it ask again (enable_irq).</summary>
    public void Enable()
    {
        IsEnabled = true;
        _controller.Serve();
    }

    /// <summary>Lets it ask no more (disable_irq).</summary>
    public void Disable() => IsEnabled = false;

    internal void Call()
    {
        IsPending = false;
        Served++;
        Handler!();
    }
}
