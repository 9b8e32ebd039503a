using KmemKit.Runtime.Zones;

namespace KmemKit.Runtime.Buddy;

/// <summary>What the fast path needs to know of a request, by its zone flags.</summary>
public sealed unsafe partial class Cpu
{
    /// <summary>Works a plan out again: at boot, and when the watermarks change.</summary>
    /// <param name="bits">The zone flags.</param>
    /// <param name="highest">The highest zone that they allow; null where they contradict each other.</param>
    internal void Plan(int bits, ZoneType? highest)
    {
        var zones = highest is { } type ? _allocator.ZoneListOf(Node, type, thisNode: false) : [];
        var plan = CpuArea.Plans(_gate) + bits;
        _planZones[bits] = zones;
        // A request that no zone serves finds no page to spare, and the slow path says why.
        if (zones.Length == 0)
        {
            var any = _allocator.ZoneArray[0];
            *plan = new RequestPlan { Lists = ListOf(0, 0, 0), Free = any.Area.FreeCounter, Threshold = long.MaxValue };
            return;
        }
        var zone = zones[0];
        // More than mark and reserve has to stay: free - (2^order - 1) > threshold is free - 2^order >= threshold.
        *plan = new RequestPlan
        {
            Lists = ListOf(zone.Number, 0, 0),
            Free = zone.Area.FreeCounter,
            Zone = zone.Number,
            Threshold = zone.LowWatermark + zone.LowmemReserveFor(highest!.Value),
        };
    }
}
