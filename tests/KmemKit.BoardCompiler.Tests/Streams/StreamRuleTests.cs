using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mpu;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Devicetree;
using KmemKit.BoardCompiler.Streams;
using KmemKit.BoardCompiler.Tables;
using KmemKit.BoardCompiler.Tests.Artifacts;
using KmemKit.BoardCompiler.Tests.Devicetree;
using NUnit.Framework;
using CD = KmemKit.Architecture.Smmu.V3.ContextDescriptorFields;
using STE = KmemKit.Architecture.Smmu.V3.StreamTableEntryFields;

namespace KmemKit.BoardCompiler.Tests.Streams;

/// <summary>What each property of the tree gives a master, rule by rule.</summary>
internal sealed class StreamRuleTests
{
    // The board of a diagnostic's passing neighbour, changed where a test looks.
    private static string Board(string id) => File.ReadAllText(Path.Combine(BlobVectors.RepositoryRoot, "tests", "vectors", "diagnostics", id, "good.dts"));

    private static string With(string text, string old, string replacement)
    {
        Assert.That(text, Does.Contain(old));
        return text.Replace(old, replacement, StringComparison.Ordinal);
    }

    private static IEnumerable<(ulong, ulong, ulong, string)> Regions(StreamTablePlan plan, int context = 0) =>
        plan.Smmus[0].Contexts[context].Map.Regions.Select(r => (r.Virt.Start.Value, r.Phys.Value, r.Virt.Size.Value, r.Attributes.User.ToText()));

    [Test]
    public void Reserved_memory_of_a_master_is_mapped_one_to_one()
    {
        var plan = StreamBoards.Plan(Board("KMK6011"));
        Assert.That(Regions(plan), Is.EqualTo(new[] { (0x4800_0000UL, 0x4800_0000UL, 0x20_0000UL, "rw") }));
        Assert.That(plan.Smmus[0].Bindings.Single() is { Master: "dma", Context: 0, Stream: { First: 1, Count: 1 } });
        Assert.That(plan.Smmus[0].Bindings[0].Stream.Span.ToString(), Does.Match(@"^board\.dts\(\d+,\d+\)$"), "the place of the StreamID");
    }

    // Arm IHI 0062, SMMU_IDR0.NUMSIDB, bits 12 to 9: of a match register no more bits stay.
    [TestCase("0x78005e10", 0x7FFFu, true)]
    [TestCase("0x78005e10", 0x8000u, false)]
    [TestCase("0x78000610", 7u, true)]
    [TestCase("0x78000610", 8u, false)]
    public void A_StreamID_of_an_SMMUv2_has_the_bits_that_its_identification_says(string idr0, uint stream, bool fits)
    {
        var text = With(With(Board("KMK6043"), "0x78005e10", idr0), "iommus = <&smmu 0x2>", $"iommus = <&smmu 0x{stream:x}>");
        var result = StreamTablePlanner.Plan(StreamBoards.Layout(text));
        Assert.That(result.Diagnostics.Select(d => d.Id), Is.EqualTo(fits ? [] : new[] { "KMK6005" }));
    }

    [Test]
    public void A_master_that_is_given_nothing_has_no_entry()
    {
        var plan = StreamBoards.Plan(Board("KMK6007"));
        Assert.That((plan.Smmus[0].Masters.Length, plan.Smmus[0].Bindings.Length, plan.Bytes), Is.EqualTo((1, 0, 64UL)));
        Assert.That(StreamWalk.Of(plan, 0, 1, BusAddr.Zero).Outcome, Is.EqualTo(StreamOutcome.Aborted));
    }

    [Test]
    public void Memory_lent_to_movable_pages_is_not_given_away()
    {
        var text = With(Board("KMK6011"), "\t\t\tno-map;\n", "\t\t\tcompatible = \"shared-dma-pool\";\n\t\t\treusable;\n");
        Assert.That(StreamBoards.Plan(text).Smmus[0].Bindings, Is.Empty);
    }

    [Test]
    public void A_disabled_master_and_one_below_a_disabled_bus_are_not_there()
    {
        var board = Board("KMK6011");
        Assert.That(StreamBoards.Plan(With(board, "compatible = \"vendor,dma\";", "status = \"disabled\";")).Smmus[0].Masters, Is.Empty);
        Assert.That(StreamBoards.Plan(With(board, "compatible = \"simple-bus\";", "compatible = \"simple-bus\";\n\t\tstatus = \"disabled\";")).Smmus[0].Masters, Is.Empty);
    }

    [TestCase("", MpuMemoryType.NormalNonCacheable)]
    [TestCase("\t\tdma-coherent;\n", MpuMemoryType.NormalWriteBackWriteAllocate)]
    public void Memory_is_cacheable_for_those_that_keep_coherent(string property, MpuMemoryType type)
    {
        var plan = StreamBoards.Plan(With(Board("KMK6011"), "compatible = \"simple-bus\";\n", "compatible = \"simple-bus\";\n" + property));
        Assert.That(plan.Smmus[0].Contexts[0].Map.Regions[0].Attributes.Memory, Is.EqualTo(type));
    }

