using System;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Linear;
using KmemKit.Runtime.Boot;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Ioremap;
using KmemKit.Runtime.Kernel;
using KmemKit.Runtime.Pages;
using KmemKit.Runtime.Processor;
using KmemKit.Runtime.Tests.Harness;
using KmemKit.Runtime.Tlb;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.MmuTests;

/// <summary>Boards of the repository with their MMU on.</summary>
internal sealed class KernelVirtualMemoryTests
{
    private const Privilege Kernel = Privilege.Privileged;

    [TestCase("qcom/msm8974")]
    [TestCase("qcom/msm8974-dont-map-hole")]
    [TestCase("pc/pc-64")]
    [TestCase("pc/pc-32")]
    public void The_linear_map_is_the_layouts_byte_for_byte_at_every_edge(string board)
    {
        using var memory = BootedMemory.Boot(TestBoards.Repository(board));
        var kernel = KernelVirtualMemory.Boot(memory);
        var cpu = kernel.AddCpu(TlbProfile.CortexA15);
        var linear = memory.Layout.Linear;
        var page = memory.Layout.Pages.PageSize;
        foreach (var ram in linear.Ram)
        {
            foreach (var phys in new[] { ram.Start.Value, ram.Start.Value + page, ram.Last.Value & ~(page - 1) }.Where(at => ram.Contains(new PhysAddr(at))))
            {
                Assert.That(linear.PhysToVirt(new PhysAddr(phys), out var virt), Is.EqualTo(TranslationStatus.Ok));
                Assert.That(kernel.Tables.TryTranslate(virt, out var output), Is.True, $"{virt}");
                Assert.That(output.Value, Is.EqualTo(phys));
                cpu.Store(virt + 8, 8, phys ^ 0x5a, Kernel);
                Assert.That(memory.Memory.ReadUInt64(new PhysAddr(phys + 8)), Is.EqualTo(phys ^ 0x5a));
                Assert.That(Assert.Throws<MemoryFaultException>(() => cpu.Load(virt, 4, Privilege.User))!.Fault.Cause, Is.EqualTo(FaultCause.Permission));
            }
        }
        foreach (var hole in memory.Layout.Holes)
        {
            if (linear.PhysToVirt(hole.Range.Start, out var virt) == TranslationStatus.Hole)
                Assert.That(kernel.Tables.TryTranslate(virt, out _), Is.False, $"the hole {hole.Range}");
        }
    }

