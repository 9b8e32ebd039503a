using System;
using System.Threading;
using KmemKit.Architecture;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Contiguous;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Pages;
using KmemKit.Runtime.Zones;

namespace KmemKit.Runtime.Cma;

/// <summary>A contiguous area (<c>struct cma</c>): long rows of frames on request, which until then are lent to movable pages.</summary>
/// <remarks>
/// Its pageblocks are <see cref="MigrateType.Cma"/>: the page allocator gives their pages to movable requests only, first of all while they are more than half of what is free. A bit per page says
/// what is allocated from the area; what is lent is the page allocator's. Calls for one area take turns, and wait for each other while pages move: who
/// holds a lock that a mover needs must not call. Source: mm/cma.c.
/// </remarks>
public sealed class CmaArea
{
    private readonly PageAllocator _allocator;
    private readonly uint _first;
    private readonly CmaBitmap _bitmap;
    private readonly Lock _sync = new();
    private readonly Lock _moves = new();
    private ulong _allocated;
    private ulong _failed;
    private ulong _released;

    internal CmaArea(PageAllocator allocator, string name, bool isDefault, MemoryZone zone, PageFrame start, uint first, uint pages)
    {
        _allocator = allocator;
        _first = first;
        _bitmap = new CmaBitmap(pages);
        Name = name;
        IsDefault = isDefault;
        Zone = zone;
        Start = start;
        Pages = pages;
    }

    /// <summary>As the kernel names it: the node's name, or <c>reserved</c> for that of <c>cma=</c>.</summary>
    public string Name { get; }

    /// <summary>Whether it serves devices without an area of their own (<c>dma_contiguous_default_area</c>).</summary>
    public bool IsDefault { get; }

    /// <summary>The zone that it lies in.</summary>
    public MemoryZone Zone { get; }

    /// <summary>First frame.</summary>
    public PageFrame Start { get; }

    /// <summary>Frames it has.</summary>
    public ulong Pages { get; }

    /// <summary>Takes a row of frames, and has the movable pages in it moved elsewhere (<c>cma_alloc</c>).</summary>
    /// <param name="cpu">The CPU of the calling thread; the call may sleep.</param>
    /// <param name="count">Frames, at least 1.</param>
    /// <param name="alignOrder">The first frame is a multiple of 2^this, 0 to 63.</param>
    /// <returns>
    /// The pages, each allocated with order 0 and one reference, to be given back by <see cref="Release"/>. Where a row holds a page that does not move, the next one is tried; the error
    /// is that of the last one, or <see cref="ContigError.NoRange"/> where there was none.
    /// </returns>
    public ContigResult Alloc(Cpu cpu, ulong count, int alignOrder = 0)
    {
        CheckCpu(cpu);
        ArgumentOutOfRangeException.ThrowIfNegative(alignOrder);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(alignOrder, 63);
        var result = ContigResult.Failed(count == 0 ? ContigError.Invalid : ContigError.NoRange);
        if (count != 0 && count <= Pages)
            result = Alloc(cpu, (uint)count, (1UL << alignOrder) - 1);
        lock (_sync)
        {
            _allocated += result.IsOk ? count : 0;
            _failed += result.IsOk ? 0 : count;
        }
        _allocator.Events.CountCma(result.IsOk);
        return result;
    }

    /// <summary>Gives a row of frames back; movable pages may use it from then on (<c>cma_release</c>).</summary>
    /// <param name="cpu">The CPU of the calling thread.</param>
    /// <param name="first">The first page.</param>
    /// <param name="count">Frames, at least 1: all of a row or a part of it.</param>
    /// <returns>False where the row does not lie in this area: nothing is done.</returns>
    /// <exception cref="PageErrorException">A page of it was not allocated from the area, or is still in use: nothing is done.</exception>
    public bool Release(Cpu cpu, Page first, ulong count)
    {
        CheckCpu(cpu);
        ArgumentOutOfRangeException.ThrowIfZero(count);
        if (first.IsNull || first.Index < _first || first.Index - _first >= Pages || count > Pages - (first.Index - _first))
            return false;
        var bit = first.Index - _first;
        lock (_sync)
        {
            for (var at = bit; at < bit + count; at++)
            {
                if (!_bitmap.IsSet(at))
                    throw new PageErrorException(PageErrorKind.NotAllocated, Start + at, $"{Start + at} is not allocated from the contiguous area {Name}.");
            }
            // The bits go last: until then nobody else can have the row.
            cpu.FreeContigRange(first, count);
            _bitmap.Clear(bit, (uint)count);
            _released += count;
        }
        return true;
    }

    /// <summary>The area's numbers now.</summary>
    public CmaStatistics Statistics()
    {
        lock (_sync)
            return new CmaStatistics(Name, Start.Number, Pages, _bitmap.Used, _bitmap.LongestClear(), _allocated, _failed, _released);
    }

    /// <summary>Name, size and place.</summary>
    public override string ToString() => $"cma: {Name}: {Pages} pages at {Start}";

    /// <summary>Checks that the area's pageblocks are lent ones and that what its bits say is allocated. No other thread may use the allocator meanwhile.</summary>
    /// <exception cref="InvalidOperationException">One does not hold.</exception>
    internal void Verify()
    {
        for (var bit = 0u; bit < Pages; bit++)
        {
            var page = new Page(_first + bit);
            if (_allocator.PageBlockType(page) != MigrateType.Cma)
                throw new InvalidOperationException($"{Start + bit} of the contiguous area {Name} is in a pageblock of kind {_allocator.PageBlockType(page)}.");
            if (_bitmap.IsSet(bit) && !_allocator.Map.IsAllocated(page))
                throw new InvalidOperationException($"{Start + bit} is allocated from the contiguous area {Name}, but free.");
        }
    }

    private ContigResult Alloc(Cpu cpu, uint count, ulong mask)
    {
        var result = ContigResult.Failed(ContigError.NoRange);
        for (ulong from = 0; from < Pages;)
        {
            uint bit;
            lock (_sync)
            {
                if (!_bitmap.TryFind((uint)from, count, mask, Start.Number & mask, out bit))
                    return result;
                _bitmap.Set(bit, count);
            }
            try
            {
                lock (_moves)
                    result = cpu.AllocContigRange(Start + bit, Start + bit + count, MigrateType.Cma, GfpFlags.Kernel | GfpFlags.NoWarn);
            }
            finally
            {
                if (!result.IsOk)
                {
                    lock (_sync)
                        _bitmap.Clear(bit, count);
                }
            }
            // Only what is busy here may be free elsewhere.
            if (result.IsOk || result.Errno != ContigResult.Busy)
                return result;
            from = bit + mask + 1;
        }
        return result;
    }

    private void CheckCpu(Cpu cpu)
    {
        ArgumentNullException.ThrowIfNull(cpu);
        if (cpu.Allocator != _allocator)
            throw new ArgumentException("The CPU is of another allocator.", nameof(cpu));
    }
}
