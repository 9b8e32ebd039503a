using System;
using KmemKit.Architecture;
using KmemKit.Runtime.Memory;
using NUnit.Framework;
using static KmemKit.Runtime.Tests.Harness.Sizes;

namespace KmemKit.Runtime.Tests.RamTests;

/// <summary>Accesses to RAM. The board has 1 MiB at 1 MiB (the second window), a hole, and 4 MiB at 4 MiB (the main window).</summary>
public sealed unsafe class RamAccessTests
{
    private PhysicalMemory _memory = null!;

    [SetUp]
    public void TwoBanks() => _memory = PhysicalMemory.Create([Range(4 * M, 8 * M), Range(1 * M, 2 * M)]);

    [TearDown]
    public void Free() => _memory.Dispose();

    [Test]
    public void Ram_is_zero_at_first_and_keeps_what_is_written_at_both_ends_of_each_bank(
        [Values(1 * M, (2 * M) - 8, 4 * M, (8 * M) - 8, (8 * M) - 15, (4 * M) + 3)] ulong address)
    {
        var at = At(address);
        Assert.That(_memory.ReadUInt64(at), Is.Zero);
        _memory.WriteUInt64(at, 0x8877_6655_4433_2211);
        Assert.That(_memory.ReadByte(at), Is.EqualTo(0x11));
        Assert.That(_memory.ReadUInt16(at + 1), Is.EqualTo(0x3322));
        Assert.That(_memory.ReadUInt32(at + 3), Is.EqualTo(0x7766_5544));
        Assert.That(_memory.ReadUInt64(at), Is.EqualTo(0x8877_6655_4433_2211));
        _memory.WriteUInt32(at + 4, 0);
        _memory.WriteUInt16(at, 0);
        _memory.WriteByte(at + 3, 0);
        Assert.That(_memory.ReadUInt64(at), Is.EqualTo(0x0000_0000_0033_0000));
    }

    //  | bank |  hole  | bank |
    //        ^^^^    ^^^^
    [Test]
    public void An_access_is_in_ram_with_all_its_bytes_or_faults()
    {
        foreach (var (start, end) in new[] { (1 * M, 2 * M), (4 * M, 8 * M) })
        {
            for (var offset = -9; offset <= 1; offset++)
            {
                foreach (var size in new[] { 1, 2, 4, 8 })
                {
                    Expect(unchecked(start + (ulong)offset), size, offset >= 0);
                    Expect(unchecked(end + (ulong)offset), size, offset + size <= 0);
                }
            }
        }
    }

    private void Expect(ulong address, int size, bool isRam)
    {
        var at = At(address);
        Action read = size switch
        {
            1 => () => _memory.ReadByte(at),
            2 => () => _memory.ReadUInt16(at),
            4 => () => _memory.ReadUInt32(at),
            _ => () => _memory.ReadUInt64(at),
        };
        Action write = size switch
        {
            1 => () => _memory.WriteByte(at, 1),
            2 => () => _memory.WriteUInt16(at, 1),
            4 => () => _memory.WriteUInt32(at, 1),
            _ => () => _memory.WriteUInt64(at, 1),
        };
        var text = $"{size} bytes at {at}";
        if (isRam)
        {
            Assert.That(read, Throws.Nothing, text);
            Assert.That(write, Throws.Nothing, text);
        }
        else
        {
            Assert.That(read, Throws.TypeOf<BusFaultException>().With.Property(nameof(BusFaultException.Address)).EqualTo(at), text);
            Assert.That(write, Throws.TypeOf<BusFaultException>().With.Message.Contains(at.ToString()), text);
        }
        Assert.That(_memory.PointerTo(at, (ulong)size) is not null, Is.EqualTo(isRam), text);
    }

    [TestCase(3 * M, BusFaultKind.Hole)]
    [TestCase(0UL, BusFaultKind.Hole)]
    [TestCase((2 * M) - 4, BusFaultKind.Straddle)]
    [TestCase((8 * M) - 1, BusFaultKind.Straddle)]
    [TestCase(ulong.MaxValue - 7, BusFaultKind.Hole)]
    [TestCase(ulong.MaxValue - 6, BusFaultKind.BeyondTop)]
    [TestCase(ulong.MaxValue, BusFaultKind.BeyondTop)]
    public void A_fault_says_what_is_wrong(ulong address, BusFaultKind kind)
    {
        var fault = Assert.Throws<BusFaultException>(() => _memory.ReadUInt64(At(address)))!;
        Assert.That((fault.Kind, fault.Address, fault.Length), Is.EqualTo((kind, At(address), 8UL)));
    }

