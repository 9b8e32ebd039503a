using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mpu;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.KernelMaps;
using NUnit.Framework;
using static KmemKit.BoardCompiler.Tests.Tables.SmallBoard;

namespace KmemKit.BoardCompiler.Tests.Tables;

/// <summary>Where the rules of a kernel's map end: the last address of a format, pages that two things share, one page at several addresses.</summary>
internal sealed class KernelMapEdgeTests
{
    private const string OwnImage = "CONFIG_KERNEL_PHYS=0x40200000\nCONFIG_KERNEL_TEXT=\"0xffff800008010000-0xffff800008110000\"\n"
        + "CONFIG_KERNEL_INIT=\"0xffff800008200000-0xffff800008280000\"\nCONFIG_KERNEL_INIT_TEXT=\"0xffff800008210000-0xffff800008220000\"\n"
        + "CONFIG_KERNEL_DATA=\"0xffff800008300000-0xffff800008310800\"\nCONFIG_KERNEL_BSS=\"0xffff800008310800-0xffff800008340000\"\n";

    [Test]
    public void What_ends_where_the_tables_addresses_do_is_mapped_and_a_page_more_is_not()
    {
        var options = new KernelMapOptions(MapStyle.Flat) { PhysicalBits = 32 };
        var inside = Compile("arm,cortex-a53", Arm64, [(0x40000000, 0x10000000), (0xc0000000, 0x30000000)], Device("0xf0000000", "0x10000000"), cells: 2);
        var map = Map(inside, options);
        Assert.That(Rights(map, 0xefffffff), Is.EqualTo("rwx"));
        Assert.That(Rights(map, 0xffffffff), Is.EqualTo("rw"));

        var outside = Compile("arm,cortex-a53", Arm64, [(0x40000000, 0x10000000)], Device("0xf0000000", "0x10001000"), cells: 2);
        var result = KernelMapPlanner.Plan(outside.Layout!, options);
        Assert.That(result.Diagnostics.Select(d => d.Id), Does.Contain("KMK5007"));
        Assert.That(result.Map!.At(new VirtAddr(0xf0000000)), Is.Null);

        var whole = Compile("arm,cortex-a53", Arm64, [(0x40000000, 0xc0000000)], cells: 2);
        Assert.That(Rights(Map(whole, options), 0xffffffff), Is.EqualTo("rwx"), "RAM up to the last address");
        var beyond = Compile("arm,cortex-a53", Arm64, [(0x40000000, 0xc0001000)], cells: 2);
        Assert.That(KernelMapPlanner.Plan(beyond.Layout!, options).Diagnostics.Select(d => d.Id), Does.Contain("KMK5017"));

        static string Device(string start, string bytes) => $"device@f0000000 {{ reg = <0 {start} 0 {bytes}>; }};";
    }

    [Test]
    public void A_linear_map_that_is_one_to_one_is_the_identity_map_too()
    {
        var map = Map("arm,cortex-a9", 0x80000000, Arm + "CONFIG_PAGE_OFFSET=0x80000000\n");
        Assert.That(map.Regions.Where(r => r.Rule == MapRule.Identity), Is.Empty);
        Assert.That(map.At(new VirtAddr(0x80000000))!.Rule, Is.EqualTo(MapRule.LinearMap));
        // A step away there are both.
        var apart = Map("arm,cortex-a9", 0x80000000, Arm + "CONFIG_PAGE_OFFSET=0xc0000000\n");
        Assert.That(apart.At(new VirtAddr(0x80000000))!.Rule, Is.EqualTo(MapRule.Identity));
    }

    [Test]
    public void Of_a_fixmap_without_a_known_start_the_last_2_MiB_have_tables_and_of_another_all_of_it()
    {
        var floor = Map("arm,cortex-a53", 0x40000000, Arm64);
        var line = floor.Layout.Virtual.Single(v => v.Name == "fixed").Range;
        Assert.That(line.Size.Value, Is.GreaterThan(16UL << 20), "a case for the rule");
        Assert.That(floor.EmptyTables.Select(t => (t.Name, t.Virt.End, t.Virt.Size.Value)), Is.EqualTo(new[] { ("fixed", line.End, 2UL << 20) }));

        var given = Map("arm,cortex-a53", 0x40000000, Arm64 + "CONFIG_FIXADDR_START=0xfffffbfffda00000\nCONFIG_FIXADDR_TOP=0xfffffbfffde00000\n");
        Assert.That(given.EmptyTables.Select(t => (t.Name, t.Virt.Start.Value, t.Virt.Size.Value)), Is.EqualTo(new[] { ("fixed", 0xfffffbfffda00000, 4UL << 20) }));
    }

