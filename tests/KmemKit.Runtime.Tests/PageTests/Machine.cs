using System;
using System.Collections.Immutable;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Devicetree;
using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Policies;
using KmemKit.BoardCompiler.Sources;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Memory;
using KmemKit.Runtime.Pages;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.PageTests;

/// <summary>A board without a devicetree source, booted up to the page allocator.</summary>
internal sealed class Machine : IDisposable
{
    public const ulong MiB = 1 << 20;
    public const ulong GiB = 1 << 30;

    private Machine(MemoryLayout layout, PageAllocatorOptions? options, Action<Memblock.Memblock>? reserve)
    {
        Layout = layout;
        Memory = PhysicalMemory.Create(layout);
        var memblock = Memblock.Memblock.FromLayout(layout);
        reserve?.Invoke(memblock);
        Map = PageMap.Create(layout, Memory, memblock);
        Allocator = PageAllocator.Boot(layout, Memory, memblock, Map, options);
    }

    public MemoryLayout Layout { get; }

    public PhysicalMemory Memory { get; }

    public PageMap Map { get; }

    public PageAllocator Allocator { get; }

    public Cpu Cpu => Allocator.Cpus[0];

    /// <summary>32-bit Arm with RAM from 0: one Normal zone as long as it fits into lowmem.</summary>
    public static Machine Arm(ulong bytes, PageAllocatorOptions? options = null, Action<Memblock.Memblock>? reserve = null) =>
        Boot(TargetArchitecture.Arm, ArmPolicy(), options, reserve, (0, bytes, 0));

    public static Policy ArmPolicy() => new() { LinuxVersion = Set(new LinuxVersion(4, 4)), PhysOffset = Set(PhysAddr.Zero), Highmem = Set(true) };

    public static Machine Boot(
        TargetArchitecture architecture, Policy policy, PageAllocatorOptions? options, Action<Memblock.Memblock>? reserve,
        params (ulong Start, ulong End, int Node)[] banks) => new(LayoutOf(architecture, policy, banks), options, reserve);

    public static MemoryLayout LayoutOf(TargetArchitecture architecture, Policy policy, params (ulong Start, ulong End, int Node)[] banks)
    {
        var builder = ImmutableArray.CreateBuilder<MemoryBank>();
        foreach (var (start, end, node) in banks)
            builder.Add(new MemoryBank(PhysRange.FromBounds(new PhysAddr(start), end), "/memory", default) { NumaNode = node });
        var result = MemoryLayoutPlanner.Plan(new Board
        {
            Name = "test",
            Compatible = ["test,board"],
            Architecture = architecture,
            Policy = policy,
            Tree = DtsCompiler.Compile(new SourceFile("test.dts", "/dts-v1/;\n/ { };\n")).Tree!,
            Banks = builder.ToImmutable(),
            UsesMmu = policy.Mmu?.Value ?? true,
        });
        Assert.That(result.Layout, Is.Not.Null, string.Join("\n", result.Diagnostics));
        return result.Layout!;
    }

    public static Machine Boot(MemoryLayout layout, PageAllocatorOptions? options = null, Action<Memblock.Memblock>? reserve = null) => new(layout, options, reserve);

    public static Setting<T> Set<T>(T value) => new(value, default);

    public void Dispose()
    {
        Allocator.Dispose();
        Memory.Dispose();
    }
}
