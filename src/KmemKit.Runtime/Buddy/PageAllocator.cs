using System;
using System.Collections.Generic;
using System.Threading;
using KmemKit.Architecture;
using KmemKit.Runtime.Boot;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Pages;
using KmemKit.Runtime.Zones;

namespace KmemKit.Runtime.Buddy;

/// <summary>The page allocator of a board: its zones, its CPUs and the memory that memblock gave up.</summary>
/// <remarks>
/// Pages are allocated and freed through a <see cref="Cpu"/>. <c>Boot</c> takes over from memblock. What is kept per frame lies in simulated RAM
/// (<see cref="PageMap"/>), the CPU lists in host memory, as the per-CPU area of a kernel lies apart. Source: mm/page_alloc.c.
/// </remarks>
public sealed unsafe partial class PageAllocator : IDisposable
{
    private readonly List<Piece> _pieces = [];
    private readonly MemoryZone[][] _zoneLists;
    private readonly MemoryZone[][] _localZoneLists;
    private readonly int[] _nodes;
    private readonly Lock _sync = new();
    private IReclaimer[] _reclaimers = [];
    private long _failures;
    private byte* _perCpuMemory;

    /// <summary>The page descriptors.</summary>
    public PageMap Map { get; }

    /// <summary>The zones, by node, then by address.</summary>
    public IReadOnlyList<MemoryZone> Zones => ZoneArray;

    /// <summary>The CPUs, by number.</summary>
    public IReadOnlyList<Cpu> Cpus { get; }

    /// <summary>NUMA nodes that have memory, by number.</summary>
    public IReadOnlyList<int> Nodes => _nodes;

    /// <summary>pageblock_order: pages of one kind are kept together in blocks of this order.</summary>
    public int PageBlockOrder { get; }

    /// <summary>Whether pages are grouped by kind; not where memory is too small for it (<c>page_group_by_mobility_disabled</c>).</summary>
    public bool IsMobilityGrouped { get; }

    /// <summary>What its kernel is built as.</summary>
    public KernelBuild Build { get; }

    /// <summary>vm.min_free_kbytes.</summary>
    public int MinFreeKbytes { get; private set; }

    /// <summary>Pages that the allocator has (<c>totalram_pages</c>).</summary>
    public ulong TotalPages { get; private set; }

    /// <summary>Free bytes that memblock could not release, as they make no whole page.</summary>
    public ulong LostBytes { get; private set; }

    /// <summary>Requests without <see cref="GfpFlags.NoWarn"/> that failed.</summary>
    public long Failures => Interlocked.Read(ref _failures);

    /// <summary>Told what the kernel would print about a caller and go on. Called on the caller's thread; it must not allocate pages.</summary>
    public event Action<KernelBug>? BugReported;

    internal MemoryZone[] ZoneArray { get; }

    internal ushort* Blocks { get; }

    internal int PresentZoneTypes { get; }

    internal IReclaimer[] Reclaimers => Volatile.Read(ref _reclaimers);

    /// <summary>Adds someone who can give pages back (<c>register_shrinker</c>). They are asked in the order in which they came.</summary>
    public void RegisterReclaimer(IReclaimer reclaimer)
    {
        ArgumentNullException.ThrowIfNull(reclaimer);
        lock (_sync)
            Volatile.Write(ref _reclaimers, [.. _reclaimers, reclaimer]);
    }

    /// <summary>Takes a reclaimer out again.</summary>
    /// <returns>False where it was not registered.</returns>
    public bool UnregisterReclaimer(IReclaimer reclaimer)
    {
        lock (_sync)
        {
            var at = Array.IndexOf(_reclaimers, reclaimer);
            if (at < 0)
                return false;
            Volatile.Write(ref _reclaimers, [.. _reclaimers[..at], .. _reclaimers[(at + 1)..]]);
            return true;
        }
    }

    /// <summary>Gives the pages in all CPUs' lists back to the zones, where they merge (<c>drain_all_pages</c>).</summary>
    /// <param name="self">The CPU of the calling thread; null when it runs on none. The other CPUs may go on meanwhile.</param>
    public void DrainAllPages(Cpu? self = null)
    {
        foreach (var cpu in Cpus)
        {
            if (cpu == self)
                cpu.DrainLocalPages();
            else
                cpu.DrainRemotely();
        }
    }

    /// <summary>The kind of pages that a page's pageblock holds (<c>get_pageblock_migratetype</c>).</summary>
    public MigrateType PageBlockType(Page page) => (MigrateType)(Blocks[Map.Check(page) >> PageBlockOrder] & PageBlocks.TypeMask);

