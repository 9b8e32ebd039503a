using System.Runtime.CompilerServices;
using System.Threading;
using KmemKit.Architecture.Mmu;

namespace KmemKit.Runtime.Mmu;

/// <summary>What a straight walk does with the table descriptors that it passes.</summary>
internal interface IDescent
{
    /// <summary>Whether this descriptor is of a table, and the walk goes on below it.</summary>
    bool Enter<TFormat>(in TFormat format, ulong descriptor, int level) where TFormat : struct, ITranslationFormat;
}

/// <summary>Passes them all.</summary>
internal readonly struct AnyTable : IDescent
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Enter<TFormat>(in TFormat format, ulong descriptor, int level) where TFormat : struct, ITranslationFormat =>
        format.IsTable(descriptor, level);
}

/// <summary>Passes them all, and keeps the last one.</summary>
internal struct LastTable : IDescent
{
    public ulong Descriptor;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Enter<TFormat>(in TFormat format, ulong descriptor, int level) where TFormat : struct, ITranslationFormat
    {
        Descriptor = descriptor;
        return format.IsTable(descriptor, level);
    }
}

/// <summary>Passes those that take away what they shall, no more and no less.</summary>
internal readonly struct TablesThatLimit(ulong limits) : IDescent
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Enter<TFormat>(in TFormat format, ulong descriptor, int level) where TFormat : struct, ITranslationFormat =>
        format.IsTable(descriptor, level) && format.Limits(descriptor, level) == limits;
}

/// <summary>Passes those that a walk of the processor need not mark as used, and collects what they take away.</summary>
internal struct UsedTables : IDescent
{
    public ulong Limits;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Enter<TFormat>(in TFormat format, ulong descriptor, int level) where TFormat : struct, ITranslationFormat
    {
        if (!format.IsTable(descriptor, level))
            return false;
        Limits |= format.Limits(descriptor, level);
        return format.MarkTableUsed(descriptor, level) == descriptor;
    }
}

/// <summary>Passes those that are like one in all but their address (<see cref="UsualTable"/>).</summary>
internal readonly struct TablesLike(ulong bits, ulong like) : IDescent
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Enter<TFormat>(in TFormat format, ulong descriptor, int level) where TFormat : struct, ITranslationFormat => (descriptor & bits) == like;
}

/// <summary>Where the walks of one tree begin, in the form that they need. The default is the start of none.</summary>
internal unsafe struct WalkStart
{
    private byte* _root;
    private readonly int _shift;
    private readonly int _height;
    private readonly ulong _mask;
    private readonly ulong _first;
    private ulong _size;

    private WalkStart(int height, int shift, ulong mask, ulong first, ulong size) =>
        (_height, _shift, _mask, _first, _size) = (height, shift, mask, first, size);

    /// <summary>Levels above the last one.</summary>
    public readonly int Height => _height;

    /// <summary>What does not depend on where the root is.</summary>
    public static WalkStart Of<TFormat>(in TFormat format) where TFormat : struct, ITranslationFormat
    {
        var ranges = format.InputRanges;
        // Two canonical halves are one range, around the end of the address space.
        var size = ranges[0].Size.Value + (ranges.Length > 1 ? ranges[1].Size.Value : 0);
        var height = format.LevelCount() - 1;
        return new WalkStart(
            height, format.LevelShift(format.RootLevel), (ulong)format.TableEntries(format.RootLevel) - 1, ranges[^1].Start.Value, height == 0 ? 0 : size);
    }

    /// <summary>The same with the root at an address; the start of no walk where that is not in the window.</summary>
    public readonly WalkStart At<TFormat>(in TFormat format, ulong root, in TableWindow window) where TFormat : struct, ITranslationFormat
    {
        var start = this;
        if (!window.TryReach(root, out start._root) || !window.TryReach(root + ((uint)format.TableBytes(format.RootLevel) - 8), out _))
            start._size = 0;
        return start;
    }

    /// <summary>No walk begins here any longer.</summary>
    public void Close() => _size = 0;

    /// <summary>The host address of the root's descriptor.</summary>
    /// <returns>False for an address that the tree does not translate.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly bool TryReach(ulong virt, int descriptorSize, out byte* slot)
    {
        slot = _root + (((virt >> _shift) & _mask) * (uint)descriptorSize);
        return unchecked(virt - _first) < _size;
    }
}

/// <summary>The usual walk: from the root down to a descriptor of the last level, all tables in the window.</summary>
/// <remarks>
/// There is no loop: each level is written out, so that its number is a constant of the JIT, and with it the shift, the mask and what tells a table from a leaf. A
/// level's height is counted from the last one up, because trees differ in where they begin and not in where they end. Below the root every table of a format has as
/// many descriptors as its level resolves. Whatever is not so - a block, a hole, a table elsewhere - ends the walk without an answer, and the caller asks the loop
/// that knows all cases.
/// </remarks>
internal static unsafe class StraightWalk
{
    /// <summary>Most levels above the last one: five-level paging.</summary>
    private const int MostHeight = 4;

    /// <summary>Finds the descriptor of the last level.</summary>
    /// <param name="format">The format.</param>
    /// <param name="window">Where the tables are.</param>
    /// <param name="start">The root.</param>
    /// <param name="virt">The address.</param>
    /// <param name="descent">Sees the table descriptors.</param>
    /// <param name="slot">The descriptor's host address.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryReach<TFormat, TDescent>(
        in TFormat format, in TableWindow window, in WalkStart start, ulong virt, ref TDescent descent, out byte* slot)
        where TFormat : struct, ITranslationFormat
        where TDescent : struct, IDescent
    {
        if (!start.TryReach(virt, format.DescriptorSize, out slot))
            return false;
        // A tree of one level alone has no start.
        var height = start.Height;
        if (height >= 3)
        {
            if (height >= MostHeight && !TryDescend(format, window, LevelAt(format, MostHeight), virt, ref descent, ref slot))
                return false;
            if (!TryDescend(format, window, LevelAt(format, 3), virt, ref descent, ref slot))
                return false;
        }
        if (height >= 2 && !TryDescend(format, window, LevelAt(format, 2), virt, ref descent, ref slot))
            return false;
        return TryDescend(format, window, LevelAt(format, 1), virt, ref descent, ref slot);
    }

    /// <summary>Reads a descriptor as one access.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Read<TFormat>(in TFormat format, byte* slot) where TFormat : struct, ITranslationFormat =>
        format.DescriptorSize == 8 ? Volatile.Read(ref *(ulong*)slot) : Volatile.Read(ref *(uint*)slot);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool TryDescend<TFormat, TDescent>(in TFormat format, in TableWindow window, int level, ulong virt, ref TDescent descent, ref byte* slot)
        where TFormat : struct, ITranslationFormat
        where TDescent : struct, IDescent
    {
        var descriptor = Read(format, slot);
        if (!descent.Enter(format, descriptor, level))
            return false;
        var shift = format.LevelShift(format.NextLevel(level));
        var mask = (1UL << (format.LevelShift(level) - shift)) - 1;
        return window.TryReach(unchecked(format.TableAddress(descriptor, level) + (((virt >> shift) & mask) * (uint)format.DescriptorSize)), out slot);
    }

    // The architectures number their levels up or down.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static int LevelAt<TFormat>(in TFormat format, int height) where TFormat : struct, ITranslationFormat =>
        format.LastLevel - (height * format.NextLevel(0));
}