    [Test]
    public void An_entry_of_the_policy_says_how_a_region_of_the_tree_is_granted()
    {
        var text = With(Board("KMK6030"), "iommus = <&smmu 0x1>;", "iommus = <&smmu 0x1>;\n\t\t\tmemory-region = <&buffer>;");
        text = With(text, "reg = <0x0 0x44000000 0x0 0x00100000>;", "region = <&buffer>;").Replace("ring@44000000", "ring", StringComparison.Ordinal).Replace("access = \"rw\"", "access = \"r\"", StringComparison.Ordinal);
        Assert.That(Regions(StreamBoards.Plan(text)), Is.EqualTo(new[] { (0x4800_0000UL, 0x4800_0000UL, 0x20_0000UL, "r") }));
    }

    [Test]
    public void A_boot_framebuffer_is_mapped_for_reading_for_the_display_that_shows_it()
    {
        var text = With(Board("KMK6007"), "\tmemory@40000000 {", """
            	chosen {
            		#address-cells = <2>;
            		#size-cells = <2>;
            		ranges;

            		framebuffer-0 {
            			compatible = "simple-framebuffer";
            			memory-region = <&buffer>;
            			display = <&dma>;
            		};
            	};

            	memory@40000000 {
            """);
        Assert.That(Regions(StreamBoards.Plan(text)), Is.EqualTo(new[] { (0x4800_0000UL, 0x4800_0000UL, 0x20_0000UL, "r") }));
    }

    [Test]
    public void Device_addresses_without_memory_are_kept_free()
    {
        var text = With(Board("KMK6010"), "reg = <0x0 0x48400000 0x0 0x00100000>;\n", "").Replace("framebuffer@48400000", "hole", StringComparison.Ordinal)
            .Replace("\t\t\tno-map;\n\t\t};\n\t};", "\t\t};\n\t};", StringComparison.Ordinal);
        text = With(text, "&fb>", "&fb>, <&buffer>");
        var plan = StreamBoards.Plan(text);
        Assert.That(plan.Smmus[0].Contexts[0].Reserved.Single().Range, Is.EqualTo(new BusRange(new BusAddr(0x4840_0000), 0x10_0000)));
        Assert.That(Regions(plan).Single().Item1, Is.EqualTo(0x4800_0000UL));
    }

    [Test]
    public void Bits_that_the_mask_hides_do_not_count_and_every_id_of_the_map_is_a_stream()
    {
        // Requesters 0x8, 0x108, 0x208...: one id. The stretch holds 0x8 to 0x8.
        var text = With(Board("KMK6004"), "iommu-map = <0x8 &smmu 0x0 0x1>", "iommu-map = <0x0 &smmu 0x100 0x100>, <0x0 &smmu 0x100 0x100>").Replace(", <0x0 &smmu 0x100 0x100>", "", StringComparison.Ordinal);
        text = With(text, "iommu-map-mask = <0xff>", "iommu-map-mask = <0xf8>");
        var streams = StreamBoards.Plan(text).Smmus[0].Masters.Single(m => m.Name == "pcie").Streams;
        Assert.That(streams.Select(s => (s.First, s.Count)), Is.EqualTo(Enumerable.Range(0, 32).Select(i => (0x100u + (8 * (uint)i), 1UL))));
    }

    [Test]
    public void A_function_s_node_has_the_id_of_its_requester()
    {
        var text = With(Board("KMK6002"), "iommu-map = <0x0 &smmu 0x0 0x100>;\n", """
            iommu-map = <0x0 &smmu 0x400 0x100>;

            		nic: nic@1,0 {
            			reg = <0x0800 0x0 0x0 0x0 0x0>;
            			memory-region = <&buffer>;
            		};

            """);
        Assert.That(StreamBoards.Plan(text).Smmus[0].Bindings.Single(), Has.Property("Master").EqualTo("nic").And.Property("Stream").Property("First").EqualTo(0x408u));
    }

    [Test]
    public void The_bridge_s_own_addresses_and_the_window_of_message_interrupts_are_kept_free()
    {
        var plan = StreamTablePlanner.Plan(RepositoryBoards.Compile("qemu/virt-smmuv3").Layout!).Plan!;
        Assert.That(plan.Smmus[0].Contexts[0].Reserved.Select(r => (r.Range.Start.Value, r.Range.Size.Value)),
            Is.EqualTo(new[] { (0x800_0000UL, 0x10_0000UL), (0x1000_0000UL, 0x2EFF_0000UL), (0x80_0000_0000UL, 0x80_0000_0000UL) }));
    }

