using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Policies;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Cma;
using KmemKit.Runtime.Contiguous;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Pages;
using KmemKit.Runtime.Proc;
using KmemKit.Runtime.Tests.Harness;
using KmemKit.Runtime.Tests.PageTests;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.MovementTests;

/// <summary>Contiguous areas: lent to movable pages, taken back by moving them.</summary>
internal sealed class CmaTests
{
    // 128 MiB at 1 GiB, an area of 16 MiB at 96 MiB.
    private const ulong Base = 1UL << 18;
    private const ulong AreaStart = Base + (96 << 8);
    private const ulong AreaPages = 16 << 8;

    private const string Nodes = """
        memory@40000000 { device_type = "memory"; reg = <0x0 0x40000000 0x0 0x8000000>; };
        reserved-memory {
            #address-cells = <2>;
            #size-cells = <2>;
            ranges;
            camera@46000000 { compatible = "shared-dma-pool"; reusable; linux,cma-default; reg = <0x0 0x46000000 0x0 0x1000000>; };
        };
        """;

    private const GfpFlags Movable = GfpFlags.HighUserMovable | GfpFlags.NoWarn;

    private Machine _machine = null!;
    private MovableHeap _heap = null!;

    private Cpu Cpu => _machine.Cpu;

    private CmaArea Area => _machine.Allocator.CmaAreas.Single();

    private MemoryZoneView Zone => new(_machine);

    [SetUp]
    public void Boot()
    {
        _machine = Machine.Boot(TestBoards.Arm64(Nodes), new PageAllocatorOptions { Cpus = 1 });
        _heap = new MovableHeap(_machine);
    }

    [TearDown]
    public void End()
    {
        _machine.Allocator.Verify();
        _machine.Dispose();
    }

    [Test]
    public void The_area_of_the_devicetree_is_given_to_the_allocator_as_lent_pageblocks()
    {
        Assert.That((Area.Name, Area.Start.Number, Area.Pages, Area.IsDefault), Is.EqualTo(("camera", AreaStart, AreaPages, true)));
        Assert.That(_machine.Allocator.DefaultCmaArea, Is.SameAs(Area));
        Assert.That(_machine.Allocator.FailedCmaAreas, Is.Empty);
        var info = MemInfo.Of(_machine.Allocator);
        Assert.That((info.CmaTotal, info.CmaFree), Is.EqualTo((16384UL, 16384UL)));
        Assert.That(info.ToString(), Does.Contain("CmaTotal:          16384 kB\nCmaFree:           16384 kB\n"), "as a 4.4 kernel prints it");
        Assert.That(info.Total + (_machine.Map.ReservedRuns.Aggregate(0UL, (sum, run) => sum + run.End - run.First) * 4), Is.EqualTo(128UL << 10), "MemTotal has it");
        var zone = PageTypeInfo.Of(_machine.Allocator).Zones.Single();
        Assert.That(zone.Types[(int)MigrateType.Cma].PageBlocks, Is.EqualTo(8), "16 MiB in pageblocks of 2 MiB");
        Assert.That(zone.Types[(int)MigrateType.Cma].FreeBlocks[10], Is.EqualTo(4));
        Assert.That(_machine.Allocator.Zones[0].CmaPages, Is.EqualTo(AreaPages));
        Assert.That(Area.Statistics().ToString(), Does.StartWith($"camera/base_pfn {AreaStart}\ncamera/count 4096\ncamera/used 0\ncamera/maxchunk 4096\n"));
    }

    [Test]
    public void A_kernels_cma_argument_makes_the_same_area_as_on_the_real_board()
    {
        // Zynq, 256 MiB, 4.4: 4 of its pageblocks of 4 MiB are CMA, CmaTotal is 16384 kB, nothing is HighMem.
        var policy = Machine.ArmPolicy() with { Bootargs = new BootArguments { Cma = Machine.Set(new CmaArgument(16 << 20, null, null)) } };
        using var zynq = Machine.Boot(TargetArchitecture.Arm, policy, null, null, (0, 256 * Machine.MiB, 0));
        var area = zynq.Allocator.CmaAreas.Single();
        Assert.That((area.Name, area.Start.Number), Is.EqualTo(("reserved", 240UL << 8)), "from the top, as its boot log says");
        Assert.That(PageTypeInfo.Of(zynq.Allocator).Zones[0].Types[(int)MigrateType.Cma].PageBlocks, Is.EqualTo(4));
        Assert.That(MemInfo.Of(zynq.Allocator).CmaTotal, Is.EqualTo(16384));
        zynq.Allocator.Verify();
    }

