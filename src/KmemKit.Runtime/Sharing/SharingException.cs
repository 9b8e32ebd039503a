using System;

namespace KmemKit.Runtime.Sharing;

/// <summary>What is wrong with a use of shared buffers.</summary>
public enum SharingError
{
    /// <summary>-EINVAL: the size is 0, or larger than what could ever be given.</summary>
    BadSize,

    /// <summary>-EINVAL: the alignment is no power of two, or more than the allocator can do.</summary>
    BadAlignment,

    /// <summary>-ENODEV: no heap is in the mask.</summary>
    NoHeap,

    /// <summary>-ENOMEM: the carve-out, area or memory is exhausted.</summary>
    NoMemory,

    /// <summary>-EINVAL: the handle was freed, or is another client's.</summary>
    BadHandle,

    /// <summary>-EBADF: the file is closed, or of another kind.</summary>
    BadFile,

    /// <summary>-EBUSY: it is mapped, attached or in use, and cannot go.</summary>
    Busy,

    /// <summary>-EINVAL: it is not mapped, or not attached.</summary>
    NotMapped,

    /// <summary>-EINVAL: one physical address is asked for, and the memory is not in a row.</summary>
    NotContiguous,

    /// <summary>-EIO: the device cannot be given the memory.</summary>
    MapFailed,

    /// <summary>-EACCES: what the owner did not show.</summary>
    NotVisible,

    /// <summary>-EINVAL: a fence was signalled before.</summary>
    AlreadySignaled,

    /// <summary>-EINVAL: a fence is signalled before one of the same timeline that comes first.</summary>
    OutOfOrder,

    /// <summary>-EINVAL: the reservation is changed without its lock.</summary>
    NotLocked,
}

/// <summary>A buffer was used in a way that would have damaged it or others. Nothing was changed.</summary>
public sealed class SharingException : InvalidOperationException
{
    /// <summary>An error about something.</summary>
    public SharingException(SharingError error, string subject, string message)
        : base($"{subject}: {message}")
    {
        Error = error;
        Subject = subject;
    }

    /// <summary>What is wrong.</summary>
    public SharingError Error { get; }

    /// <summary>What it is about, by name.</summary>
    public string Subject { get; }
}
