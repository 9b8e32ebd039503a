namespace KmemKit.Runtime.Buddy;

/// <summary>What may become of a page's contents later: the allocator keeps pages of one kind together in pageblocks (<c>enum migratetype</c>).</summary>
/// <remarks>Source: include/linux/mmzone.h.</remarks>
public enum MigrateType
{
    /// <summary>Stays where it is until freed: most of the kernel's own pages.</summary>
    Unmovable = 0,

    /// <summary>Can be moved: user pages.</summary>
    Movable = 1,

    /// <summary>Cannot be moved, but given up on request: caches.</summary>
    Reclaimable = 2,

    /// <summary>Kept for requests of order 1 and up that cannot sleep; the allocator sets pageblocks aside itself.</summary>
    HighAtomic = 3,

    /// <summary>Belongs to a contiguous area that is lent to movable pages.</summary>
    Cma = 4,

    /// <summary>Taken out of use: free pages of such a block are not given out.</summary>
    Isolate = 5,
}
