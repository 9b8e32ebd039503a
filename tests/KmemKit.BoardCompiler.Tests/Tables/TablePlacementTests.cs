using System;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.KernelMaps;
using KmemKit.BoardCompiler.Tables;
using NUnit.Framework;
using static KmemKit.BoardCompiler.Tests.Tables.SmallBoard;

namespace KmemKit.BoardCompiler.Tests.Tables;

/// <summary>Where an image goes, and which leaves and counts it has.</summary>
internal sealed class TablePlacementTests
{
    private const string X64 = "CONFIG_X86_64=y\nCONFIG_LINUX_VERSION=\"6.1\"\n";
    private const string X86 = "CONFIG_X86_32=y\nCONFIG_LINUX_VERSION=\"6.1\"\n";
    private const string Reserved = "reserved-memory { #address-cells = <1>; #size-cells = <1>; ranges; kept@85000000 { reg = <0x85000000 0x100000>; }; };";

    [Test]
    public void A_PC_s_image_is_where_32_bits_reach_though_there_is_higher_memory()
    {
        var compilation = Compile("intel,core", X64, [(0x100000, 0x7ff00000), (0x1_0000_0000, 0x4000_0000)], cells: 2);
        var plan = Plan(compilation);
        Assert.That(plan.Range.End.Value, Is.LessThanOrEqualTo(0x8000_0000));
        Assert.That(plan.BaseIsChosen);
    }

    [Test]
    public void An_image_is_not_where_vectors_areas_or_the_image_are()
    {
        var compilation = Compile("arm,cortex-a9", 0x80000000, Arm + ArmImage + "CONFIG_CMDLINE=\"cma=64M\"\n", Reserved);
        var plan = Plan(compilation);
        var layout = compilation.Layout!;
        Assert.That(layout.CmaAreas, Is.Not.Empty);
        Assert.That(layout.CmaAreas.Where(c => c.Range.Overlaps(plan.Range)), Is.Empty);
        Assert.That(layout.CmaAreas.Where(c => c.Range.Overlaps(plan.Map.VectorsPage!.Value)), Is.Empty);
        Assert.That(plan.Map.VectorsPage!.Value.Overlaps(plan.Range), Is.False);

        var refused = PageTablePlanner.Plan(layout, new PageTableOptions { Base = new PhysAddr(plan.Map.VectorsPage!.Value.Start.Value & ~0x3fffUL) });
        Assert.That(refused.Diagnostics.Single(d => d.Id == "KMK5061").Message, Does.Contain("vectors"));
    }

    [Test]
    public void The_owner_of_reserved_memory_may_give_it_to_the_tables_and_none_that_is_half_outside()
    {
        var layout = Compile("arm,cortex-a9", 0x80000000, Arm, Reserved).Layout!;
        Assert.That(PageTablePlanner.Plan(layout, new PageTableOptions { Base = new PhysAddr(0x85000000) }).Plan!.Base.Value, Is.EqualTo(0x85000000));
        var refused = PageTablePlanner.Plan(layout, new PageTableOptions { Base = new PhysAddr(0x850fc000) });
        Assert.That(refused.Diagnostics.Single(d => d.Id == "KMK5061").Message, Does.Contain("kept"));
    }

    [Test]
    public void An_image_may_lie_across_two_banks_that_touch_and_may_not_reach_into_nothing()
    {
        // In two regs, so that they stay two.
        var layout = Compile("arm,cortex-a9", Arm, [(0x80000000, 0x5002000), (0x85002000, 0xaffe000)]).Layout!;
        Assert.That(PageTablePlanner.Plan(layout, new PageTableOptions { Base = new PhysAddr(0x85000000) }).Plan!.Base.Value, Is.EqualTo(0x85000000));
        var apart = Compile("arm,cortex-a9", Arm, [(0x80000000, 0x5002000), (0x85100000, 0xaf00000)]).Layout!;
        var refused = PageTablePlanner.Plan(apart, new PageTableOptions { Base = new PhysAddr(0x85000000) });
        Assert.That(refused.Diagnostics.Single(d => d.Id == "KMK5061").Message, Does.Contain("0x85002000 is no RAM"));
    }

    [Test]
    public void An_image_may_end_with_the_last_byte_that_the_tables_reach()
    {
        // The tables of x86-64 are whole pages.
        var bits = Plan(Compile("intel,core", X64, [(0x100000, 0x7ff00000)], cells: 2)).Regime.Trees[0].Format.OutputBits;
        var end = 1UL << bits;
        var sram = FormattableString.Invariant($"sram {{ compatible = \"mmio-sram\"; reg = <0x{(end - 1) >> 32:x} 0xfff00000 0 0x100000>; }};");
        var layout = Compile("intel,core", X64, [(0x100000, 0x7ff00000)], sram, cells: 2).Layout!;
        var last = new PhysAddr(end - PageTablePlanner.Plan(layout).Plan!.Bytes);
        var result = PageTablePlanner.Plan(layout, new PageTableOptions { Base = last });
        Assert.That(result.Plan?.Range.End.Value, Is.EqualTo(end), string.Join("\n", result.Diagnostics));
        Assert.That(PageTablePlanner.Plan(layout, new PageTableOptions { Base = last + 0x1000 }).Diagnostics.Select(d => d.Id), Does.Contain("KMK5060"));
    }

