namespace KmemKit.Runtime.Slab;

/// <summary>How many objects and slabs a cache has, as its allocator counts them.</summary>
/// <param name="ActiveObjects">Objects that are not free in their slab; those in CPUs' arrays are among them.</param>
/// <param name="Objects">Objects of all slabs.</param>
/// <param name="ActiveSlabs">Slabs that are not wholly free; of SLUB all, as the kernel prints them.</param>
/// <param name="Slabs">Slabs.</param>
/// <param name="SharedAvailable">Objects in the shared array; 0 for SLUB, which does not print it.</param>
/// <param name="Pages">Pages of all slabs.</param>
public readonly record struct SlabCounts(long ActiveObjects, long Objects, long ActiveSlabs, long Slabs, long SharedAvailable, long Pages);
