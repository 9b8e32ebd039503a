using System;
using System.IO;
using System.Runtime.InteropServices;
using KmemKit.Architecture;
using KmemKit.Runtime.Memory;
using KmemKit.Runtime.Tests.Harness;
using NUnit.Framework;
using static KmemKit.Runtime.Tests.Harness.Sizes;

namespace KmemKit.Runtime.Tests.RamTests;

/// <summary>RAM costs the host what is touched of it, and nothing else. The witness is the operating system (mincore).</summary>
public sealed unsafe partial class RamCostTests
{
    [LibraryImport("libc", EntryPoint = "mincore", SetLastError = true)]
    private static partial int Mincore(byte* address, nuint length, byte* vector);

    [Test]
    public void Four_GiB_of_ram_cost_nothing_until_they_are_touched()
    {
        using var memory = PhysicalMemory.Create(TestBoards.Arm64("""memory@80000000 { device_type = "memory"; reg = <0 0x80000000 1 0>; };"""));
        Assert.That(memory.TotalBytes, Is.EqualTo(4 * G));
        Assert.That(ResidentPages(memory), Is.Zero);
        memory.WriteByte(At(3 * G), 1);
        memory.WriteByte(At((6 * G) - 1), 1);
        Assert.That(ResidentPages(memory), Is.InRange(2, 2 * 512), "two pages, or two huge pages");
    }

    //  128 banks of 8 GiB, one every 64 GiB, up to 8 TiB
    [Test]
    public void One_TiB_of_sparse_ram_costs_nothing_and_can_be_used_everywhere()
    {
        var banks = new PhysRange[128];
        for (var i = 0; i < banks.Length; i++)
            banks[i] = Range((ulong)i * 64 * G, (((ulong)i * 64) + 8) * G);
        using var memory = PhysicalMemory.Create(banks);
        Assert.That(memory.TotalBytes, Is.EqualTo(1024 * G));
        Assert.That(ResidentPages(memory), Is.Zero);
        foreach (var bank in banks)
            memory.WriteUInt64(bank.Last - 7, bank.Start.Value + 1);
        foreach (var bank in banks)
        {
            Assert.That(memory.ReadUInt64(bank.Last - 7), Is.EqualTo(bank.Start.Value + 1));
            Assert.That(() => memory.ReadByte(new PhysAddr(bank.End.Value)), Throws.TypeOf<BusFaultException>());
        }
        Assert.That(ResidentPages(memory), Is.InRange(128, 128 * 512));
    }

    [Test]
    public void Cleared_ram_is_zero_costs_nothing_again_and_its_neighbours_stay()
    {
        using var memory = PhysicalMemory.Create([Range(0, 16 * M)]);
        memory.Fill(At(0), 16 * M, 0xa5);
        Assert.That(ResidentPages(memory), Is.EqualTo(4096));
        memory.Clear(At(1001), (8 * M) + 17);
        var bytes = new byte[16 * M];
        memory.Read(At(0), bytes);
        Assert.That(bytes.AsSpan(0, 1001).ContainsAnyExcept((byte)0xa5), Is.False);
        Assert.That(bytes.AsSpan(1001, (int)(8 * M) + 17).ContainsAnyExcept((byte)0), Is.False);
        Assert.That(bytes.AsSpan(1001 + (int)(8 * M) + 17).ContainsAnyExcept((byte)0xa5), Is.False);
    }

    [Test]
    public void Clearing_untouched_ram_touches_nothing()
    {
        using var memory = PhysicalMemory.Create([Range(0, 64 * G)]);
        memory.Clear(At(4 * K), 32 * G);
        Assert.That(ResidentPages(memory), Is.Zero);
    }

    [TestCase(1UL)]
    [TestCase(1UL << 18)]
    [TestCase((1UL << 18) + 8191)]
    public void Clearing_ends_at_the_byte_it_says(ulong length)
    {
        using var memory = PhysicalMemory.Create([Range(0, 1 * M)]);
        memory.Fill(At(0), 1 * M, 0xff);
        memory.Clear(At(5), length);
        Assert.That((memory.ReadByte(At(4)), memory.ReadByte(At(5)), memory.ReadByte(At(4 + length)), memory.ReadByte(At(5 + length))),
            Is.EqualTo(((byte)0xff, (byte)0, (byte)0, (byte)0xff)));
    }

    [Test]
    public void More_than_the_host_can_address_is_a_typed_error() =>
        Assert.That(() => PhysicalMemory.Create([Range(0, 1UL << 62), Range(1UL << 63, (1UL << 63) + (1UL << 62))]), Throws.TypeOf<PhysicalMemoryException>());

    // The host's pages that hold something; a page of zeros that was only read counts too.
    private static long ResidentPages(PhysicalMemory memory)
    {
        if (!OperatingSystem.IsLinux())
            Assert.Ignore("mincore of Linux is the witness");
        const ulong step = 1UL << 30;
        var vector = new byte[step / 4096];
        var resident = 0L;
        foreach (var range in memory.Ram)
        {
            for (var done = 0UL; done < range.Size.Value; done += step)
            {
                var length = Math.Min(step, range.Size.Value - done);
                fixed (byte* pages = vector)
                {
                    if (Mincore(memory.PointerTo(range.Start + done), (nuint)length, pages) != 0)
                        throw new IOException($"mincore: error {Marshal.GetLastPInvokeError()}");
                }
                var inHost = vector.AsSpan(0, (int)((length + 4095) / 4096));
                resident += inHost.Length - inHost.Count((byte)0);
            }
        }
        return resident;
    }
}
