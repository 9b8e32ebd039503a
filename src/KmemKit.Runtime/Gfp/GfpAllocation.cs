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
}
