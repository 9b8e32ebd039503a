using System;
using KmemKit.Architecture;

namespace KmemKit.Runtime.Memory;

/// <summary>Why a claim on physical addresses failed, by the kernel's error names.</summary>
public enum ResourceError
{
    /// <summary>EINVAL: an empty range.</summary>
    Invalid,

    /// <summary>EBUSY: another resource is in the way.</summary>
    Busy,

    /// <summary>ENOENT: there is no such resource.</summary>
    NotFound,
}

/// <summary>A claim on physical addresses, or its release, failed.</summary>
public sealed class ResourceException : Exception
{
    /// <summary>With no facts.</summary>
    public ResourceException()
    {
    }

    /// <summary>With a text only.</summary>
    public ResourceException(string message)
        : base(message)
    {
    }

    /// <summary>With a text and what caused it.</summary>
    public ResourceException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    internal ResourceException(ResourceError error, PhysRange range, Resource? conflict, string message)
        : base(message)
    {
        Error = error;
        Range = range;
        Conflict = conflict;
    }

    /// <summary>Why.</summary>
    public ResourceError Error { get; }

    /// <summary>The addresses asked for.</summary>
    public PhysRange Range { get; }

    /// <summary>What is in the way; null where nothing is.</summary>
    public Resource? Conflict { get; }
}
