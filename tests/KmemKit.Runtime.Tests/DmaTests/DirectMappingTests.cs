using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Layout;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Dma;
using KmemKit.Runtime.Dma.Swiotlb;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Tests.Harness;
using KmemKit.Runtime.Tests.PageTests;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.DmaTests;

/// <summary>Devices without an SMMU: windows of their bus, masks, bounce buffers, zones.</summary>
internal sealed class DirectMappingTests
{
    // 256 MiB below 4 GiB, 256 MiB above it; a bus that shows memory 0x40000000 at 0, and one above that moves it again.
    private const string Nodes = """
        memory@80000000 { device_type = "memory"; reg = <0x0 0x80000000 0x0 0x10000000 0x1 0x0 0x0 0x10000000>; };
        soc {
            #address-cells = <1>;
            #size-cells = <1>;
            compatible = "simple-bus";
            ranges = <0x0 0x0 0x0 0x40000000>;
            dma-ranges = <0xc0000000 0x0 0x80000000 0x10000000>;
            bridge@1000 {
                #address-cells = <1>;
                #size-cells = <1>;
                ranges;
                dma-ranges = <0x0 0xc4000000 0x1000000>, <0x40000000 0xcf000000 0x2000000>;
                camera@2000 { compatible = "test,camera"; reg = <0x2000 0x100>; };
            };
            display@3000 { compatible = "test,display"; reg = <0x3000 0x100>; dma-coherent; };
        };
        """;

    private static readonly MemoryLayout s_layout = TestBoards.Arm64(Nodes);

    private Machine _machine = null!;

    private Cpu Cpu => _machine.Cpu;

    [SetUp]
    public void Boot() => _machine = Machine.Boot(s_layout, new PageAllocatorOptions { Cpus = 1 });

    [TearDown]
    public void End()
    {
        _machine.Allocator.Verify();
        _machine.Dispose();
    }

    // Devicetree Specification 2.3.9: (child address, parent address, length), through every bus up to memory.
    [Test]
    public void Windows_are_translated_through_every_bus()
    {
        Assert.That(DmaWindow.Of(s_layout.Board, "/soc/display@3000"), Is.EqualTo(new[]
        {
            new DmaWindow(new PhysRange(new PhysAddr(0x8000_0000), 0x1000_0000), new BusAddr(0xC000_0000)),
        }));
        Assert.That(DmaWindow.Of(s_layout.Board, "/soc/bridge@1000/camera@2000"), Is.EqualTo(new[]
        {
            new DmaWindow(new PhysRange(new PhysAddr(0x8400_0000), 0x100_0000), default),
            // The second entry asks for 32 MiB of the upper bus, of which that lets 16 through.
            new DmaWindow(new PhysRange(new PhysAddr(0x8F00_0000), 0x100_0000), new BusAddr(0x4000_0000)),
        }));
        Assert.That(DmaWindow.Of(s_layout.Board, "/memory@80000000"), Is.EqualTo(DmaWindow.Identity));
    }

    [Test]
    public void A_device_takes_coherence_from_its_node() => Assert.Multiple(() =>
    {
        Assert.That(DmaDevice.Of(s_layout.Board, "/soc/display@3000").IsCoherent, Is.True);
        Assert.That(DmaDevice.Of(s_layout.Board, "/soc/bridge@1000/camera@2000").IsCoherent, Is.False);
        Assert.That(() => DmaDevice.Of(s_layout.Board, "/soc/nothing"), Throws.ArgumentException);
    });

    [Test]
    public void An_address_is_moved_by_its_window_and_bounded_by_the_mask() => Assert.Multiple(() =>
    {
        var camera = DmaDevice.Of(s_layout.Board, "/soc/bridge@1000/camera@2000");
        Assert.That(camera.TryToBus(new PhysAddr(0x8400_1234), 4, ulong.MaxValue, out var bus) ? bus.Value : 1, Is.EqualTo(0x1234UL));
        Assert.That(camera.TryToBus(new PhysAddr(0x84FF_FFFF), 1, ulong.MaxValue, out _), Is.True);
        Assert.That(camera.TryToBus(new PhysAddr(0x84FF_FFFF), 2, ulong.MaxValue, out _), Is.False, "one byte is outside the window");
        Assert.That(camera.TryToBus(new PhysAddr(0x8400_0FFF), 1, 0xFFF, out _), Is.True);
        Assert.That(camera.TryToBus(new PhysAddr(0x8400_0FFF), 2, 0xFFF, out _), Is.False, "one byte is above the mask");
        Assert.That(camera.TryToPhys(new BusAddr(0x40FF_FFFF), 1, out var phys) ? phys.Value : 1, Is.EqualTo(0x8FFF_FFFFUL));
        Assert.That(camera.TryToPhys(new BusAddr(0x4100_0000), 1, out _), Is.False);
        Assert.That(DmaDevice.BitMask(64), Is.EqualTo(ulong.MaxValue));
        Assert.That(DmaDevice.BitMask(24), Is.EqualTo(0xFF_FFFFUL));
        Assert.That(() => DmaDevice.BitMask(0), Throws.InstanceOf<ArgumentOutOfRangeException>());
        var high = new DmaDevice("high") { Windows = [new DmaWindow(new PhysRange(PhysAddr.Zero, AddressLimit.Top), new BusAddr(1UL << 63))] };
        Assert.That(high.TryToBus(new PhysAddr(1UL << 63), 1, ulong.MaxValue, out bus) ? bus.Value : 1, Is.EqualTo(0UL), "bus addresses wrap as the adder does");
    });

