using System;

namespace KmemKit.Runtime.Gfp;

/// <summary>What a request may do to the reserves (<c>ALLOC_*</c> of mm/internal.h).</summary>
[Flags]
internal enum GfpAllocation
{
    None = 0,

    /// <summary>Half of the mark does.</summary>
    High = 1,

    /// <summary>Another quarter less.</summary>
    Harder = 2,

    /// <summary>Pages lent by contiguous areas do.</summary>
    Cma = 4,

    /// <summary>No mark holds.</summary>
    NoWatermarks = 8,

    /// <summary>Pageblocks kept for high-order atomic requests do, and one more may be set aside.</summary>
    HighAtomic = 16,

    /// <summary>Who has one of these is not kept from the high-order atomic reserve.</summary>
    Reserves = High | Harder | HighAtomic | NoWatermarks,
}
