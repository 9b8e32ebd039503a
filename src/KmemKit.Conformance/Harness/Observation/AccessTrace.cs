using System;
using System.Collections;
using System.Collections.Generic;
using System.Linq;

namespace KmemKit.Conformance.Harness.Observation;

/// <summary>What CPUs and bus masters did, oldest first: the last accesses, and a fingerprint of all.</summary>
public sealed class AccessTrace : IReadOnlyCollection<AccessRecord>
{
    // FNV-1a, 64 bits: http://www.isthe.com/chongo/tech/comp/fnv/
    private const ulong OffsetBasis = 0xcbf29ce484222325, Prime = 0x100000001b3;

    private readonly AccessRecord[] _records;

    internal AccessTrace(int capacity)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        _records = new AccessRecord[capacity];
    }

    /// <summary>Accesses since the start, those included that are forgotten.</summary>
    public long Total { get; private set; }

    /// <summary>Accesses that are kept.</summary>
    public int Count => (int)Math.Min(Total, _records.Length);

    /// <summary>A number that two machines share when they did the same accesses at the same times, and hardly ever otherwise.</summary>
    public ulong Fingerprint { get; private set; } = OffsetBasis;

    /// <inheritdoc/>
    public IEnumerator<AccessRecord> GetEnumerator()
    {
        for (var at = Total - Count; at < Total; at++)
            yield return _records[at % _records.Length];
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>A line an access.</summary>
    public override string ToString() => string.Concat(this.Select(r => r + "\n"));

    internal void Add(in AccessRecord record)
    {
        _records[Total++ % _records.Length] = record;
        Mix(record.Time);
        Mix((ulong)unchecked((uint)record.Cpu) << 32 | (ulong)record.Access << 24 | (ulong)record.Size << 16 | (ulong)record.Privilege << 8 | (ulong)(record.Fault ?? 0));
        Mix(record.Address.Value);
        Mix(record.Value);
        if (record.Dma is { } dma)
            Mix(dma);
    }

    private void Mix(DmaSide dma)
    {
        foreach (var letter in dma.Master)
            Mix(letter);
        Mix(dma.Bus.Value);
        Mix(dma.Memory?.Value ?? ulong.MaxValue);
        Mix((ulong)dma.Outcome);
    }

    private void Mix(ulong word)
    {
        for (var shift = 0; shift < 64; shift += 8)
            Fingerprint = unchecked((Fingerprint ^ (word >> shift & 0xff)) * Prime);
    }
}
