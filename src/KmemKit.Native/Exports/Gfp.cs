using System.Globalization;
using KmemKit.Native.Machine;
using KmemKit.Runtime.Gfp;

namespace KmemKit.Native.Exports;

/// <summary>GFP flags as C gives them: any bits.</summary>
internal static class Gfp
{
    // __GFP_BITS_MASK: those that there are.
    private const GfpFlags Known = GfpFlags.DmaZone | GfpFlags.HighMem | GfpFlags.Dma32Zone | GfpFlags.Movable | GfpFlags.Reclaimable | GfpFlags.High | GfpFlags.IO | GfpFlags.FS
        | GfpFlags.Zero | GfpFlags.Reclaim | GfpFlags.NoWarn | GfpFlags.RetryMayFail | GfpFlags.NoFail | GfpFlags.NoRetry | GfpFlags.MemAlloc | GfpFlags.Comp
        | GfpFlags.NoMemAlloc | GfpFlags.HardWall | GfpFlags.ThisNode;

    /// <summary>The flags that there are; others are logged, as the kernel does (mm/slub.c, "Unexpected gfp").</summary>
    public static GfpFlags Checked(GfpFlags flags)
    {
        var known = flags & Known;
        if (known != flags)
            Log.Add(string.Create(CultureInfo.InvariantCulture, $"Unexpected gfp: 0x{unchecked((uint)flags):x}. Fixing up to gfp: 0x{(uint)known:x} ({known}). Fix your code!"));
        return known;
    }
}
