namespace KmemKit.Conformance.Harness.Time;

/// <summary>When a line asks for its handler.</summary>
public enum InterruptTrigger
{
    /// <summary>While it is high: the handler is called again until the device lowers it.</summary>
    Level,

    /// <summary>When it rises.</summary>
    Edge,
}
