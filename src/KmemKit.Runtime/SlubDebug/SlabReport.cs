using System.Collections.Immutable;
using KmemKit.Architecture;
using KmemKit.Runtime.Tracking;

namespace KmemKit.Runtime.SlubDebug;

/// <summary>What a report of the object allocator is about.</summary>
public enum SlabReportKind
{
    /// <summary>Someone wrote in front of an object.</summary>
    LeftRedZoneOverwritten,

    /// <summary>Someone wrote behind an object.</summary>
    RedZoneOverwritten,

    /// <summary>Someone wrote to a free object.</summary>
    PoisonOverwritten,

    /// <summary>Someone wrote behind the bytes that kmalloc was asked for.</summary>
    RequestedRedZoneOverwritten,

    /// <summary>Someone wrote between an object and the next word.</summary>
    AlignmentPaddingOverwritten,

    /// <summary>Someone wrote far behind an object, or in front of the next.</summary>
    ObjectPaddingOverwritten,

    /// <summary>Someone wrote behind the last object of a slab.</summary>
    SlabPaddingOverwritten,

    /// <summary>The word behind an object that names the next free one was overwritten.</summary>
    FreePointerCorrupt,

    /// <summary>A free object was freed.</summary>
    ObjectAlreadyFree,

    /// <summary>An address was freed at which no object of the slab starts.</summary>
    InvalidObjectPointer,

    /// <summary>An address was freed that is in no slab at all.</summary>
    OutsideOfSlab,

    /// <summary>An object was freed to a cache that it is not from.</summary>
    WrongCache,

    /// <summary>A cache was destroyed while objects of it live.</summary>
    ObjectsRemaining,
}

/// <summary>Damaged bytes, by address.</summary>
/// <param name="First">The first of them.</param>
/// <param name="Last">The last of them.</param>
/// <param name="Offset">Of the first one in the slab.</param>
/// <param name="Found">The first byte.</param>
/// <param name="Expected">What it should be.</param>
public readonly record struct DamagedBytes(VirtAddr First, VirtAddr Last, ulong Offset, byte Found, byte Expected);

/// <summary>A slab at the moment of a report.</summary>
/// <param name="Page">Address of its page descriptor.</param>
/// <param name="Address">Its first byte.</param>
/// <param name="Objects">Objects it has room for.</param>
/// <param name="Used">Objects of it that are allocated.</param>
/// <param name="FreePointer">The next object it would hand out; null where it is full.</param>
/// <param name="Flags">Flags of its first page, with the kernel's bits.</param>
public readonly record struct SlabFacts(VirtAddr Page, VirtAddr Address, int Objects, int Used, VirtAddr? FreePointer, ulong Flags);

/// <summary>Bytes of memory at the moment of a report.</summary>
/// <param name="Label"><c>Bytes b4</c>, <c>Object</c>, <c>Redzone</c>, <c>Padding</c>.</param>
/// <param name="Address">Of the first byte.</param>
/// <param name="Bytes">Its contents.</param>
public sealed record MemoryDump(string Label, VirtAddr Address, ImmutableArray<byte> Bytes);

/// <summary>An object that still lives when its cache is destroyed.</summary>
/// <param name="Object">Its address.</param>
/// <param name="Offset">Its place in the slab.</param>
/// <param name="Allocated">Who allocated it; null where that is not kept.</param>
public readonly record struct RemainingObject(VirtAddr Object, ulong Offset, TrackRecord? Allocated);

/// <summary>A bug that the object allocator found.</summary>
/// <param name="Kind">What is wrong.</param>
/// <param name="Cache">The cache's name.</param>
/// <param name="Problem">What follows <c>BUG name (taint): </c>.</param>
/// <param name="IsTainted">Whether there was a bug before (TAINT_BAD_PAGE).</param>
/// <param name="Style">The kernel's form.</param>
/// <param name="By">Who ran into it.</param>
public sealed record SlabReport(SlabReportKind Kind, string Cache, string Problem, bool IsTainted, SlabReportStyle Style, Reporter By) : MemoryReport(By)
{
    /// <summary>The damaged bytes, where that is what is wrong.</summary>
    public DamagedBytes? Damage { get; init; }

    /// <summary>Who allocated the object last; null where that is not kept or nobody did.</summary>
    public TrackRecord? Allocated { get; init; }

    /// <summary>Who freed the object last; null where that is not kept or nobody did.</summary>
    public TrackRecord? Freed { get; init; }

    /// <summary>The slab; null where none is concerned.</summary>
    public SlabFacts? Slab { get; init; }

    /// <summary>The object; null where the report is about a slab.</summary>
    public VirtAddr? Object { get; init; }

    /// <summary>The object's free pointer; null where it holds none.</summary>
    public VirtAddr? FreePointer { get; init; }

    /// <summary>What is in memory there.</summary>
    public ImmutableArray<MemoryDump> Dumps { get; init; } = [];

    /// <summary>Objects that remain, for <see cref="SlabReportKind.ObjectsRemaining"/>.</summary>
    public ImmutableArray<RemainingObject> Remaining { get; init; } = [];

    /// <summary>What was done so that the run could go on: each line behind <c>FIX name: </c>.</summary>
    public ImmutableArray<string> Fixes { get; init; } = [];

    /// <inheritdoc/>
    public override string ToString() => SlabReportText.Write(this);
}
