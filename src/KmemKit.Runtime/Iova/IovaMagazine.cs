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

/// <summary>All that a CPU has of a space, on lines of its own.</summary>
[StructLayout(LayoutKind.Sequential, Size = 192)]
internal unsafe struct IovaCpu
{
    /// <summary>Who is in its magazines.</summary>
    public IovaCpuGate Gate;

    /// <summary>Its magazines of single granules.</summary>
    public IovaCpuCache Granules;

    private readonly IovaCpuCache _order1, _order2, _order3, _order4, _order5;

    /// <summary>Its magazines of a size.</summary>
    /// <param name="cpu">The CPU's place, which does not move.</param>
    /// <param name="order">Log2 of the granules, up to <see cref="IovaCell.LargestOrder"/>.</param>
    public static IovaCpuCache* CacheOf(IovaCpu* cpu, int order) => &cpu->Granules + order;
}