    [Test]
    public void One_processor_of_64_bits_shares_its_memory_and_one_of_32_does_not()
    {
        Assert.That(Map("arm,cortex-a53", 0x40000000, Arm64).Regions.Where(r => r.Rule == MapRule.LinearMap).Select(r => r.Attributes.Shareable), Is.All.True);
        Assert.That(Map("arm,cortex-a9", 0x80000000, Arm).Regions.Where(r => r.Rule == MapRule.LinearMap).Select(r => r.Attributes.Shareable), Is.All.False);
    }

    [Test]
    public void Every_part_of_an_image_is_where_it_is_loaded()
    {
        var map = Map("arm,cortex-a53", 0x40000000, Arm64 + OwnImage);
        // The first byte of the kernel's own map (0xffff800008000000 and the text offset of 6.1, none) is at CONFIG_KERNEL_PHYS by its first section.
        var first = map.At(new VirtAddr(0xffff800008010000))!.Phys.Value - 0x10000;
        foreach (var (address, rights) in new[]
        {
            (0xffff800008010000, "rx"), (0xffff800008200000, "rw"), (0xffff800008210000, "rx"), (0xffff800008220000, "rw"), (0xffff80000827f000, "rw"),
            (0xffff800008300000, "rw"), (0xffff800008310000, "rw"), (0xffff800008311000, "rw"), (0xffff80000833f000, "rw"),
        })
        {
            var region = map.At(new VirtAddr(address))!;
            Assert.That(region.Attributes.Privileged.ToText(), Is.EqualTo(rights), $"{address:x}");
            Assert.That(region.Phys.Value + (address - region.Virt.Start.Value), Is.EqualTo(first + (address - 0xffff800008000000)), $"{address:x}");
        }
        Assert.That(map.At(new VirtAddr(0xffff800008340000)), Is.Null);
    }

    [Test]
    public void Of_two_entries_for_the_same_memory_the_domain_s_counts_while_it_runs()
    {
        var compilation = Compile("arm,cortex-a53", 0x40000000, Arm64, Protection(
            "shared { reg = <0x40400000 0x1000>; privileged = \"r\"; }; domain-task { mine { reg = <0x40400000 0x1000>; privileged = \"rw\"; user = \"rw\"; }; };"));
        var linear = 0xffff000000400000UL;
        Assert.That(Rights(Map(compilation, new KernelMapOptions()), linear), Is.EqualTo("r"));
        var domain = compilation.Board!.Protection!.Domains.Single().Name;
        Assert.That(Rights(Map(compilation, new KernelMapOptions { Domain = domain }), linear), Is.EqualTo("rw"));
    }

    [Test]
    public void A_page_that_is_shareable_at_one_address_and_not_at_another_is_a_finding()
    {
        // The vectors' page keeps what the architecture wants of it, whatever an entry says of RAM, which is one region from end to end here. By physical addresses the
        // identity map, which is of the same memory, lies between the two.
        var found = Plan(" shareable;").Where(d => d.Id == "KMK5022").ToList();
        Assert.That(found, Has.Count.EqualTo(1), string.Join("\n", found));
        Assert.That(found[0].Message, Does.Contain("vectors").And.Contain("0xffff0000"));
        Assert.That(Plan("").Select(d => d.Id), Does.Not.Contain("KMK5022"));

        static ImmutableArray<KmemDiagnostic> Plan(string shareable)
        {
            var compilation = Compile("arm,cortex-a9", 0xd0000000, Arm, Protection(
                $"ram {{ reg = <0xd0000000 0x10000000>; privileged = \"rwx\"; memory-type = \"normal-wbwa\";{shareable} }};"));
            return KernelMapPlanner.Plan(compilation.Layout!, new KernelMapOptions()).Diagnostics;
        }
    }

    [Test]
    public void What_the_kernel_writes_and_its_users_execute_is_a_finding()
    {
        Assert.That(Ids("privileged = \"rw\"; user = \"rx\";"), Does.Contain("KMK5023"));
        Assert.That(Ids("privileged = \"r\"; user = \"rx\";"), Does.Not.Contain("KMK5023"));
        Assert.That(Ids("privileged = \"rw\"; user = \"rw\";"), Does.Not.Contain("KMK5023"));

        static string[] Ids(string rights) => [.. KernelMapPlanner.Plan(Compile("arm,cortex-a53", 0x40000000, Arm64,
            Protection($"page {{ reg = <0x40400000 0x1000>; {rights} }};")).Layout!, new KernelMapOptions()).Diagnostics.Select(d => d.Id)];
    }

    private static string Protection(string entries) => $"protection {{ compatible = \"kmemkit,protection\"; #address-cells = <1>; #size-cells = <1>; {entries} }};";
}