    [Test]
    public void Memory_out_of_reach_bounces_and_comes_back()
    {
        using var pool = SwiotlbPool.TryCreate(_machine.Memory, Cpu, 1 << 20)!;
        var mapper = new DmaMapper(_machine.Memory, pool);
        var device = new DmaDevice("nic") { IsCoherent = false };
        var data = Bytes(5000, 1);
        var high = new PhysAddr(0x1_0000_0000 + 0x123);
        _machine.Memory.Write(high, data);
        Assert.That(mapper.TryMap(Cpu, device, high, 5000, DmaDirection.Bidirectional, out var bus), Is.EqualTo(DmaError.None));
        Assert.That(bus.Value, Is.LessThan(1UL << 32));
        Assert.That(bus.Value % SwiotlbPool.SlotBytes, Is.EqualTo(high.Value % SwiotlbPool.SlotBytes), "the offset in the slot is the original's");
        Assert.That(Read(new PhysAddr(bus.Value), 5000), Is.EqualTo(data), "the device sees the data");
        var answer = Bytes(5000, 2);
        _machine.Memory.Write(new PhysAddr(bus.Value), answer);
        mapper.SyncForCpu(device, bus, 100, 200, DmaDirection.Bidirectional);
        Assert.That(Read(high + 100, 200), Is.EqualTo(answer[100..300]));
        Assert.That(Read(high, 100), Is.EqualTo(data[..100]), "only the part that was synced came");
        _machine.Memory.Write(high + 150, [1, 2, 3]);
        mapper.SyncForDevice(device, bus, 150, 3, DmaDirection.Bidirectional);
        Assert.That(Read(new PhysAddr(bus.Value + 150), 3), Is.EqualTo(new byte[] { 1, 2, 3 }));
        mapper.Unmap(Cpu, device, bus, 5000, DmaDirection.Bidirectional);
        Assert.That(Read(high + 300, 4700), Is.EqualTo(answer[300..]));
        Assert.That(pool.Used, Is.Zero);
    }

    // kernel/dma/swiotlb.c: a mapping is a run of slots in one segment of 128.
    [Test]
    public void A_full_pool_and_a_request_beyond_a_segment_fail()
    {
        using var pool = SwiotlbPool.TryCreate(_machine.Memory, Cpu, 2 * SwiotlbPool.MaximumMapping)!;
        var mapper = new DmaMapper(_machine.Memory, pool);
        var device = new DmaDevice("nic");
        var high = new PhysAddr(0x1_0000_0000);
        Assert.That(mapper.TryMap(Cpu, device, high, SwiotlbPool.MaximumMapping + 1, DmaDirection.ToDevice, out _), Is.EqualTo(DmaError.NoBounceBuffer));
        Assert.That(mapper.TryMap(Cpu, device, high + 1, SwiotlbPool.MaximumMapping, DmaDirection.ToDevice, out _), Is.EqualTo(DmaError.NoBounceBuffer), "with its offset it needs 129");
        Assert.That(mapper.TryMap(Cpu, device, high, SwiotlbPool.MaximumMapping, DmaDirection.ToDevice, out var a), Is.EqualTo(DmaError.None));
        Assert.That(mapper.TryMap(Cpu, device, high, SwiotlbPool.MaximumMapping, DmaDirection.ToDevice, out var b), Is.EqualTo(DmaError.None));
        Assert.That(mapper.TryMap(Cpu, device, high, 1, DmaDirection.ToDevice, out _), Is.EqualTo(DmaError.NoBounceBuffer));
        Assert.That((pool.Used, pool.HighWater, pool.Overflows), Is.EqualTo((256, 256, 3UL)));
        mapper.Unmap(Cpu, device, a, SwiotlbPool.MaximumMapping, DmaDirection.ToDevice);
        Assert.That(() => mapper.Unmap(Cpu, device, b, 17, DmaDirection.ToDevice), Throws.InvalidOperationException);
        Assert.That(() => pool.Dispose(), Throws.InvalidOperationException, "slots are in use");
        mapper.Unmap(Cpu, device, b, SwiotlbPool.MaximumMapping, DmaDirection.ToDevice);
        Assert.That(pool.Used, Is.Zero);
    }

