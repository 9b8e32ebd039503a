using System;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Runtime.Boot;
using KmemKit.Runtime.Memory;
using KmemKit.Runtime.Pages;
using KmemKit.Runtime.Tests.Harness;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.RamTests;

/// <summary>RAM that is mapped a second time for host code, and the ways back from host addresses.</summary>
[TestFixture]
internal sealed unsafe class HostViewTests
{
    private const ulong Page = 4096;

    [SetUp]
    public void OnlyOnLinux()
    {
        if (!OperatingSystem.IsLinux())
            Assert.Ignore("run on Linux: RAM is shared there alone");
    }

    /// <summary>Pages of two banks in an order of their own: a store through either address is seen through the other.</summary>
    [Test]
    public void View_is_the_same_memory_in_another_order()
    {
        using var booted = BootedMemory.Boot(TestBoards.Repository("qcom/msm8974"), new MemoryBootOptions { SharedRam = true });
        var memory = booted.Memory;
        Assert.That(memory.Ram, Has.Length.GreaterThan(1));
        var ranges = memory.Ram.Reverse().SelectMany(ram => new[]
        {
            new PhysRange(new PhysAddr(ram.Last.Value + 1 - Page), Page), new PhysRange(new PhysAddr(ram.Last.Value + 1 - (5 * Page)), 3 * Page),
        }).ToArray();
        using var view = memory.CreateView(ranges, Page);
        Assert.That(view.Bytes, Is.EqualTo((ulong)memory.Ram.Length * 4 * Page));
        Assert.That((view.ReservedBytes, (ulong)(view.Base - view.Reserved)), Is.EqualTo((view.Bytes + (2 * Page), Page)));
        var at = 0UL;
        foreach (var range in ranges)
        {
            for (var offset = 0UL; offset < range.Size.Value; offset += 1000)
            {
                memory.WriteUInt32(range.Start + offset, (uint)(range.Start.Value + offset));
                Assert.That(*(uint*)(view.Base + at + offset), Is.EqualTo((uint)(range.Start.Value + offset)));
                *(uint*)(view.Base + at + offset) = ~(uint)offset;
                Assert.That(memory.ReadUInt32(range.Start + offset), Is.EqualTo(~(uint)offset));
            }
            at += range.Size.Value;
        }
    }

    /// <summary>Long stretches are given back to the host as holes of the file: they read as zero everywhere, and what is beside them stays.</summary>
    [Test]
    public void Cleared_ram_is_zero_in_its_views_as_well()
    {
        using var memory = PhysicalMemory.Create(TestBoards.Arm64("memory@40000000 { device_type = \"memory\"; reg = <0x0 0x40000000 0x0 0x2000000>; };"), isShared: true);
        var start = new PhysAddr(0x40100000);
        memory.Fill(start, 1 << 20, 0xaa);
        using var view = memory.CreateView([new PhysRange(start, 1 << 20)], 0);
        memory.Clear(start + 100, (1 << 20) - 300);
        var bytes = new ReadOnlySpan<byte>(view.Base, 1 << 20);
        Assert.That(bytes.IndexOf((byte)0), Is.EqualTo(100));
        Assert.That(bytes[100..((1 << 20) - 200)].IndexOfAnyExcept((byte)0), Is.EqualTo(-1));
        Assert.That(bytes[((1 << 20) - 200)..].IndexOfAnyExcept((byte)0xaa), Is.EqualTo(-1));
        memory.WriteByte(start + 500, 7);
        Assert.That(bytes[500], Is.EqualTo(7));
    }

    [Test]
    public void What_cannot_be_viewed_is_refused()
    {
        var layout = TestBoards.Repository("qcom/msm8974");
        using var shared = PhysicalMemory.Create(layout, isShared: true);
        using var plain = PhysicalMemory.Create(layout);
        var page = new PhysRange(shared.Ram[0].Start, Page);
        Assert.Throws<InvalidOperationException>(() => plain.CreateView([page], Page));
        Assert.Throws<ArgumentException>(() => shared.CreateView([new PhysRange(page.Start + 8, Page)], Page));
        Assert.Throws<ArgumentException>(() => shared.CreateView([new PhysRange(page.Start, 100)], Page));
        // In a hole, and over its edge.
        Assert.Throws<ArgumentException>(() => shared.CreateView([page, new PhysRange(new PhysAddr(shared.Ram[0].Last.Value + 1), Page)], Page));
        Assert.Throws<ArgumentException>(() => shared.CreateView([new PhysRange(new PhysAddr(shared.Ram[0].Last.Value + 1 - Page), 2 * Page)], Page));
    }

    [TestCase("qcom/msm8974")]
    [TestCase("qemu/virt-cortex-a53")]
    [TestCase("pc/pc-64")]
    public void Host_addresses_lead_back(string board)
    {
        using var booted = BootedMemory.Boot(TestBoards.Repository(board));
        foreach (var ram in booted.Memory.Ram)
        {
            foreach (var address in new[] { ram.Start, new PhysAddr(ram.Start.Value + (ram.Size.Value / 2)), ram.Last })
            {
                var host = booted.Memory.PointerTo(address);
                Assert.That(booted.Memory.TryToPhys(host, out var back) && back == address, $"{address}");
                if (!booted.Map.TryPfnToPage(booted.Layout.Pages.ToFrame(address), out var page))
                    continue;
                fixed (PageDescriptor* descriptor = &booted.Map.Descriptor(page))
                {
                    Assert.That(booted.Map.TryDescriptorToPage(descriptor, out var same) && same == page, $"{address}");
                    Assert.That(booted.Map.TryDescriptorToPage((PageDescriptor*)((byte*)descriptor + 4), out _), Is.False);
                }
            }
        }
        var variable = 0;
        Assert.That(booted.Memory.TryToPhys(&variable, out _), Is.False);
        Assert.That(booted.Map.TryDescriptorToPage((PageDescriptor*)&variable, out _), Is.False);
        Assert.That(booted.Map.TryDescriptorToPage(null, out _), Is.False);
    }
}
