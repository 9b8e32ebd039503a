using System;
using KmemKit.Architecture;

namespace KmemKit.Runtime.Memory;

/// <summary>Why nothing answered on the bus.</summary>
public enum BusFaultKind
{
    /// <summary>Neither RAM nor a registered device: a hole.</summary>
    Hole,

    /// <summary>The first byte is there, the last one is not in the same RAM or device.</summary>
    Straddle,

    /// <summary>The access would reach beyond 2^64.</summary>
    BeyondTop,
}

/// <summary>An access to a physical address where nothing answers: the external abort of Arm, the bus error of the others.</summary>
public sealed class BusFaultException : Exception
{
    /// <summary>With no facts.</summary>
    public BusFaultException()
    {
    }

    /// <summary>With a text only.</summary>
    public BusFaultException(string message)
        : base(message)
    {
    }

    /// <summary>With a text and what caused it.</summary>
    public BusFaultException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    internal BusFaultException(BusFaultKind kind, PhysAddr address, ulong length, string message)
        : base(message)
    {
        Kind = kind;
        Address = address;
        Length = length;
    }

    /// <summary>Why nothing answered.</summary>
    public BusFaultKind Kind { get; }

    /// <summary>The first address of the access.</summary>
    public PhysAddr Address { get; }

    /// <summary>Bytes of the access.</summary>
    public ulong Length { get; }
}
