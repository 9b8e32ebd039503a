namespace KmemKit.Runtime.Buddy;

/// <summary>The word of a pageblock: bits 0-2 migrate type, bits 4-14 number of the zone, bit 15 set when its pages never go to a CPU's lists.</summary>
/// <remarks>
/// Bit 3 is clear, so that zone and type together are the number of a CPU's list of order 0 (<see cref="PerCpuList"/>), and a free needs one test and one
/// addition to find its list.
/// </remarks>
internal static class PageBlocks
{
    /// <summary>Zone number of a pageblock that lies in two zones, or in none.</summary>
    public const int Shared = 0x7ff;

    public const int TypeMask = 7;

    private const int Direct = 0x8000;

    public static ushort Word(int zone, MigrateType type) =>
        (ushort)((zone << 4) | (int)type | (zone == Shared || type >= MigrateType.Cma ? Direct : 0));

    public static int ZoneOf(ushort word) => (word >> 4) & Shared;
}
