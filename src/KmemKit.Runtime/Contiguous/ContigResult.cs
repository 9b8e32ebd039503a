using KmemKit.Architecture;
using KmemKit.Runtime.Pages;

namespace KmemKit.Runtime.Contiguous;

/// <summary>Why a row of frames could not be taken.</summary>
public enum ContigError
{
    /// <summary>It was.</summary>
    None = 0,

    /// <summary>-EINVAL: the row is empty or longer than memory, or the flags cannot be used here.</summary>
    Invalid,

    /// <summary>-EINVAL: a frame of it is not RAM.</summary>
    Hole,

    /// <summary>-EINVAL: it lies in two zones, or shares a pageblock with another zone.</summary>
    CrossesZone,

    /// <summary>-EBUSY: a frame of it was never given to the page allocator.</summary>
    Reserved,

    /// <summary>-EBUSY: a page of it has no mover.</summary>
    Unmovable,

    /// <summary>-EBUSY: a page of it has a reference that is not its owner's.</summary>
    Pinned,

    /// <summary>-EBUSY: the owner of a page does not give it up.</summary>
    Refused,

    /// <summary>-EBUSY: a pageblock of it is isolated by someone else.</summary>
    Isolated,

    /// <summary>-EBUSY: a pageblock of it belongs to a contiguous area, and the request does not come from there.</summary>
    Lent,

    /// <summary>-EBUSY: pages of it stayed in use over all attempts.</summary>
    Busy,

    /// <summary>-ENOMEM: no page outside of the row for what it holds.</summary>
    NoMemory,

    /// <summary>-ENOMEM: an area has no free row of that length left; or no zone has one that could be tried.</summary>
    NoRange,
}

/// <summary>A row of frames, or why there is none.</summary>
/// <param name="First">The first page; null on failure.</param>
/// <param name="Error">What was in the way.</param>
/// <param name="Frame">The frame that it was about; null where it is about none in particular.</param>
public readonly record struct ContigResult(Page First, ContigError Error, PageFrame? Frame)
{
    internal const int Busy = -16;

    /// <summary>Whether the row was taken.</summary>
    public bool IsOk => Error == ContigError.None;

    /// <summary>The kernel's error: 0, -12 (ENOMEM), -16 (EBUSY) or -22 (EINVAL).</summary>
    public int Errno => Error switch
    {
        ContigError.None => 0,
        ContigError.Invalid or ContigError.Hole or ContigError.CrossesZone => -22,
        ContigError.NoMemory or ContigError.NoRange => -12,
        _ => Busy,
    };

    internal static ContigResult Of(uint index) => new(new Page(index), ContigError.None, null);

    internal static ContigResult Failed(ContigError error, PageFrame? frame = null) => new(default, error, frame);
}
