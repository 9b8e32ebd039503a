using System;

namespace KmemKit.Runtime.Mpu;

/// <summary>A board that cannot be booted with its protection unit; the message says what to change.</summary>
public sealed class MpuBootException : Exception
{
    /// <summary>Without facts.</summary>
    public MpuBootException()
    {
    }

    /// <summary>With what is wrong and its remedy.</summary>
    public MpuBootException(string message)
        : base(message)
    {
    }

    /// <summary>With what caused it.</summary>
    public MpuBootException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
