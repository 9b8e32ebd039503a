using KmemKit.Architecture.Mmu;

namespace KmemKit.Runtime.Mmu;

/// <summary>What nearly all table descriptors of a tree are like: a walk then looks at each with one comparison.</summary>
/// <remarks>
/// The descriptor without its address decides alone, and the same at every level above the pages, that it is of a table, what the table takes away, and that it needs no
/// mark: that is found out once, when it is learned. Made by <see cref="Of"/>, or <see cref="None"/>.
/// </remarks>
internal readonly struct UsualTable
{
    private readonly ulong _bits;

    private readonly ulong _like;

    private UsualTable(ulong bits, ulong like, ulong limits) => (_bits, _like, Limits) = (bits, like, limits);

    /// <summary>Like no descriptor: under no bits nothing is 1.</summary>
    public static UsualTable None => new(0, 1, 0);

    /// <summary>What the tables above a page take away, where all are like this.</summary>
    public ulong Limits { get; }

    /// <summary>The form that a walk takes.</summary>
    public TablesLike Descent => new(_bits, _like);

    /// <summary>What a table descriptor is like; <see cref="None"/> where its kind depends on the level.</summary>
    /// <param name="format">The format.</param>
    /// <param name="bits">Those that are not a table's address (<see cref="BitsOf"/>).</param>
    /// <param name="descriptor">The descriptor.</param>
    public static UsualTable Of<TFormat>(in TFormat format, ulong bits, ulong descriptor) where TFormat : struct, ITranslationFormat
    {
        var like = descriptor & bits;
        var limits = format.Limits(like, format.RootLevel);
        for (var level = format.RootLevel; level != format.LastLevel; level = format.NextLevel(level))
        {
            if (!format.IsTable(like, level) || format.Limits(like, level) != limits || format.MarkTableUsed(like, level) != like)
                return None;
        }
        return new UsualTable(bits, like, limits);
    }

    /// <summary>The bits of a table descriptor from which no level takes the table's address.</summary>
    public static ulong BitsOf<TFormat>(in TFormat format) where TFormat : struct, ITranslationFormat
    {
        var address = 0UL;
        for (var level = format.RootLevel; level != format.LastLevel; level = format.NextLevel(level))
        {
            for (var bit = 0; bit < format.DescriptorSize * 8; bit++)
            {
                if (format.TableAddress(1UL << bit, level) != 0)
                    address |= 1UL << bit;
            }
        }
        return ~address;
    }
}
