using System;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu.Vmsav8;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Memory;

namespace KmemKit.Runtime.Smmu;

/// <summary>Software's side of an SMMU, in what drivers of all architectures of SMMUs have: address spaces for devices, and word of what devices may not.</summary>
public abstract class SmmuDriver : IDisposable
{
    private protected SmmuDriver()
    {
    }

    /// <summary>The SMMU.</summary>
    public abstract SystemMmu Smmu { get; }

    /// <summary>Called with each fault of a device, on the thread whose access or register write made it.</summary>
    public event Action<DeviceFault>? DeviceFaulted;

    /// <summary>An empty address space, which streams are attached to.</summary>
    /// <typeparam name="TGranule">Translation granule.</typeparam>
    /// <param name="cpu">Whose pages the tables are made of.</param>
    /// <param name="memory">RAM.</param>
    /// <param name="aperture">Device addresses; null for all of the input size.</param>
    /// <param name="inputBits">Bits of a device address, 25 to 48.</param>
    /// <returns>Null where there is no page for its tables.</returns>
    /// <exception cref="InvalidOperationException">The SMMU has no address space left, or none of this kind; nothing stays taken.</exception>
    public abstract TranslatedDomain<TGranule>? TryCreateDomain<TGranule>(Cpu cpu, PhysicalMemory memory, PhysRange? aperture = null, int inputBits = 39)
        where TGranule : struct, IGranule;

    /// <summary>Turns the SMMU off: from then on transactions are aborted.</summary>
    public abstract void Dispose();

    private protected void Tell(in DeviceFault fault) => DeviceFaulted?.Invoke(fault);
}
