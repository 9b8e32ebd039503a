using System;
using System.Collections.Generic;
using KmemKit.Architecture;

namespace KmemKit.Conformance.Harness.Observation;

/// <summary>The watchpoints of a machine: of virtual addresses, which see accesses of CPUs, and of memory, which see those of bus masters as well. They see what happened.</summary>
public sealed class WatchpointList
{
    private Watchpoint[] _points = [];

    /// <summary>Whether somebody watches memory.</summary>
    internal bool WatchMemory { get; private set; }

    /// <summary>Calls back after each access.</summary>
    /// <param name="range">Virtual addresses; an access that touches one of them counts.</param>
    /// <param name="accesses">Which.</param>
    /// <param name="hit">Told of it.</param>
    public Watchpoint Add(VirtRange range, AccessRights accesses, Action<AccessRecord> hit)
    {
        ArgumentNullException.ThrowIfNull(hit);
        if (range.IsEmpty)
            throw new ArgumentException("A watchpoint watches at least one byte.", nameof(range));
        return Add(new Watchpoint(this, range, default, accesses, hit));
    }

    /// <summary>Calls back after each access that reaches memory there: of CPUs, by whatever virtual address the kernel's tables map to it, and of bus masters that the machine knows (<see cref="FirmwareHarness.Master"/>).</summary>
    /// <param name="memory">Physical addresses; an access that touches one of them counts, once for each page of it.</param>
    /// <param name="accesses">Which.</param>
    /// <param name="hit">Told of it.</param>
    public Watchpoint Add(PhysRange memory, AccessRights accesses, Action<AccessRecord> hit)
    {
        ArgumentNullException.ThrowIfNull(hit);
        if (memory.IsEmpty)
            throw new ArgumentException("A watchpoint watches at least one byte.", nameof(memory));
        return Add(new Watchpoint(this, default, memory, accesses, hit));
    }

    /// <summary>Stops the code that makes such an access: it throws <see cref="WatchpointHitException"/>.</summary>
    /// <inheritdoc cref="Add(VirtRange, AccessRights, Action{AccessRecord})"/>
    public Watchpoint Stop(VirtRange range, AccessRights accesses) => Add(range, accesses, static record => throw new WatchpointHitException(record));

    /// <summary>Stops whoever reaches that memory so: it throws <see cref="WatchpointHitException"/>, through the master's work where it was one.</summary>
    /// <inheritdoc cref="Add(PhysRange, AccessRights, Action{AccessRecord})"/>
    public Watchpoint Stop(PhysRange memory, AccessRights accesses) => Add(memory, accesses, static record => throw new WatchpointHitException(record));

    internal void Meet(in AccessRecord record)
    {
        foreach (var point in _points)
            point.Meet(record);
    }

    internal void Meet(in AccessRecord record, PhysRange reached)
    {
        foreach (var point in _points)
            point.Meet(record, reached);
    }

    internal void Remove(Watchpoint point) => Set(Array.FindAll(_points, p => !ReferenceEquals(p, point)));

    private Watchpoint Add(Watchpoint point)
    {
        Set([.. _points, point]);
        return point;
    }

    private void Set(Watchpoint[] points) => (_points, WatchMemory) = (points, Array.Exists(points, p => !p.Memory.IsEmpty));
}
