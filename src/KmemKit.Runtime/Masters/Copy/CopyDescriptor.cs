using System;
using System.Buffers.Binary;
using KmemKit.Architecture;

namespace KmemKit.Runtime.Masters.Copy;

/// <summary>What a descriptor asks for.</summary>
public enum CopyOperation
{
    /// <summary>Copies bytes, in rising order.</summary>
    Copy = 0,

    /// <summary>Writes the lower 4 bytes of the source field over and over.</summary>
    Fill = 1,

    /// <summary>Reads pixels of 32 bits (XRGB8888) and writes them with 16 (RGB565): half as many bytes as it reads.</summary>
    Convert32To16 = 2,
}

/// <summary>A descriptor of <see cref="CopyEngine"/>: 32 bytes, little-endian, aligned to 32.</summary>
/// <remarks><code>
/// 0x00 source       8 bytes
/// 0x08 destination  8 bytes
/// 0x10 length       4 bytes: bytes to read; of a fill, to write
/// 0x14 control      bit 0 own (the device's), bit 1 interrupt when done, bits 7 to 4 operation
/// 0x18 status       bit 0 done, bit 1 error, bits 15 to 8 what went wrong: the device's
/// 0x1C transferred  bytes that were read and written again before the end: the device's
/// </code></remarks>
/// <param name="Source">First device address to read.</param>
/// <param name="Destination">First device address to write.</param>
/// <param name="Length">Bytes, at least 1.</param>
/// <param name="Operation">What to do.</param>
/// <param name="IsOwned">The device's: software gives it by setting the bit, the device gives it back by clearing it.</param>
/// <param name="Interrupts">Whether its end is an interrupt cause.</param>
/// <param name="IsDone">The device is through with it, well or not.</param>
/// <param name="Error">What went wrong.</param>
/// <param name="Transferred">Bytes done.</param>
public readonly record struct CopyDescriptor(
    BusAddr Source, BusAddr Destination, uint Length, CopyOperation Operation = CopyOperation.Copy, bool IsOwned = true, bool Interrupts = true,
    bool IsDone = false, MasterError Error = MasterError.None, uint Transferred = 0)
{
    /// <summary>Bytes of a descriptor.</summary>
    public const int Bytes = 32;

    /// <summary>Where the part begins that the device writes: control, status, transferred.</summary>
    internal const int WrittenAt = 0x14;

    /// <summary>From its bytes.</summary>
    public static CopyDescriptor Decode(ReadOnlySpan<byte> bytes)
    {
        var control = BinaryPrimitives.ReadUInt32LittleEndian(bytes[0x14..]);
        var status = BinaryPrimitives.ReadUInt32LittleEndian(bytes[0x18..]);
        return new CopyDescriptor(
            new BusAddr(BinaryPrimitives.ReadUInt64LittleEndian(bytes)), new BusAddr(BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..])),
            BinaryPrimitives.ReadUInt32LittleEndian(bytes[0x10..]), (CopyOperation)((control >> 4) & 15), (control & 1) != 0, (control & 2) != 0,
            (status & 1) != 0, (status & 2) != 0 ? (MasterError)((status >> 8) & 0xFF) : MasterError.None, BinaryPrimitives.ReadUInt32LittleEndian(bytes[0x1C..]));
    }

    /// <summary>Its bytes.</summary>
    public void Encode(Span<byte> bytes)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, Source.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[8..], Destination.Value);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[0x10..], Length);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[0x14..], (IsOwned ? 1u : 0) | (Interrupts ? 2u : 0) | ((uint)Operation << 4));
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[0x18..], (IsDone ? 1u : 0) | (Error != MasterError.None ? 2u | ((uint)Error << 8) : 0));
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[0x1C..], Transferred);
    }
}
