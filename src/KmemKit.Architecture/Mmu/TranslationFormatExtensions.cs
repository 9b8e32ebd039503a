namespace KmemKit.Architecture.Mmu;

/// <summary>Arithmetic on the geometry of any format; inlined for struct formats.</summary>
public static class TranslationFormatExtensions
{
    /// <summary>Index in a table of the level.</summary>
    public static int Index<TFormat>(this TFormat format, ulong address, int level) where TFormat : ITranslationFormat =>
        (int)(address >> format.LevelShift(level) & ((1UL << format.IndexBits(level)) - 1));

    /// <summary>Descriptors in a table of the level.</summary>
    public static int TableEntries<TFormat>(this TFormat format, int level) where TFormat : ITranslationFormat => 1 << format.IndexBits(level);

    /// <summary>Bytes of a table of the level.</summary>
    public static int TableBytes<TFormat>(this TFormat format, int level) where TFormat : ITranslationFormat =>
        format.DescriptorSize << format.IndexBits(level);

    /// <summary>Alignment of a table of the level in bytes.</summary>
    public static int TableAlignment<TFormat>(this TFormat format, int level) where TFormat : ITranslationFormat =>
        level == format.RootLevel ? format.RootAlignment : format.TableBytes(level);

    /// <summary>Levels from the root to the pages.</summary>
    public static int LevelCount<TFormat>(this TFormat format) where TFormat : ITranslationFormat
    {
        var count = 1;
        for (var level = format.RootLevel; level != format.LastLevel; level = format.NextLevel(level))
            count++;
        return count;
    }

    /// <summary>Bytes that one descriptor of the level spans.</summary>
    public static ulong LevelBytes<TFormat>(this TFormat format, int level) where TFormat : ITranslationFormat => 1UL << format.LevelShift(level);
}
