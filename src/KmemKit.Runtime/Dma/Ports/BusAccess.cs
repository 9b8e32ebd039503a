using System;
using System.Runtime.InteropServices;
using KmemKit.Architecture;
using KmemKit.Runtime.Memory;
using KmemKit.Runtime.Smmu;

namespace KmemKit.Runtime.Dma.Ports;

/// <summary>A master's access behind all translation: RAM, or a device's registers.</summary>
internal static unsafe class BusAccess
{
    /// <summary>Reads or writes bytes that lie in one page.</summary>
    /// <returns>An abort where nothing answers: the error response of the bus, which is no event of an SMMU.</returns>
    public static SmmuOutcome Transfer(PhysicalMemory memory, PhysAddr address, Span<byte> bytes, bool isWrite)
    {
        var pointer = bytes.IsEmpty ? null : memory.PointerTo(address, (ulong)bytes.Length);
        if (pointer is not null)
        {
            var ram = new Span<byte>(pointer, bytes.Length);
            if (isWrite)
                bytes.CopyTo(ram);
            else
                ram.CopyTo(bytes);
            return SmmuOutcome.Translated;
        }
        try
        {
            // One access where it is one to the device, for registers know the difference.
            if (bytes.Length is 1 or 2 or 4 or 8 && address.IsAligned((ulong)bytes.Length))
            {
                Once(memory, address, bytes, isWrite);
                return SmmuOutcome.Translated;
            }
            for (var i = 0; i < bytes.Length; i++)
                Once(memory, address + (ulong)i, bytes.Slice(i, 1), isWrite);
            return SmmuOutcome.Translated;
        }
        catch (BusFaultException)
        {
            return SmmuOutcome.Abort;
        }
    }

    private static void Once(PhysicalMemory memory, PhysAddr address, Span<byte> bytes, bool isWrite)
    {
        switch (bytes.Length, isWrite)
        {
            case (1, false): bytes[0] = memory.ReadByte(address); break;
            case (2, false): MemoryMarshal.Write(bytes, memory.ReadUInt16(address)); break;
            case (4, false): MemoryMarshal.Write(bytes, memory.ReadUInt32(address)); break;
            case (8, false): MemoryMarshal.Write(bytes, memory.ReadUInt64(address)); break;
            case (1, true): memory.WriteByte(address, bytes[0]); break;
            case (2, true): memory.WriteUInt16(address, MemoryMarshal.Read<ushort>(bytes)); break;
            case (4, true): memory.WriteUInt32(address, MemoryMarshal.Read<uint>(bytes)); break;
            default: memory.WriteUInt64(address, MemoryMarshal.Read<ulong>(bytes)); break;
        }
    }
}
