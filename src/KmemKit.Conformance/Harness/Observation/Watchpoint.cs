using System;
using KmemKit.Architecture;

namespace KmemKit.Conformance.Harness.Observation;

/// <summary>Addresses whose accesses somebody wants to know of: virtual ones of CPUs, or memory, whoever reaches it. It is over when it is disposed of.</summary>
public sealed class Watchpoint : IDisposable
{
    private readonly WatchpointList _list;
    private readonly Action<AccessRecord> _hit;

    internal Watchpoint(WatchpointList list, VirtRange range, PhysRange memory, AccessRights accesses, Action<AccessRecord> hit) =>
        (_list, Range, Memory, Accesses, _hit) = (list, range, memory, accesses, hit);

    /// <summary>Virtual addresses; empty for a watchpoint of memory.</summary>
    public VirtRange Range { get; }

    /// <summary>Physical addresses; empty for a watchpoint of virtual ones.</summary>
    public PhysRange Memory { get; }

    /// <summary>Which accesses.</summary>
    public AccessRights Accesses { get; }

    /// <summary>How often it was hit.</summary>
    public int Hits { get; private set; }

    /// <summary>Takes it away.</summary>
    public void Dispose() => _list.Remove(this);

    internal void Meet(in AccessRecord record)
    {
        if (Memory.IsEmpty && record.Dma is null && Range.Overlaps(new VirtRange(record.Address, (ulong)record.Size)))
            Hit(record);
    }

    /// <summary>The same for the memory that an access reached.</summary>
    internal void Meet(in AccessRecord record, PhysRange reached)
    {
        if (Memory.Overlaps(reached))
            Hit(record);
    }

    private void Hit(in AccessRecord record)
    {
        if ((record.Access & Accesses) == 0)
            return;
        Hits++;
        _hit(record);
    }
}
