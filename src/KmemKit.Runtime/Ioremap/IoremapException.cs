using System;
using KmemKit.Architecture;

namespace KmemKit.Runtime.Ioremap;

/// <summary>Why a device mapping was refused.</summary>
public enum IoremapErrorKind
{
    /// <summary>The range has no byte, or reaches beyond the physical addresses.</summary>
    BadRange,

    /// <summary>RAM that the kernel has mapped, as cached memory: a second mapping of another type is not coherent with it.</summary>
    SystemRam,

    /// <summary>The range is mapped already with another memory type.</summary>
    Alias,

    /// <summary>The address is not what ioremap gave.</summary>
    NotMapped,
}

/// <summary>A device mapping was refused; nothing was mapped.</summary>
public sealed class IoremapException : InvalidOperationException
{
    /// <summary>With its reason.</summary>
    public IoremapException(IoremapErrorKind kind, PhysRange range, string message)
        : base(message)
    {
        Kind = kind;
        Range = range;
    }

    /// <summary>Why.</summary>
    public IoremapErrorKind Kind { get; }

    /// <summary>What was asked for.</summary>
    public PhysRange Range { get; }
}