    [Test]
    public void A_boards_vmalloc_ioremap_and_kmap_work_side_by_side_and_every_address_says_what_it_is()
    {
        using var memory = BootedMemory.Boot(TestBoards.Repository("qcom/msm8974"));
        var domain = new TlbDomain();
        var bugs = 0;
        domain.BugReported += _ => bugs++;
        domain.Watch();
        var kernel = KernelVirtualMemory.Boot(memory, domain);
        var port = kernel.AddCpu(TlbProfile.CortexA15);
        var cpu = memory.Allocator.Cpus[0];
        var area = kernel.Vmalloc.Vmalloc(cpu, 8192, caller: "driver")!.Value;
        port.Store(area + 4096, 8, 42, Kernel);
        Assert.That(port.Load(area + 4096, 8, Kernel), Is.EqualTo(42));
        Assert.That(kernel.Addresses.Describe(area).Kind, Is.EqualTo(KernelAddressKind.Vmalloc));
        Assert.That(kernel.Addresses.Describe(area).ToString(), Does.StartWith("Vmalloc of driver [").And.Contain("mapped to 0x"));
        Assert.That(kernel.Addresses.Describe(area + 8192).Kind, Is.EqualTo(KernelAddressKind.VmallocGuard));
        Assert.That(kernel.Addresses.Describe(area + 0x10_0000).Kind, Is.EqualTo(KernelAddressKind.VmallocFree));

        var device = kernel.Io.Ioremap(cpu, new PhysAddr(0xf991_e000), 0x1000, "msm_serial")!.Value;
        Assert.That(kernel.Addresses.Describe(device).Kind, Is.EqualTo(KernelAddressKind.Ioremap));
        Assert.That(() => kernel.Io.Ioremap(cpu, memory.Layout.Linear.Ram[0].Start, 16), Throws.InstanceOf<IoremapException>());

        var high = cpu.AllocPage(GfpFlags.HighUser);
        Assert.That(memory.Map.PageAddress(high), Is.Null);
        var mapped = kernel.PkMap!.Map(cpu, high);
        port.Store(mapped, 4, 7, Kernel);
        Assert.That(memory.Memory.ReadUInt32(memory.Map.PageToPhys(high)), Is.EqualTo(7));
        Assert.That(kernel.Addresses.Describe(mapped).Kind, Is.EqualTo(KernelAddressKind.Pkmap));
        var atomic = kernel.KmapAtomic!.Map(cpu, high);
        Assert.That(port.Load(atomic, 4, Kernel), Is.EqualTo(7));
        Assert.That(kernel.Addresses.Describe(atomic).Kind, Is.EqualTo(KernelAddressKind.Fixmap));
        kernel.KmapAtomic.Unmap(cpu, atomic);
        kernel.PkMap.Unmap(high);
        Assert.That(kernel.Addresses.Describe(new VirtAddr(0x8000)).Kind, Is.EqualTo(KernelAddressKind.User));
        Assert.That(kernel.Addresses.Describe(memory.Layout.PageOffset).Kind, Is.EqualTo(KernelAddressKind.Logical));
        kernel.Vmalloc.Vfree(cpu, area);
        kernel.Io.Iounmap(cpu, device);
        Assert.That(bugs, Is.Zero);
    }

    [Test]
    public void Phys_to_virt_is_for_lowmem_alone()
    {
        using var memory = BootedMemory.Boot(TestBoards.Repository("qcom/msm8974"));
        var kernel = KernelVirtualMemory.Boot(memory);
        var cpu = memory.Allocator.Cpus[0];
        var low = memory.Layout.Linear.Ram[0].Start + 0x123;
        Assert.That(kernel.Addresses.VirtToPhys(kernel.Addresses.PhysToVirt(low)), Is.EqualTo(low));
        var high = memory.Map.PageToPhys(cpu.AllocPage(GfpFlags.HighUser));
        var refused = Assert.Throws<PageErrorException>(() => kernel.Addresses.PhysToVirt(high))!;
        Assert.That(refused.Kind, Is.EqualTo(PageErrorKind.NoKernelAddress));
        Assert.That(refused.Message, Does.Contain("highmem").And.Contain("kmap"));
        Assert.That(Assert.Throws<PageErrorException>(() => kernel.Addresses.PhysToVirt(new PhysAddr(0xf991_e000)))!.Message, Does.Contain("ioremap"));
        var area = kernel.Vmalloc.Vmalloc(cpu, 4096)!.Value;
        Assert.That(Assert.Throws<PageErrorException>(() => kernel.Addresses.VirtToPhys(area))!.Message, Does.Contain("vmalloc_to_page"));
    }

    [Test]
    public void Three_pieces_of_vmalloc_are_one_range_of_addresses()
    {
        using var memory = BootedMemory.Boot(TestBoards.Repository("qcom/msm8974-vmalloc-saving"));
        var kernel = KernelVirtualMemory.Boot(memory);
        Assert.That(kernel.Vmalloc.Ranges, Has.Length.EqualTo(3));
        var cpu = memory.Allocator.Cpus[0];
        // The lowest piece has 2 MiB; what does not fit goes into the next.
        var small = kernel.Vmalloc.Vmalloc(cpu, 4096)!.Value;
        var large = kernel.Vmalloc.Vmalloc(cpu, 4 << 20)!.Value;
        Assert.That(kernel.Vmalloc.Ranges.Single(range => range.Contains(small)), Is.Not.EqualTo(kernel.Vmalloc.Ranges.Single(range => range.Contains(large))));
        Assert.That(Math.Min(small.Value, large.Value), Is.EqualTo(small.Value));
    }
}
