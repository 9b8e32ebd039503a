using System;
using System.Collections.Generic;
using KmemKit.Architecture;

namespace KmemKit.Runtime.Uclinux;

/// <summary>What an allocator makes of a load, at one moment.</summary>
/// <param name="Allocator">Its name.</param>
/// <param name="Blocks">Blocks that are out.</param>
/// <param name="AskedBytes">Bytes that were asked for in them.</param>
/// <param name="BlockBytes">Bytes they have: the difference is internal fragmentation.</param>
/// <param name="TakenBytes">Bytes of all frames that are not free: what small blocks leave of their pages is in it as well.</param>
/// <param name="FreeBytes">Bytes of free frames.</param>
/// <param name="LargestFreeBytes">The longest free row: the difference to <paramref name="FreeBytes"/> is external fragmentation.</param>
/// <param name="MetadataBytes">Bytes of the frame table.</param>
/// <param name="Failures">Requests that were refused so far.</param>
public sealed record WasteReport(
    string Allocator, int Blocks, ulong AskedBytes, ulong BlockBytes, ulong TakenBytes, ulong FreeBytes, ulong LargestFreeBytes, ulong MetadataBytes,
    int Failures)
{
    /// <summary>Taken bytes that nobody asked for.</summary>
    public ulong WastedBytes => TakenBytes - AskedBytes;
}

/// <summary>Runs an allocator and remembers what was asked for, which allocators themselves do not.</summary>
/// <param name="allocator">The allocator.</param>
public sealed class WasteMeter(IUclinuxAllocator allocator)
{
    private readonly Dictionary<PhysAddr, ulong> _asked = [];
    private ulong _askedBytes;
    private ulong _blockBytes;
    private int _failures;

    /// <summary>The allocator.</summary>
    public IUclinuxAllocator Allocator { get; } = allocator ?? throw new ArgumentNullException(nameof(allocator));

    /// <summary>The blocks that are out, and the bytes asked for in each.</summary>
    public IReadOnlyDictionary<PhysAddr, ulong> Blocks => _asked;

    /// <summary>Takes a block; null, and a failure more, where none fits.</summary>
    public PhysAddr? Alloc(ulong bytes)
    {
        if (Allocator.Alloc(bytes) is not { } block)
        {
            _failures++;
            return null;
        }
        _asked.Add(block, bytes);
        _askedBytes += bytes;
        _blockBytes += Allocator.SizeOf(block);
        return block;
    }

    /// <summary>Gives a block back.</summary>
    /// <exception cref="UclinuxFreeException">It is no block that is out.</exception>
    public void Free(PhysAddr block)
    {
        var size = Allocator.SizeOf(block);
        Allocator.Free(block);
        if (!_asked.Remove(block, out var asked))
            return;
        _askedBytes -= asked;
        _blockBytes -= size;
    }

    /// <summary>The waste now.</summary>
    public WasteReport Report()
    {
        var pool = Allocator.Pool;
        return new WasteReport(
            Allocator.Name, _asked.Count, _askedBytes, _blockBytes, (ulong)(pool.FrameCount - pool.FreeFrames) << FramePool.FrameShift,
            (ulong)pool.FreeFrames << FramePool.FrameShift, (ulong)pool.LargestFreeRun() << FramePool.FrameShift, pool.MetadataBytes, _failures);
    }

    /// <summary>Gives the same requests, in order, to each allocator and reports all of them.</summary>
    /// <param name="sizes">Bytes of each request.</param>
    /// <param name="allocators">Allocators over pools of their own.</param>
    public static IReadOnlyList<WasteReport> Compare(IReadOnlyList<ulong> sizes, params IReadOnlyList<IUclinuxAllocator> allocators)
    {
        ArgumentNullException.ThrowIfNull(sizes);
        ArgumentNullException.ThrowIfNull(allocators);
        var reports = new List<WasteReport>();
        foreach (var allocator in allocators)
        {
            var meter = new WasteMeter(allocator);
            foreach (var size in sizes)
                meter.Alloc(size);
            reports.Add(meter.Report());
        }
        return reports;
    }
}
