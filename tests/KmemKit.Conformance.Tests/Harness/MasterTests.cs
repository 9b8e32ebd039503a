using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Conformance.Harness;
using KmemKit.Conformance.Harness.Observation;
using KmemKit.Runtime.Dma;
using KmemKit.Runtime.Dma.Debug;
using KmemKit.Runtime.Smmu;
using NUnit.Framework;

namespace KmemKit.Conformance.Tests.Harness;

/// <summary>Bus masters of a machine: what the board puts in front of them, and that trace, watchpoints and the rules of the DMA API see their accesses.</summary>
public sealed class MasterTests
{
    private FirmwareHarness _machine = null!;

    [SetUp]
    public void Start() => _machine = new FirmwareHarness(Machines.Smmu);

    [TearDown]
    public void End() => _machine.Dispose();

    [Test]
    public void An_access_is_translated_traced_and_meets_a_watchpoint_of_its_memory()
    {
        var block = _machine.Kernel.Alloc(8192)!.Value;
        var memory = _machine.ToPhys(block)!.Value;
        var (camera, display) = (_machine.Master("camera"), _machine.Master("display"));
        var seen = new List<AccessRecord>();
        using var watch = _machine.Watchpoints.Add(new PhysRange(memory + 4096, 8), AccessRights.Write, seen.Add);
        using var other = _machine.Watchpoints.Add(new PhysRange(memory + 4104, 8), AccessRights.Write, seen.Add);
        using var low = _machine.Watchpoints.Add(new VirtRange(default, 4096), AccessRights.Write, seen.Add);
        using var asRead = _machine.Watchpoints.Add(new PhysRange(memory, 8192), AccessRights.Read, seen.Add);
        var bus = camera.Map(block, 8192, DmaDirection.FromDevice);
        _machine.Run(7);

        Assert.That(camera.Port.Write(bus + 4092, [1, 2, 3, 4, 5, 6], out var done), Is.EqualTo(SmmuOutcome.Translated));
        Assert.That((done, bus.Value == memory.Value), Is.EqualTo((6, false)));
        var pieces = _machine.Trace.Where(r => r.Dma is not null).ToList();
        Assert.That(pieces.Select(r => (r.Time, r.Cpu, r.Access, r.Size, r.Value)), Is.EqualTo(new[]
        {
            (7UL, -1, AccessRights.Write, 4, 0x04030201UL), (7UL, -1, AccessRights.Write, 2, 0x0605UL),
        }));
        Assert.That(pieces.Select(r => r.Dma), Is.EqualTo(new[]
        {
            new DmaSide("camera", bus + 4092, memory + 4092, SmmuOutcome.Translated), new DmaSide("camera", bus + 4096, memory + 4096, SmmuOutcome.Translated),
        }));
        Assert.That(seen, Is.EqualTo(new[] { pieces[1] }));
        Assert.That(pieces[1].ToString(), Does.EndWith($"camera Write   {bus + 4096} -> {memory + 4096} 2 0x605"));
        // The processor reaches the same memory by its own address, and should not: it is the device's.
        _machine.Cpu.Store32(block + 4100, 1);
        Assert.That(seen[^1].Dma, Is.Null);
        Assert.That((watch.Hits, other.Hits, asRead.Hits), Is.EqualTo((2, 0, 0)));
        Assert.That(_machine.Dma.Debug!.Reports.Select(r => r.Error), Is.EqualTo(new[] { DmaDebugError.CpuTouchesDeviceMemory }));
        Assert.That(display.Port.Write(bus, [1], out _), Is.EqualTo(SmmuOutcome.Abort));
        // What lies behind the mapping is not read, and not left as it was in the model.
        byte[] whole = [.. Enumerable.Repeat((byte)0xee, 9000)];
        Assert.That(camera.Port.Read(bus + 8192 - 1000, whole, out done), Is.EqualTo(SmmuOutcome.Abort));
        Assert.That((done, whole[999], whole[1000..].Distinct().Single()), Is.EqualTo((1000, (byte)0, (byte)0)));
        camera.Unmap(bus, 8192, DmaDirection.FromDevice);
        Assert.That(camera.Port.Read(bus, new byte[2], out done), Is.EqualTo(SmmuOutcome.Abort));
        Assert.That((done, _machine.Trace.Last().Dma), Is.EqualTo((0, new DmaSide("camera", bus, null, SmmuOutcome.Abort))));
        Assert.That(_machine.Trace.Last().ToString(), Does.EndWith($"camera Read    {bus} 2 Abort"));
        Assert.That((seen.Count, asRead.Hits, seen[^1].Size), Is.EqualTo((3, 1, 1000)));
        Assert.That(_machine.Dma.Debug.Reports.Skip(1).Select(r => r.Error), Is.EqualTo(Enumerable.Repeat(DmaDebugError.DeviceAccessUnmapped, 3)));
    }

