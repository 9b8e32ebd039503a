using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Runtime.Memory;

namespace KmemKit.Conformance.Harness.Observation;

/// <summary>What RAM held at a moment. Pages that nobody had touched cost nothing: they are zeros.</summary>
public sealed class MemorySnapshot
{
    private const int PageBytes = 4096;

    private readonly PhysicalMemory _memory;
    private readonly Dictionary<ulong, byte[]> _pages = [];

    private MemorySnapshot(PhysicalMemory memory, ImmutableArray<PhysRange> ranges) => (_memory, Ranges) = (memory, ranges);

    /// <summary>Where it looked.</summary>
    public ImmutableArray<PhysRange> Ranges { get; }

    /// <summary>Bytes that are kept.</summary>
    public long Bytes => _pages.Values.Sum(p => (long)p.Length);

    /// <summary>What changed since, by rising address.</summary>
    public ImmutableArray<MemoryChange> Changes()
    {
        var changes = ImmutableArray.CreateBuilder<MemoryChange>();
        foreach (var chunk in Chunks().Concat(Kept).Distinct().OrderBy(c => c.Start))
            Compare(chunk, Now(_memory, chunk), changes);
        return changes.ToImmutable();
    }

    /// <summary>Writes back what RAM held, in a part of it.</summary>
    /// <remarks>
    /// RAM alone: the allocators' own books, TLBs and devices go on as they are. So give back what belongs to the code under test; for a machine as it was
    /// at its start, start another one from the same <see cref="MachineImage"/>.
    /// </remarks>
    /// <param name="range">Inside of <see cref="Ranges"/>.</param>
    /// <exception cref="ArgumentException">It is not.</exception>
    public void Restore(PhysRange range)
    {
        if (!Ranges.Any(r => r.Contains(range)))
            throw new ArgumentException($"{range} is not in the snapshot of {string.Join(", ", Ranges)}.", nameof(range));
        foreach (var change in Changes())
        {
            var part = change.Range.Intersect(range);
            if (!part.IsEmpty)
                _memory.Write(part.Start, change.Before.AsSpan((int)(part.Start - change.Start), (int)part.Size.Value));
        }
    }

    /// <summary>The first difference to what another machine of the same board holds; null for none.</summary>
    internal MemoryChange? DifferenceTo(PhysicalMemory other)
    {
        var changes = ImmutableArray.CreateBuilder<MemoryChange>();
        foreach (var chunk in Take(other, [.. Ranges]).Kept.Concat(Kept).Distinct().OrderBy(c => c.Start))
        {
            Compare(chunk, Now(other, chunk), changes);
            if (changes.Count > 0)
                return changes[0];
        }
        return null;
    }

    private IEnumerable<PhysRange> Kept => _pages.Select(p => new PhysRange(new PhysAddr(p.Key), (ulong)p.Value.Length));

    internal static MemorySnapshot Take(PhysicalMemory memory, ReadOnlySpan<PhysRange> ranges)
    {
        foreach (var range in ranges)
        {
            if (!memory.Ram.Any(r => r.Contains(range)))
                throw new ArgumentException($"{range} is not RAM; RAM is {string.Join(", ", memory.Ram)}.", nameof(ranges));
        }
        var snapshot = new MemorySnapshot(memory, ranges.IsEmpty ? memory.Ram : [.. ranges]);
        foreach (var chunk in snapshot.Chunks())
        {
            var now = Now(memory, chunk);
            if (now.IndexOfAnyExcept((byte)0) >= 0)
                snapshot._pages[chunk.Start.Value] = now.ToArray();
        }
        return snapshot;
    }

    // Pieces of at most a page, none across a page's end, of what somebody may have touched.
    private IEnumerable<PhysRange> Chunks()
    {
        foreach (var range in Ranges)
        {
            foreach (var touched in _memory.TouchedRanges(range))
            {
                for (var at = touched.Start.Value; ;)
                {
                    var size = Math.Min(PageBytes - at % PageBytes, touched.Size.Value - (at - touched.Start.Value));
                    yield return new PhysRange(new PhysAddr(at), size);
                    if (size == touched.Size.Value - (at - touched.Start.Value))
                        break;
                    at += size;
                }
            }
        }
    }

    private static unsafe ReadOnlySpan<byte> Now(PhysicalMemory memory, PhysRange chunk) => new(memory.PointerTo(chunk.Start, chunk.Size.Value), (int)chunk.Size.Value);

    private void Compare(PhysRange chunk, ReadOnlySpan<byte> now, ImmutableArray<MemoryChange>.Builder changes)
    {
        var before = _pages.TryGetValue(chunk.Start.Value, out var kept) ? kept : new byte[now.Length];
        for (var at = 0; at < now.Length;)
        {
            var same = now[at..].CommonPrefixLength(before.AsSpan(at));
            at += same;
            var start = at;
            while (at < now.Length && now[at] != before[at])
                at++;
            if (at > start)
                changes.Add(new MemoryChange(chunk.Start + (ulong)start, [.. before.AsSpan(start, at - start)], [.. now[start..at]]));
        }
    }
}
