using System;
using System.Collections.Generic;
using KmemKit.Architecture;
using KmemKit.Native.Exports;
using KmemKit.Native.Machine;
using KmemKit.Native.Reports;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Tests.Harness;
using NUnit.Framework;

namespace KmemKit.Native.Tests;

/// <summary>A device with <c>iommus</c>: dma_map_* gives device addresses that the SMMU translates, and what the driver did not map the device does not reach.</summary>
[TestFixture("arm,smmu-v3")]
[TestFixture("arm,mmu-500")]
internal sealed unsafe class SmmuTests(string smmu) : EntryPointFixture
{
    private const GfpFlags Kernel = GfpFlags.Kernel;
    private const int Efault = -14, ToDevice = 1, FromDevice = 2;

    // Function pointers of entry points, as the C side of the library has them.
    private static readonly delegate* unmanaged<byte*, CallSite*, void*> s_find = &DeviceExports.Device;
    private static readonly delegate* unmanaged<nuint, GfpFlags, CallSite*, void*> s_kmalloc = &SlabExports.Kmalloc;
    private static readonly delegate* unmanaged<void*, CallSite*, void> s_kfree = &SlabExports.Kfree;
    private static readonly delegate* unmanaged<void*, CallSite*, ulong> s_phys = &AddressExports.VirtToPhys;
    private static readonly delegate* unmanaged<void*, void*, nuint, int, CallSite*, ulong> s_map = &DmaExports.MapSingle;
    private static readonly delegate* unmanaged<void*, ulong, nuint, int, CallSite*, void> s_unmap = &DmaExports.UnmapSingle;
    private static readonly delegate* unmanaged<void*, ulong, void*, nuint, int, CallSite*, int> s_access = &DeviceExports.Access;

    private CallSite _at;

    [SetUp]
    public void UseBoard()
    {
        _at = default;
        var layout = TestBoards.Arm64($$"""
            memory@40000000 { device_type = "memory"; reg = <0x0 0x40000000 0x0 0x10000000>; };
            smmu: iommu@9050000 { compatible = "{{smmu}}"; reg = <0x0 0x09050000 0x0 0x20000>; #iommu-cells = <1>; #global-interrupts = <1>; };
            camera: camera@9100000 { compatible = "test,camera"; reg = <0x0 0x09100000 0x0 0x1000>; iommus = <&smmu 0x10>, <&smmu 0x12>; };
            display: display@9101000 { compatible = "test,display"; reg = <0x0 0x09101000 0x0 0x1000>; iommus = <&smmu 0x20>; };
            other: iommu@9080000 { compatible = "{{smmu}}"; reg = <0x0 0x09080000 0x0 0x20000>; #iommu-cells = <1>; #global-interrupts = <1>; };
            torn: torn@9103000 { compatible = "test,torn"; reg = <0x0 0x09103000 0x0 0x1000>; iommus = <&smmu 0x30>, <&other 0x30>; };
            uart: serial@9102000 { compatible = "test,uart"; reg = <0x0 0x09102000 0x0 0x1000>; };
            """);
        NativeBoard.Use(() => layout);
        while (Log.Take() is not null)
        {
        }
    }

    [Test]
    public void A_mapping_is_a_device_address_that_is_translated_until_it_is_taken_away()
    {
        fixed (CallSite* at = &_at)
        {
            void* camera = Find("camera\0"u8), display = Find("display\0"u8), uart = Find("uart\0"u8);
            var buffer = (byte*)s_kmalloc(6000, Kernel, at);
            new Span<byte>(buffer, 6000).Fill(0x5a);
            var phys = s_phys(buffer, at);
            var bus = s_map(camera, buffer, 6000, ToDevice, at);
            Assert.That(bus, Is.Not.EqualTo(phys).And.Not.EqualTo(ulong.MaxValue), Texts());
            Assert.That(bus & 0xfff, Is.EqualTo(phys & 0xfff));
            var whole = Read(camera, bus, 6000);
            Assert.That((whole.Code, whole.AllAre), Is.EqualTo((0, 0x5a)), Texts());
            // What one device was given is nothing to another, and memory at its own address nothing to either.
            Refused(Read(display, bus, 4), $"Translation fault: stream 0x20 of /display@9101000 reads at {new BusAddr(bus)}");
            Refused(Read(camera, phys, 4), $"Translation fault: stream 0x10 of /camera@9100000 reads at {new BusAddr(phys)}");
            Refused(Write(camera, bus, 4, 1), $"Permission fault: stream 0x10 of /camera@9100000 writes at {new BusAddr(bus)}");
            Assert.That(buffer[0], Is.EqualTo(0x5a));
            s_unmap(camera, bus, 6000, ToDevice, at);
            Refused(Read(camera, bus, 4), $"Translation fault: stream 0x10 of /camera@9100000 reads at {new BusAddr(bus)}");
            // Nothing translates for a device that no SMMU is in front of.
            Assert.That(s_map(uart, buffer, 4, ToDevice, at), Is.EqualTo(phys));
            s_unmap(uart, phys, 4, ToDevice, at);
            s_kfree(buffer, at);
            Assert.That(NativeMachine.Shutdown(at), Is.Zero, Texts());
        }
    }

