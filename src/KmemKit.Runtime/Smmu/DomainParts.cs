using System;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu.Vmsav8;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Iova;
using KmemKit.Runtime.Memory;
using KmemKit.Runtime.Mmu;
using KmemKit.Runtime.Tlb;

namespace KmemKit.Runtime.Smmu;

/// <summary>What every <see cref="TranslatedDomain{TGranule}"/> is made of: empty tables and all device addresses.</summary>
internal static class DomainParts
{
    /// <summary>Makes both, and a domain over them.</summary>
    /// <param name="cpu">Whose pages the tables are made of.</param>
    /// <param name="memory">RAM.</param>
    /// <param name="outputBits">Bits of a physical address.</param>
    /// <param name="aperture">Device addresses; null for all of the input size.</param>
    /// <param name="inputBits">Bits of a device address, 25 to 48.</param>
    /// <param name="make">The domain; what it took it gives back where it throws.</param>
    /// <returns>Null where there is no memory.</returns>
    /// <exception cref="InvalidOperationException">The SMMU has none left; nothing stays taken.</exception>
    public static TDomain? TryMake<TGranule, TDomain>(
        Cpu cpu, PhysicalMemory memory, int outputBits, PhysRange? aperture, int inputBits, Func<PageTables<Vmsav8Format<TGranule>>, IovaDomain, TDomain> make)
        where TGranule : struct, IGranule
        where TDomain : TranslatedDomain<TGranule>
    {
        ArgumentNullException.ThrowIfNull(cpu);
        ArgumentNullException.ThrowIfNull(memory);
        var format = new Vmsav8Format<TGranule>(inputBits, outputBits);
        var iova = new IovaDomain(new PageGeometry(default(TGranule).PageShift), aperture ?? new PhysRange(PhysAddr.Zero, 1UL << inputBits), cpu.Allocator.Cpus.Count);
        PageTables<Vmsav8Format<TGranule>>? tables = null;
        try
        {
            // A domain of no CPU's TLB: this tree's invalidations are the SMMU's.
            tables = PageTables.Create(cpu, memory, format, new TlbDomain());
            if (tables is not null)
                return make(tables, iova);
        }
        catch (Exception exception) when (exception is InsufficientMemoryException or InvalidOperationException)
        {
            tables?.Release(cpu);
            iova.Dispose();
            if (exception is InvalidOperationException)
                throw;
            return null;
        }
        iova.Dispose();
        return null;
    }
}
