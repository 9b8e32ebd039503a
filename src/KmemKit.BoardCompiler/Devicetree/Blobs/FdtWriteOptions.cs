namespace KmemKit.BoardCompiler.Devicetree.Blobs;

/// <summary>How a blob is written; the options of dtc, by their letters.</summary>
/// <remarks><see cref="Padding"/> and <see cref="MinimumSize"/> exclude each other; <see cref="Alignment"/> is applied last.</remarks>
public sealed record FdtWriteOptions
{
    /// <summary>Bytes of zeros behind the strings block (<c>-p</c>).</summary>
    public int Padding { get; init; }

    /// <summary>The total size is at least this many bytes (<c>-S</c>); a larger blob stays as large as it is.</summary>
    public int MinimumSize { get; init; }

    /// <summary>The total size is a multiple of this power of two (<c>-a</c>); 0 for no alignment.</summary>
    public int Alignment { get; init; }

    /// <summary>Empty entries in the memory reservation block for a boot loader to fill (<c>-R</c>).</summary>
    public int ReservationSlots { get; init; }

    /// <summary><c>boot_cpuid_phys</c> (<c>-b</c>); null for the tree's own.</summary>
    public uint? BootCpuId { get; init; }
}