    [Test]
    public void A_device_that_could_not_be_connected_is_none_and_the_log_says_why()
    {
        fixed (byte* name = "torn\0"u8)
        fixed (CallSite* at = &_at)
        {
            Assert.That(s_find(name, at) == null);
            Assert.That(Log.Take(), Does.StartWith("/torn@9103000: ").And.Contain("more than one SMMU"));
            Assert.That(Texts(), Is.Empty);
        }
    }

    [Test]
    public void Scattered_pages_are_one_stretch_and_coherent_memory_is_seen_by_both()
    {
        delegate* unmanaged<GfpFlags, uint, CallSite*, void*> pages = &PageExports.AllocPages;
        delegate* unmanaged<void*, uint, CallSite*, void> give = &PageExports.FreePagesOf;
        delegate* unmanaged<void*, ScatterEntry*, int, int, CallSite*, int> mapSg = &DmaExports.MapSg;
        delegate* unmanaged<void*, ScatterEntry*, int, int, CallSite*, void> unmapSg = &DmaExports.UnmapSg;
        delegate* unmanaged<void*, nuint, ulong*, GfpFlags, CallSite*, void*> coherent = &DmaExports.AllocCoherent;
        delegate* unmanaged<void*, nuint, void*, ulong, CallSite*, void> freeCoherent = &DmaExports.FreeCoherent;
        fixed (CallSite* at = &_at)
        {
            var camera = Find("camera\0"u8);
            var taken = new List<nint>();
            for (var i = 0; i < 6; i++)
                taken.Add((nint)pages(Kernel, 0, at));
            var list = stackalloc ScatterEntry[3];
            for (var i = 0; i < 3; i++)
                list[i] = new ScatterEntry { Page = (void*)taken[4 - (2 * i)], Length = 4096 };
            Assert.That(mapSg(camera, list, 3, FromDevice, at), Is.EqualTo(1), Texts());
            Assert.That(list[0].DmaLength, Is.EqualTo(3 * 4096));
            Assert.That(Write(camera, list[0].DmaAddress, 3 * 4096, 0x77), Is.Zero, Texts());
            unmapSg(camera, list, 3, FromDevice, at);
            delegate* unmanaged<void*, CallSite*, void*> kmap = &PageExports.Kmap;
            delegate* unmanaged<void*, CallSite*, void> kunmap = &PageExports.Kunmap;
            for (var i = 0; i < 6; i++)
            {
                var seen = (byte*)kmap((void*)taken[i], at);
                Assert.That(seen[4095] == 0x77, Is.EqualTo(i % 2 == 0), $"page {i}");
                kunmap((void*)taken[i], at);
                give((void*)taken[i], 0, at);
            }
            ulong bus;
            var ring = (byte*)coherent(camera, 12288, &bus, Kernel, at);
            ring[12287] = 3;
            Assert.That(Read(camera, bus + 12287, 1).First, Is.EqualTo(3), Texts());
            Assert.That(Write(camera, bus + 5000, 1, 9), Is.Zero, Texts());
            Assert.That(ring[5000], Is.EqualTo(9));
            freeCoherent(camera, 12288, ring, bus, at);
            Refused(Read(camera, bus, 4), $"Translation fault: stream 0x10 of /camera@9100000 reads at {new BusAddr(bus)}");
            Assert.That(NativeMachine.Shutdown(at), Is.Zero, Texts());
        }
    }

    private readonly record struct Answer(int Code, byte First, int AllAre)
    {
        public static implicit operator int(Answer answer) => answer.Code;
    }

    private void* Find(ReadOnlySpan<byte> label)
    {
        fixed (byte* name = label)
        fixed (CallSite* at = &_at)
        {
            var device = s_find(name, at);
            Assert.That(device != null, string.Join("; ", NativeMachine.Current.Masters.Refused.Values));
            return device;
        }
    }

    private Answer Read(void* device, ulong bus, int size)
    {
        var bytes = new byte[size];
        fixed (byte* data = bytes)
        fixed (CallSite* at = &_at)
        {
            var code = s_access(device, bus, data, (nuint)size, 0, at);
            return new Answer(code, bytes[0], bytes.AsSpan().IndexOfAnyExcept(bytes[0]) < 0 ? bytes[0] : -1);
        }
    }

    private int Write(void* device, ulong bus, int size, byte value)
    {
        var bytes = new byte[size];
        bytes.AsSpan().Fill(value);
        fixed (byte* data = bytes)
        fixed (CallSite* at = &_at)
            return s_access(device, bus, data, (nuint)size, 1, at);
    }

    // Reported to the driver, and in the log as the hardware saw it.
    private static void Refused(int code, string fault)
    {
        Assert.That(code, Is.EqualTo(Efault), Texts());
        Assert.That(ThreadState.Current.Pending, Has.Count.EqualTo(1), Texts());
        Assert.That(ThreadState.Current.Pending.Dequeue().Kind, Is.EqualTo(ReportKind.Dma));
        Assert.That(Log.Take(), Is.EqualTo("smmu: " + fault));
        Assert.That(Log.Take(), Is.Null);
    }
}
