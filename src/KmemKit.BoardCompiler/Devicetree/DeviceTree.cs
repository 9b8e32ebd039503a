using System.Collections.Immutable;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.BoardCompiler.Devicetree;

/// <summary>A <c>/memreserve/</c> entry: physical memory that the boot code must not touch (Devicetree Specification 0.4, section 5.3).</summary>
/// <param name="Address">First byte.</param>
/// <param name="Size">Bytes.</param>
/// <param name="Labels">Labels in front of it.</param>
/// <param name="Span">Where it is written.</param>
public sealed record MemoryReservation(PhysAddr Address, ulong Size, ImmutableArray<string> Labels, SourceSpan Span);

/// <summary>A whole devicetree with all references resolved: what a source or a blob says.</summary>
/// <remarks>Immutable once the front end has returned it.</remarks>
public sealed class DeviceTree
{
    internal DeviceTree(SourceFile source, DeviceTreeNode root, ImmutableArray<MemoryReservation> reservations, uint bootCpuId)
    {
        Source = source;
        Root = root;
        Reservations = reservations;
        BootCpuId = bootCpuId;
    }

    /// <summary>The file that was compiled or read.</summary>
    public SourceFile Source { get; }

    /// <summary>The root node; its name is empty.</summary>
    public DeviceTreeNode Root { get; }

    /// <summary>The memory reservation block, in order.</summary>
    public ImmutableArray<MemoryReservation> Reservations { get; }

    /// <summary><c>boot_cpuid_phys</c> of the blob header.</summary>
    public uint BootCpuId { get; }
}
