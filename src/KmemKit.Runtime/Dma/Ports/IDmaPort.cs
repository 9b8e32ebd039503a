using System;
using KmemKit.Architecture;
using KmemKit.Runtime.Smmu;

namespace KmemKit.Runtime.Dma.Ports;

/// <summary>What a bus master reads and writes through: an SMMU, or the bus itself.</summary>
public interface IDmaPort
{
    /// <summary>Reads bytes.</summary>
    /// <param name="address">First device address; the bytes do not reach beyond 2^64, or it is an abort.</param>
    /// <param name="destination">Where they go; what could not be read is 0.</param>
    /// <param name="done">Bytes in front of the first one that could not be had, at most all.</param>
    SmmuOutcome Read(BusAddr address, Span<byte> destination, out int done);

    /// <summary>Writes bytes.</summary>
    /// <param name="address">First device address; the bytes do not reach beyond 2^64, or it is an abort.</param>
    /// <param name="source">The bytes.</param>
    /// <param name="done">Bytes in front of the first one that could not be written, at most all.</param>
    SmmuOutcome Write(BusAddr address, ReadOnlySpan<byte> source, out int done);
}
