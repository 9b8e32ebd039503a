using System;
using System.Threading;
using KmemKit.Runtime.Memory;

namespace KmemKit.Runtime.Smmu;

/// <summary>What every SMMU has for devices and the bus, whatever its architecture: registers, and an answer to each access.</summary>
public abstract class SystemMmu : IBusDevice
{
    private long _generation;

    private protected SystemMmu(PhysicalMemory memory) => Memory = memory;

    /// <summary>RAM and devices behind it.</summary>
    internal PhysicalMemory Memory { get; }

    /// <summary>A number that changes whenever an answer given before may no longer hold: what ports compare their own caches with.</summary>
    internal long Generation => Volatile.Read(ref _generation);

    /// <summary>Fault injection: asked before an invalidation of TLBs that software asks for is done; true loses it, as hardware with an erratum would: it counts as done, a
    /// synchronisation behind it ends, and old translations are used on. Null in a sound machine. Asked within the SMMU's lock.</summary>
    public Func<bool>? Losing { get; set; }

    /// <summary>What becomes of an access: where it goes, or its end, which software is told of.</summary>
    /// <param name="transaction">The access; it lies in one granule.</param>
    public abstract SmmuResult Translate(in SmmuTransaction transaction);

    /// <inheritdoc/>
    public abstract ulong Read(ulong offset, int size);

    /// <inheritdoc/>
    public abstract void Write(ulong offset, int size, ulong value);

    // Within the SMMU's own lock.
    private protected void ForgetAnswers() => _generation++;

    // Whether fault injection takes the invalidation that is to be done.
    private protected bool LosesInvalidation() => Losing is { } loses && loses();
}
