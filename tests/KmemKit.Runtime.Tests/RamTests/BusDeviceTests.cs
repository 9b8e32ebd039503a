using System.Collections.Generic;
using KmemKit.Architecture;
using KmemKit.Runtime.Memory;
using KmemKit.Runtime.Tests.Harness;
using NUnit.Framework;
using static KmemKit.Runtime.Tests.Harness.Sizes;

namespace KmemKit.Runtime.Tests.RamTests;

/// <summary>Devices on the bus.</summary>
public sealed class BusDeviceTests
{
    private PhysicalMemory _memory = null!;

    [SetUp]
    public void Ram() => _memory = PhysicalMemory.Create([Range(1 * M, 2 * M)]);

    [TearDown]
    public void Free() => _memory.Dispose();

    /// <summary>Answers with a pattern, its high bytes included, and notes what it is asked.</summary>
    private sealed class Probe : IBusDevice
    {
        public List<(char Kind, ulong Offset, int Size, ulong Value)> Seen { get; } = [];

        public ulong Read(ulong offset, int size)
        {
            Seen.Add(('r', offset, size, 0));
            return 0xffee_ddcc_bbaa_9988;
        }

        public void Write(ulong offset, int size, ulong value) => Seen.Add(('w', offset, size, value));
    }

    [Test]
    public void A_device_sees_offset_size_and_value_and_its_low_bytes_are_the_answer()
    {
        var probe = new Probe();
        _memory.RequestMemRegion(Range(4 * M, (4 * M) + 4096), "uart", probe);
        Assert.That(_memory.ReadByte(At((4 * M) + 1)), Is.EqualTo(0x88));
        Assert.That(_memory.ReadUInt16(At((4 * M) + 2)), Is.EqualTo(0x9988));
        Assert.That(_memory.ReadUInt32(At((4 * M) + 4)), Is.EqualTo(0xbbaa_9988));
        Assert.That(_memory.ReadUInt64(At((4 * M) + 4088)), Is.EqualTo(0xffee_ddcc_bbaa_9988));
        _memory.WriteByte(At(4 * M), 0xff);
        _memory.WriteUInt16(At(4 * M), 0xfffe);
        _memory.WriteUInt32(At(4 * M), 0xffff_fffd);
        _memory.WriteUInt64(At(4 * M), ulong.MaxValue);
        Assert.That(probe.Seen, Is.EqualTo(new[]
        {
            ('r', 1UL, 1, 0UL), ('r', 2UL, 2, 0UL), ('r', 4UL, 4, 0UL), ('r', 4088UL, 8, 0UL),
            ('w', 0UL, 1, 0xffUL), ('w', 0UL, 2, 0xfffeUL), ('w', 0UL, 4, 0xffff_fffdUL), ('w', 0UL, 8, ulong.MaxValue),
        }));
    }

    [Test]
    public void An_access_that_leaves_the_region_reaches_no_device()
    {
        var probe = new Probe();
        _memory.RequestMemRegion(Range(4 * M, (4 * M) + 4), "a", probe);
        _memory.RequestMemRegion(Range((4 * M) + 4, (4 * M) + 8), "b", probe);
        var fault = Assert.Throws<BusFaultException>(() => _memory.ReadUInt32(At((4 * M) + 2)))!;
        Assert.That((fault.Kind, fault.Message.Contains("0x400004", System.StringComparison.Ordinal)), Is.EqualTo((BusFaultKind.Straddle, true)));
        Assert.That(() => _memory.WriteUInt64(At(4 * M), 1), Throws.TypeOf<BusFaultException>());
        Assert.That(() => _memory.ReadUInt16(At((2 * M) - 1)), Throws.TypeOf<BusFaultException>());
        Assert.That(probe.Seen, Is.Empty);
    }

    [Test]
    public void A_claim_without_a_device_stays_a_hole()
    {
        _memory.RequestMemRegion(Range(4 * M, 5 * M), "reserved for later", null);
        Assert.That(() => _memory.ReadByte(At(4 * M)), Throws.TypeOf<BusFaultException>().With.Property("Kind").EqualTo(BusFaultKind.Hole));
    }

