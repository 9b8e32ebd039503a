using System.Runtime.InteropServices;

namespace KmemKit.Runtime.Iova;

/// <summary>A stack of free ranges of one size, which moves between a CPU and the depot as a whole (Bonwick and Adams, "Magazines and Vmem", 2001; kernel: iova.c).</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct IovaMagazine
{
    /// <summary>Ranges of a full magazine: with the count and link, 1 KiB.</summary>
    public const int Capacity = 126;

    /// <summary>Ranges in it.</summary>
    public int Count;

    /// <summary>The magazine below in the depot.</summary>
    public IovaMagazine* Below;

    /// <summary>First granules of the ranges.</summary>
    public fixed ulong Ranges[Capacity];
}

/// <summary>A CPU's magazines of one size: one to work with, and one full or empty one beside it, so that a switch of direction costs no way to the depot.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct IovaCpuCache
{
    /// <summary>Ranges are taken from and put here.</summary>
    public IovaMagazine* Loaded;

    /// <summary>Changes places with <see cref="Loaded"/>.</summary>
    public IovaMagazine* Previous;

    /// <summary>The two change places.</summary>
    public void Swap()
    {
        var loaded = Loaded;
        Loaded = Previous;
        Previous = loaded;
    }
}
