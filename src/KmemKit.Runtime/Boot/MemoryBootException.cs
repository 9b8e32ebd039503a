using System;

namespace KmemKit.Runtime.Boot;

/// <summary>A board whose memory cannot be booted: too little of it, or more than this host or this build can hold.</summary>
public sealed class MemoryBootException : Exception
{
    /// <summary>With a reason.</summary>
    public MemoryBootException(string message) : base(message)
    {
    }

    /// <summary>With a reason and what lies behind it.</summary>
    public MemoryBootException(string message, Exception inner) : base(message, inner)
    {
    }

    /// <summary>Without a reason.</summary>
    public MemoryBootException()
    {
    }
}
