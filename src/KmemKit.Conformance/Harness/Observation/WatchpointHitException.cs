using System;

namespace KmemKit.Conformance.Harness.Observation;

/// <summary>An access met a watchpoint that stops; the access is done.</summary>
public sealed class WatchpointHitException : Exception
{
    /// <summary>Without facts.</summary>
    public WatchpointHitException()
    {
    }

    /// <summary>With a text.</summary>
    public WatchpointHitException(string message)
        : base(message)
    {
    }

    /// <summary>With a text and what caused it.</summary>
    public WatchpointHitException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    internal WatchpointHitException(in AccessRecord record)
        : base($"Watchpoint hit: {record}") => Record = record;

    /// <summary>The access.</summary>
    public AccessRecord Record { get; }
}
