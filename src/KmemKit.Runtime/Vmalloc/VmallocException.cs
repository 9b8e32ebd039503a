using System;
using KmemKit.Architecture;

namespace KmemKit.Runtime.Vmalloc;

/// <summary>What is wrong with a use of the vmalloc range.</summary>
public enum VmallocErrorKind
{
    /// <summary>No area starts there: freed twice, never allocated, or an address in the middle of one.</summary>
    NoArea,

    /// <summary>The area is of another kind: vfree of what ioremap gave, and so on.</summary>
    WrongKind,

    /// <summary>A size of 0, or larger than all memory or the whole range.</summary>
    BadSize,
}

/// <summary>The vmalloc range was used in a way that would have damaged it. Nothing was changed.</summary>
public sealed class VmallocException : InvalidOperationException
{
    /// <summary>An error at an address.</summary>
    public VmallocException(VmallocErrorKind kind, VirtAddr address, string message)
        : base(message)
    {
        Kind = kind;
        Address = address;
    }

    /// <summary>What is wrong.</summary>
    public VmallocErrorKind Kind { get; }

    /// <summary>The address.</summary>
    public VirtAddr Address { get; }
}
