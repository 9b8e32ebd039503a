using System.Collections.Generic;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Layout;
using KmemKit.Runtime.Cma;
using KmemKit.Runtime.Contiguous;
using KmemKit.Runtime.Pages;

namespace KmemKit.Runtime.Buddy;

/// <summary>Contiguous areas: from reserved memory to pageblocks that are lent (<c>cma_init_reserved_areas</c>, <c>init_cma_reserved_pageblock</c>).</summary>
public sealed partial class PageAllocator
{
    private readonly List<CmaArea> _cmaAreas = [];

    /// <summary>The contiguous areas, in the layout's order.</summary>
    public IReadOnlyList<CmaArea> CmaAreas => _cmaAreas;

    /// <summary>The area for devices without one of their own; null where the board has none.</summary>
    public CmaArea? DefaultCmaArea => _cmaAreas.Find(static area => area.IsDefault);

    /// <summary>Areas of the layout that are none here, and why: their memory stays reserved (<c>CMA area … could not be activated</c>).</summary>
    public IReadOnlyList<(CmaRegion Region, ContigError Error)> FailedCmaAreas => _failedCmaAreas;

    /// <summary>Frames of all areas (<c>totalcma_pages</c>).</summary>
    public ulong TotalCmaPages
    {
        get
        {
            var pages = 0UL;
            foreach (var area in _cmaAreas)
                pages += area.Pages;
            return pages;
        }
    }

    private readonly List<(CmaRegion Region, ContigError Error)> _failedCmaAreas = [];

    private void ActivateCmaAreas(MemoryLayout layout)
    {
        foreach (var region in layout.CmaAreas)
        {
            var error = Activate(region);
            if (error != ContigError.None)
                _failedCmaAreas.Add((region, error));
        }
    }

    // Options may have made pageblocks larger than the board's kernel has them, and someone may have given the memory away before.
    private ContigError Activate(CmaRegion region)
    {
        var start = Map.Pages.ToFrame(region.Range.Start);
        var pages = Map.Pages.PagesIn(region.Range.Size);
        var perBlock = 1UL << PageBlockOrder;
        if (start.Number % perBlock != 0 || pages % perBlock != 0)
            return ContigError.Invalid;
        var error = ContigPlace.Find(this, start, start + pages, out var zone, out var first, out _, isReserved: true);
        if (error != ContigError.None)
            return error;
        var end = first + (uint)pages;
        if (!Map.TryUnreserve(new PageMap.Run(first, end)))
            return ContigError.Reserved;
        for (var block = first; block < end; block += (uint)perBlock)
        {
            zone!.Area.Retype(block, (int)MigrateType.Cma);
            zone.Area.Put(block, PageBlockOrder);
        }
        zone!.ManagedPages += pages;
        zone.CmaPages += pages;
        TotalPages += pages;
        _cmaAreas.Add(new CmaArea(this, region.Name, region.IsDefault, zone, start, first, (uint)pages));
        return ContigError.None;
    }
}
