using System.Collections.Immutable;
using KmemKit.Architecture;
using KmemKit.Runtime.SlubDebug;
using KmemKit.Runtime.Tracking;

namespace KmemKit.Runtime.Kfence;

/// <summary>What KFENCE found (enum kfence_error_type).</summary>
public enum KfenceReportKind
{
    /// <summary>An access to a guard page, or to a guarded object's page outside of the object.</summary>
    OutOfBounds,

    /// <summary>An access to a guarded object that was freed.</summary>
    UseAfterFree,

    /// <summary>Bytes beside the object were written, seen when it was freed.</summary>
    Corruption,

    /// <summary>An access to the pool that is near no object.</summary>
    InvalidAccess,

    /// <summary>A free of what is free, or no object's first byte, or to the wrong cache.</summary>
    InvalidFree,
}

/// <summary>A guarded object at the moment of a report.</summary>
/// <param name="Number">Its number in the pool: <c>kfence-#n</c>.</param>
/// <param name="Address">Its first byte.</param>
/// <param name="Size">Its bytes.</param>
/// <param name="Cache">Its cache's name.</param>
/// <param name="Allocated">Who allocated it.</param>
/// <param name="Freed">Who freed it; null while it is not free.</param>
public sealed record KfenceObject(int Number, VirtAddr Address, int Size, string Cache, TrackRecord? Allocated, TrackRecord? Freed);

/// <summary>A misuse of a guarded object (mm/kfence/report.c).</summary>
/// <param name="Kind">What is wrong.</param>
/// <param name="Address">What was accessed or freed, or the first damaged byte.</param>
/// <param name="IsWrite">Whether an access writes.</param>
/// <param name="Object">The object; null where none is near.</param>
/// <param name="Style">The kernel's form.</param>
/// <param name="Clock">What times are printed by.</param>
/// <param name="By">Who did it.</param>
public sealed record KfenceReport(
    KfenceReportKind Kind, VirtAddr Address, bool IsWrite, KfenceObject? Object, SlabReportStyle Style, KernelClock Clock, Reporter By) : MemoryReport(By)
{
    /// <summary>For <see cref="KfenceReportKind.Corruption"/>: bytes from <see cref="Address"/> on, null where a byte is as it was left.</summary>
    public ImmutableArray<byte?> Damaged { get; init; } = [];

    /// <summary>Whether there was a bug before.</summary>
    public bool IsTainted { get; init; }

    /// <inheritdoc/>
    public override string ToString() => KfenceReportText.Write(this);
}
