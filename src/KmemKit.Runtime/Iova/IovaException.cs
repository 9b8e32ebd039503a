using System;

namespace KmemKit.Runtime.Iova;

/// <summary>Why a range of device addresses cannot be given back or set apart.</summary>
public enum IovaError
{
    /// <summary>No range starts there: it was given back already, or never taken.</summary>
    NotTaken,

    /// <summary>The range that starts there has another size.</summary>
    WrongSize,

    /// <summary>The address is not a multiple of the granule, or outside the space.</summary>
    BadAddress,

    /// <summary>Part of what is to be set apart is in use.</summary>
    InUse,
}

/// <summary>A range of device addresses that cannot be given back or set apart. Nothing has changed.</summary>
public sealed class IovaException : InvalidOperationException
{
    internal IovaException(IovaError error, string message) : base(message) => Error = error;

    /// <summary>The reason.</summary>
    public IovaError Error { get; }
}