    [Test]
    public void Only_movable_requests_are_served_from_it()
    {
        foreach (var kind in new[] { GfpFlags.Kernel, GfpFlags.Kernel | GfpFlags.Reclaimable })
        {
            foreach (var order in new[] { 9, 3, 0 })
            {
                for (var page = Cpu.AllocPages(kind | GfpFlags.MemAlloc | GfpFlags.NoWarn, order); !page.IsNull; page = Cpu.AllocPages(kind | GfpFlags.MemAlloc | GfpFlags.NoWarn, order))
                    Assert.That(Zone.IsLent(page), Is.False);
            }
        }
        Assert.That(_machine.Allocator.Zones[0].FreePages, Is.EqualTo((long)AreaPages));
        Assert.That(_machine.Allocator.Zones[0].FreeCmaPages, Is.EqualTo((long)AreaPages));
        var movable = 0UL;
        for (var page = Cpu.AllocPage(Movable | GfpFlags.MemAlloc); !page.IsNull; page = Cpu.AllocPage(Movable | GfpFlags.MemAlloc))
            movable += Zone.IsLent(page) ? 1UL : 0;
        Assert.That(movable, Is.EqualTo(AreaPages));
    }

    [Test]
    public void Free_lent_pages_do_not_count_for_the_watermarks_of_others()
    {
        while (!Cpu.AllocPages(GfpFlags.NoWait | GfpFlags.NoWarn, 0).IsNull)
        {
        }
        var zone = _machine.Allocator.Zones[0];
        Assert.That(zone.FreePages - zone.FreeCmaPages, Is.InRange(zone.MinWatermark - 128, zone.MinWatermark + 128), "to within what a list takes at a time");
        Assert.That(zone.FreeCmaPages, Is.EqualTo((long)AreaPages));
        Assert.That(_heap.Alloc(Cpu), Is.Not.Null, "a movable one is served");
    }

    [TestCase(0)]
    [TestCase(4)]
    [TestCase(9)]
    public void Movable_pages_come_from_the_area_while_it_has_more_than_half_of_what_is_free(int order)
    {
        using var machine = Machine.Boot(
            TestBoards.Arm64("""
                memory@40000000 { device_type = "memory"; reg = <0x0 0x40000000 0x0 0x8000000>; };
                reserved-memory {
                    #address-cells = <2>;
                    #size-cells = <2>;
                    ranges;
                    large@41000000 { compatible = "shared-dma-pool"; reusable; reg = <0x0 0x41000000 0x0 0x6000000>; };
                };
                """),
            new PageAllocatorOptions { Cpus = 1 });
        var zone = machine.Allocator.Zones[0];
        var (lent, own) = (0, 0);
        for (var page = machine.Cpu.AllocPages(Movable, order); !page.IsNull; page = machine.Cpu.AllocPages(Movable, order))
        {
            // The rule is kept to within what a CPU's list takes at a time.
            var excess = (2 * zone.FreeCmaPages) - zone.FreePages;
            var isLent = machine.Allocator.PageBlockType(page) == MigrateType.Cma;
            (lent, own) = isLent ? (lent + 1, own) : (lent, own + 1);
            if (!isLent)
                Assert.That(excess, Is.LessThanOrEqualTo(256));
            if (own == 0)
                Assert.That(excess, Is.GreaterThanOrEqualTo(-1024));
        }
        Assert.That((lent > 0, own > 0 || order == 9), Is.EqualTo((true, true)));
        Assert.That(machine.Allocator.SetPageBlockType(machine.Map.PfnToPage(new PageFrame(Base + 512)), MigrateType.Movable), Is.GreaterThanOrEqualTo(0));
        machine.Allocator.Verify();
    }

