using System;
using KmemKit.Architecture;

namespace KmemKit.Conformance.Harness.Observation;

/// <summary>Virtual addresses whose accesses somebody wants to know of. It is over when it is disposed of.</summary>
public sealed class Watchpoint : IDisposable
{
    private readonly WatchpointList _list;
    private readonly Action<AccessRecord> _hit;

    internal Watchpoint(WatchpointList list, VirtRange range, AccessRights accesses, Action<AccessRecord> hit) => (_list, Range, Accesses, _hit) = (list, range, accesses, hit);

    /// <summary>Where.</summary>
    public VirtRange Range { get; }

    /// <summary>Which accesses.</summary>
    public AccessRights Accesses { get; }

    /// <summary>How often it was hit.</summary>
    public int Hits { get; private set; }

    /// <summary>Takes it away.</summary>
    public void Dispose() => _list.Remove(this);

    internal void Meet(in AccessRecord record)
    {
        if ((record.Access & Accesses) == 0 || !Range.Overlaps(new VirtRange(record.Address, (ulong)record.Size)))
            return;
        Hits++;
        _hit(record);
    }
}
