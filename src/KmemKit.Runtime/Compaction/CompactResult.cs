namespace KmemKit.Runtime.Compaction;

/// <summary>How a compaction of a zone ended (<c>enum compact_result</c>); a higher one is the better news.</summary>
/// <remarks>Source: include/linux/compaction.h.</remarks>
public enum CompactResult
{
    /// <summary>Not tried: too little is free to move pages to, or fragmentation is not what keeps the request from being met.</summary>
    Skipped = 1,

    /// <summary>Not tried: it failed lately.</summary>
    Deferred = 2,

    /// <summary>The whole zone was gone through.</summary>
    Complete = 5,

    /// <summary>The rest of the zone was gone through, from where the last time ended.</summary>
    PartialSkipped = 6,

    /// <summary>Another CPU is compacting the zone.</summary>
    Contended = 7,

    /// <summary>There is a block of the order.</summary>
    Success = 8,
}
