using System;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.KernelMaps;
using KmemKit.BoardCompiler.Linear;
using KmemKit.BoardCompiler.Tables;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Ioremap;
using KmemKit.Runtime.Kernel;
using KmemKit.Runtime.Pages;
using KmemKit.Runtime.Processor;
using KmemKit.Runtime.Tests.Harness;
using KmemKit.Runtime.Tests.MpuTests;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.MmuTests;

/// <summary>Boards of the repository with their MMU on.</summary>
internal sealed class MmuKernelTests
{
    private const Privilege Kernel = Privilege.Privileged;

    [TestCase("qcom/msm8974")]
    [TestCase("qcom/msm8974-dont-map-hole")]
    [TestCase("pc/pc-64")]
    [TestCase("pc/pc-32")]
    public void The_linear_map_is_the_layouts_byte_for_byte_at_every_edge(string board)
    {
        using var kernel = MmuKernel.Boot(TestBoards.Repository(board));
        var memory = kernel.Booted;
        var cpu = kernel.Cpu;
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
        using var kernel = MmuKernel.Boot(TestBoards.Repository("qcom/msm8974"), new MmuKernelOptions { WatchTranslations = true });
        var memory = kernel.Booted;
        var bugs = 0;
        kernel.Tlbs.BugReported += _ => bugs++;
        var port = kernel.Cpu;
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
        using var kernel = MmuKernel.Boot(TestBoards.Repository("qcom/msm8974"));
        var memory = kernel.Booted;
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
        using var kernel = MmuKernel.Boot(TestBoards.Repository("qcom/msm8974-vmalloc-saving"));
        var memory = kernel.Booted;
        Assert.That(kernel.Vmalloc.Ranges, Has.Length.EqualTo(3));
        var cpu = memory.Allocator.Cpus[0];
        // The lowest piece has 2 MiB; what does not fit goes into the next.
        var small = kernel.Vmalloc.Vmalloc(cpu, 4096)!.Value;
        var large = kernel.Vmalloc.Vmalloc(cpu, 4 << 20)!.Value;
        Assert.That(kernel.Vmalloc.Ranges.Single(range => range.Contains(small)), Is.Not.EqualTo(kernel.Vmalloc.Ranges.Single(range => range.Contains(large))));
        Assert.That(Math.Min(small.Value, large.Value), Is.EqualTo(small.Value));
    }

    private static System.Collections.Generic.IEnumerable<string> MmuBoards =>
        TestBoards.Names.Where(name => TestBoards.Repository(name) is { Board.UsesMmu: true } layout && PageTablePlanner.Plan(layout).Plan is not null);

    [TestCaseSource(nameof(MmuBoards))]
    public unsafe void A_kernel_runs_from_the_image_that_was_planned(string board)
    {
        using var kernel = MmuKernel.Boot(TestBoards.Repository(board), new MmuKernelOptions { KeepIdentityMap = true });
        var image = TableImage.Write(kernel.Plan);
        Assert.That(new ReadOnlySpan<byte>(kernel.Memory.PointerTo(kernel.Plan.Base, kernel.Plan.Bytes), image.Length).SequenceEqual(image), "byte for byte what kmem tables writes");
        // The image's place is no free memory, and nobody else's.
        Assert.That(kernel.Booted.Map.Flags(kernel.Booted.Map.PfnToPage(kernel.Layout.Pages.ToFrame(kernel.Plan.Base))) & PageFlags.Reserved, Is.EqualTo(PageFlags.Reserved));
        var page = kernel.Layout.Pages.PageSize;
        foreach (var region in kernel.Plan.Map.Regions)
        {
            foreach (var at in new[] { unchecked(region.Virt.Start.Value - page), region.Virt.Start.Value, region.Virt.Start.Value + page, region.Virt.Last.Value & ~(page - 1), region.Virt.End.Wrapped })
            {
                var virt = new VirtAddr(at);
                var meant = kernel.Plan.Map.At(virt);
                foreach (var (access, privilege) in new[] { (AccessRights.Read, Kernel), (AccessRights.Write, Kernel), (AccessRights.Execute, Kernel), (AccessRights.Read, Privilege.User) })
                {
                    var granted = meant is not null && ((privilege == Kernel ? meant.Attributes.Privileged : meant.Attributes.User) & access) != 0;
                    Assert.That(Reaches(kernel.Cpu, virt, access, privilege, out var phys), Is.EqualTo(granted), $"{privilege} {access} at {virt}: {meant}");
                    if (granted)
                        Assert.That(phys, Is.EqualTo(meant!.ToPhys(virt)));
                }
            }
        }
    }

