using System.Collections.Generic;
using System.Threading;

namespace KmemKit.Runtime.Tracking;

/// <summary>Blocks of pages that kmalloc handed out: who has them, and how much was asked for.</summary>
/// <remarks>They are few and large: a table in host memory, which the operations on them do not notice.</remarks>
internal sealed class LargeBlocks
{
    private readonly Lock _lock = new();
    private readonly SortedList<nuint, LargeBlock> _blocks = [];

    /// <summary>A block.</summary>
    /// <param name="Start">Host address of its first byte.</param>
    /// <param name="Requested">Bytes asked for.</param>
    /// <param name="Bytes">Bytes of its pages.</param>
    /// <param name="Allocated">Who has it.</param>
    public readonly record struct LargeBlock(nuint Start, long Requested, long Bytes, ObjectTrack Allocated);

    public void Add(LargeBlock block)
    {
        lock (_lock)
            _blocks[block.Start] = block;
    }

    public bool Remove(nuint start, out LargeBlock block)
    {
        lock (_lock)
        {
            if (!_blocks.TryGetValue(start, out block))
                return false;
            _blocks.Remove(start);
            return true;
        }
    }

    /// <summary>Its owner may use so many bytes from now on.</summary>
    public bool Resize(nuint start, long requested, out LargeBlock block)
    {
        lock (_lock)
        {
            if (!_blocks.TryGetValue(start, out block))
                return false;
            _blocks[start] = block = block with { Requested = requested };
            return true;
        }
    }

    /// <summary>The block that an address lies in.</summary>
    public LargeBlock? Find(nuint address)
    {
        lock (_lock)
        {
            var (low, high) = (0, _blocks.Count);
            while (low < high)
            {
                var middle = (low + high) / 2;
                if (_blocks.GetKeyAtIndex(middle) <= address)
                    low = middle + 1;
                else
                    high = middle;
            }
            if (low == 0)
                return null;
            var block = _blocks.GetValueAtIndex(low - 1);
            return address - block.Start < (nuint)block.Bytes ? block : null;
        }
    }

    public LargeBlock[] ToArray()
    {
        lock (_lock)
            return [.. _blocks.Values];
    }
}
