namespace KmemKit.BoardCompiler.Linear;

/// <summary>How a translation ends.</summary>
public enum TranslationStatus
{
    /// <summary>The address is RAM of the linear map.</summary>
    Ok,

    /// <summary>The address lies inside a segment's span, but no RAM is there.</summary>
    Hole,

    /// <summary>The address is not in the linear map at all (highmem, vmalloc, user, device, nothing).</summary>
    Outside,
}
