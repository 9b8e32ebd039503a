namespace KmemKit.Runtime.Proc;

/// <summary>Pages that other parts of the kernel hold, as the /proc texts tell them apart; KmemKit has none where nothing is counted.</summary>
/// <param name="SlabReclaimable">Slab caches that can be shrunk (SReclaimable).</param>
/// <param name="SlabUnreclaimable">Slab caches that cannot (SUnreclaim).</param>
/// <param name="PageTables">Page tables of processes (PageTables).</param>
/// <param name="KernelStack">Kernel stacks (KernelStack).</param>
/// <param name="Vmalloc">Pages mapped in the vmalloc area (VmallocUsed).</param>
/// <param name="PerCpu">Pages of the per-CPU allocator (Percpu).</param>
public sealed record MemoryUse(
    ulong SlabReclaimable = 0, ulong SlabUnreclaimable = 0, ulong PageTables = 0, ulong KernelStack = 0, ulong Vmalloc = 0, ulong PerCpu = 0)
{
    /// <summary>Nothing.</summary>
    public static MemoryUse None { get; } = new();
}
