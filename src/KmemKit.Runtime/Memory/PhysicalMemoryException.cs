using System;

namespace KmemKit.Runtime.Memory;

/// <summary>The host cannot give what a board's RAM needs.</summary>
public sealed class PhysicalMemoryException : Exception
{
    /// <summary>With no text.</summary>
    public PhysicalMemoryException()
    {
    }

    /// <summary>With a text that says what is missing and what to do.</summary>
    public PhysicalMemoryException(string message)
        : base(message)
    {
    }

    /// <summary>With a text and what caused it.</summary>
    public PhysicalMemoryException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
