using System.Collections.Generic;

namespace KmemKit.BoardCompiler.Mpu;

/// <summary>An aligned block of the address space in the planner's tree, down to where all addresses want the same.</summary>
internal sealed class TreeNode
{
    private readonly CellMap _map;
    private readonly int _firstCell;
    private readonly int _lastCell;
    private Dictionary<ulong, TreeChoice>? _memo;
    private TreeNode[]? _eighths;

    private TreeNode(CellMap map, int level, ulong start, int firstCell, int lastCell)
    {
        _map = map;
        Level = level;
        Start = start;
        _firstCell = firstCell;
        _lastCell = lastCell;
        Common = map.Everything;
        Exact = map.Everything;
        for (var i = firstCell; i <= lastCell; i++)
        {
            Common &= map.Cells[i].Allowed;
            Exact &= map.Cells[i].Exact;
            Union |= map.Cells[i].Allowed;
        }
        IsFree = Exact == map.Everything;
        if (IsFree)
            Union = 0;
    }

    /// <summary>log2 of the size.</summary>
    public int Level { get; }

    public ulong Start { get; }

    public ulong Size => 1UL << Level;

    /// <summary>Classes that may decide everywhere, those that are exact everywhere, and those of use somewhere in the block.</summary>
    public ulong Common { get; }

    public ulong Exact { get; }

    public ulong Union { get; private set; }

    /// <summary>Whether anything may be here: no class is of use for it, and none is wrong.</summary>
    public bool IsFree { get; }

    /// <summary>Null where the block is not divided: a leaf, all of whose addresses are decided alike.</summary>
    public TreeNode? Left { get; private set; }

    public TreeNode? Right { get; private set; }

    public bool IsLeaf => Left is null;

    /// <summary>Of a whole space, the least table once it is known: to give it again is no work.</summary>
    public SpacePlan? Plan { get; set; }

    /// <summary>Solutions by what the block inherits.</summary>
    public Dictionary<ulong, TreeChoice> Memo => _memo ??= [];

    /// <summary>The eighths, from the lowest up: a leaf stands for all the eighths in it.</summary>
    public TreeNode[] Eighths
    {
        get
        {
            if (_eighths is null)
            {
                _eighths = new TreeNode[8];
                for (var i = 0; i < 8; i++)
                {
                    _eighths[i] = this;
                    for (var bit = 2; bit >= 0 && !_eighths[i].IsLeaf; bit--)
                        _eighths[i] = (i >> bit & 1) == 0 ? _eighths[i].Left! : _eighths[i].Right!;
                }
            }
            return _eighths;
        }
    }

    /// <summary>The tree of a map.</summary>
    /// <param name="map">The problem.</param>
    /// <param name="smallest">log2 of the granule, below which nothing is divided.</param>
    /// <exception cref="UnalignedException">Cells within one granule have no class in common.</exception>
    /// <param name="cache">Blocks of other maps with the same classes; those of this one are added.</param>
    public static TreeNode Build(CellMap map, int smallest, TreeCache cache) => Build(map, smallest, cache, map.AddressBits, 0, 0, map.Cells.Length - 1);

    private static TreeNode Build(CellMap map, int smallest, TreeCache cache, int level, ulong start, int first, int last)
    {
        var key = new TreeCache.Key(map, level, start, first, last);
        if (cache.Find(key) is { } known)
            return known;
        var node = new TreeNode(map, level, start, first, last);
        cache.Add(key, node);
        if (first == last || node.IsFree)
            return node;
        if (level == smallest)
        {
            // Whatever decides here decides for all cells of the granule.
            node.Union = node.IsFree ? 0 : node.Common;
            return node.Common == 0 ? throw new UnalignedException(start) : node;
        }
        var middle = start + (1UL << (level - 1));
        var cut = first;
        while (cut < last && map.Cells[cut + 1].Start < middle)
            cut++;
        var second = cut < last && map.Cells[cut + 1].Start == middle ? cut + 1 : cut;
        node.Left = Build(map, smallest, cache, level - 1, start, first, cut);
        node.Right = Build(map, smallest, cache, level - 1, middle, second, last);
        node.Union = node.Left.Union | node.Right.Union;
        return node;
    }

    /// <summary>Bytes of [<paramref name="from"/>, <paramref name="to"/>), inside a leaf, that a class wastes.</summary>
    public ulong Waste(int painted, ulong from, ulong to)
    {
        if ((Exact >> painted & 1) != 0)
            return 0;
        ulong bytes = 0;
        for (var i = _firstCell; i <= _lastCell; i++)
        {
            if ((_map.Cells[i].Exact >> painted & 1) != 0)
                continue;
            var start = _map.Cells[i].Start > from ? _map.Cells[i].Start : from;
            var end = _map.EndOf(i) < to ? _map.EndOf(i) : to;
            if (end > start)
                bytes += end - start;
        }
        return bytes;
    }
}

/// <summary>The best way to solve a block under what it inherits.</summary>
/// <param name="Cost">Regions, then wasted bytes; see <see cref="PlanCost"/>.</param>
/// <param name="Painted">Classes that get a region of this block, a bit each.</param>
/// <param name="Below">What the eighths (or, without subregions, the block) have after that.</param>
internal readonly record struct TreeChoice(ulong Cost, ulong Painted, ulong Below);

/// <summary>Costs as one number: a region is dearer than all bytes together.</summary>
internal static class PlanCost
{
    private const int RegionShift = 51;

    public const ulong Region = 1UL << RegionShift;

    public const ulong Infinite = ulong.MaxValue / 4;

    public static int Regions(ulong cost) => (int)(cost >> RegionShift);

    public static ulong Waste(ulong cost) => cost & (Region - 1);
}