    [Test]
    public void Two_roots_of_two_entries_are_each_aligned_as_their_register_wants()
    {
        // VMSAv8-64, 16 KiB, 48 bits: the first level has two entries, of the identity map too where RAM lies that high, and TTBRn_EL1 leaves out bits 5:0 (Arm ARM, D8.2.6).
        var plan = Plan(Compile("arm,armv8", Arm64 + "CONFIG_ARM64_16K_PAGES=y\n", [(0x8000_4000_0000, 0x10000000)], cells: 2));
        var small = plan.Roots.Where(r => plan.Tables[r].Bytes < 64).ToList();
        Assert.That(small, Has.Count.GreaterThan(1), "a case for the rule");
        Assert.That(small.Select(r => plan.AddressOf(r).Value % 64), Is.All.Zero);
    }

    [Test]
    public void Leaves_of_several_entries_are_counted_apart()
    {
        var compilation = Compile("arm,cortex-a53", 0x40000000, Arm64,
            "protection { compatible = \"kmemkit,protection\"; #address-cells = <1>; #size-cells = <1>; hint { reg = <0x40510000 0x10000>; privileged = \"r\"; };"
            + " page { reg = <0x40405000 0x1000>; privileged = \"rw\"; }; };");
        var pages = Plan(compilation).Levels.Single(l => l.IsLast);
        Assert.That((pages.Entries, pages.Grouped), Is.EqualTo((17L, 16L)));
    }

    [Test]
    public void Regions_that_continue_each_other_share_a_block()
    {
        // Lowmem ends at 760 MiB, in the middle of a gigabyte.
        var layout = Compile("arm,cortex-a15", Arm + "CONFIG_ARM_LPAE=y\n", [(0x80000000, 0x40000000)]).Layout!;
        var plan = PageTablePlanner.Plan(layout, new PageTableOptions { Style = MapStyle.Flat, Format = "arm-lpae" }).Plan!;
        Assert.That(plan.Map.Regions.Select(r => r.Name), Is.EqualTo(new[] { "lowmem", "highmem" }));
        Assert.That(plan.Levels.Select(l => (l.Level, l.Entries, l.Pointers)), Is.EqualTo(new[] { (1, 1L, 0) }));
    }

    [Test]
    public void A_region_that_begins_in_a_tree_and_ends_outside_is_refused_whole()
    {
        var flat = new PageTableOptions { Style = MapStyle.Flat };
        var regime = PageTablePlanner.Plan(Compile("arm,cortex-a53", Arm64, [(0x40000000, 0x10000000)], cells: 2).Layout!, flat).Plan!.Regime;
        var end = regime.Trees.Single().Format.InputRanges[0].End.Value;
        var across = Map(Compile("arm,armv8", Arm64, [(end - 0x4000_0000, 0x8000_0000)], cells: 2), new KernelMapOptions(MapStyle.Flat));
        var refused = PageTablePlanner.Plan(across, regime);
        Assert.That(refused.Diagnostics.Select(d => d.Id), Does.Contain("KMK5055"));
        Assert.That(refused.Plan, Is.Null);
        var within = Map(Compile("arm,armv8", Arm64, [(end - 0x4000_0000, 0x4000_0000)], cells: 2), new KernelMapOptions(MapStyle.Flat));
        Assert.That(PageTablePlanner.Plan(within, regime).Plan, Is.Not.Null);
    }

    [Test]
    public void Without_a_bit_against_execution_the_rules_regions_are_executed_and_an_entry_is_refused()
    {
        var open = PageTablePlanner.Plan(Compile("intel,pentium", 0x0, X86 + "CONFIG_KERNEL_TEXT=\"0xc1000000-0xc1100000\"\n", "").Layout!);
        Assert.That(open.Diagnostics.Select(d => d.Id), Does.Contain("KMK5062"));
        Assert.That(Rights(open.Plan!.Map, 0xc2000000), Is.EqualTo("rwx"));

        var refused = PageTablePlanner.Plan(Compile("intel,pentium", 0x0, X86,
            "protection { compatible = \"kmemkit,protection\"; #address-cells = <1>; #size-cells = <1>; data { reg = <0x2000000 0x1000>; privileged = \"rw\"; }; };").Layout!);
        Assert.That(refused.Diagnostics.Select(d => d.Id), Does.Contain("KMK5056"));
        // Nothing was widened, so nothing is said of it.
        Assert.That(refused.Diagnostics.Select(d => d.Id), Does.Not.Contain("KMK5062"));
    }

    private static PageTablePlan Plan(BoardCompilation compilation)
    {
        var result = PageTablePlanner.Plan(compilation.Layout!);
        Assert.That(result.Plan, Is.Not.Null, string.Join("\n", result.Diagnostics));
        return result.Plan!;
    }
}
