namespace KmemKit.Runtime.Buddy;

/// <summary>The word of a pageblock: bits 0-2 migrate type, bits 6-14 number of the zone, bit 15 set when its pages never go to a CPU's lists.</summary>
/// <remarks>
/// Bits 3-5 are clear, so that zone and type together are the number of a CPU's list of order 0 (<see cref="PerCpuList"/>), and a free needs one test and one
/// addition to find its list.
/// </remarks>
internal static class PageBlocks
{
    /// <summary>Zone number of a pageblock that lies in two zones, or in none.</summary>
    public const int Shared = 0x1ff;

    public const int TypeMask = 7;

    private const int Direct = 0x8000;

    public static ushort Word(int zone, MigrateType type) =>
        (ushort)((zone << 6) | (int)type | (zone == Shared || type >= MigrateType.HighAtomic ? Direct : 0));

    /// <summary>The same word for a pageblock beside one that is set apart: a block that spans both must not wait in a CPU's list either.</summary>
    public static ushort BesideSetApart(ushort word) => (ushort)(word | Direct);

    /// <summary>Whether the pageblock's own kind is one whose free pages are for few.</summary>
    public static bool IsSetApart(ushort word) => (word & TypeMask) >= (int)MigrateType.HighAtomic;

    /// <summary>Whether pages of the pageblock may wait in CPU lists.</summary>
    public static bool IsListed(ushort word) => (word & Direct) == 0;

    public static int ZoneOf(ushort word) => (word >> 6) & Shared;
}
