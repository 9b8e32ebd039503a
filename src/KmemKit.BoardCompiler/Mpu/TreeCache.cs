using System;
using System.Collections.Generic;

namespace KmemKit.BoardCompiler.Mpu;

/// <summary>Blocks of the planner's tree by what is in them: the domains of a policy differ in few places, and what was found out about the rest holds for all.</summary>
/// <remarks>
/// A block's solutions depend on its cells and on nothing else, as long as the classes are numbered alike and the search is not cut short: one cache
/// serves one list of classes, and a planner that has to restrict its search takes a new one.
/// </remarks>
internal sealed class TreeCache
{
    private readonly Dictionary<Key, TreeNode> _nodes = [];

    public TreeNode? Find(Key key) => _nodes.TryGetValue(key, out var node) ? node : null;

    public void Add(Key key, TreeNode node) => _nodes[key] = node;

    public void Clear() => _nodes.Clear();

    /// <summary>A block: where it is, and the cells in it, clipped to it.</summary>
    internal readonly struct Key : IEquatable<Key>
    {
        private readonly CellMap _map;
        private readonly int _level;
        private readonly ulong _start;
        private readonly int _first;
        private readonly int _last;
        private readonly int _hash;

        public Key(CellMap map, int level, ulong start, int first, int last)
        {
            (_map, _level, _start, _first, _last) = (map, level, start, first, last);
            unchecked
            {
                var hash = (ulong)level * 0x9e3779b97f4a7c15UL ^ start;
                for (var i = first; i <= last; i++)
                {
                    var cell = map.Cells[i];
                    hash = (hash ^ Math.Max(cell.Start, start) ^ cell.Allowed * 31 ^ cell.Exact * 131) * 0x100000001b3UL;
                    hash ^= hash >> 29;
                }
                _hash = (int)(hash ^ hash >> 32);
            }
        }

        public bool Equals(Key other)
        {
            if (_hash != other._hash || _level != other._level || _start != other._start || _last - _first != other._last - other._first)
                return false;
            for (var i = 0; i <= _last - _first; i++)
            {
                var (mine, theirs) = (_map.Cells[_first + i], other._map.Cells[other._first + i]);
                if (mine.Allowed != theirs.Allowed || mine.Exact != theirs.Exact || Math.Max(mine.Start, _start) != Math.Max(theirs.Start, _start))
                    return false;
            }
            return true;
        }

        public override bool Equals(object? obj) => obj is Key other && Equals(other);

        public override int GetHashCode() => _hash;
    }
}
