namespace KmemKit.Architecture.Smmu.V3;

/// <summary>
/// Which stage 2 walks an STE can describe: input size against start level and granule, with up to 16 concatenated tables at the start (Arm DDI 0487, D8.2;
/// Arm IHI 0070, 5.2, STE.S2SL0 and S2T0SZ).
/// </summary>
public static class Stage2Geometry
{
    /// <summary>Page shift of an STE.S2TG or CD.TG0 code; 0 for the reserved one.</summary>
    public static int GranuleShift(int code) => code switch
    {
        0 => 12,
        1 => 16,
        2 => 14,
        _ => 0,
    };

    /// <summary>The S2TG or TG0 code of a page shift of 12, 14 or 16.</summary>
    public static int GranuleCode(int shift) => shift switch
    {
        12 => 0,
        16 => 1,
        14 => 2,
        _ => throw new System.ArgumentOutOfRangeException(nameof(shift), shift, "A granule is 4, 16 or 64 KiB: a shift of 12, 14 or 16."),
    };

    /// <summary>First level of the walk that S2SL0 stands for; -1 where the code is reserved.</summary>
    public static int StartLevel(int granuleShift, int sl0) => (granuleShift, sl0) switch
    {
        (12, 0) or (14, 0) => granuleShift == 12 ? 2 : 3,
        (12, 1) or (14, 1) => granuleShift == 12 ? 1 : 2,
        (12, 2) or (14, 2) => granuleShift == 12 ? 0 : 1,
        (16, >= 0 and <= 2) => 3 - sl0,
        _ => -1,
    };

    /// <summary>The S2SL0 code of a start level; -1 where there is none.</summary>
    public static int StartLevelCode(int granuleShift, int level)
    {
        for (var code = 0; code <= 2; code++)
        {
            if (StartLevel(granuleShift, code) == level)
                return code;
        }
        return -1;
    }

    /// <summary>log2 of the tables side by side at the start of a walk, for the given input size: 0 to 4, or -1 where the walk cannot start at that level.</summary>
    public static int ConcatenationBits(int granuleShift, int inputBits, int startLevel)
    {
        var bitsPerLevel = granuleShift - 3;
        var resolvedBelow = granuleShift + (bitsPerLevel * (3 - startLevel));
        var indexBits = inputBits - resolvedBelow;
        if (indexBits < 1)
            return -1;
        var concatenated = indexBits <= bitsPerLevel ? 0 : indexBits - bitsPerLevel;
        return concatenated <= 4 ? concatenated : -1;
    }
}
