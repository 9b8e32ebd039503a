using System;

namespace KmemKit.Conformance.Harness.Devices;

/// <summary>A driver used a device as its model says it must not: a register that is not there, another width, a write to what is read only.</summary>
public sealed class DeviceModelException : Exception
{
    /// <summary>Without facts.</summary>
    public DeviceModelException()
    {
    }

    /// <summary>With a text.</summary>
    public DeviceModelException(string message)
        : base(message)
    {
    }

    /// <summary>With a text and what caused it.</summary>
    public DeviceModelException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