    [Test]
    public void A_watchpoint_that_stops_does_so_from_a_masters_work()
    {
        var block = _machine.Kernel.Alloc(64)!.Value;
        var memory = _machine.ToPhys(block)!.Value;
        var camera = _machine.Master("camera");
        var bus = camera.Map(block, 64, DmaDirection.Bidirectional);
        _machine.Clock.After(20, () => camera.Port.Write(bus + 8, [7], out _));
        using (_machine.Watchpoints.Stop(new PhysRange(memory + 8, 1), AccessRights.Write))
        {
            Assert.That(() => _machine.Run(19), Throws.Nothing);
            var hit = Assert.Throws<WatchpointHitException>(() => _machine.Run(1))!.Record;
            Assert.That((hit.Time, hit.Dma!.Master, hit.Value), Is.EqualTo((20UL, "camera", 7UL)));
        }
        Assert.That(_machine.Cpu.Load8(block + 8), Is.EqualTo(7));
        Assert.That(() => camera.Port.Write(bus + 8, [8], out _), Throws.Nothing);
    }

    [Test]
    public void Masters_are_part_of_what_repeats()
    {
        static void Scenario(FirmwareHarness machine)
        {
            var block = machine.Kernel.Alloc(4096)!.Value;
            var camera = machine.Master("camera");
            var bus = camera.Map(block, 4096, DmaDirection.FromDevice);
            for (var i = 0; i < 20; i++)
                camera.Port.Write(bus + (ulong)machine.Random.Next(4096), [(byte)machine.Random.Next(256)], out _);
        }

        ulong Print(int seed)
        {
            using var machine = new FirmwareHarness(Machines.Smmu, new HarnessOptions { Seed = seed });
            Scenario(machine);
            return machine.Trace.Fingerprint;
        }

        Assert.That(Replay.FirstDifference(Machines.Smmu, new HarnessOptions { Seed = 3 }, Scenario), Is.Null);
        var third = Print(3);
        Assert.That((Print(3) == third, Print(4) == third), Is.EqualTo((true, false)));
        var calls = 0;
        Assert.That(Replay.FirstDifference(Machines.Smmu, new HarnessOptions(), m => m.Master(calls++ == 0 ? "camera" : "display").Port.Write(default, [1], out _)), Does.Contain("camera").And.Contain("display"));
    }

    [Test]
    public void Without_an_SMMU_a_master_has_the_addresses_of_its_bus()
    {
        using var machine = new FirmwareHarness(Machines.Mpu);
        var block = machine.Kernel.Alloc(64)!.Value;
        var uart = machine.Master("uart0");
        using var watch = machine.Watchpoints.Add(new PhysRange(new PhysAddr(block.Value), 4), AccessRights.ReadWrite, _ => { });
        Assert.That(uart.Smmu, Is.Null);
        Assert.That(uart.Port.Write(new BusAddr(block.Value), [5], out _), Is.EqualTo(SmmuOutcome.Translated));
        Assert.That(machine.Cpu.Load8(block), Is.EqualTo(5));
        Assert.That(watch.Hits, Is.EqualTo(2));
        Assert.That(uart.Port.Read(new BusAddr(0x1000_0000), new byte[4], out _), Is.EqualTo(SmmuOutcome.Abort));
        Assert.That(() => machine.Master("uart7"), Throws.ArgumentException.With.Message.Contains("uart0"));
    }
}
