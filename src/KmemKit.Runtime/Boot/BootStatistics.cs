using System.Collections.Immutable;
using KmemKit.Architecture;
using KmemKit.Runtime.Zones;

namespace KmemKit.Runtime.Boot;

/// <summary>Frames of a memory region and their node, as the kernel lists them.</summary>
/// <param name="Node">NUMA node.</param>
/// <param name="Start">First frame.</param>
/// <param name="End">One past the last.</param>
public sealed record NodeFrames(int Node, PageFrame Start, PageFrame End);

/// <summary>The frames of a zone type over all nodes.</summary>
/// <param name="Type">The type.</param>
/// <param name="Start">First frame; equal to <paramref name="End"/> where no memory is of that type.</param>
/// <param name="End">One past the last.</param>
public sealed record ZoneFrames(ZoneType Type, PageFrame Start, PageFrame End);

/// <summary>Frames that have a descriptor and are no RAM: a hole in front of, or behind, a zone's memory.</summary>
/// <param name="Node">NUMA node.</param>
/// <param name="Zone">The zone whose descriptors they were given.</param>
/// <param name="Pages">How many.</param>
public sealed record UnavailableFrames(int Node, ZoneType Zone, ulong Pages);

/// <summary>Every number that stands in a boot log's memory lines; see <see cref="Log.BootLog"/>.</summary>
public sealed record BootStatistics
{
    /// <summary>The kernel.</summary>
    public required KernelBuild Build { get; init; }

    /// <summary>The kernel parameters.</summary>
    public string CommandLine { get; init; } = "";

    /// <summary>Each zone type of the kernel except movable.</summary>
    public required ImmutableArray<ZoneFrames> ZoneRanges { get; init; }

    /// <summary>Where ZONE_MOVABLE starts, by node; nodes without one are left out.</summary>
    public required ImmutableArray<NodeFrames> MovableStarts { get; init; }

    /// <summary>memblock's memory in whole frames.</summary>
    public required ImmutableArray<NodeFrames> Regions { get; init; }

    /// <summary>Frames of holes that have a descriptor, hole by hole.</summary>
    public ImmutableArray<UnavailableFrames> Unavailable { get; init; } = [];

    /// <summary>What the kernel reckoned zone by zone.</summary>
    public required BootEstimate Estimate { get; init; }

    /// <summary>Whether pages are grouped by mobility.</summary>
    public required bool IsMobilityGrouped { get; init; }

    /// <summary>PID (up to 4.14), Dentry cache, Inode-cache.</summary>
    public required ImmutableArray<SystemHash> Hashes { get; init; }

    /// <summary>Whether the hash tables come out of memblock, and so before the <c>Memory:</c> line; a NUMA kernel before 5.10 spreads them later.</summary>
    public required bool HashesAreEarly { get; init; }

    /// <summary>The parts of the kernel image.</summary>
    public required KernelImage Image { get; init; }

    /// <summary>Where RAM is now.</summary>
    public required MemoryBalance Balance { get; init; }

    /// <summary>What early boot took.</summary>
    public ImmutableArray<EarlyAllocation> Early { get; init; } = [];

    /// <summary>Bytes of page descriptors and of what the page allocator keeps per block, all in simulated RAM.</summary>
    public ulong DescriptorBytes { get; init; }
}
