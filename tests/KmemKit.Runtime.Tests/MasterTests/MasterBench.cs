using System;
using System.Collections.Generic;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu.Vmsav8;
using KmemKit.Architecture.Smmu.V3;
using KmemKit.BoardCompiler.Streams;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Dma;
using KmemKit.Runtime.Dma.Ports;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Memory;
using KmemKit.Runtime.Smmu;
using KmemKit.Runtime.Tests.PageTests;
using KmemKit.Runtime.Tests.SmmuTests;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.MasterTests;

/// <summary>How a test's master reaches memory.</summary>
internal enum Reach
{
    /// <summary>Through an SMMUv3.</summary>
    SmmuV3,

    /// <summary>Through an SMMUv2.</summary>
    SmmuV2,

    /// <summary>By a bus that shows memory 0 at 0x40000000.</summary>
    Bus,
}

/// <summary>A board with 64 MiB of RAM, and one device of it.</summary>
internal sealed class MasterBench : IDisposable
{
    public const ulong Page = 4096;
    public static readonly PhysAddr Ram = new(0x200_0000);
    /// <summary>Where the second window of the bus ends, that shows the 16 MiB from <see cref="Ram"/> on again.</summary>
    public static readonly BusAddr Edge = new(0x9100_0000);

    private const uint Stream = 0x55;

    private readonly DeviceBench _bench;
    private readonly TranslatedDomain<Granule4K>? _domain;
    private readonly SmmuPort? _smmuPort;
    private readonly List<DmaAllocation> _rings = [];

    public MasterBench(Reach reach)
    {
        _bench = DeviceBench.Of(reach == Reach.SmmuV2 ? SmmuVersion.V2 : SmmuVersion.V3);
        Mapper = new DmaMapper(Memory);
        if (reach != Reach.Bus)
        {
            _domain = _bench.Domain();
            _domain.Attach(Stream);
            _smmuPort = new SmmuPort(_bench.Smmu, Stream);
            Device = new DmaDevice("master") { Domain = _domain };
            Port = _smmuPort;
        }
        else
        {
            Device = new DmaDevice("master") { Windows = [new(new PhysRange(PhysAddr.Zero, 64 * Machine.MiB), new(0x4000_0000)), new(new PhysRange(Ram, 16 * Machine.MiB), new(0x9000_0000))] };
            Port = new BusPort(Memory, Device);
        }
    }

    public PhysicalMemory Memory => _bench.Machine.Memory;

    public Cpu Cpu => _bench.Cpu;

    public DeviceBench Smmu => _bench;

    public DmaMapper Mapper { get; }

    public DmaDevice Device { get; }

    public IDmaPort Port { get; }

    public BusAddr Map(PhysAddr memory, ulong size, DmaDirection direction = DmaDirection.Bidirectional)
    {
        Assert.That(Mapper.TryMap(Cpu, Device, memory, size, direction, out var bus), Is.EqualTo(DmaError.None));
        return bus;
    }

    public DmaAllocation Coherent(ulong size)
    {
        Assert.That(Mapper.TryAllocCoherent(Cpu, Device, size, GfpFlags.Kernel, out var ring), Is.EqualTo(DmaError.None));
        _rings.Add(ring!);
        return ring!;
    }

    public byte[] Bytes(PhysAddr at, int count)
    {
        var bytes = new byte[count];
        Memory.Read(at, bytes);
        return bytes;
    }

    public byte[] Random(PhysAddr at, int count, int seed)
    {
        var bytes = new byte[count];
        new Random(seed).NextBytes(bytes);
        Memory.Write(at, bytes);
        return bytes;
    }

    /// <summary>From now on the device's faults stall.</summary>
    public void Stall() => _bench.Stall(_domain!, Stream);

    /// <summary>Maps pages of memory at a device address that faulted, and lets the access go on.</summary>
    public void MapAt(BusAddr bus, PhysAddr memory, ulong size)
    {
        var prot = _domain!.Tables.Prot(new Architecture.Mmu.PageAttributes(
            AccessRights.ReadWrite, AccessRights.ReadWrite, Architecture.Mmu.MemoryType.NormalWriteBackWriteAllocate)
        {
            IsGlobal = false, IsDirty = true,
        });
        Assert.That(_domain.Tables.Map(Cpu, new VirtAddr(bus.Value), memory, size, prot).IsOk, Is.True);
    }

    public void Unmap(BusAddr bus, ulong size) => Assert.That(_domain!.Tables.Unmap(Cpu, new VirtAddr(bus.Value), size).IsOk, Is.True);

    public void Resume(ResumeAction action) => _bench.Resume(_domain!, action);

    public void Dispose()
    {
        foreach (var ring in _rings)
            Mapper.FreeCoherent(Cpu, Device, ring);
        _smmuPort?.Dispose();
        _domain?.Dispose();
        _bench.Dispose();
    }
}
