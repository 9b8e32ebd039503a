using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using KmemKit.Architecture.Mpu;

namespace KmemKit.BoardCompiler.Mpu;

/// <summary>A stretch of addresses that all want the same.</summary>
/// <param name="Start">First address.</param>
/// <param name="Allowed">
/// Which classes may decide here, a bit each; bit 0 stands for "no region does", what is left to what lies behind.
/// </param>
/// <param name="Exact">Those of them that grant what the policy does; the others of <paramref name="Allowed"/> waste the bytes.</param>
internal readonly record struct Cell(ulong Start, ulong Allowed, ulong Exact);

/// <summary>
/// A protection problem in its smallest coordinates: the address space cut into cells, and the classes (sets of attributes) that may decide in each.
/// Planners see nothing else.
/// </summary>
/// <remarks>Invariants: the first cell starts at 0; starts rise; neighbours differ; there are at most <see cref="MostClasses"/> classes.</remarks>
internal sealed class CellMap
{
    /// <summary>Bit 0 is "no region", bit 63 is a planner's own.</summary>
    public const int MostClasses = 62;

    /// <summary>The mask of "any class, or none".</summary>
    public const ulong Anything = ulong.MaxValue >> 1;

    public CellMap(int addressBits, ImmutableArray<MpuAttributes> classes, IEnumerable<Cell> cells)
    {
        if (classes.Length > MostClasses)
            throw new ArgumentException("Too many classes.", nameof(classes));
        AddressBits = addressBits;
        Classes = classes;
        Everything = (1UL << (classes.Length + 1)) - 1;
        Cell[] merged = [.. cells];
        var count = 0;
        foreach (var each in merged)
        {
            var (allowed, exact) = (each.Allowed & Everything, each.Exact & Everything);
            if (count == 0 || merged[count - 1].Allowed != allowed || merged[count - 1].Exact != exact)
                merged[count++] = new Cell(each.Start, allowed, exact);
        }
        if (count == 0 || merged[0].Start != 0)
            throw new ArgumentException("The first cell starts at 0.", nameof(cells));
        Cells = ImmutableArray.Create(merged, 0, count);
    }

    public int AddressBits { get; }

    /// <summary>The mask of all classes there are, and of none.</summary>
    public ulong Everything { get; }

    /// <summary>One past the last address.</summary>
    public ulong End => 1UL << AddressBits;

    /// <summary>The attributes of class n at index n - 1.</summary>
    public ImmutableArray<MpuAttributes> Classes { get; }

    public ImmutableArray<Cell> Cells { get; }

    public ulong EndOf(int cell) => cell + 1 < Cells.Length ? Cells[cell + 1].Start : End;

    /// <summary>The cell that holds an address.</summary>
    public int IndexOf(ulong address)
    {
        var (low, high) = (0, Cells.Length - 1);
        while (low < high)
        {
            var middle = (low + high + 1) / 2;
            if (Cells[middle].Start <= address)
                low = middle;
            else
                high = middle - 1;
        }
        return low;
    }
}

/// <summary>One region of a plan before it has a number.</summary>
/// <param name="Start">First address.</param>
/// <param name="Size">Bytes; for <see cref="PmpMode.Off"/> 0.</param>
/// <param name="Disabled">Subregions that do not belong to it.</param>
/// <param name="Class">What it says.</param>
/// <param name="Mode">PMP only.</param>
internal readonly record struct PaintedRegion(ulong Start, ulong Size, byte Disabled, int Class, PmpMode Mode)
{
    public bool Covers(ulong address) => address >= Start && address - Start < Size
        && (Disabled == 0 || (Disabled >> (int)((address - Start) / (Size / 8)) & 1) == 0);
}

/// <summary>Regions that solve a <see cref="CellMap"/>.</summary>
/// <param name="Regions">The one that wins first; PMP entries by number.</param>
/// <param name="LowerBound">No plan has fewer; equal to the number of regions where the plan is proved to be the least.</param>
/// <param name="Waste">Bytes granted that the policy does not grant, which the policy allows.</param>
internal sealed record SpacePlan(ImmutableArray<PaintedRegion> Regions, int LowerBound, ulong Waste)
{
    /// <summary>States that were looked at for it.</summary>
    public long Work { get; init; }

    public bool IsMinimal => LowerBound == Regions.Length;
}

/// <summary>A stretch that no plan can get right: its edge is inside a granule.</summary>
/// <param name="granule">The granule's first address.</param>
internal sealed class UnalignedException(ulong granule) : Exception("No region can end inside a granule.")
{
    public ulong Granule { get; } = granule;
}
