namespace KmemKit.Runtime.Buddy;

/// <summary>The word of a pageblock: migrate type in bits 0-2, number of the zone above.</summary>
internal static class PageBlocks
{
    /// <summary>Zone number of a pageblock that lies in two zones, or in none.</summary>
    public const int Shared = 0x1fff;

    public static ushort Word(int zone, MigrateType type) => (ushort)((zone << 3) | (int)type);
}
