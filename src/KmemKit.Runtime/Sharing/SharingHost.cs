using System;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Dma;
using KmemKit.Runtime.Memory;

namespace KmemKit.Runtime.Sharing;

/// <summary>What all ways of sharing stand on: a board's CPU, its RAM, the DMA API, and the processor's mappings.</summary>
/// <param name="Cpu">The CPU that calls; one thread at a time.</param>
/// <param name="Memory">RAM.</param>
/// <param name="Mapper">The DMA API.</param>
/// <param name="CpuMapper">Kernel addresses of buffers.</param>
public sealed record SharingHost(Cpu Cpu, PhysicalMemory Memory, DmaMapper Mapper, BufferCpuMapper CpuMapper)
{
    /// <summary>Bytes of a page.</summary>
    public ulong PageSize => Cpu.Allocator.Map.Pages.PageSize;

    internal ulong RoundUp(ulong size, string subject)
    {
        if (size == 0 || size > Memory.TotalBytes)
            throw new SharingException(SharingError.BadSize, subject, $"{size} bytes are asked for, and the board has {Memory.TotalBytes}.");
        return (size + PageSize - 1) & ~(PageSize - 1);
    }
}
