namespace KmemKit.Runtime.Smmu;

/// <summary>How an SMMU's driver has the translation of one granule invalidated, as a value: the unmap of a page is compiled for each kind of it, without a call in between.</summary>
internal interface IGranuleInvalidation
{
    /// <summary>Invalidates the translation of a granule, and returns when that is done.</summary>
    void Invalidate(ulong address);
}
