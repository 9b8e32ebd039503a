using System;
using KmemKit.Architecture;

namespace KmemKit.Runtime.Processor;

/// <summary>How code on a simulated CPU reaches memory: by the addresses that its instructions use, with what the board's MMU or MPU says about them.</summary>
/// <remarks>
/// The same driver code runs on a port with an MMU, where addresses are translated, and on one with an MPU, where they are physical. Values are little-endian. A
/// port belongs to one thread at a time.
/// </remarks>
public interface ICpuPort
{
    /// <summary>Reads.</summary>
    /// <param name="address">The first byte.</param>
    /// <param name="size">1 to 8 bytes.</param>
    /// <param name="privilege">Who.</param>
    /// <returns>The value in the low <paramref name="size"/> bytes; 0 above.</returns>
    /// <exception cref="MemoryFaultException">The access faults.</exception>
    ulong Load(VirtAddr address, int size, Privilege privilege);

    /// <summary>Writes. Where any byte faults, none is written.</summary>
    /// <param name="address">The first byte.</param>
    /// <param name="size">1 to 8 bytes.</param>
    /// <param name="value">The value, in its low <paramref name="size"/> bytes.</param>
    /// <param name="privilege">Who.</param>
    /// <exception cref="MemoryFaultException">The access faults.</exception>
    void Store(VirtAddr address, int size, ulong value, Privilege privilege);

    /// <summary>Reads 1 to 16 bytes as one access.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The span has another length.</exception>
    /// <exception cref="MemoryFaultException">The access faults.</exception>
    void Load(VirtAddr address, Span<byte> destination, Privilege privilege);

    /// <summary>Writes 1 to 16 bytes as one access. Where any byte faults, none is written.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The span has another length.</exception>
    /// <exception cref="MemoryFaultException">The access faults.</exception>
    void Store(VirtAddr address, ReadOnlySpan<byte> source, Privilege privilege);

    /// <summary>Reads 1 to 16 bytes of instructions.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The span has another length.</exception>
    /// <exception cref="MemoryFaultException">The access faults.</exception>
    void Fetch(VirtAddr address, Span<byte> destination, Privilege privilege);
}