    [Test]
    public void What_is_lent_moves_out_when_the_area_is_wanted_and_may_come_back()
    {
        var before = FreeAfterDrain();
        LendAll();
        var result = Area.Alloc(Cpu, AreaPages);
        Assert.That(result.Error, Is.EqualTo(ContigError.None));
        Assert.That(_machine.Map.PageToPfn(result.First).Number, Is.EqualTo(AreaStart));
        Assert.That(_heap.Items.Any(item => Zone.IsLent(item.Page)), Is.False);
        Assert.That(_heap.Moved, Is.GreaterThan(1000));
        _heap.CheckContents();
        Assert.That((Area.Statistics().Used, Area.Statistics().LargestFree), Is.EqualTo((AreaPages, 0UL)));
        Assert.That(MemInfo.Of(_machine.Allocator).CmaFree, Is.Zero);
        Assert.That(Area.Alloc(Cpu, 1).Error, Is.EqualTo(ContigError.NoRange));
        Assert.That(Area.Release(Cpu, result.First, AreaPages), Is.True);
        Assert.That(Area.Statistics(), Is.EqualTo(new CmaStatistics("camera", AreaStart, AreaPages, 0, AreaPages, AreaPages, 1, AreaPages)));
        Assert.That((_machine.Allocator.Events.CmaAllocSuccess, _machine.Allocator.Events.CmaAllocFail), Is.EqualTo((1L, 1L)));
        _heap.FreeAll(Cpu);
        Assert.That(FreeAfterDrain(), Is.EqualTo(before));
    }

    [Test]
    public void A_row_is_aligned_as_asked_and_a_part_of_it_can_be_given_back()
    {
        var first = Area.Alloc(Cpu, 3).First;
        var aligned = Area.Alloc(Cpu, 100, 8).First;
        Assert.That(_machine.Map.PageToPfn(aligned).Number, Is.EqualTo(AreaStart + 256));
        Assert.That(_machine.Map.PageToPfn(Area.Alloc(Cpu, 10).First).Number, Is.EqualTo(AreaStart + 3), "the lowest free row");
        Assert.That(Area.Release(Cpu, first, 2), Is.True);
        Assert.That(_machine.Map.PageToPfn(Area.Alloc(Cpu, 2).First).Number, Is.EqualTo(AreaStart));
        Assert.That(Area.Statistics().Used, Is.EqualTo(113));
        Assert.That(Area.Alloc(Cpu, 1, 30).Error, Is.EqualTo(ContigError.NoRange), "no frame of the area is aligned to 4 TiB");
    }

    [Test]
    public void A_row_with_a_pinned_page_is_passed_over()
    {
        LendAll();
        var pinned = _heap.Items.First(item => _machine.Map.PageToPfn(item.Page).Number == AreaStart + 70);
        _machine.Map.GetPage(pinned.Page);
        var result = Area.Alloc(Cpu, 64);
        Assert.That(_machine.Map.PageToPfn(result.First).Number, Is.EqualTo(AreaStart));
        result = Area.Alloc(Cpu, 64);
        Assert.That(_machine.Map.PageToPfn(result.First).Number, Is.EqualTo(AreaStart + 71), "the first row behind it");
        Assert.That(Area.Alloc(Cpu, AreaPages - 71 - 64 + 1).IsOk, Is.False);
        Assert.That(Area.Statistics().Used, Is.EqualTo(128), "what failed holds no page");
        Cpu.FreePage(pinned.Page);
        _heap.CheckContents();
    }

    [Test]
    public void An_unmovable_tenant_is_busy()
    {
        while (!Cpu.AllocPage(Movable | GfpFlags.MemAlloc).IsNull)
        {
        }
        var result = Area.Alloc(Cpu, 1);
        Assert.That((result.Error, result.Errno), Is.EqualTo((ContigError.Unmovable, -16)));
    }

