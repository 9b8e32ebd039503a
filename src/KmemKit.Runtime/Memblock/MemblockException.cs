using System;

namespace KmemKit.Runtime.Memblock;

/// <summary>Why memblock refused, by the kernel's error names.</summary>
public enum MemblockError
{
    /// <summary>ENOMEM: nothing free that fits, or the array of regions is full and may not or cannot grow.</summary>
    NoMemory,

    /// <summary>EINVAL: the page allocator owns the memory already.</summary>
    Released,

    /// <summary>EINVAL: memory is given back that was not reserved.</summary>
    NotReserved,
}

/// <summary>memblock refused a request; its regions are as they were.</summary>
public sealed class MemblockException : Exception
{
    /// <summary>With no facts.</summary>
    public MemblockException()
    {
    }

    /// <summary>With a text only.</summary>
    public MemblockException(string message)
        : base(message)
    {
    }

    /// <summary>With a text and what caused it.</summary>
    public MemblockException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>With the reason and a text that names the addresses.</summary>
    public MemblockException(MemblockError error, string message)
        : base(message) => Error = error;

    /// <summary>Why.</summary>
    public MemblockError Error { get; }
}
