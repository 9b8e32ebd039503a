using System.Collections.Immutable;
using KmemKit.Architecture;
using KmemKit.Architecture.Smmu.V2;
using KmemKit.Architecture.Smmu.V3;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.BoardCompiler.Streams;

/// <summary>Generation of an SMMU.</summary>
public enum SmmuVersion
{
    /// <summary>Stream mapping groups and context banks in registers (<c>arm,smmu-v2</c>, <c>arm,mmu-500</c>).</summary>
    V2,

    /// <summary>Stream table in memory (<c>arm,smmu-v3</c>).</summary>
    V3,
}

/// <summary>An SMMU of a board.</summary>
/// <param name="NodePath">Path of the node.</param>
/// <param name="Name">Its first label, else its node's name.</param>
/// <param name="Version">Generation.</param>
/// <param name="Span">The node's name in the source.</param>
public sealed record BoardSmmu(string NodePath, string Name, SmmuVersion Version, SourceSpan Span)
{
    /// <summary>Where its registers are; null where the CPU reaches none.</summary>
    public PhysAddr? Registers { get; init; }

    /// <summary><c>#iommu-cells</c>; 0 where the node does not say.</summary>
    public int Cells { get; init; }

    /// <summary><c>dma-coherent</c>: its own accesses to tables and queues are coherent with the processor's caches.</summary>
    public bool IsCoherent { get; init; }

    /// <summary>Whether <c>kmemkit,idr</c> says what it implements; else the most usual is assumed.</summary>
    public bool IsIdentified { get; init; }

    /// <summary>What an SMMUv3 implements.</summary>
    public SmmuV3Features V3 { get; init; } = AssumedV3;

    /// <summary>What an SMMUv2 implements.</summary>
    public SmmuV2Features V2 { get; init; } = new();

    /// <summary><c>stream-match-mask</c> of an SMMUv2: bits of every StreamID that do not count.</summary>
    public uint StreamMatchMask { get; init; }

    /// <summary>
    /// Of an SMMUv3 whose registers nobody read: 32 StreamID bits, both stages, 48 bits of address, tables of two levels. What it does not have of that it refuses at run time.
    /// </summary>
    public static SmmuV3Features AssumedV3 { get; } = new() { StreamIdBits = 32, SubstreamIdBits = 0, Msi = false };

    /// <summary>Bits of a StreamID.</summary>
    public int StreamIdBits => Version == SmmuVersion.V3 ? V3.StreamIdBits : V2.StreamIdBits;

    /// <summary>Bits of an output address.</summary>
    public int OutputBits => Version == SmmuVersion.V3 ? System.Math.Min(V3.OutputAddressBits, 48) : V2.OutputAddressBits;

    /// <summary>Whether stage 1 translates.</summary>
    public bool HasStage1 => Version == SmmuVersion.V3 ? V3.Stage1 : V2.Stage1;

    /// <summary>Whether stage 2 translates.</summary>
    public bool HasStage2 => Version == SmmuVersion.V3 ? V3.Stage2 : V2.Stage2;

    /// <summary>Whether it has a granule of 2^<paramref name="shift"/> bytes.</summary>
    public bool HasGranule(int shift) => Version == SmmuVersion.V2 ? V2.HasGranule(shift) : shift switch
    {
        12 => (V3.Granules & SmmuGranules.FourKiB) != 0,
        14 => (V3.Granules & SmmuGranules.SixteenKiB) != 0,
        16 => (V3.Granules & SmmuGranules.SixtyFourKiB) != 0,
        _ => false,
    };
}

