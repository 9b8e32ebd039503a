using System;

namespace KmemKit.Runtime.Pages;

/// <summary>State of a page frame (<c>enum pageflags</c>).</summary>
/// <remarks>
/// <see cref="Reserved"/>, <see cref="Buddy"/>, <see cref="Head"/> and <see cref="Tail"/> follow from what the allocator knows and cannot be set;
/// <see cref="Movable"/> and <see cref="Isolated"/> are set by registering and moving a page (<see cref="Migration.MovablePages"/>). Source:
/// include/linux/page-flags.h.
/// </remarks>
[Flags]
public enum PageFlags
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>PG_locked: someone works on its contents.</summary>
    Locked = 1 << 0,

    /// <summary>PG_referenced.</summary>
    Referenced = 1 << 1,

    /// <summary>PG_uptodate: its contents are valid.</summary>
    Uptodate = 1 << 2,

    /// <summary>PG_dirty: its contents are newer than their backing store.</summary>
    Dirty = 1 << 3,

    /// <summary>PG_lru: on a reclaim list.</summary>
    Lru = 1 << 4,

    /// <summary>PG_active.</summary>
    Active = 1 << 5,

    /// <summary>PG_slab: belongs to an object cache.</summary>
    Slab = 1 << 6,

    /// <summary>PG_private: <see cref="PageDescriptor.Private"/> is in use.</summary>
    Private = 1 << 7,

    /// <summary>PG_writeback.</summary>
    Writeback = 1 << 8,

    /// <summary>PG_mlocked.</summary>
    Mlocked = 1 << 9,

    /// <summary>PG_unevictable.</summary>
    Unevictable = 1 << 10,

    /// <summary>A page table.</summary>
    Table = 1 << 11,

    /// <summary>PAGE_MAPPING_MOVABLE: the first page of a block whose owner moves it on request.</summary>
    Movable = 1 << 12,

    /// <summary>PG_isolated: taken off its owner for a move.</summary>
    Isolated = 1 << 13,

    /// <summary>PG_reserved: RAM that was never given to the allocator.</summary>
    Reserved = 1 << 16,

    /// <summary>PG_buddy: free, in the allocator.</summary>
    Buddy = 1 << 17,

    /// <summary>PG_head: first page of a compound page.</summary>
    Head = 1 << 18,

    /// <summary>PG_tail: a further page of a compound page.</summary>
    Tail = 1 << 19,
}
