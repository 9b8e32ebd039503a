using KmemKit.Runtime.Tlb;

namespace KmemKit.Runtime.Smmu.V2;

/// <summary>An invalidation that software has posted: what it reaches, in which TLBs.</summary>
/// <param name="Scope">What it reaches.</param>
/// <param name="Stage1">Whether entries of stage 1 are meant.</param>
/// <param name="Stage2">Whether entries of stage 2 are meant.</param>
internal readonly record struct PostedInvalidation(TlbScope Scope, bool Stage1, bool Stage2);
