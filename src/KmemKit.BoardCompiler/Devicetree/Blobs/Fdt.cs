using System;
using System.Collections.Immutable;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.BoardCompiler.Devicetree.Blobs;

/// <summary>An entry of the memory reservation block (Devicetree Specification 0.4, section 5.3).</summary>
/// <param name="Address">First byte, a physical address.</param>
/// <param name="Size">Bytes.</param>
/// <param name="Offset">Where the entry stands in the blob.</param>
public readonly record struct FdtReservation(ulong Address, ulong Size, int Offset);

/// <summary>A devicetree blob whose header, blocks and reservations are checked: what <see cref="FdtIndex"/> then walks.</summary>
/// <remarks>
/// Invariants, which every later read relies on: all of [<see cref="StructOffset"/>, + <see cref="StructSize"/>) and
/// [<see cref="StringsOffset"/>, + <see cref="StringsSize"/>) lies inside <see cref="Bytes"/>; the structure block starts on a multiple of 4; the
/// blocks do not overlap. Versions before 17 do not say how long the structure block is (before 3: nor the strings block);
/// such a block may reach to the start of the next one.
/// </remarks>
public sealed class Fdt
{
    internal Fdt(SourceFile file, FdtHeader header)
    {
        File = file;
        Header = header;
        Bytes = file.Bytes.Slice(0, (int)header.TotalSize);
    }

    /// <summary>The file the blob stands in.</summary>
    public SourceFile File { get; }

    /// <summary>The header as it stands in the file.</summary>
    public FdtHeader Header { get; }

    /// <summary>The blob: the file up to the header's total size.</summary>
    public ReadOnlyMemory<byte> Bytes { get; }

    /// <summary>Start of the structure block, bytes from the start of the blob.</summary>
    public int StructOffset { get; internal set; }

    /// <summary>Bytes of the structure block; before version 17 the most it can have.</summary>
    public int StructSize { get; internal set; }

    /// <summary>Start of the strings block, bytes from the start of the blob.</summary>
    public int StringsOffset { get; internal set; }

    /// <summary>Bytes of the strings block; before version 3 the most it can have.</summary>
    public int StringsSize { get; internal set; }

    /// <summary>The memory reservations in order, without the entry that ends them.</summary>
    public ImmutableArray<FdtReservation> Reservations { get; internal set; } = ImmutableArray<FdtReservation>.Empty;

    /// <summary>Checks header, blocks and reservations of a blob.</summary>
    /// <param name="file">The file; read from its first byte on.</param>
    /// <param name="diagnostics">Gets KMK1500-KMK1510, each at the byte concerned.</param>
    /// <returns>The blob, or null where one of the findings is an error.</returns>
    public static Fdt? Open(SourceFile file, DiagnosticBag diagnostics)
    {
        if (file is null)
            throw new ArgumentNullException(nameof(file));
        if (diagnostics is null)
            throw new ArgumentNullException(nameof(diagnostics));
        return new FdtOpener(file, diagnostics).Open();
    }

    internal SourceSpan SpanOf(int offset, int length) => new(File, offset, length);
}
