using System;
using KmemKit.Architecture;

namespace KmemKit.Runtime.Pages;

/// <summary>What is wrong with a use of a page.</summary>
public enum PageErrorKind
{
    /// <summary>No RAM is there, or no descriptor.</summary>
    Hole,

    /// <summary>The page is not of this map, or is the null page.</summary>
    Foreign,

    /// <summary>RAM that was never given to the allocator.</summary>
    Reserved,

    /// <summary>It is free already.</summary>
    DoubleFree,

    /// <summary>It was allocated with another order.</summary>
    WrongOrder,

    /// <summary>It lies inside an allocated block that starts elsewhere.</summary>
    NotFirstPage,

    /// <summary>It is still locked, on a list, or a slab's or table's.</summary>
    InUse,

    /// <summary>It is not allocated.</summary>
    NotAllocated,

    /// <summary>It has no kernel address: highmem.</summary>
    NoKernelAddress,
}

/// <summary>A page was used in a way that would have damaged the allocator (<c>bad_page</c>). Nothing was changed.</summary>
public sealed class PageErrorException : InvalidOperationException
{
    /// <summary>An error about a frame.</summary>
    public PageErrorException(PageErrorKind kind, PageFrame? frame, string message)
        : base(message)
    {
        Kind = kind;
        Frame = frame;
    }

    /// <summary>What is wrong.</summary>
    public PageErrorKind Kind { get; }

    /// <summary>The frame; null where the page names none.</summary>
    public PageFrame? Frame { get; }
}
