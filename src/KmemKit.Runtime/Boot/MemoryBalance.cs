namespace KmemKit.Runtime.Boot;

/// <summary>Where a board's RAM is when the page allocator has taken over; in pages.</summary>
/// <remarks>Invariant: <c>Present = Available + Reserved + Cma</c>.</remarks>
/// <param name="Present">RAM that the kernel manages, in all zones.</param>
/// <param name="Available">Given to the page allocator.</param>
/// <param name="Cma">Contiguous areas, lent out later.</param>
/// <param name="High">Of the available, in highmem.</param>
/// <param name="Taken">RAM that the platform took before the kernel managed it (<c>no-map</c>); not in <see cref="Present"/>.</param>
/// <param name="MaxPfn">One past the last frame of RAM (max_pfn).</param>
public sealed record MemoryBalance(ulong Present, ulong Available, ulong Cma, ulong High, ulong Taken, ulong MaxPfn)
{
    /// <summary>Never given to the page allocator: the kernel, its tables, reserved regions.</summary>
    public ulong Reserved => Present - Available - Cma;
}
