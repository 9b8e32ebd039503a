namespace KmemKit.Architecture.Boards;

/// <summary>A stretch of a board's linear map with one constant offset between physical and virtual.</summary>
/// <param name="Phys">First physical address.</param>
/// <param name="Virt">The virtual address it is mapped at.</param>
/// <param name="Size">Bytes. A segment may span a hole, which the checked translation refuses.</param>
public readonly record struct BoardSegment(PhysAddr Phys, VirtAddr Virt, ulong Size)
{
    /// <summary>The physical addresses.</summary>
    public PhysRange PhysRange => new(Phys, Size);

    /// <summary>The virtual addresses.</summary>
    public VirtRange VirtRange => new(Virt, Size);
}
