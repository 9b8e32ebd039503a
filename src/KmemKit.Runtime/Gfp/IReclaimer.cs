using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Zones;

namespace KmemKit.Runtime.Gfp;

/// <summary>Someone who can give pages back when memory is short: a cache, a shrinker (<c>struct shrinker</c>).</summary>
public interface IReclaimer
{
    /// <summary>
    /// What it does while it works: <see cref="GfpFlags.IO"/>, <see cref="GfpFlags.FS"/>, both or none. It is called only on behalf of requests that allow all of it.
    /// </summary>
    GfpFlags Needs { get; }

    /// <summary>Frees pages through the CPU it is given. It may allocate, but not wait for memory: a request of its own reaches no reclaimer.</summary>
    /// <param name="cpu">The CPU that it runs on.</param>
    /// <param name="zone">Where pages are short.</param>
    /// <param name="order">Order of the request.</param>
    /// <param name="pages">How many pages would help.</param>
    /// <returns>Pages that it freed.</returns>
    long Reclaim(Cpu cpu, MemoryZone zone, int order, long pages);
}
