using KmemKit.Architecture;

namespace KmemKit.BoardCompiler.Linear;

/// <summary>A stretch of the linear map with one constant offset between physical and virtual.</summary>
/// <param name="Phys">First physical address.</param>
/// <param name="Virt">The virtual address it is mapped at.</param>
/// <param name="Size">Bytes. A stretch may span a hole, which the checked translation refuses by <see cref="LinearMap.Ram"/>.</param>
public readonly record struct LinearSegment(PhysAddr Phys, VirtAddr Virt, ulong Size)
{
    /// <summary>The physical addresses.</summary>
    public PhysRange PhysRange => new(Phys, Size);

    /// <summary>The virtual addresses.</summary>
    public VirtRange VirtRange => new(Virt, Size);
}
