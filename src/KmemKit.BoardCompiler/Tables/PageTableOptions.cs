using KmemKit.Architecture;
using KmemKit.BoardCompiler.KernelMaps;

namespace KmemKit.BoardCompiler.Tables;

/// <summary>What tables are asked for; the default is what the board's kernel starts with.</summary>
public sealed record PageTableOptions
{
    /// <summary>Where things are put.</summary>
    public MapStyle Style { get; init; }

    /// <summary>Name of the format (<see cref="TableFormats"/>); null for the one of the board's kernel.</summary>
    public string? Format { get; init; }

    /// <summary>Physical address that the image is loaded at; null for the highest free place in lowmem.</summary>
    public PhysAddr? Base { get; init; }

    /// <summary>Protection domain whose entries count beside those of the policy; null for none.</summary>
    public string? Domain { get; init; }
}
