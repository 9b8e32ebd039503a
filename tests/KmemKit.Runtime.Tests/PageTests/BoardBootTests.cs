using System.Linq;
using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Policies;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Memory;
using KmemKit.Runtime.Pages;
using KmemKit.Runtime.Tests.Harness;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.PageTests;

/// <summary>The repository's boards boot up to the page allocator, and every page of theirs is accounted for.</summary>
internal sealed class BoardBootTests
{
    [TestCase("qcom/msm7x27")]
    [TestCase("qcom/msm7x30")]
    [TestCase("qcom/msm8974")]
    [TestCase("qcom/msm8974-dont-map-hole")]
    [TestCase("qcom/msm8974-vmalloc-saving")]
    [TestCase("qcom/apq8016-sbc")]
    [TestCase("pc/pc-32")]
    [TestCase("pc/pc-pae")]
    [TestCase("pc/pc-64")]
    [TestCase("qemu/virt-cortex-a15")]
    [TestCase("qemu/virt-cortex-a53")]
    [TestCase("qemu/mps2-an385")]
    [TestCase("qemu/mps2-an505")]
    [TestCase("qemu/integratorcp-arm946")]
    public void A_board_boots_and_accounts_for_every_page(string board)
    {
        var layout = TestBoards.Repository(board);
        using var memory = PhysicalMemory.Create(layout);
        var memblock = Memblock.Memblock.FromLayout(layout);
        var map = PageMap.Create(layout, memory, memblock);
        using var allocator = PageAllocator.Boot(layout, memory, memblock, map);
        Assert.That(allocator.Zones.Select(zone => (zone.Name, zone.Node)), Is.EqualTo(layout.Zones.Select(zone => (zone.Name, zone.Node))));
        Assert.That(allocator.Zones.Aggregate(0UL, (sum, zone) => sum + zone.ManagedPages), Is.EqualTo(allocator.TotalPages));
        Assert.That(allocator.Zones.Sum(zone => zone.FreePages), Is.EqualTo((long)allocator.TotalPages));
        var reserved = map.ReservedRuns.Aggregate(0UL, (sum, run) => sum + run.End - run.First);
        Assert.That(reserved + allocator.TotalPages, Is.EqualTo(layout.LowPages + layout.HighPages));
        allocator.Verify();

        var page = allocator.Cpus[0].AllocPages(GfpFlags.HighUserMovable | GfpFlags.Zero, 2);
        Assert.That(layout.Banks.Any(bank => bank.Range.Contains(map.PageToPhys(page))), Is.True);
        allocator.Cpus[0].FreePages(page, 2);
        allocator.DrainAllPages(allocator.Cpus[0]);
        Assert.That(allocator.Zones.Sum(zone => zone.FreePages), Is.EqualTo((long)allocator.TotalPages));
    }

    [Test]
    public void A_sparse_board_of_a_tebibyte_boots_and_its_absent_sections_cost_nothing()
    {
        const ulong Tebi = 1UL << 40;
        var policy = new Policy { LinuxVersion = Machine.Set(new LinuxVersion(6, 1)) };
        using var machine = Machine.Boot(
            TargetArchitecture.Arm64, policy, null, null, (1UL << 32, (1UL << 32) + Machine.GiB, 0), (4 * Tebi, 5 * Tebi, 0));
        Assert.That(machine.Map.Kind, Is.EqualTo(MemoryModelKind.Sparse));
        Assert.That(machine.Map.Frames, Is.EqualTo((Tebi + Machine.GiB) >> 12));
        Assert.That(machine.Map.MetadataBytes, Is.LessThan(32UL * machine.Map.Frames));
        var page = machine.Cpu.AllocPages(GfpFlags.Kernel, 10);
        Assert.That(machine.Map.PfnToPage(machine.Map.PageToPfn(page)), Is.EqualTo(page));
        machine.Cpu.FreePages(page, 10);
        Assert.Throws<PageErrorException>(() => machine.Map.PfnToPage(new Architecture.PageFrame((2 * Tebi) >> 12)));
    }
}
