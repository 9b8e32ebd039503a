#if NET
using System;

namespace KmemKit.Architecture.Boards;

/// <summary>
/// A board as a type: what its devicetree and policy say, as static members, so that code written for any board is compiled once for each and
/// every constant of the board is a constant there.
/// </summary>
/// <remarks>
/// The generator implements it for every <c>KmemBoard</c> item. Invariants, which the generated code keeps by construction: <see cref="Banks"/>,
/// <see cref="Holes"/> and <see cref="Segments"/> rise and are disjoint; the checked translations accept an address exactly if it is RAM of the
/// linear map, and are inverse to each other.
/// </remarks>
/// <typeparam name="TSelf">The board itself.</typeparam>
public interface IBoard<TSelf> where TSelf : struct, IBoard<TSelf>
{
    /// <summary>The board's name: the file name of its source without extension.</summary>
    static abstract string Name { get; }

    /// <summary>What it was compiled from: the runtime compiles it again, with the same functions.</summary>
    static abstract BoardDefinition Definition { get; }

    /// <summary><c>model</c> of the devicetree's root; empty where there is none.</summary>
    static abstract string Model { get; }

    /// <summary><c>compatible</c> of the devicetree's root, most specific first.</summary>
    static abstract ReadOnlySpan<string> Compatible { get; }

    /// <summary>Which kernel's layout rules apply, such as <c>linux-arm-3.4</c>.</summary>
    static abstract string Profile { get; }

    /// <summary>Page size.</summary>
    static abstract PageGeometry Pages { get; }

    /// <summary>PHYS_OFFSET: the physical address that PAGE_OFFSET maps.</summary>
    static abstract PhysAddr PhysOffset { get; }

    /// <summary>PAGE_OFFSET: the first virtual address of the linear map.</summary>
    static abstract VirtAddr PageOffset { get; }

    /// <summary>The physical end of lowmem.</summary>
    static abstract AddressLimit LowmemLimit { get; }

    /// <summary>high_memory: the virtual end of lowmem.</summary>
    static abstract AddressLimit HighMemory { get; }

    /// <summary>Usable RAM, by rising address.</summary>
    static abstract ReadOnlySpan<BoardBank> Banks { get; }

    /// <summary>What is not usable RAM from the first to the last byte of RAM, by rising address.</summary>
    static abstract ReadOnlySpan<BoardHole> Holes { get; }

    /// <summary>Reserved memory, in the board's order.</summary>
    static abstract ReadOnlySpan<BoardReservation> Reserved { get; }

    /// <summary>The virtual ranges in the order in which the kernel prints them.</summary>
    static abstract ReadOnlySpan<BoardVirtualRange> VirtualRanges { get; }

    /// <summary>Zones that are not empty, by node, then by address.</summary>
    static abstract ReadOnlySpan<BoardZone> Zones { get; }

    /// <summary>Segments of the linear map, by rising address.</summary>
    static abstract ReadOnlySpan<BoardSegment> Segments { get; }

    /// <summary>The kernel's boot log about this memory: its messages and the "Virtual kernel memory layout" block, lines ended by <c>\n</c>.</summary>
    static abstract string BootLog { get; }

    /// <summary>Where <paramref name="address"/> is mapped, by the offset of its segment.</summary>
    /// <param name="address">An address of the linear map's RAM. Anything else is the caller's fault: Debug builds assert, Release builds answer by the nearest segment's offset.</param>
    static abstract VirtAddr PhysToVirt(PhysAddr address);

    /// <summary>What <paramref name="address"/> is mapped to, by the offset of its segment.</summary>
    /// <param name="address">A virtual address of the linear map's RAM. Anything else is the caller's fault: Debug builds assert, Release builds answer by the nearest segment's offset.</param>
    static abstract PhysAddr VirtToPhys(VirtAddr address);

    /// <summary>Where <paramref name="address"/> is mapped, if it is RAM of the linear map.</summary>
    /// <param name="address">Any physical address.</param>
    /// <param name="result">The virtual address; 0 where there is none.</param>
    /// <returns>False in a hole, in highmem, and wherever no RAM is.</returns>
    static abstract bool TryPhysToVirt(PhysAddr address, out VirtAddr result);

    /// <summary>What <paramref name="address"/> is mapped to, if it is in the linear map and RAM is behind it.</summary>
    /// <param name="address">Any virtual address.</param>
    /// <param name="result">The physical address; 0 where there is none.</param>
    /// <returns>False in a hole, in vmalloc, in user space, and wherever the linear map is not.</returns>
    static abstract bool TryVirtToPhys(VirtAddr address, out PhysAddr result);
}

/// <summary>A board whose kernel runs with an MMU: there is virtual memory beyond the linear map.</summary>
/// <typeparam name="TSelf">The board itself.</typeparam>
public interface IMmuBoard<TSelf> : IBoard<TSelf> where TSelf : struct, IMmuBoard<TSelf>
{
    /// <summary>VMALLOC_START: the first virtual address of vmalloc; equal to <see cref="VmallocEnd"/> where the layout has no vmalloc range.</summary>
    static abstract VirtAddr VmallocStart { get; }

    /// <summary>VMALLOC_END: the first virtual address behind vmalloc.</summary>
    static abstract AddressLimit VmallocEnd { get; }
}

/// <summary>A board without MMU (<c>CONFIG_MMU=n</c>): a virtual address is the physical address, and an MPU guards both. There is no vmalloc.</summary>
/// <typeparam name="TSelf">The board itself.</typeparam>
public interface IMpuBoard<TSelf> : IBoard<TSelf> where TSelf : struct, IMpuBoard<TSelf>;

/// <summary>A board without MMU that has a protection policy: its memory protection unit is planned.</summary>
/// <typeparam name="TSelf">The board itself.</typeparam>
public interface IProtectedBoard<TSelf> : IMpuBoard<TSelf> where TSelf : struct, IProtectedBoard<TSelf>
{
    /// <summary>The policy, the regions that grant it, and their register values.</summary>
    static abstract BoardMpu MpuPlan { get; }
}
#endif
