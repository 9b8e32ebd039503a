using System.Threading;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Zones;

namespace KmemKit.Runtime.Buddy;

/// <summary>The end of a request that cannot sleep.</summary>
/// <remarks>
/// Such a request gives the CPU's own lists back before it fails (the kernel's does not), but not each time: that would cost more than the pages, as the lists
/// are filled again and given back again. The long lists, of orders 0 to 2, go back once in <see cref="DrainEvery"/> failures, all lists once in
/// <see cref="FullDrainEvery"/>; a request that is not costly counts as <see cref="DrainWeight"/>. The first failure drains.
/// </remarks>
public sealed unsafe partial class Cpu
{
    private const int DrainEvery = 256;
    private const int FullDrainEvery = 2048;
    private const int DrainWeight = 16;

    private int _sinceDrain = DrainEvery;
    private int _sinceFullDrain = FullDrainEvery;

    // True when something went back to the zones, and it is worth to look again.
    private bool DrainIfDue(int order)
    {
        _sinceDrain += order <= PerCpuList.CostlyOrder ? DrainWeight : 1;
        if (_sinceDrain < DrainEvery)
            return false;
        _sinceFullDrain += _sinceDrain;
        _sinceDrain = 0;
        var orders = PerCpuList.CostlyOrder;
        if (_sinceFullDrain >= FullDrainEvery)
            (orders, _sinceFullDrain) = (PerCpuList.Orders, 0);
        EnterGate();
        FlushAll(orders);
        Volatile.Write(ref _gate->Busy, 0);
        return true;
    }

    // No zone has a block for a plain request, so that no mark, reserve or second look would change anything. False where one might, and after a drain.
    private bool FailsAtOnce(GfpFlags flags, int order)
    {
        const GfpFlags NeedsMore = GfpFlags.DirectReclaim | GfpFlags.High | GfpFlags.MemAlloc | GfpFlags.NoFail | GfpFlags.ThisNode;
        if ((flags & NeedsMore) != 0)
            return false;
        var zones = _planZones[(int)(flags & GfpRules.ZoneBits)];
        foreach (var zone in zones)
        {
            if (zone.Area.HasAnyBlock(order))
                return false;
        }
        if (order > MergingOrder)
        {
            EnterGate();
            BecomeTight(zones[0], order, (int)(((uint)flags >> GfpRules.TypeShift) & _typeMask));
            Volatile.Write(ref _gate->Busy, 0);
        }
        if (DrainIfDue(order))
            return false;
        WakeKswapd(flags, zones);
        return true;
    }

    private static void WakeKswapd(GfpFlags flags, MemoryZone[] zones)
    {
        if ((flags & GfpFlags.KswapdReclaim) == 0)
            return;
        foreach (var zone in zones)
            Interlocked.Increment(ref zone.Wakeups);
    }
}
