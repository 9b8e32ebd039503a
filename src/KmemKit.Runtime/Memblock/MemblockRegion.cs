using System;
using KmemKit.Architecture;

namespace KmemKit.Runtime.Memblock;

/// <summary>What is special about a stretch of memory (enum memblock_flags, include/linux/memblock.h).</summary>
[Flags]
public enum MemblockFlags
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>MEMBLOCK_HOTPLUG: may be unplugged later; with <c>movable_node</c>, nothing is placed there that cannot move.</summary>
    Hotplug = 1,

    /// <summary>MEMBLOCK_MIRROR: mirrored; preferred for all that the kernel places.</summary>
    Mirror = 2,

    /// <summary>MEMBLOCK_NOMAP: not in the linear map; nothing is placed there.</summary>
    NoMap = 4,
}

/// <summary>A stretch of memory of one node and one set of flags (struct memblock_region).</summary>
/// <param name="Range">Physical addresses; never empty.</param>
/// <param name="Flags">What is special about it.</param>
/// <param name="Node">NUMA node; <see cref="Memblock.NoNode"/> where none was given.</param>
public readonly record struct MemblockRegion(PhysRange Range, MemblockFlags Flags, int Node);
