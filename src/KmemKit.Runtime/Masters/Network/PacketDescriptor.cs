using System;
using System.Buffers.Binary;
using KmemKit.Architecture;

namespace KmemKit.Runtime.Masters.Network;

/// <summary>A descriptor of <see cref="ScatterGatherNic"/>, for both rings: 16 bytes, little-endian, aligned to 16.</summary>
/// <remarks><code>
/// 0x00 buffer  8 bytes
/// 0x08 length  4 bytes: of the fragment to send; of the buffer to fill, and then of what is in it
/// 0x0C flags   bit 31 own (the device's), 30 first, 29 last fragment of a packet, 28 interrupt, 27 error, bits 23 to 16 what went wrong,
///              bits 15 to 0 Internet checksum of the packet, in its last descriptor
/// </code>The device writes length and flags in one access, by which the descriptor becomes software's again.</remarks>
/// <param name="Buffer">First device address.</param>
/// <param name="Length">Bytes.</param>
/// <param name="IsFirst">First fragment.</param>
/// <param name="IsLast">Last fragment.</param>
/// <param name="IsOwned">The device's.</param>
/// <param name="Interrupts">Whether the end of it is an interrupt cause.</param>
/// <param name="Error">What went wrong.</param>
/// <param name="Checksum">RFC 1071, of the packet's bytes.</param>
public readonly record struct PacketDescriptor(
    BusAddr Buffer, uint Length, bool IsFirst = false, bool IsLast = false, bool IsOwned = true, bool Interrupts = true,
    MasterError Error = MasterError.None, ushort Checksum = 0)
{
    /// <summary>Bytes of a descriptor.</summary>
    public const int Bytes = 16;

    /// <summary>Where the part begins that the device writes.</summary>
    internal const int WrittenAt = 8;

    /// <summary>From its bytes.</summary>
    public static PacketDescriptor Decode(ReadOnlySpan<byte> bytes)
    {
        var flags = BinaryPrimitives.ReadUInt32LittleEndian(bytes[12..]);
        return new PacketDescriptor(
            new BusAddr(BinaryPrimitives.ReadUInt64LittleEndian(bytes)), BinaryPrimitives.ReadUInt32LittleEndian(bytes[8..]),
            Has(30), Has(29), Has(31), Has(28), Has(27) ? (MasterError)((flags >> 16) & 0xFF) : MasterError.None, (ushort)(flags & 0xFFFF));

        bool Has(int bit) => (flags & (1u << bit)) != 0;
    }

    /// <summary>Its bytes.</summary>
    public void Encode(Span<byte> bytes)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, Buffer.Value);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[8..], Length);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[12..], Checksum | ((uint)Error << 16)
            | Bit(31, IsOwned) | Bit(30, IsFirst) | Bit(29, IsLast) | Bit(28, Interrupts) | Bit(27, Error != MasterError.None));

        static uint Bit(int number, bool isSet) => isSet ? 1u << number : 0;
    }
}
