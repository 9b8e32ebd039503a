namespace KmemKit.Runtime.Slab;

/// <summary>The line of source that asked for memory or gave it back: what the kernel prints as a call site.</summary>
/// <param name="File">Path as the compiler knows it; empty where the caller did not say.</param>
/// <param name="Line">Line number from 1; 0 where the caller did not say.</param>
public readonly record struct AllocationSite(string File, int Line)
{
    /// <inheritdoc/>
    public override string ToString() => Line == 0 ? "?" : $"{File}:{Line}";
}
