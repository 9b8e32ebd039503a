using System;
using KmemKit.BoardCompiler.Policies;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Slab;
using KmemKit.Runtime.Tests.PageTests;

namespace KmemKit.Runtime.Tests.ObjectCaches;

/// <summary>A machine with an object allocator.</summary>
internal sealed class Caches : IDisposable
{
    public static readonly ObjectAllocatorKind[] Kinds = [ObjectAllocatorKind.Slub, ObjectAllocatorKind.Slab, ObjectAllocatorKind.Slob];

    public static readonly ObjectAllocatorKind[] KindsWithSlabs = [ObjectAllocatorKind.Slub, ObjectAllocatorKind.Slab];

    private readonly Machine _machine;
    private readonly ulong _freeAtBoot;

    public Caches(ObjectAllocatorKind kind, ulong megabytes = 32, int cpus = 2, ObjectAllocatorOptions? options = null, LinuxVersion? version = null)
    {
        var policy = Machine.ArmPolicy();
        if (version is { } given)
            policy = policy with { LinuxVersion = Machine.Set(given) };
        _machine = Machine.Boot(TargetArchitecture.Arm, policy, new PageAllocatorOptions { Cpus = cpus }, null, (0, megabytes * Machine.MiB, 0));
        _freeAtBoot = FreePages;
        Objects = ObjectAllocator.Boot(_machine.Layout, _machine.Memory, _machine.Allocator, (options ?? new ObjectAllocatorOptions()) with { Kind = kind });
    }

    public ObjectAllocator Objects { get; }

    public PageAllocator Pages => _machine.Allocator;

    public Cpu Cpu => _machine.Cpu;

    public Cpu Other => _machine.Allocator.Cpus[1];

    /// <summary>Pages that were free before the object allocator was booted, and are not now.</summary>
    public long PagesTaken => (long)(_freeAtBoot - FreePages);

    private ulong FreePages
    {
        get
        {
            _machine.Allocator.DrainAllPages(_machine.Cpu);
            var free = 0L;
            foreach (var zone in _machine.Allocator.Zones)
                free += zone.FreePages;
            return (ulong)free;
        }
    }

    public void Dispose()
    {
        Objects.Dispose();
        _machine.Dispose();
    }
}