    /// <summary>
    /// Changes the kind of a pageblock and moves its free pages (<c>set_pageblock_migratetype</c>, <c>move_freepages_block</c>); pages in CPU lists
    /// follow when those are drained.
    /// </summary>
    /// <returns>Free pages that moved.</returns>
    /// <exception cref="PageErrorException">The pageblock lies in two zones, or not in one as a whole.</exception>
    public uint SetPageBlockType(Page page, MigrateType type)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((int)type, (int)MigrateType.Isolate, nameof(type));
        // The allocator counts the pageblocks that it sets aside itself.
        ArgumentOutOfRangeException.ThrowIfEqual(type, MigrateType.HighAtomic);
        var index = Map.Check(page);
        var number = PageBlocks.ZoneOf(Blocks[index >> PageBlockOrder]);
        if (number >= ZoneArray.Length)
            throw new PageErrorException(PageErrorKind.Hole, Map.FrameAt(index), $"{Map.FrameAt(index)}: its pageblock is not in one zone.");
        var area = ZoneArray[number].Area;
        ZoneLock.Acquire(ref area.Lock);
        var moved = area.Retype(index, (int)type);
        ZoneLock.Release(ref area.Lock);
        return moved;
    }

    /// <summary>The zone of a page (<c>page_zone</c>).</summary>
    /// <exception cref="PageErrorException">The page is null, of another map, or a hole.</exception>
    public MemoryZone PageZone(Page page) => ZoneAt(Map.Check(page));

    /// <summary>Sets vm.min_free_kbytes and the watermarks that follow from it.</summary>
    /// <param name="kbytes">At least 1.</param>
    public void SetMinFreeKbytes(int kbytes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(kbytes, 1);
        lock (_sync)
        {
            MinFreeKbytes = kbytes;
            Watermarks.Apply(ZoneArray, kbytes, Map.Pages.PageSize, _version);
            PlanRequests();
        }
    }

    /// <summary>Gives the host memory of the CPU lists back. The allocator and its CPUs must not be used afterwards.</summary>
    public void Dispose()
    {
        if (_perCpuMemory is null)
            return;
        System.Runtime.InteropServices.NativeMemory.AlignedFree(_perCpuMemory);
        _perCpuMemory = null;
    }

    internal MemoryZone[] ZoneListOf(int node, ZoneType highest, bool thisNode)
    {
        var at = (Math.Max(0, Array.IndexOf(_nodes, node)) * ZoneTypes.Count) + (int)highest;
        return thisNode ? _localZoneLists[at] : _zoneLists[at];
    }

    internal MemoryZone ZoneAt(uint index)
    {
        var number = PageBlocks.ZoneOf(Blocks[index >> PageBlockOrder]);
        if (number < ZoneArray.Length)
            return ZoneArray[number];
        return PieceAt(index) is { } piece
            ? ZoneArray[piece.Zone]
            : throw new PageErrorException(PageErrorKind.Hole, Map.FrameAt(index), $"{Map.FrameAt(index)} is in no zone.");
    }

    internal void Report(KernelBugKind kind, GfpFlags flags, int order)
    {
        // No text is made where nobody reads it: failing must not allocate either.
        BugReported?.Invoke(new KernelBug(kind, flags, order, kind switch
        {
            KernelBugKind.SleepInAtomicContext => $"BUG: sleeping function called from invalid context: an allocation of order {order} with {flags}",
            KernelBugKind.OrderTooLarge => $"An allocation of order {order}: orders are 0 to {Map.MaxOrder}",
            KernelBugKind.MovedWithoutCopy => $"A mover gave up a page of order {order} whose contents were not copied",
            KernelBugKind.BadFlags => $"An allocation with flags that contradict each other: {flags}",
            _ => $"page allocation failure: order:{order}, mode:{flags}",
        }));
    }

    internal void Fail(GfpFlags flags, int order)
    {
        if ((flags & GfpFlags.NoWarn) != 0)
            return;
        Interlocked.Increment(ref _failures);
        Report(KernelBugKind.AllocationFailure, flags, order);
    }

    /// <summary>Pageblocks by type that start in a zone, on RAM.</summary>
    internal ulong[] CountPageBlocks(MemoryZone zone)
    {
        var blocks = new ulong[FreeArea.Types];
        var last = long.MinValue;
        foreach (var (run, number) in _pieces)
        {
            if (number != zone.Number)
                continue;
            // A block that two pieces share counts once, one that starts in front of the zone not at all.
            for (var block = (long)(run.First >> PageBlockOrder); block <= (run.End - 1) >> PageBlockOrder; block++)
            {
                if (block == last || (uint)block << PageBlockOrder < zone.FirstIndex)
                    continue;
                blocks[Blocks[block] & PageBlocks.TypeMask]++;
                last = block;
            }
        }
        return blocks;
    }

    private Piece? PieceAt(uint index)
    {
        var (low, high) = (0, _pieces.Count - 1);
        while (low <= high)
        {
            var middle = (low + high) / 2;
            if (index < _pieces[middle].Run.First)
                high = middle - 1;
            else if (index >= _pieces[middle].Run.End)
                low = middle + 1;
            else
                return _pieces[middle];
        }
        return null;
    }

    /// <summary>Frames in a row that one zone has.</summary>
    private readonly record struct Piece(PageMap.Run Run, int Zone);
}
