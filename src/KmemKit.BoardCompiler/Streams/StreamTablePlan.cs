using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Architecture.Smmu.V2;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.KernelMaps;
using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Sources;
using KmemKit.BoardCompiler.Tables;

namespace KmemKit.BoardCompiler.Streams;

/// <summary>What tables for SMMUs are asked for.</summary>
public sealed record StreamTableOptions
{
    /// <summary>Physical address that the image is loaded at; null for the highest free place in lowmem.</summary>
    public PhysAddr? Base { get; init; }
}

/// <summary>Streams and what becomes of their transactions.</summary>
/// <param name="Stream">The StreamIDs.</param>
/// <param name="Master">The master's name.</param>
/// <param name="Translation">Stage 1, stage 2, bypass; never abort, which is what streams without a binding have.</param>
/// <param name="Context">Number of the context; -1 for bypass.</param>
public sealed record StreamBinding(MasterStream Stream, string Master, StreamTranslation Translation, int Context);

/// <summary>A context: a translation that one or several masters share.</summary>
/// <remarks>Invariant: <see cref="Tables"/> maps what <see cref="Map"/> says, and nothing else.</remarks>
public sealed record StreamContext
{
    /// <summary>Number in its SMMU; the ASID or VMID is one more, as 0 is what reset leaves.</summary>
    public int Number { get; init; }

    /// <summary>Stage 1 or stage 2.</summary>
    public StreamTranslation Translation { get; init; }

    /// <summary>Masters.</summary>
    public ImmutableArray<string> Masters { get; init; } = ImmutableArray<string>.Empty;

    /// <summary>What is mapped: input addresses are device addresses.</summary>
    public required KernelMap Map { get; init; }

    /// <summary>The page tables, at their final place.</summary>
    public required PageTablePlan Tables { get; init; }

    /// <summary>Device addresses that stay free, for whoever maps more.</summary>
    public ImmutableArray<ReservedIova> Reserved { get; init; } = ImmutableArray<ReservedIova>.Empty;

    /// <summary>Where the context descriptor is; of stage 2 and of an SMMUv2 there is none.</summary>
    public PhysAddr? Descriptor { get; init; }

    /// <summary>Context bank of an SMMUv2.</summary>
    public int Bank { get; init; }

    /// <summary>ASID or VMID.</summary>
    public ushort Tag => (ushort)(Number + 1);

    /// <summary>The format of the tables.</summary>
    public ITranslationFormat Format => Tables.Regime.Trees[0].Format;

    /// <summary>Physical address of the root table.</summary>
    public PhysAddr Root => Tables.AddressOf(Tables.Roots[0]);
}

/// <summary>A stream mapping group of an SMMUv2.</summary>
/// <param name="Match">SMRn.</param>
/// <param name="Target">S2CRn.</param>
/// <param name="Binding">What it stands for: the first of its streams.</param>
public sealed record StreamMappingGroup(StreamMatchRegister Match, StreamToContextRegister Target, StreamBinding Binding);

/// <summary>A register to write.</summary>
/// <param name="Name">The architecture's name, such as <c>STRTAB_BASE</c>, <c>SMR0</c>, <c>CB1_TTBR0</c>.</param>
/// <param name="Offset">Bytes from the SMMU's base.</param>
/// <param name="Size">4 or 8.</param>
/// <param name="Value">Value.</param>
/// <param name="IsIdle">Whether it only closes what is not used.</param>
public readonly record struct SmmuRegister(string Name, ulong Offset, int Size, ulong Value, bool IsIdle = false);

/// <summary>What is planned for one SMMU.</summary>
public sealed record SmmuPlan
{
    /// <summary>The SMMU.</summary>
    public required BoardSmmu Smmu { get; init; }

    /// <summary>Masters behind it, in the order of the tree.</summary>
    public ImmutableArray<BusMaster> Masters { get; init; } = ImmutableArray<BusMaster>.Empty;

    /// <summary>What each master is to be given, as tree and policy say it: what the rest of the plan is made of.</summary>
    internal ImmutableArray<StreamRequest> Requests { get; init; } = ImmutableArray<StreamRequest>.Empty;

