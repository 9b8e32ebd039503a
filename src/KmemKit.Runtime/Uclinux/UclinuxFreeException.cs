using System;
using KmemKit.Architecture;

namespace KmemKit.Runtime.Uclinux;

/// <summary>What is wrong with an address that was given back.</summary>
public enum UclinuxFreeError
{
    /// <summary>It is not in the pool.</summary>
    Foreign,

    /// <summary>Nothing is out there: freed twice, or never handed out.</summary>
    NotAllocated,

    /// <summary>It is inside a block, and not its start.</summary>
    InsideBlock,
}

/// <summary>An address is no block that is out. The allocator is as it was.</summary>
public sealed class UclinuxFreeException : Exception
{
    /// <summary>With no facts.</summary>
    public UclinuxFreeException()
    {
    }

    /// <summary>With a text only.</summary>
    public UclinuxFreeException(string message)
        : base(message)
    {
    }

    /// <summary>With a text and what caused it.</summary>
    public UclinuxFreeException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    internal UclinuxFreeException(UclinuxFreeError error, PhysAddr address, string message)
        : base(message)
    {
        Error = error;
        Address = address;
    }

    /// <summary>What is wrong.</summary>
    public UclinuxFreeError Error { get; }

    /// <summary>The address.</summary>
    public PhysAddr Address { get; }
}
