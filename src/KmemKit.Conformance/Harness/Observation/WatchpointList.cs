using System;
using System.Collections.Generic;
using KmemKit.Architecture;

namespace KmemKit.Conformance.Harness.Observation;

/// <summary>The watchpoints of a machine. They see accesses of CPUs that happened; those of bus masters have no virtual address.</summary>
public sealed class WatchpointList
{
    private Watchpoint[] _points = [];

    /// <summary>Calls back after each access.</summary>
    /// <param name="range">Virtual addresses; an access that touches one of them counts.</param>
    /// <param name="accesses">Which.</param>
    /// <param name="hit">Told of it.</param>
    public Watchpoint Add(VirtRange range, AccessRights accesses, Action<AccessRecord> hit)
    {
        ArgumentNullException.ThrowIfNull(hit);
        if (range.IsEmpty)
            throw new ArgumentException("A watchpoint watches at least one byte.", nameof(range));
        var point = new Watchpoint(this, range, accesses, hit);
        _points = [.. _points, point];
        return point;
    }

    /// <summary>Stops the code that makes such an access: it throws <see cref="WatchpointHitException"/>.</summary>
    /// <inheritdoc cref="Add"/>
    public Watchpoint Stop(VirtRange range, AccessRights accesses) => Add(range, accesses, static record => throw new WatchpointHitException(record));

    internal void Meet(in AccessRecord record)
    {
        foreach (var point in _points)
            point.Meet(record);
    }

    internal void Remove(Watchpoint point) => _points = Array.FindAll(_points, p => !ReferenceEquals(p, point));
}
