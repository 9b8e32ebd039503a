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
        (ushort)((zone << 6) | (int)type | (zone == Shared || type >= MigrateType.Cma ? Direct : 0));

    public static int ZoneOf(ushort word) => (word >> 6) & Shared;
}
