using System;
using KmemKit.Architecture;
using KmemKit.Runtime.Memory;

namespace KmemKit.Runtime.Uclinux;

/// <summary>What the two allocators share: 2^n blocks below a page, and giving back. They differ in what they make of a request of more than half a page.</summary>
public abstract class UclinuxAllocator : IUclinuxAllocator
{
    private readonly SmallBlocks _small;

    private protected UclinuxAllocator(PhysicalMemory memory, PhysRange range)
    {
        Pool = new FramePool(memory, range);
        _small = new SmallBlocks(Pool);
    }

    /// <inheritdoc/>
    public abstract string Name { get; }

    /// <inheritdoc/>
    public FramePool Pool { get; }

    /// <inheritdoc/>
    public PhysAddr? Alloc(ulong bytes)
    {
        ArgumentOutOfRangeException.ThrowIfZero(bytes);
        if (bytes <= SmallBlocks.MaxSize)
            return _small.Alloc(bytes);
        var frames = RoundedSize(bytes) >> FramePool.FrameShift;
        if (frames > (ulong)Pool.FreeFrames)
            return null;
        var first = FindFrames((int)frames, bytes);
        if (first < 0)
            return null;
        Pool.Take(first, (int)frames);
        return Pool.AddressOf(first);
    }

    /// <inheritdoc/>
    public void Free(PhysAddr block)
    {
        var frame = Pool.TakenFrameOf(block);
        if (_small.Owns(frame))
            _small.Free(frame, block);
        else
            Pool.Release(frame, Pool.LengthOf(frame, block));
    }

    /// <inheritdoc/>
    public ulong SizeOf(PhysAddr block)
    {
        var frame = Pool.TakenFrameOf(block);
        return _small.Owns(frame) ? _small.SizeAt(frame, block) : (ulong)Pool.LengthOf(frame, block) << FramePool.FrameShift;
    }

    /// <inheritdoc/>
    public ulong RoundedSize(ulong bytes) => bytes <= SmallBlocks.MaxSize ? 1UL << SmallBlocks.ShiftOf(bytes) : RoundedToFrames(bytes);

    private protected abstract ulong RoundedToFrames(ulong bytes);

    private protected abstract int FindFrames(int frames, ulong bytes);
}