    [Test]
    public void A_released_device_answers_no_longer()
    {
        _memory.RequestMemRegion(Range(4 * M, 5 * M), "uart", new Probe());
        Assert.That(() => _memory.ReadByte(At(4 * M)), Throws.Nothing);
        _memory.ReleaseMemRegion(Range(4 * M, 5 * M));
        Assert.That(() => _memory.ReadByte(At(4 * M)), Throws.TypeOf<BusFaultException>());
    }

    [Test]
    public void Ram_cannot_be_claimed()
    {
        var error = Assert.Throws<ResourceException>(() => _memory.RequestMemRegion(Range(1 * M, (1 * M) + 4096), "thief", new Probe()))!;
        Assert.That((error.Error, error.Conflict!.Name), Is.EqualTo((ResourceError.Busy, "System RAM")));
        Assert.That(error.Message, Does.Contain("thief").And.Contain("[0x100000, 0x101000)").And.Contain("[0x100000, 0x200000)"));
    }

    [Test]
    public void A_device_may_end_at_the_top_of_the_address_space()
    {
        var probe = new Probe();
        _memory.RequestMemRegion(Range(ulong.MaxValue - 4095, AddressLimit.Top), "boot rom", probe);
        _memory.ReadUInt64(At(ulong.MaxValue - 7));
        Assert.That(probe.Seen, Is.EqualTo(new[] { ('r', 4088UL, 8, 0UL) }));
        Assert.That(() => _memory.ReadUInt64(At(ulong.MaxValue - 6)), Throws.TypeOf<BusFaultException>());
    }

    [Test]
    public void A_boards_sram_is_ram_and_its_devices_are_holes_until_claimed()
    {
        using var memory = PhysicalMemory.Create(TestBoards.Repository("qemu/mps2-an385"));
        memory.WriteUInt32(At(0x2000_0000), 42);
        Assert.That(memory.ReadUInt32(At(0x2000_0000)), Is.EqualTo(42));
        Assert.That(() => memory.ReadUInt32(At(0x4000_0000)), Throws.TypeOf<BusFaultException>());
        var probe = new Probe();
        memory.RequestMemRegion(Range(0x4000_0000, 0x4000_1000), "timer", probe);
        Assert.That(memory.ReadUInt32(At(0x4000_0000)), Is.EqualTo(0xbbaa_9988));
    }

    [TestCase("qcom/msm7x30")]
    [TestCase("qcom/msm8974")]
    public void A_boards_banks_are_ram_to_their_ends_and_its_holes_are_not(string board)
    {
        var layout = TestBoards.Repository(board);
        using var memory = PhysicalMemory.Create(layout);
        foreach (var bank in layout.Banks)
        {
            memory.WriteUInt64(bank.Range.Start, 1);
            memory.WriteUInt64(bank.Range.Last - 7, 1);
        }
        Assert.That(layout.Holes, Is.Not.Empty);
        foreach (var hole in layout.Holes)
        {
            Assert.That(() => memory.ReadByte(hole.Range.Start), Throws.TypeOf<BusFaultException>().With.Message.Contains(hole.Range.ToString()));
            Assert.That(() => memory.WriteByte(hole.Range.Last, 1), Throws.TypeOf<BusFaultException>());
        }
    }

    [Test]
    public void No_map_memory_is_ram_for_its_owner_and_a_removed_hole_is_not()
    {
        using var memory = PhysicalMemory.Create(TestBoards.Arm64("""
            memory@40000000 { device_type = "memory"; reg = <0 0x40000000 0 0x40000000>; };
            reserved-memory { #address-cells = <2>; #size-cells = <2>; ranges; modem@50000000 { no-map; reg = <0 0x50000000 0 0x100000>; };
                half@5ff00000 { no-map; reg = <0 0x5ff00000 0 0x180000>; }; };
            hole { compatible = "qcom,msm-mem-hole"; qcom,memblock-remove = <0x60000000 0x100000>; };
            """));
        Assert.That(memory.Ram, Is.EqualTo(new[] { Range(1 * G, 1536 * M), Range(1537 * M, 2 * G) }));
    }
}
