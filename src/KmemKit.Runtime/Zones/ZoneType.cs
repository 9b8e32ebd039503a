using System;

namespace KmemKit.Runtime.Zones;

/// <summary>Which memory a zone holds (<c>enum zone_type</c>), by rising address.</summary>
public enum ZoneType
{
    /// <summary>What devices of few address bits reach.</summary>
    Dma = 0,

    /// <summary>What 32-bit devices reach.</summary>
    Dma32 = 1,

    /// <summary>In the linear map.</summary>
    Normal = 2,

    /// <summary>Not in the linear map.</summary>
    HighMem = 3,

    /// <summary>Movable pages only.</summary>
    Movable = 4,
}

/// <summary>The zones' names as the kernel prints them.</summary>
internal static class ZoneTypes
{
    /// <summary>How many there are.</summary>
    public const int Count = 5;

    public static ZoneType Parse(string name) => name switch
    {
        "DMA" => ZoneType.Dma,
        "DMA32" => ZoneType.Dma32,
        "Normal" => ZoneType.Normal,
        "HighMem" => ZoneType.HighMem,
        "Movable" => ZoneType.Movable,
        _ => throw new ArgumentException($"There is no zone {name}.", nameof(name)),
    };

    public static string NameOf(ZoneType type) => type switch
    {
        ZoneType.Dma => "DMA",
        ZoneType.Dma32 => "DMA32",
        ZoneType.Normal => "Normal",
        ZoneType.HighMem => "HighMem",
        _ => "Movable",
    };
}
