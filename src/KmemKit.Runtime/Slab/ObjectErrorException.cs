using System;

namespace KmemKit.Runtime.Slab;

/// <summary>What is wrong with a use of an object cache.</summary>
public enum ObjectErrorKind
{
    /// <summary>The address is on no slab and no block of kmalloc.</summary>
    NotAnObject,

    /// <summary>It is an object of another cache.</summary>
    WrongCache,

    /// <summary>It lies inside an object, or in a slab where no object is.</summary>
    NotAnObjectStart,

    /// <summary>It is free already.</summary>
    DoubleFree,

    /// <summary>The cache was destroyed.</summary>
    Destroyed,

    /// <summary>A cache cannot be made as asked, and <see cref="SlabFlags.Panic"/> says that this may not be.</summary>
    CreationFailed,
}

/// <summary>A cache was used in a way that would have damaged the allocator, and nobody was there to report it. Nothing was changed.</summary>
public sealed class ObjectErrorException : InvalidOperationException
{
    /// <summary>An error.</summary>
    public ObjectErrorException(ObjectErrorKind kind, string message)
        : base(message) => Kind = kind;

    /// <summary>What is wrong.</summary>
    public ObjectErrorKind Kind { get; }
}
