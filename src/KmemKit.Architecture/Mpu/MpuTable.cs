using System;
using System.Collections.Immutable;

namespace KmemKit.Architecture.Mpu;

/// <summary>What the hardware says to an access.</summary>
/// <param name="Rights">What the privilege may do there.</param>
/// <param name="Memory">Memory type of a load or store.</param>
/// <param name="Shareable">Whether it is shareable.</param>
/// <param name="DataRegion">The region that answers loads and stores; null for the background and where nothing answers.</param>
/// <param name="InstructionRegion">The region that answers fetches; the same one wherever the spaces are not separate.</param>
public readonly record struct MpuDecision(
    AccessRights Rights, MpuMemoryType Memory, bool Shareable, MpuRegion? DataRegion, MpuRegion? InstructionRegion);

/// <summary>A programmed MPU, decoded from its registers.</summary>
/// <remarks>A decoder reads nothing but the register file, so that it is a check of the encoder and of the planner.</remarks>
public sealed class MpuTable
{
    internal MpuTable(MpuFormat format, ImmutableArray<MpuRegion> regions, bool privilegedBackground)
    {
        Format = format;
        Regions = regions;
        PrivilegedBackground = privilegedBackground;
    }

    /// <summary>The format.</summary>
    public MpuFormat Format { get; }

    /// <summary>Regions in use, by space, then by number.</summary>
    public ImmutableArray<MpuRegion> Regions { get; }

    /// <summary>Whether privileged code has the default map where no region is.</summary>
    public bool PrivilegedBackground { get; }

    /// <summary>What the hardware decides about an address.</summary>
    /// <param name="address">Below 2^<see cref="MpuFormat.AddressBits"/>.</param>
    /// <param name="privilege">Who accesses.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such address.</exception>
    public MpuDecision Decide(ulong address, Privilege privilege)
    {
        if (!Format.AddressSpace.Contains(new PhysAddr(address)))
            throw new ArgumentOutOfRangeException(nameof(address), $"{Format.Name} has {Format.AddressBits} bits of address.");
        return Format.Decide(this, address, privilege);
    }
}
