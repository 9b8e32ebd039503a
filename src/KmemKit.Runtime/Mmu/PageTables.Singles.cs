using System;
using System.Runtime.CompilerServices;
using KmemKit.Architecture.Mmu;
using KmemKit.Runtime.Dma;

namespace KmemKit.Runtime.Mmu;

/// <summary>Mapping a single page, and pages that lie anywhere, one behind the other.</summary>
public sealed unsafe partial class PageTables<TFormat>
{
    /// <summary>Maps the usual page of a device's or driver's buffer: below tables that are there and take nothing away, where nothing is mapped.</summary>
    /// <param name="virt">Its address, a multiple of the page.</param>
    /// <param name="phys">Where it is mapped to, a multiple of the page.</param>
    /// <param name="prot">The attributes, encoded for this format.</param>
    /// <returns>False where something is not so, and nothing changed: <see cref="Map"/> then does it, or says what is wrong.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal bool TryMapPage(ulong virt, ulong phys, PageProt prot)
    {
        if (phys > _lastOutput || prot.Limits != _usualTable.Limits || Domain.IsWatching)
            return false;
        var descent = _usualTable.Descent;
        if (!StraightWalk.TryReach(_format, _window, _start, virt, ref descent, out var slot) || StraightWalk.Read(_format, slot) != 0)
            return false;
        Write(slot, 0, prot.Page | _format.OutputField(phys, _pageShape));
        return true;
    }

    /// <summary>Maps single pages in a row of virtual addresses: as many as lie in a table that is there and are no neighbours in memory, of which <see cref="Map"/> makes larger leaves.</summary>
    /// <param name="virt">The first address, a multiple of the page.</param>
    /// <param name="pieces">The memory.</param>
    /// <param name="prot">The attributes.</param>
    /// <returns>Pieces that were mapped; 0 where the first one is not of this kind, or something is in the way that <see cref="Map"/> will name.</returns>
    internal int MapSinglePages(ulong virt, ReadOnlySpan<DmaPiece> pieces, PageProt prot)
    {
        var bytes = _pageMask + 1;
        if (pieces.Length < 2 || (virt & _pageMask) != 0 || Domain.IsWatching || !ReferenceEquals(prot.Format, _name))
            return 0;
        var descent = new TablesThatLimit(prot.Limits);
        if (!StraightWalk.TryReach(_format, _window, _start, virt, ref descent, out var slot))
            return 0;
        var most = Math.Min(pieces.Length, _lastEntries - _format.Index(virt, _format.LastLevel));
        if (FirstUsed(slot, 0, most) is var used and >= 0)
            most = used;
        // An output of pages is all ones from some bit down.
        var wrong = ~_lastOutput | _pageMask;
        var page = prot.Page;
        for (var done = 0; done < most; done++)
        {
            ref readonly var piece = ref pieces[done];
            var at = piece.Address.Value;
            if (((at & wrong) | (piece.Size ^ bytes)) != 0 || (done + 1 < pieces.Length && unchecked(pieces[done + 1].Address.Value - at) == bytes))
                return done;
            Write(slot, done, page | _format.OutputField(at, _pageShape));
        }
        return most;
    }
}