    [Test]
    public void Without_bounce_buffers_memory_out_of_reach_is_refused() => Assert.Multiple(() =>
    {
        var mapper = new DmaMapper(_machine.Memory);
        var device = new DmaDevice("nic");
        Assert.That(mapper.TryMap(Cpu, device, new PhysAddr(0x1_0000_0000), 1, DmaDirection.ToDevice, out _), Is.EqualTo(DmaError.NotReachable));
        Assert.That(mapper.TryMap(Cpu, device, new PhysAddr(0x8000_0000), 0, DmaDirection.ToDevice, out _), Is.EqualTo(DmaError.Invalid));
        Assert.That(mapper.TryMap(Cpu, device, new PhysAddr(0x1000), 4, DmaDirection.ToDevice, out _), Is.EqualTo(DmaError.Invalid), "no RAM is there");
        Assert.That(mapper.TryMap(Cpu, device, new PhysAddr(0x8FFF_FFFF), 2, DmaDirection.ToDevice, out _), Is.EqualTo(DmaError.Invalid), "RAM ends in it");
        device.SetMaskAndCoherent(33);
        Assert.That(mapper.TryMap(Cpu, device, new PhysAddr(0x1_0000_0000), 1, DmaDirection.ToDevice, out var bus), Is.EqualTo(DmaError.None));
        Assert.That(bus.Value, Is.EqualTo(0x1_0000_0000UL));
    });

    [Test]
    public void Random_bounces_keep_their_data()
    {
        const int seed = 8;
        var random = new Random(seed);
        using var pool = SwiotlbPool.TryCreate(_machine.Memory, Cpu, 1 << 20)!;
        var mapper = new DmaMapper(_machine.Memory, pool);
        var device = new DmaDevice("nic");
        var live = new List<(PhysAddr Memory, BusAddr Bus, byte[] Data)>();
        for (var step = 0; step < 3000; step++)
        {
            if (live.Count < 60 && random.Next(2) == 0)
            {
                var memory = new PhysAddr(0x1_0000_0000 + ((ulong)live.Count << 20) + (ulong)random.Next(4096));
                while (live.Exists(l => l.Memory.Value >> 20 == memory.Value >> 20))
                    memory += 1 << 20;
                var data = Bytes(random.Next(1, 20_000), step);
                _machine.Memory.Write(memory, data);
                if (mapper.TryMap(Cpu, device, memory, (ulong)data.Length, DmaDirection.Bidirectional, out var bus) == DmaError.None)
                {
                    // The device adds one to each byte.
                    _machine.Memory.Write(new PhysAddr(bus.Value), [.. Read(new PhysAddr(bus.Value), data.Length).Select(b => (byte)((b + 1) & 0xFF))]);
                    live.Add((memory, bus, data));
                }
            }
            else if (live.Count > 0)
            {
                var index = random.Next(live.Count);
                var (memory, bus, data) = live[index];
                live.RemoveAt(index);
                mapper.Unmap(Cpu, device, bus, (ulong)data.Length, DmaDirection.Bidirectional);
                Assert.That(Read(memory, data.Length), Is.EqualTo(data.Select(b => (byte)((b + 1) & 0xFF))), $"seed {seed}, step {step}");
            }
        }
        foreach (var (_, bus, data) in live)
            mapper.Unmap(Cpu, device, bus, (ulong)data.Length, DmaDirection.Bidirectional);
        Assert.That(pool.Used, Is.Zero);
        Assert.That(pool.HighWater, Is.GreaterThan(200), "the pool was well used");
    }