    /// <summary>Streams with something to reach, by rising StreamID; all others are aborted.</summary>
    public ImmutableArray<StreamBinding> Bindings { get; init; } = ImmutableArray<StreamBinding>.Empty;

    /// <summary>Contexts, by number.</summary>
    public ImmutableArray<StreamContext> Contexts { get; init; } = ImmutableArray<StreamContext>.Empty;

    /// <summary>The stream table; null for an SMMUv2.</summary>
    public StreamTableShape? Shape { get; init; }

    /// <summary>Where the stream table, or its first level, is.</summary>
    public PhysAddr StreamTable { get; init; }

    /// <summary>Where the second-level tables are, in the order of the shape's.</summary>
    public ImmutableArray<PhysAddr> SecondLevels { get; init; } = ImmutableArray<PhysAddr>.Empty;

    /// <summary>Stream mapping groups of an SMMUv2.</summary>
    public ImmutableArray<StreamMappingGroup> Groups { get; init; } = ImmutableArray<StreamMappingGroup>.Empty;

    /// <summary>Registers that make the plan count, in the order to write them; switching the SMMU on is the firmware's.</summary>
    public ImmutableArray<SmmuRegister> Registers { get; init; } = ImmutableArray<SmmuRegister>.Empty;

    /// <summary>What a StreamID is bound to; null where it is aborted.</summary>
    public StreamBinding? BindingOf(uint stream) => Bindings.FirstOrDefault(b => b.Stream.Contains(stream));
}

/// <summary>Which part of the image something is.</summary>
public enum StreamImagePart
{
    /// <summary>Page tables of a context.</summary>
    PageTables,

    /// <summary>Linear stream table.</summary>
    StreamTable,

    /// <summary>First level of a stream table.</summary>
    FirstLevel,

    /// <summary>Second level of a stream table.</summary>
    SecondLevel,

    /// <summary>Context descriptor.</summary>
    ContextDescriptor,
}

/// <summary>A part of the image.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Smmu">Number of the SMMU.</param>
/// <param name="Index">Number of the context, or of the second-level table in the shape.</param>
/// <param name="Offset">Bytes from the start of the image.</param>
/// <param name="Bytes">Size.</param>
public sealed record PlannedStreamPart(StreamImagePart Kind, int Smmu, int Index, ulong Offset, ulong Bytes);

/// <summary>Streams, contexts and tables of all SMMUs of a board, ready to be loaded at a physical address.</summary>
/// <remarks>
/// Invariants: parts lie one behind the other from offset 0, each aligned as the architecture wants; a walk of the image (<see cref="StreamWalk"/>) gives for every StreamID and
/// device address what the bindings and maps say, and nothing where they say nothing.
/// </remarks>
public sealed record StreamTablePlan
{
    /// <summary>The layout.</summary>
    public required MemoryLayout Layout { get; init; }

    /// <summary>Physical address of the image.</summary>
    public PhysAddr Base { get; init; }

    /// <summary>Whether the plan chose <see cref="Base"/>.</summary>
    public bool BaseIsChosen { get; init; }

    /// <summary>Alignment of the image in bytes.</summary>
    public ulong Alignment { get; init; }

    /// <summary>Size of the image in bytes.</summary>
    public ulong Bytes { get; init; }

    /// <summary>The SMMUs, in the order of the tree.</summary>
    public ImmutableArray<SmmuPlan> Smmus { get; init; } = ImmutableArray<SmmuPlan>.Empty;

    /// <summary>Parts of the image, by rising offset.</summary>
    public ImmutableArray<PlannedStreamPart> Parts { get; init; } = ImmutableArray<PlannedStreamPart>.Empty;

    /// <summary>The image's physical addresses.</summary>
    public PhysRange Range => new(Base, Bytes);
}

/// <summary>What planning gives.</summary>
/// <param name="Plan">The plan; null with an error, and for a board without SMMU.</param>
/// <param name="Diagnostics">The findings, in order.</param>
public sealed record StreamTablePlanResult(StreamTablePlan? Plan, ImmutableArray<KmemDiagnostic> Diagnostics);
