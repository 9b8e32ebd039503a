using System;
using KmemKit.Architecture;
using KmemKit.Runtime.Processor;

namespace KmemKit.Conformance.Harness;

/// <summary>A CPU in one privilege: what code that runs there can do with memory.</summary>
/// <remarks>All of them throw <see cref="MemoryFaultException"/> where the access faults; <see cref="Faults.Faults"/> expects it in a test.</remarks>
public sealed class CpuView
{
    internal CpuView(HarnessCpu port, Privilege privilege) => (Port, Privilege) = (port, privilege);

    /// <summary>The CPU.</summary>
    public HarnessCpu Port { get; }

    /// <summary>Who runs.</summary>
    public Privilege Privilege { get; }

    /// <summary>Reads 8 bits.</summary>
    public byte Load8(VirtAddr address) => unchecked((byte)Port.Load(address, 1, Privilege));

    /// <summary>Reads 16 bits.</summary>
    public ushort Load16(VirtAddr address) => unchecked((ushort)Port.Load(address, 2, Privilege));

    /// <summary>Reads 32 bits.</summary>
    public uint Load32(VirtAddr address) => unchecked((uint)Port.Load(address, 4, Privilege));

    /// <summary>Reads 64 bits.</summary>
    public ulong Load64(VirtAddr address) => Port.Load(address, 8, Privilege);

    /// <summary>Writes 8 bits.</summary>
    public void Store8(VirtAddr address, byte value) => Port.Store(address, 1, value, Privilege);

    /// <summary>Writes 16 bits.</summary>
    public void Store16(VirtAddr address, ushort value) => Port.Store(address, 2, value, Privilege);

    /// <summary>Writes 32 bits.</summary>
    public void Store32(VirtAddr address, uint value) => Port.Store(address, 4, value, Privilege);

    /// <summary>Writes 64 bits.</summary>
    public void Store64(VirtAddr address, ulong value) => Port.Store(address, 8, value, Privilege);

    /// <summary>Reads bytes, up to 16 an access, the lowest address first.</summary>
    public void Load(VirtAddr address, Span<byte> destination)
    {
        for (var done = 0; done < destination.Length; done += 16)
            Port.Load(address + (ulong)done, destination.Slice(done, Math.Min(16, destination.Length - done)), Privilege);
    }

    /// <summary>Writes bytes, up to 16 an access, the lowest address first; what was written before a fault stays written.</summary>
    public void Store(VirtAddr address, ReadOnlySpan<byte> source)
    {
        for (var done = 0; done < source.Length; done += 16)
            Port.Store(address + (ulong)done, source.Slice(done, Math.Min(16, source.Length - done)), Privilege);
    }

    /// <summary>Fetches an instruction of 32 bits.</summary>
    public uint Fetch32(VirtAddr address)
    {
        Span<byte> code = stackalloc byte[4];
        Port.Fetch(address, code, Privilege);
        return System.Buffers.Binary.BinaryPrimitives.ReadUInt32LittleEndian(code);
    }
}
