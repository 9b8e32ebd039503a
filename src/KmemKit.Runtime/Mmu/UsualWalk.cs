using System.Numerics;
using System.Runtime.CompilerServices;
using System.Threading;
using KmemKit.Architecture.Mmu;

namespace KmemKit.Runtime.Mmu;

/// <summary>The window of a tree's tables, seen through the descriptors of those that are usual: what a walk needs of a table in one subtraction and one comparison.</summary>
/// <remarks>
/// <para>Descriptors of the usual tables in the window, in the order of their addresses, are numbers in a row, a step apart: what a descriptor is above the first of them is
/// its table's place in the window. Turned right by the bits of a step it is below the number of tables if, and only if, the descriptor is like the usual ones in every bit
/// and its table lies in the window: whatever else differs, up or down, ends up in high bits.</para>
/// <para>Invariant: that holds for all of the window, or the window is empty (<see cref="Of"/>).</para>
/// </remarks>
internal unsafe struct UsualTables
{
    // An address bit that every format has in its descriptors of tables and pages.
    private const int SomeBit = 20;

    private readonly byte* _host;
    private readonly ulong _start;
    private ulong _count;
    private ulong _first;

    private UsualTables(byte* host, ulong start, ulong count)
    {
        _host = host;
        _start = start;
        _count = count;
    }

    /// <summary>Where the window is in the host.</summary>
    public readonly byte* Host => _host;

    /// <summary>Tables that fit into it; 0 where none is known to be usual.</summary>
    public readonly ulong Count => _count;

    /// <summary>The descriptor of the first one.</summary>
    public readonly ulong First => _first;

    /// <summary>What does not depend on what the tables are like, which is to be learned before a walk.</summary>
    /// <returns>An empty one where the format has a window's addresses in pieces, or the window does not begin with a whole table.</returns>
    public static UsualTables Of<TFormat>(in TFormat format, in TableWindow window) where TFormat : struct, ITranslationFormat
    {
        window.Deconstruct(out var host, out var start, out var bytes);
        var (step, scale) = (StepBits(format), Scale(format));
        var tableShift = step + scale;
        var count = bytes >> tableShift;
        if (count == 0 || (start & ((1UL << tableShift) - 1)) != 0)
            return default;
        var highest = BitOperations.Log2(start + ((count << tableShift) - 1));
        for (var level = format.RootLevel; level != format.LastLevel; level = format.NextLevel(level))
        {
            if (format.TableBytes(format.NextLevel(level)) > 1 << tableShift)
                return default;
            for (var bit = tableShift; bit <= highest; bit++)
            {
                if (format.TableAddress(1UL << (bit - scale), level) != 1UL << bit)
                    return default;
            }
        }
        return new UsualTables(host, start >> scale, count);
    }

    /// <summary>Whether a descriptor is of one of them.</summary>
    public readonly bool IsOf<TFormat>(in TFormat format, ulong descriptor) where TFormat : struct, ITranslationFormat =>
        BitOperations.RotateRight(unchecked(descriptor - _first), StepBits(format)) < _count;

    /// <summary>Tables like another one are the usual ones from now on: one word changes, so that a walk of another thread takes the old ones or the new ones.</summary>
    /// <param name="format">The format.</param>
    /// <param name="bits">Those that are not a table's address (<see cref="UsualTable.BitsOf"/>).</param>
    /// <param name="descriptor">The table's descriptor.</param>
    /// <returns>False, and nothing has changed, where whether it is a table's depends on the level.</returns>
    public bool Learn<TFormat>(in TFormat format, ulong bits, ulong descriptor) where TFormat : struct, ITranslationFormat
    {
        var like = descriptor & bits;
        for (var level = format.RootLevel; level != format.LastLevel; level = format.NextLevel(level))
        {
            if (!format.IsTable(like, level))
                return false;
        }
        Volatile.Write(ref _first, like + _start);
        return true;
    }

    /// <summary>No table is usual.</summary>
    public void Close() => _count = 0;

    /// <summary>Bits of a table's address that are not in its descriptor at all, in the form that makes it a shift.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Scale<TFormat>(in TFormat format) where TFormat : struct, ITranslationFormat =>
        BitOperations.TrailingZeroCount(format.TableAddress(1UL << SomeBit, format.LastLevel - format.NextLevel(0))) - SomeBit;

    /// <summary>Whether the address field of a page's descriptor is the address as it is.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsPlain<TFormat>(in TFormat format) where TFormat : struct, ITranslationFormat =>
        format.LeafAddress(0xf000, format.LastLevel) == 0xf000;

    /// <summary>Log2 of what is between the descriptors of two tables, one behind the other.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int StepBits<TFormat>(in TFormat format) where TFormat : struct, ITranslationFormat =>
        BitOperations.TrailingZeroCount(format.TableAddress(ulong.MaxValue, format.LastLevel - format.NextLevel(0))) - Scale(format);
}

/// <summary>The walk through usual tables: <see cref="StraightWalk"/>, where all of them are known.</summary>
internal static unsafe class UsualWalk
{
    private const int MostHeight = 4;

    /// <summary>Reads the descriptor of the last level.</summary>
    /// <param name="format">The format.</param>
    /// <param name="tables">What the tables are like, and where.</param>
    /// <param name="start">The root.</param>
    /// <param name="virt">The address.</param>
    /// <param name="descriptor">The descriptor.</param>
    /// <returns>False where a table on the way is another one, or there is none.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryRead<TFormat>(in TFormat format, in UsualTables tables, in WalkStart start, ulong virt, out ulong descriptor)
        where TFormat : struct, ITranslationFormat
    {
        // Once: behind a descriptor's read the JIT would load them again.
        var (host, first, count) = ((nuint)tables.Host, tables.First, tables.Count);
        descriptor = 0;
        if (!start.TryReach(virt, format.DescriptorSize, out var root))
            return false;
        descriptor = StraightWalk.Read(format, root);
        var height = start.Height;
        if (height >= 3)
        {
            if (height >= MostHeight && !TryDescend(format, host, first, count, MostHeight, virt, ref descriptor))
                return false;
            if (!TryDescend(format, host, first, count, 3, virt, ref descriptor))
                return false;
        }
        if (height >= 2 && !TryDescend(format, host, first, count, 2, virt, ref descriptor))
            return false;
        if (!TryDescend(format, host, first, count, 1, virt, ref descriptor))
            return false;
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool TryDescend<TFormat>(in TFormat format, nuint host, ulong first, ulong count, int height, ulong virt, ref ulong descriptor)
        where TFormat : struct, ITranslationFormat
    {
        var level = StraightWalk.LevelAt(format, height);
        var place = unchecked(descriptor - first);
        if (BitOperations.RotateRight(place, UsualTables.StepBits(format)) >= count)
            return false;
        var shift = format.LevelShift(format.NextLevel(level));
        var mask = (1UL << (format.LevelShift(level) - shift)) - 1;
        var slot = host + (nuint)(place << UsualTables.Scale(format)) + ((nuint)((virt >> shift) & mask) * (uint)format.DescriptorSize);
        // Still one access, and behind the root's: the address comes from what was read before. Each walk reads anew, because the root's read is volatile.
        descriptor = format.DescriptorSize == 8 ? *(ulong*)slot : *(uint*)slot;
        return true;
    }
}