    [Test]
    public void Memory_that_has_no_room_for_the_tenants_keeps_them()
    {
        LendAll();
        while (!Cpu.AllocPage(GfpFlags.Kernel | GfpFlags.MemAlloc | GfpFlags.NoWarn).IsNull)
        {
        }
        var places = _heap.Places();
        var result = Area.Alloc(Cpu, AreaPages);
        Assert.That((result.Error, result.Errno), Is.EqualTo((ContigError.NoMemory, -12)));
        Assert.That(_heap.Places(), Is.EqualTo(places));
    }

    [Test]
    public void Misuse_of_a_release_is_refused_and_changes_nothing()
    {
        var row = Area.Alloc(Cpu, 8).First;
        var outside = Cpu.AllocPage(GfpFlags.Kernel);
        Assert.That(Area.Release(Cpu, outside, 1), Is.False);
        Assert.That(Area.Release(Cpu, row, AreaPages + 1), Is.False);
        Assert.That(Area.Release(Cpu, Page.Null, 1), Is.False);
        Expect(PageErrorKind.NotAllocated, 9);
        _machine.Map.GetPage(row);
        Expect(PageErrorKind.InUse, 8);
        Cpu.FreePage(row);
        Assert.That(Area.Statistics().Used, Is.EqualTo(8));
        Assert.That(Area.Release(Cpu, row, 8), Is.True);
        Expect(PageErrorKind.NotAllocated, 8);
        while (_heap.Alloc(Cpu) is { } item && item.Page != row)
        {
        }
        Expect(PageErrorKind.NotAllocated, 1);
        Assert.That(Area.Alloc(Cpu, 0).Error, Is.EqualTo(ContigError.Invalid));

        void Expect(PageErrorKind kind, ulong count) => Assert.That(Assert.Throws<PageErrorException>(() => Area.Release(Cpu, row, count))!.Kind, Is.EqualTo(kind));
    }

    [Test]
    public void An_area_that_does_not_fill_pageblocks_of_the_allocator_stays_reserved()
    {
        // 2 MiB with pageblocks of 4 MiB, which no kernel of this version has.
        using var machine = Machine.Boot(TestBoards.Arm64(Nodes.Replace("0x0 0x1000000>; };", "0x0 0x200000>; };")), new PageAllocatorOptions { Cpus = 1, PageBlockOrder = 10 });
        Assert.That(machine.Allocator.CmaAreas, Is.Empty);
        Assert.That(machine.Allocator.FailedCmaAreas.Select(failed => (failed.Region.Name, failed.Error)), Is.EqualTo(new[] { ("camera", ContigError.Invalid) }));
        Assert.That(machine.Map.Flags(machine.Map.PfnToPage(new PageFrame(AreaStart))), Is.EqualTo(PageFlags.Reserved));
        machine.Allocator.Verify();
    }

    [Test]
    public void An_area_whose_memory_was_given_away_is_none()
    {
        using var machine = Machine.Boot(TestBoards.Arm64(Nodes), null, memblock => memblock.Free(new PhysAddr(0x46800000), 4096));
        Assert.That(machine.Allocator.FailedCmaAreas.Select(failed => failed.Error), Is.EqualTo(new[] { ContigError.Reserved }));
        machine.Allocator.Verify();
    }

    // Movable pages everywhere, then only those in the area and a quarter of the others stay.
    private void LendAll()
    {
        while (_heap.Alloc(Cpu, 0, Movable | GfpFlags.MemAlloc) is not null)
        {
        }
        var n = 0;
        foreach (var item in _heap.Items)
        {
            if (!Zone.IsLent(item.Page) && n++ % 4 != 0)
                _heap.Free(Cpu, item);
        }
        Assert.That(_heap.Items.Count(item => Zone.IsLent(item.Page)), Is.EqualTo((int)AreaPages));
    }

    private List<uint> FreeAfterDrain()
    {
        _machine.Allocator.DrainAllPages(Cpu);
        return BuddyModelTests.FreeLists(_machine);
    }

    private readonly record struct MemoryZoneView(Machine Machine)
    {
        public bool IsLent(Page page) => Machine.Map.PageToPfn(page).Number is >= AreaStart and < AreaStart + AreaPages;
    }
}
