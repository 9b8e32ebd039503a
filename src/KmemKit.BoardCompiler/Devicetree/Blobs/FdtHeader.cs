using System;
using System.Buffers.Binary;

namespace KmemKit.BoardCompiler.Devicetree.Blobs;

/// <summary>The header of a devicetree blob as it stands in the file (Devicetree Specification 0.4, section 5.2).</summary>
/// <remarks>Offsets are bytes from the start of the blob, sizes are bytes. Fields that the blob's version does not have are 0.</remarks>
/// <param name="TotalSize">Size of the whole blob with header and padding.</param>
/// <param name="StructOffset"><c>off_dt_struct</c>.</param>
/// <param name="StringsOffset"><c>off_dt_strings</c>.</param>
/// <param name="ReservationsOffset"><c>off_mem_rsvmap</c>.</param>
/// <param name="Version">The format the blob is written in.</param>
/// <param name="LastCompatibleVersion"><c>last_comp_version</c>: the oldest format whose readers understand it.</param>
/// <param name="BootCpuId"><c>boot_cpuid_phys</c>, from version 2 on.</param>
/// <param name="StringsSize"><c>size_dt_strings</c>, from version 3 on.</param>
/// <param name="StructSize"><c>size_dt_struct</c>, from version 17 on.</param>
public readonly record struct FdtHeader(
    uint TotalSize, uint StructOffset, uint StringsOffset, uint ReservationsOffset, uint Version, uint LastCompatibleVersion,
    uint BootCpuId, uint StringsSize, uint StructSize)
{
    /// <summary>The newest format there is, and the one written here.</summary>
    public const uint NewestVersion = 17;

    /// <summary>Bytes of a version 17 header.</summary>
    public const int NewestSize = 40;

    /// <summary>Bytes that hold the fields of every version: magic to <c>last_comp_version</c>.</summary>
    internal const int CommonSize = 28;

    /// <summary>Bytes of this blob's header.</summary>
    public int Size => SizeOf(Version);

    /// <summary>Bytes of the header of a version: each of 2, 3 and 17 appended a word to the one before.</summary>
    internal static int SizeOf(uint version) => version >= 17 ? 40 : version >= 3 ? 36 : version == 2 ? 32 : CommonSize;

    /// <summary>Reads the fields that the version has; <paramref name="bytes"/> holds at least the common ones, absent bytes read as 0.</summary>
    internal static FdtHeader Read(ReadOnlySpan<byte> bytes)
    {
        var version = Word(bytes, 20);
        return new FdtHeader(
            Word(bytes, 4), Word(bytes, 8), Word(bytes, 12), Word(bytes, 16), version, Word(bytes, 24),
            version >= 2 ? Word(bytes, 28) : 0, version >= 3 ? Word(bytes, 32) : 0, version >= 17 ? Word(bytes, 36) : 0);
    }

    private static uint Word(ReadOnlySpan<byte> bytes, int offset) =>
        bytes.Length >= offset + 4 ? BinaryPrimitives.ReadUInt32BigEndian(bytes.Slice(offset)) : 0;
}
