using System.Collections.Immutable;
using KmemKit.Architecture;
using KmemKit.Runtime.SlubDebug;
using KmemKit.Runtime.Tracking;

namespace KmemKit.Runtime.Kasan;

/// <summary>What KASAN found.</summary>
public enum KasanReportKind
{
    /// <summary>An access to bytes of a slab or of a block of kmalloc that belong to no allocated object, or to another one than meant.</summary>
    OutOfBounds,

    /// <summary>An access to an object, or to a page of objects, that was freed.</summary>
    UseAfterFree,

    /// <summary>An object was freed that is free.</summary>
    DoubleFree,

    /// <summary>An address was freed that is no object's first byte.</summary>
    InvalidFree,

    /// <summary>An access near address 0.</summary>
    NullDereference,

    /// <summary>An access where no RAM is.</summary>
    WildAccess,

    /// <summary>Bytes of an object were used that nobody wrote.</summary>
    UninitializedRead,
}

/// <summary>The object that an access missed or hit.</summary>
/// <param name="Address">Its first byte.</param>
/// <param name="Cache">Its cache's name; empty for a block of pages of kmalloc.</param>
/// <param name="ObjectSize">Bytes of an object of the cache, or of the block.</param>
/// <param name="AllocatedSize">Bytes that were asked for.</param>
/// <param name="Allocated">Who allocated it.</param>
/// <param name="Freed">Who freed it; null where it is not free.</param>
public sealed record KasanObject(VirtAddr Address, string Cache, int ObjectSize, long AllocatedSize, TrackRecord? Allocated, TrackRecord? Freed);

/// <summary>Shadow bytes around an address.</summary>
/// <param name="First">The address whose shadow comes first: a multiple of 128.</param>
/// <param name="Bytes">16 bytes a row; null where no RAM is.</param>
public sealed record ShadowRows(VirtAddr First, ImmutableArray<byte?> Bytes);

/// <summary>A misuse that the checked access or a free found (mm/kasan/report.c).</summary>
/// <param name="Kind">What is wrong.</param>
/// <param name="BugType">The kernel's word for it, such as <c>slab-out-of-bounds</c>.</param>
/// <param name="Address">First byte of the access, or what was freed.</param>
/// <param name="FirstBad">The first byte of it that may not be used.</param>
/// <param name="Size">Bytes accessed; 0 for a free.</param>
/// <param name="IsWrite">Whether they were written.</param>
/// <param name="Style">The kernel's form.</param>
/// <param name="By">Who did it.</param>
public sealed record KasanReport(
    KasanReportKind Kind, string BugType, VirtAddr Address, VirtAddr FirstBad, long Size, bool IsWrite, SlabReportStyle Style, Reporter By) : MemoryReport(By)
{
    /// <summary>The object concerned; null where none is near.</summary>
    public KasanObject? Object { get; init; }

    /// <summary>The page descriptor of the page; null where there is none.</summary>
    public VirtAddr? Page { get; init; }

    /// <summary>Shadow bytes around <see cref="FirstBad"/>; null where there is no shadow.</summary>
    public ShadowRows? Shadow { get; init; }

    /// <summary>Whether there was a bug before.</summary>
    public bool IsTainted { get; init; }

    /// <inheritdoc/>
    public override string ToString() => Kind == KasanReportKind.UninitializedRead ? KasanReportText.WriteUninitialized(this) : KasanReportText.Write(this);
}
