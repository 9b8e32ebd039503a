using KmemKit.Architecture;

namespace KmemKit.Runtime.Processes;

/// <summary>Why a system call was refused, with the numbers of the kernel (include/uapi/asm-generic/errno-base.h).</summary>
public enum Errno
{
    /// <summary>It was done.</summary>
    None = 0,

    /// <summary>EPERM: below the lowest address that may be mapped.</summary>
    PermissionDenied = 1,

    /// <summary>EBADF: no file, and not anonymous.</summary>
    BadFile = 9,

    /// <summary>EAGAIN: no process number is left.</summary>
    TryAgain = 11,

    /// <summary>ENOMEM: no memory, no addresses, a limit, or nothing mapped where something has to be.</summary>
    NoMemory = 12,

    /// <summary>EACCES: the file was not opened for that.</summary>
    AccessDenied = 13,

    /// <summary>EFAULT: a user address that cannot be accessed, or is not wholly in one area.</summary>
    BadAddress = 14,

    /// <summary>EEXIST: something is mapped there (MAP_FIXED_NOREPLACE).</summary>
    Exists = 17,

    /// <summary>ENODEV: what was opened cannot be mapped.</summary>
    NoDevice = 19,

    /// <summary>EINVAL: an address, size or flag that makes no sense.</summary>
    InvalidArgument = 22,

    /// <summary>EOVERFLOW: the offset and size do not fit into the file's pages.</summary>
    Overflow = 75,
}

/// <summary>What a system call that gives an address gave.</summary>
/// <param name="Address">The address; 0 with an error.</param>
/// <param name="Error">Why there is none.</param>
public readonly record struct MapResult(VirtAddr Address, Errno Error)
{
    /// <summary>Whether there is an address.</summary>
    public bool IsOk => Error == Errno.None;

    /// <summary>A refusal.</summary>
    public static MapResult Failed(Errno error) => new(default, error);
}

/// <summary>Signals that memory raises (POSIX numbers).</summary>
public enum Signal
{
    /// <summary>SIGBUS: the area is there, what it maps is not.</summary>
    Bus = 7,

    /// <summary>SIGKILL: by the kernel, for memory.</summary>
    Kill = 9,

    /// <summary>SIGSEGV: no area there, or not with that right.</summary>
    SegmentationFault = 11,
}

/// <summary>Why (<c>si_code</c>, include/uapi/asm-generic/siginfo.h).</summary>
public enum SignalCode
{
    /// <summary>SI_KERNEL.</summary>
    Kernel = 0x80,

    /// <summary>SEGV_MAPERR: nothing is mapped at the address.</summary>
    MapError = 1,

    /// <summary>SEGV_ACCERR: the area does not grant the access.</summary>
    AccessError = 2,

    /// <summary>BUS_ADRALN: an address that is not aligned.</summary>
    BusAlignment = 4,

    /// <summary>BUS_ADRERR: nothing is behind the mapping, such as behind the end of a file.</summary>
    BusAddressError = 3,
}

/// <summary>A signal that an access raised.</summary>
/// <param name="Signal">Which.</param>
/// <param name="Code">Why.</param>
/// <param name="Address">The byte.</param>
public readonly record struct SignalInfo(Signal Signal, SignalCode Code, VirtAddr Address)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Signal} ({Code}) at {Address}";
}
