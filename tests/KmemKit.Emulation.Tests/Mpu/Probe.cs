using System;
using System.Buffers.Binary;
using System.Globalization;
using KmemKit.Architecture;
using KmemKit.Architecture.Mpu;

namespace KmemKit.Emulation.Tests.Mpu;

/// <summary>One access to be made: two bytes of data, or the instruction that comes back.</summary>
/// <param name="Address">Even; for RISC-V execution a multiple of 4.</param>
/// <param name="Access">One right: what is tried.</param>
/// <param name="Privilege">As whom.</param>
public readonly record struct Probe(ulong Address, AccessRights Access, Privilege Privilege)
{
    /// <summary>Bytes of a probe in the image.</summary>
    public const int Size = 16;

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Privilege} {Access} 0x{Address:x}");

    internal void Write(Span<byte> at, bool plant)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(at, Address);
        at[8] = Access switch { AccessRights.Read => 0, AccessRights.Write => 1, _ => 2 };
        at[9] = Privilege == Privilege.User ? (byte)1 : (byte)0;
        at[10] = plant ? (byte)1 : (byte)0;
    }
}

/// <summary>What came of an access.</summary>
/// <param name="Cause">0, or the number of the exception under its architecture's name for it.</param>
/// <param name="Status">CFSR; DFSR or IFSR; mstatus.MPP. Where the instruction was executed: the privilege it ran with.</param>
/// <param name="Address">The fault address register; where the instruction was executed: its address.</param>
public readonly record struct Outcome(uint Cause, uint Status, ulong Address)
{
    /// <summary>Bytes of an outcome in the results.</summary>
    public const int Size = 16;

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"cause {Cause}, status 0x{Status:x}, address 0x{Address:x}");

    internal static Outcome Read(ReadOnlySpan<byte> at) => new(
        BinaryPrimitives.ReadUInt32LittleEndian(at), BinaryPrimitives.ReadUInt32LittleEndian(at[4..]), BinaryPrimitives.ReadUInt64LittleEndian(at[8..]));
}
