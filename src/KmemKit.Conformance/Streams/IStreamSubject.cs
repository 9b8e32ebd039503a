using KmemKit.Architecture;

namespace KmemKit.Conformance.Streams;

/// <summary>What a device reaches at an address.</summary>
/// <param name="Address">Physical address.</param>
/// <param name="Access">What it may do there: Read, Write or both.</param>
public readonly record struct StreamReach(ulong Address, AccessRights Access)
{
    /// <inheritdoc/>
    public override string ToString() => $"0x{Address:x} for \"{Access.ToText()}\"";
}

/// <summary>An SMMU, or any other IOMMU, as the suite sees it: a model, the tables that a firmware makes, a driver behind P/Invoke, a machine.</summary>
public interface IStreamSubject
{
    /// <summary>Where an access of a device leads, and what it may do there. The subject stays as it was: a fault is no reason to stop.</summary>
    /// <param name="stream">StreamID of the device.</param>
    /// <param name="address">Device address.</param>
    /// <returns>Null where it leads nowhere, whether by a fault or an abort.</returns>
    StreamReach? Reach(uint stream, ulong address);
}