    [Test]
    public void Nested_dma_ranges_let_through_what_all_of_them_do()
    {
        var compilation = StreamBoards.Layout(Board("KMK6008"));
        var path = new DmaPath(compilation.Board, new Diagnostics.DiagnosticBag());
        DeviceTreeNode inner = compilation.Board.Tree.Root.Child("outer")!.Child("inner")!;
        Assert.That(path.WindowsBelow(inner), Is.EqualTo(new[] { new DmaWindow(new BusRange(BusAddr.Zero, 0x1000_0000), new PhysAddr(0x5000_0000)) }));
        Assert.That(path.WindowsBelow(inner.Parent!), Is.EqualTo(new[] { new DmaWindow(new BusRange(new BusAddr(0x4000_0000), 0x2000_0000), new PhysAddr(0x4000_0000)) }));
        Assert.That(path.WindowsBelow(compilation.Board.Tree.Root.Child("bus")!), Is.Null, "no dma-ranges: all of it");
    }

    [Test]
    public void The_image_is_clear_of_the_kernel_s_page_tables_and_of_what_devices_reach()
    {
        foreach (var board in (string[])["qemu/virt-smmuv3"])
        {
            var layout = RepositoryBoards.Compile(board).Layout!;
            var plan = StreamTablePlanner.Plan(layout).Plan!;
            Assert.That(plan.Range.Overlaps(PageTablePlanner.Plan(layout).Plan!.Range), Is.False);
            Assert.That(plan.Smmus[0].Contexts.SelectMany(c => c.Map.Regions).Any(r => r.PhysRange.Overlaps(plan.Range)), Is.False);
        }
    }

    // By hand: 0x44000000 takes 31 bits, a root of two entries at level 1 and a table each of levels 2 and 3; two entries of a linear table; one descriptor.
    [Test]
    public void The_parts_of_the_image_add_up()
    {
        var plan = StreamBoards.Plan(Board("KMK6034"));
        Assert.That(plan.Parts.Select(p => (p.Kind, p.Offset, p.Bytes)), Is.EqualTo(new[]
        {
            (StreamImagePart.PageTables, 0UL, 4096UL + 4096 + 16), (StreamImagePart.StreamTable, 8320UL, 128UL), (StreamImagePart.ContextDescriptor, 8448UL, 64UL),
        }));
    }

    // Cacheability 1 and inner shareable 3, or 0 and outer shareable 2: of descriptor and table fetches, and of the registers' own (Arm IHI 0070, 5.2, 5.4, 6.3.11).
    [TestCase(true, 0xD75u, 1UL, 3UL)]
    [TestCase(false, 0x820u, 0UL, 2UL)]
    public void An_SMMU_that_is_not_coherent_does_not_look_into_caches(bool isCoherent, uint cr1, ulong cacheability, ulong shareability)
    {
        var text = Board("KMK6011");
        var plan = StreamBoards.Plan(isCoherent ? text : With(text, "\t\tdma-coherent;\n", ""));
        Assert.That(plan.Smmus[0].Registers.Single(r => r.Name == "CR1").Value, Is.EqualTo(cr1));
        var entry = SmmuV3Image.Entry(plan.Smmus[0], plan.Smmus[0].Bindings[0]);
        Assert.That((entry[STE.S1CIR], entry[STE.S1COR], entry[STE.S1CSH]), Is.EqualTo((cacheability, cacheability, shareability)));
        var descriptor = SmmuV3Image.Descriptor(plan.Smmus[0], plan.Smmus[0].Contexts[0]);
        Assert.That((descriptor[CD.IR0], descriptor[CD.OR0], descriptor[CD.SH0]), Is.EqualTo((cacheability, cacheability, shareability)));
    }

    [Test]
    public void Masks_join_neighbours_and_never_overlap()
    {
        Assert.That(StreamMatchPlanner.Join([new(4, 4, 0, default)]), Is.EqualTo(new[] { (4u, 3u) }));
        Assert.That(StreamMatchPlanner.Join([new(3, 3, 0, default)]), Is.EqualTo(new[] { (3u, 0u), (4u, 1u) }));
        Assert.That(StreamMatchPlanner.Join([new(0, 1, 3, default), new(2, 1, 5, default)]), Is.EqualTo(new[] { (0u, 3u), (6u, 1u) }));
        for (var seed = 1; seed <= 200; seed++)
        {
            var random = new Random(seed);
            var streams = Enumerable.Range(0, random.Next(1, 8)).Select(_ => random.Next(2) == 0
                ? new MasterStream((uint)random.Next(64), (ulong)random.Next(1, 20), 0, default)
                : new MasterStream((uint)random.Next(64), 1, (uint)random.Next(16), default)).ToList();
            var groups = StreamMatchPlanner.Join(streams);
            for (uint id = 0; id < 128; id++)
                Assert.That(groups.Count(g => ((g.Id ^ id) & ~g.Mask) == 0), Is.EqualTo(streams.Any(s => s.Contains(id)) ? 1 : 0), $"seed {seed}, id {id}");
        }
    }
}
