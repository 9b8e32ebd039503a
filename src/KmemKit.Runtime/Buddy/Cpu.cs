using System;
using System.Runtime.CompilerServices;
using System.Threading;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Pages;
using KmemKit.Runtime.Zones;

namespace KmemKit.Runtime.Buddy;

/// <summary>A CPU of the board: the handle through which pages are allocated and freed, with the CPU's own lists of free pages.</summary>
/// <remarks>
/// <para>One thread at a time uses a CPU, as code on a real one does; different CPUs may be used by different threads at once. Most calls touch nothing
/// that another CPU writes and use no locked instruction: see <see cref="CpuGate"/> for how another CPU still can drain the lists.</para>
/// <para>A free is checked before anything changes (<see cref="PageErrorException"/>). Two CPUs that free the same page at the very same moment are
/// the one double free that is not seen.</para>
/// </remarks>
public sealed unsafe partial class Cpu
{
    private readonly byte* _states;
    private readonly ushort* _blocks;
    private readonly CpuGate* _gate;
    private readonly uint _frames;
    private readonly uint _typeMask;
    private readonly int _blockOrder;
    private uint _slowFlags = (uint)GfpFlags.Zero;
    private readonly PageAllocator _allocator;
    private readonly PageMap _map;
    private readonly MemoryZone[][] _planZones = new MemoryZone[RequestPlan.Count][];
    private int _atomicDepth;
    private bool _reclaiming;

    /// <summary>This CPU's objects of all caches (<see cref="Slab.ObjectCpu"/>).</summary>
    internal byte* Objects;

    /// <summary>With one of these flags a request needs more than its fast path.</summary>
    internal uint SlowFlags => _slowFlags;

    internal Cpu(PageAllocator allocator, int number, int node, CpuGate* gate)
    {
        _allocator = allocator;
        _map = allocator.Map;
        Number = number;
        Node = node;
        _states = _map.States;
        _blocks = allocator.Blocks;
        _frames = _map.Frames;
        _typeMask = allocator.IsMobilityGrouped ? 3u : 0;
        _blockOrder = allocator.PageBlockOrder;
        _gate = gate;
        _tight = new Tightness[allocator.ZoneArray.Length * PerCpuList.TypesPerOrder];
        gate->LastLists = CpuArea.Lists(gate);
    }

    /// <summary>The CPU's number, from 0.</summary>
    public int Number { get; }

    /// <summary>The NUMA node it belongs to: its requests start there.</summary>
    public int Node { get; }

    /// <summary>The allocator that it belongs to.</summary>
    public PageAllocator Allocator => _allocator;

    /// <summary>Whether code that runs now cannot sleep.</summary>
    public bool InAtomic => _atomicDepth != 0;

    /// <summary>Allocates 2^<paramref name="order"/> pages in a row, aligned to their size (<c>alloc_pages</c>).</summary>
    /// <param name="flags">Zones, what may be done to get the pages, and what kind they become.</param>
    /// <param name="order">0 to <see cref="PageMap.MaxOrder"/>.</param>
    /// <returns>The first page, with one reference; <see cref="Page.Null"/> when there are none to be had.</returns>
    /// <exception cref="OutOfMemoryPanicException">The request has <see cref="GfpFlags.NoFail"/> and cannot be met.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Page AllocPages(GfpFlags flags, int order)
    {
        if (unchecked((uint)order) < PerCpuList.Orders && ((uint)flags & _slowFlags) == 0)
        {
            var gate = _gate;
            Volatile.Write(ref gate->Busy, 1);
            var plan = CpuArea.Plans(gate) + ((uint)flags & (uint)GfpRules.ZoneBits);
            var list = plan->Lists + (((uint)order * PerCpuList.TypesPerOrder) + (((uint)flags >> GfpRules.TypeShift) & _typeMask));
            var left = list->Count - 1;
            if ((left | -Volatile.Read(ref gate->Drain)) >= 0 && *plan->Free - (1L << order) >= plan->Threshold)
            {
                var index = list->Stack[left];
                list->Count = left;
                // __GFP_COMP (bit 18) becomes the state's compound bit (6).
                _states[index] = (byte)(PageState.Allocated | (uint)order | (((uint)flags >> 12) & PageState.Compound));
                Volatile.Write(ref gate->Busy, 0);
                return new Page(index);
            }
            Volatile.Write(ref gate->Busy, 0);
        }
        return AllocSlow(flags, order);
    }