/// <summary>StreamIDs that a master has.</summary>
/// <param name="First">The first one.</param>
/// <param name="Count">How many in a row.</param>
/// <param name="Mask">Bits that do not count, of an SMMUv2; 0 else. Then <paramref name="Count"/> is 1.</param>
/// <param name="Span">The place in the source.</param>
public readonly record struct MasterStream(uint First, ulong Count, uint Mask, SourceSpan Span)
{
    /// <summary>The last one.</summary>
    public uint Last => (uint)(First + (Count - 1));

    /// <summary>Whether a StreamID is among them.</summary>
    public bool Contains(uint stream) => Mask == 0 ? stream >= First && stream <= Last : ((stream ^ First) & ~Mask) == 0;

    /// <summary>Whether the two have a StreamID in common.</summary>
    public bool Overlaps(MasterStream other)
    {
        if (Mask == 0 && other.Mask == 0)
            return First <= other.Last && other.First <= Last;
        if (Mask != 0 && other.Mask != 0)
            return ((First ^ other.First) & ~(Mask | other.Mask)) == 0;
        var (masked, row) = Mask != 0 ? (this, other) : (other, this);
        for (ulong id = row.First; id <= row.Last; id++)
        {
            if (masked.Contains((uint)id))
                return true;
        }
        return false;
    }

    /// <inheritdoc/>
    public override string ToString() => Count > 1 ? $"0x{First:x} to 0x{Last:x}" : Mask != 0 ? $"0x{First:x} mask 0x{Mask:x}" : $"0x{First:x}";
}

/// <summary>Device addresses that stay free.</summary>
/// <param name="Range">The addresses.</param>
/// <param name="Reason">Why.</param>
/// <param name="Span">The place in the source.</param>
public sealed record ReservedIova(BusRange Range, string Reason, SourceSpan Span);

/// <summary>Device addresses that the buses between a device and its SMMU let through, and where they are without an SMMU.</summary>
/// <param name="Bus">As the device sends them.</param>
/// <param name="Phys">Where the first one is.</param>
public readonly record struct DmaWindow(BusRange Bus, PhysAddr Phys);

/// <summary>Memory or registers given to a device.</summary>
/// <param name="Name">Of the entry or the region.</param>
/// <param name="Phys">Physical addresses.</param>
/// <param name="Iova">First device address.</param>
/// <param name="Access">Read, Write or both.</param>
/// <param name="Reason">What gives it, in a sentence.</param>
/// <param name="Span">The place in the source.</param>
public sealed record DeviceGrant(string Name, PhysRange Phys, BusAddr Iova, AccessRights Access, string Reason, SourceSpan Span)
{
    /// <summary>Memory type that the entry names; null where the kind of memory decides.</summary>
    public Architecture.Mpu.MpuMemoryType? Memory { get; init; }

    /// <summary><c>exclusive</c>: the memory is the device's alone, whatever the processors may do there.</summary>
    public bool IsExclusive { get; init; }

    /// <summary>Device addresses.</summary>
    public BusRange IovaRange => new(Iova, Phys.Size);
}

/// <summary>A bus master behind an SMMU.</summary>
/// <param name="NodePath">Path of its node.</param>
/// <param name="Name">Its first label, else its node's name.</param>
/// <param name="Smmu">Number of its SMMU.</param>
/// <param name="Span">The node's name in the source.</param>
public sealed record BusMaster(string NodePath, string Name, int Smmu, SourceSpan Span)
{
    /// <summary>Its StreamIDs.</summary>
    public ImmutableArray<MasterStream> Streams { get; init; } = ImmutableArray<MasterStream>.Empty;

    /// <summary><c>dma-coherent</c>, of the node or a bus above.</summary>
    public bool IsCoherent { get; init; }

    /// <summary>Which device addresses it can send; all of them where no bus has <c>dma-ranges</c> (null).</summary>
    public ImmutableArray<DmaWindow>? Windows { get; init; }

    /// <summary>Device addresses that stay free.</summary>
    public ImmutableArray<ReservedIova> Reserved { get; init; } = ImmutableArray<ReservedIova>.Empty;

    /// <summary>What the tree gives it.</summary>
    public ImmutableArray<DeviceGrant> Grants { get; init; } = ImmutableArray<DeviceGrant>.Empty;

    /// <summary>Where its message interrupts are written; null where it has none.</summary>
    public PhysRange? Doorbell { get; init; }
}