    [TestCaseSource(nameof(MmuBoards))]
    public void After_boot_nothing_is_mapped_one_to_one_any_longer_and_tables_are_used_again(string board)
    {
        using var kernel = MmuKernel.Boot(TestBoards.Repository(board), new MmuKernelOptions { WatchTranslations = true });
        var bugs = 0;
        kernel.Tlbs.BugReported += _ => bugs++;
        foreach (var region in kernel.Plan.Map.Regions.Where(region => region.Rule == MapRule.Identity))
            Assert.That(Reaches(kernel.Cpu, region.Virt.Start, AccessRights.Read, Kernel, out _), Is.False, $"{region.Virt}");
        var first = UseVmalloc(kernel);
        Assert.That(UseVmalloc(kernel), Is.EqualTo(first), "no table is lost");
        Assert.That(bugs, Is.Zero);
    }

    private static long UseVmalloc(MmuKernel kernel)
    {
        var cpu = kernel.Allocator.Cpus[0];
        var areas = Enumerable.Range(0, 20).Select(i => kernel.Vmalloc.Vmalloc(cpu, (ulong)(i + 1) * 70000, caller: "test")!.Value).ToArray();
        foreach (var area in areas)
            kernel.Cpu.Store(area + 69999, 1, 1, Kernel);
        foreach (var area in areas)
            kernel.Vmalloc.Vfree(cpu, area);
        kernel.Vmalloc.Purge(cpu);
        return kernel.Tables.TableCount;
    }

    [TestCase("qemu/virt-cortex-a15", 0x0900_0000ul)]
    [TestCase("qemu/virt-cortex-a53", 0x0900_0000ul)]
    [TestCase("qcom/msm8974", 0xf991_e000ul)]
    [TestCase("pc/pc-64", 0xfed0_0000ul)]
    public void The_driver_of_an_MPU_board_runs_here_as_it_is(string board, ulong at)
    {
        using var kernel = MmuKernel.Boot(TestBoards.Compilation(board));
        var uart = new Uart();
        var registers = new PhysRange(new PhysAddr(at), 0x400);
        kernel.Memory.RequestMemRegion(registers, "uart0", uart);
        Assert.That(UartDriver.Send(kernel, registers, "hello"u8), Is.True);
        Assert.That(uart.Sent, Is.EqualTo("hello"u8.ToArray()));
        var device = kernel.MapDevice(registers)!.Value;
        kernel.Cpu.Writel('!', device);
        Assert.That(uart.Sent[^1], Is.EqualTo((byte)'!'));
        kernel.UnmapDevice(device);
        Assert.That(kernel.MapDevice(new PhysRange(kernel.Layout.Linear.Ram[0].Start, 0x1000)), Is.Null, "System RAM");
        // Too large for kmalloc: from vmalloc, and back.
        var large = kernel.Alloc(8 << 20)!.Value;
        kernel.Cpu.Store(large + (8 << 20) - 8, 8, 42, Kernel);
        Assert.That(kernel.Vmalloc.Contains(large));
        kernel.Free(large);
        Assert.That(kernel.Alloc(1UL << 50), Is.Null);
    }

    [Test]
    public void A_board_as_a_type_boots_from_its_definition()
    {
        using var kernel = MmuKernel<TypedBoard>.Boot();
        Assert.That(kernel.BoardName, Is.EqualTo(TypedBoard.Name));
        Assert.That(kernel.Cpus, Has.Length.EqualTo(2));
        Assert.That(kernel.Cpus[1].Load(kernel.Layout.PageOffset, 4, Kernel), Is.EqualTo(kernel.Memory.ReadUInt32(kernel.Layout.PhysOffset)));
    }

    [Test]
    public void Two_boots_are_equal()
    {
        static string State(MmuKernel kernel) => string.Join("\n", kernel.Booted.Statistics.Early.Select(e => e.ToString()).Append(kernel.Booted.Proc.Read("buddyinfo")).Append($"{kernel.Alloc(100)} {kernel.Vmalloc.Vmalloc(kernel.Allocator.Cpus[0], 4096)}"));
        using var one = MmuKernel.Boot(TestBoards.Repository("qcom/msm8974"));
        using var other = MmuKernel.Boot(TestBoards.Repository("qcom/msm8974"));
        Assert.That(State(one), Is.EqualTo(State(other)));
    }

    private static bool Reaches(IMmuCpu cpu, VirtAddr address, AccessRights access, Privilege privilege, out PhysAddr output)
    {
        output = default;
        try
        {
            output = cpu.Translate(address, access, privilege);
            return true;
        }
        catch (MemoryFaultException)
        {
            return false;
        }
    }
}