    /// <summary>Allocates one page (<c>alloc_page</c>).</summary>
    /// <param name="flags">As for <see cref="AllocPages"/>.</param>
    /// <returns>The page, or <see cref="Page.Null"/>.</returns>
    public Page AllocPage(GfpFlags flags) => AllocPages(flags, 0);

    /// <summary>Gives back a reference to 2^<paramref name="order"/> pages; with the last one they are free (<c>__free_pages</c>).</summary>
    /// <param name="page">The first page.</param>
    /// <param name="order">The order that it was allocated with.</param>
    /// <exception cref="PageErrorException">It is free already, was allocated with another order, is reserved, a hole, inside a block, or in use. Nothing changed.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void FreePages(Page page, int order)
    {
        var index = page.Index;
        if (index < _frames && unchecked((uint)order) < PerCpuList.Orders
            && (_states[index] & ~(uint)PageState.Compound) == (PageState.Allocated | (uint)order))
        {
            int block = unchecked((short)_blocks[index >> _blockOrder]);
            var gate = _gate;
            if (block == gate->LastBlock || IsListed(block))
            {
                Volatile.Write(ref gate->Busy, 1);
                var list = gate->LastLists + ((uint)order * PerCpuList.TypesPerOrder);
                var count = list->Count;
                if (Volatile.Read(ref gate->Drain) == 0 && count < list->High)
                {
                    _states[index] = 0;
                    list->Stack[count] = index;
                    list->Count = count + 1;
                    Volatile.Write(ref gate->Busy, 0);
                    return;
                }
                Volatile.Write(ref gate->Busy, 0);
            }
        }
        FreeSlow(page, order);
    }

    /// <summary>Gives back one page (<c>__free_page</c>).</summary>
    /// <param name="page">The page.</param>
    /// <exception cref="PageErrorException">As for <see cref="FreePages(Page, int)"/>.</exception>
    public void FreePage(Page page) => FreePages(page, 0);

    /// <summary>Starts code that cannot sleep: an interrupt handler, a lock held. Requests that may sleep are reported until it ends (<c>preempt_disable</c>).</summary>
    public void EnterAtomic()
    {
        _atomicDepth++;
        _slowFlags |= (uint)GfpFlags.DirectReclaim;
    }

    /// <summary>Ends what <see cref="EnterAtomic"/> began.</summary>
    /// <exception cref="InvalidOperationException">Nothing was begun.</exception>
    public void LeaveAtomic()
    {
        if (_atomicDepth == 0)
            throw new InvalidOperationException("There is no atomic section to leave.");
        if (--_atomicDepth == 0)
            _slowFlags &= ~(uint)GfpFlags.DirectReclaim;
    }

    /// <summary>Gives the pages in this CPU's lists back to the zones (<c>drain_local_pages</c>).</summary>
    public void DrainLocalPages()
    {
        EnterGate();
        FlushAll(PerCpuList.Orders);
        Volatile.Write(ref _gate->Busy, 0);
    }

    /// <summary>Blocks in this CPU's list of a zone, order and type.</summary>
    internal int ListCount(int zone, int order, int type) => Volatile.Read(ref ListOf(zone, order, type)->Count);

    /// <summary>Pages in this CPU's lists of a zone.</summary>
    public long PagesInLists(MemoryZone zone)
    {
        ArgumentNullException.ThrowIfNull(zone);
        var pages = 0L;
        for (var order = 0; order < PerCpuList.Orders; order++)
        {
            for (var type = 0; type < PerCpuList.TypesPerOrder; type++)
                pages += (long)ListCount(zone.Number, order, type) << order;
        }
        return pages;
    }

    // The lists of the pageblock's kind become the ones that the next free expects.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool IsListed(int block)
    {
        if (block < 0)
            return false;
        _gate->LastBlock = block;
        _gate->LastLists = CpuArea.Lists(_gate) + (uint)block;
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal PerCpuList* ListOf(int zone, int order, int type) => CpuArea.Lists(_gate) + (zone * PerCpuList.PerZone) + (order * PerCpuList.TypesPerOrder) + type;
}