    [Test]
    public void A_fault_in_a_hole_names_the_ram_around_it()
    {
        var fault = Assert.Throws<BusFaultException>(() => _memory.ReadUInt64(At(3 * M)))!;
        Assert.That(fault.Message, Does.Contain("[0x100000, 0x200000)").And.Contain("[0x400000, 0x800000)"));
    }

    [Test]
    public void A_refused_write_writes_nothing()
    {
        Assert.That(() => _memory.WriteUInt64(At((8 * M) - 4), ulong.MaxValue), Throws.TypeOf<BusFaultException>());
        Assert.That(() => _memory.Write(At((8 * M) - 4), new byte[8] { 1, 1, 1, 1, 1, 1, 1, 1 }), Throws.TypeOf<BusFaultException>());
        Assert.That(() => _memory.Fill(At((8 * M) - 4), 8, 1), Throws.TypeOf<BusFaultException>());
        Assert.That(_memory.ReadUInt32(At((8 * M) - 4)), Is.Zero);
    }

    [Test]
    public void Bytes_go_in_and_out_in_one_piece()
    {
        var data = new byte[10000];
        new Random(1).NextBytes(data);
        _memory.Write(At((2 * M) - 10000), data);
        var back = new byte[10000];
        _memory.Read(At((2 * M) - 10000), back);
        Assert.That(back, Is.EqualTo(data));
        _memory.Fill(At((2 * M) - 5000), 5000, 0x77);
        Assert.That(_memory.ReadByte(At((2 * M) - 5001)), Is.EqualTo(data[4999]));
        Assert.That(_memory.ReadUInt64(At((2 * M) - 8)), Is.EqualTo(0x7777_7777_7777_7777));
    }

    [Test]
    public void Pointers_are_the_accesses_memory_and_null_outside_of_ram()
    {
        _memory.WriteUInt32(At(5 * M), 0x1234_5678);
        Assert.That(*(uint*)_memory.PointerTo(At(5 * M)), Is.EqualTo(0x1234_5678));
        Assert.That(_memory.PointerTo(At(3 * M)) is null);
        Assert.That(_memory.PointerTo(At(4 * M), 4 * M) is not null);
        Assert.That(_memory.PointerTo(At(4 * M), (4 * M) + 1) is null);
        Assert.That(_memory.PointerTo(At(4 * M), ulong.MaxValue) is null);
        Assert.That(_memory.PointerTo(At((8 * M) - 1)) - _memory.PointerTo(At(4 * M)), Is.EqualTo((long)(4 * M) - 1));
    }

    [Test]
    public void Banks_that_touch_are_one_row_of_memory()
    {
        using var memory = PhysicalMemory.Create([Range(1 * M, 2 * M), Range(2 * M, 3 * M)]);
        Assert.That(memory.Ram, Is.EqualTo(new[] { Range(1 * M, 3 * M) }));
        memory.WriteUInt64(At((2 * M) - 4), 0x0102_0304_0506_0708);
        Assert.That(memory.ReadUInt32(At(2 * M)), Is.EqualTo(0x0102_0304));
    }

    [Test]
    public void Ram_up_to_the_top_of_the_address_space_can_be_used_to_its_last_byte()
    {
        using var memory = PhysicalMemory.Create([Range(ulong.MaxValue - M + 1, AddressLimit.Top)]);
        memory.WriteUInt64(At(ulong.MaxValue - 7), 42);
        Assert.That(memory.ReadUInt64(At(ulong.MaxValue - 7)), Is.EqualTo(42));
        memory.WriteByte(At(ulong.MaxValue), 7);
        Assert.That(() => memory.ReadUInt16(At(ulong.MaxValue)), Throws.TypeOf<BusFaultException>());
        Assert.That(() => memory.ReadByte(At(0)), Throws.TypeOf<BusFaultException>());
    }

    [Test]
    public void Ram_of_a_few_bytes_works()
    {
        using var memory = PhysicalMemory.Create([Range(100, 103)]);
        memory.WriteUInt16(At(101), 0xabcd);
        Assert.That(memory.ReadUInt16(At(101)), Is.EqualTo(0xabcd));
        Assert.That(() => memory.ReadUInt32(At(100)), Throws.TypeOf<BusFaultException>());
    }

    [Test]
    public void After_dispose_every_access_is_an_error()
    {
        _memory.Dispose();
        Assert.That(() => _memory.ReadByte(At(4 * M)), Throws.TypeOf<ObjectDisposedException>());
        Assert.That(() => _memory.WriteUInt64(At(1 * M), 1), Throws.TypeOf<ObjectDisposedException>());
        Assert.That(() => { _ = _memory.PointerTo(At(4 * M)); }, Throws.TypeOf<ObjectDisposedException>());
        Assert.That(_memory.Dispose, Throws.Nothing);
    }
}
