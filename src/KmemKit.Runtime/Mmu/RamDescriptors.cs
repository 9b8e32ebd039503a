using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Runtime.Memory;

namespace KmemKit.Runtime.Mmu;

/// <summary>Simulated RAM as a table walk reads it.</summary>
/// <param name="memory">The RAM.</param>
public readonly unsafe struct RamDescriptors(PhysicalMemory memory) : IDescriptorMemory
{
    /// <inheritdoc/>
    public bool TryRead(ulong address, int size, out ulong descriptor)
    {
        var host = memory.PointerTo(new PhysAddr(address), (uint)size);
        descriptor = host is null ? 0 : size == 8 ? *(ulong*)host : *(uint*)host;
        return host is not null;
    }
}