    // Arm DDI 0487 D7.5.9, with lines of 64 bytes: a line that the buffer has in part is cleaned, not only thrown away.
    [TestCase(0x8000_0000UL, 4096UL, DmaDirection.ToDevice, 64UL, 0UL, 0UL)]
    [TestCase(0x8000_0000UL, 4096UL, DmaDirection.FromDevice, 0UL, 64UL, 0UL)]
    [TestCase(0x8000_0020UL, 64UL, DmaDirection.FromDevice, 0UL, 0UL, 2UL)]
    [TestCase(0x8000_0020UL, 8UL, DmaDirection.FromDevice, 0UL, 0UL, 1UL)]
    [TestCase(0x8000_0000UL, 96UL, DmaDirection.FromDevice, 0UL, 1UL, 1UL)]
    [TestCase(0x8000_0000UL, 64UL, DmaDirection.Bidirectional, 1UL, 0UL, 0UL)]
    public void Caches_of_a_device_that_is_not_coherent_are_kept_in_step(ulong at, ulong size, DmaDirection direction, ulong cleaned, ulong invalidated, ulong both)
    {
        var mapper = new DmaMapper(_machine.Memory);
        var device = new DmaDevice("camera") { IsCoherent = false };
        Assert.That(mapper.TryMap(Cpu, device, new PhysAddr(at), size, direction, out var bus), Is.EqualTo(DmaError.None));
        Assert.That((device.Caches.Cleaned, device.Caches.Invalidated, device.Caches.CleanedAndInvalidated), Is.EqualTo((cleaned, invalidated, both)));
        var before = device.Caches.Operations;
        mapper.Unmap(Cpu, device, bus, size, direction);
        Assert.That(device.Caches.Operations - before, Is.EqualTo(direction == DmaDirection.ToDevice ? 0UL : 1UL));
        var coherent = new DmaDevice("display");
        mapper.TryMap(Cpu, coherent, new PhysAddr(at), size, direction, out bus);
        mapper.Unmap(Cpu, coherent, bus, size, direction);
        Assert.That(coherent.Caches.Operations, Is.Zero);
    }

    [Test]
    public void Scattered_neighbours_on_the_bus_are_joined()
    {
        var mapper = new DmaMapper(_machine.Memory);
        var device = DmaDevice.Of(s_layout.Board, "/soc/display@3000");
        DmaPiece[] pieces = [new(new PhysAddr(0x8000_1000), 0x1000), new(new PhysAddr(0x8000_2000), 0x800), new(new PhysAddr(0x8000_8000), 0x100)];
        var stretches = new DmaStretch[3];
        Assert.That(mapper.TryMapScattered(Cpu, device, pieces, DmaDirection.ToDevice, stretches, out var count), Is.EqualTo(DmaError.None));
        Assert.That(stretches.Take(count), Is.EqualTo(new[] { new DmaStretch(new BusAddr(0xC000_1000), 0x1800), new DmaStretch(new BusAddr(0xC000_8000), 0x100) }));
        mapper.UnmapScattered(Cpu, device, pieces, stretches.AsSpan(0, count), DmaDirection.ToDevice);
        Assert.That(mapper.TryMapScattered(Cpu, device, [.. pieces, new(new PhysAddr(0x1_0000_0000), 1)], DmaDirection.ToDevice, new DmaStretch[4], out count),
            Is.EqualTo(DmaError.NotReachable));
        Assert.That(count, Is.Zero);
    }

    [Test]
    public void Coherent_memory_comes_from_where_the_device_reaches() => Assert.Multiple(() =>
    {
        var mapper = new DmaMapper(_machine.Memory);
        var before = FreePages;
        foreach (var (bits, limit) in new[] { (64, ulong.MaxValue), (32, 1UL << 32) })
        {
            var device = new DmaDevice("d" + bits);
            device.SetMaskAndCoherent(bits);
            foreach (var size in new ulong[] { 1, 4096, 4097, 100_000, 1 << 20 })
            {
                Assert.That(mapper.TryAllocCoherent(Cpu, device, size, GfpFlags.Kernel, out var memory), Is.EqualTo(DmaError.None));
                Assert.That(memory!.Bus.Value + size - 1, Is.LessThan(limit));
                Assert.That(memory.Pages, Is.EqualTo((size + 4095) / 4096), "no page more than asked for");
                Assert.That(Read(memory.Address, (int)size), Has.All.Zero);
                _machine.Memory.Fill(memory.Address, size, 0xA5);
                mapper.FreeCoherent(Cpu, device, memory);
            }
        }
        var blind = new DmaDevice("blind");
        blind.SetMaskAndCoherent(16);
        Assert.That(mapper.TryAllocCoherent(Cpu, blind, 1, GfpFlags.Kernel, out _), Is.EqualTo(DmaError.NotReachable));
        Assert.That(mapper.TryAllocCoherent(Cpu, new DmaDevice("d"), 0, GfpFlags.Kernel, out _), Is.EqualTo(DmaError.Invalid));
        Assert.That(FreePages, Is.EqualTo(before));
    });

    private long FreePages
    {
        get
        {
            _machine.Allocator.DrainAllPages(Cpu);
            return _machine.Allocator.Zones.Sum(z => z.FreePages);
        }
    }

    private byte[] Read(PhysAddr address, int size)
    {
        var bytes = new byte[size];
        _machine.Memory.Read(address, bytes);
        return bytes;
    }

    private static byte[] Bytes(int size, int seed)
    {
        var bytes = new byte[size];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }
}
