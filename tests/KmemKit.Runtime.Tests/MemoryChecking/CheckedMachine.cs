using System;
using System.Linq;
using KmemKit.BoardCompiler.Policies;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Checks;
using KmemKit.Runtime.Slab;
using KmemKit.Runtime.Tests.PageTests;
using KmemKit.Runtime.Tracking;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.MemoryChecking;

/// <summary>A machine of 64 MiB with object caches and their checks.</summary>
internal sealed unsafe class CheckedMachine : IDisposable
{
    public CheckedMachine(MemoryCheckOptions options, ObjectAllocatorKind kind = ObjectAllocatorKind.Slub, bool is64Bit = true, LinuxVersion? version = null, int cpus = 2)
    {
        var policy = Machine.ArmPolicy() with { LinuxVersion = Machine.Set(version ?? new LinuxVersion(6, 1)) };
        Pages = is64Bit
            ? Machine.Boot(TargetArchitecture.Arm64, policy, new PageAllocatorOptions { Cpus = cpus }, null, (0, 64 * Machine.MiB, 0))
            : Machine.Boot(TargetArchitecture.Arm, policy, new PageAllocatorOptions { Cpus = cpus }, null, (0, 64 * Machine.MiB, 0));
        Checks = new MemoryChecks(options);
        Allocator = ObjectAllocator.Boot(Pages.Layout, Pages.Memory, Pages.Allocator, new ObjectAllocatorOptions { Debugger = Checks, Kind = kind });
        Checks.SetTask(0, new KernelTask("insmod", 2760));
        Port = Checks.PortOf(Cpu);
    }

    public Machine Pages { get; }

    public MemoryChecks Checks { get; }

    public ObjectAllocator Allocator { get; }

    public CheckedMemory Port { get; }

    public Cpu Cpu => Pages.Cpu;

    /// <summary><c>slub_debug=FZPU</c>.</summary>
    public static MemoryCheckOptions Slub(string value = "FZPU")
    {
        var options = SlubDebugOptions.Parse(value, out var issues);
        Assert.That(issues, Is.Empty);
        return new MemoryCheckOptions { SlubDebug = options };
    }

    public KmemCache Cache(string name = "widget", int size = 64, SlabFlags flags = SlabFlags.None, ObjectConstructor? constructor = null, int align = 0) =>
        Allocator.CreateCache(name, size, align, flags, constructor)!;

    /// <summary>Objects of a cache that are neither free nor waiting in a CPU's array.</summary>
    public static int Live(KmemCache cache)
    {
        var live = 0;
        cache.VisitSlabs((in SlabView slab, ReadOnlySpan<ulong> free) =>
        {
            for (var i = 0; i < slab.Objects; i++)
                live += ((free[i >> 6] >> (i & 63)) & 1) == 0 ? 1 : 0;
        });
        return live - cache.CachedObjects;
    }

    /// <summary>The one report there is.</summary>
    public T Single<T>()
        where T : MemoryReport
    {
        Assert.That(Checks.Reports, Has.Count.EqualTo(1), string.Join("\n", Checks.Reports));
        Assert.That(Checks.Reports[0], Is.InstanceOf<T>());
        return (T)Checks.Reports[0];
    }

    public void ExpectNoReport() => Assert.That(Checks.Reports, Is.Empty, string.Join("\n", Checks.Reports.Take(3)));

    public void Dispose()
    {
        Allocator.Dispose();
        Checks.Dispose();
        Pages.Dispose();
    }
}
