namespace KmemKit.Runtime.Tlb;

/// <summary>What a TLB did since it was made.</summary>
/// <param name="Hits">Accesses whose translation was there.</param>
/// <param name="Misses">Accesses that had to walk.</param>
/// <param name="Evictions">Translations that had to make room.</param>
/// <param name="Invalidations">Invalidation operations.</param>
/// <param name="Invalidated">Translations that those removed.</param>
/// <param name="Conflicts">Lookups that found two translations for one address (a TLB conflict abort on Arm, a machine check on others).</param>
public readonly record struct TlbStatistics(ulong Hits, ulong Misses, ulong Evictions, ulong Invalidations, ulong Invalidated, ulong Conflicts);
