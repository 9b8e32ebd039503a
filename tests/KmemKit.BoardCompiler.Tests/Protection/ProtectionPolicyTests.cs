using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mpu;
using KmemKit.Architecture.Mpu.Pmsav7;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Protection;
using KmemKit.BoardCompiler.Tests.Boards;
using NUnit.Framework;
using static KmemKit.Architecture.AccessRights;

namespace KmemKit.BoardCompiler.Tests.Protection;

/// <summary>What a protection node says, address by address.</summary>
public class ProtectionPolicyTests
{
    private static BoardCompilation Board(string node, string cpu = "arm,cortex-m4", string more = "") => BoardText.Compile(
        "/dts-v1/;\n/ { #address-cells = <1>; #size-cells = <1>;\n"
        + "cpus { #address-cells = <1>; #size-cells = <0>; cpu@0 { device_type = \"cpu\"; compatible = \"" + cpu + "\"; reg = <0>; }; };\n"
        + "ram: memory@20000000 { device_type = \"memory\"; reg = <0x20000000 0x10000>, <0x30000000 0x1000>; };\n"
        + "soc { compatible = \"simple-bus\"; #address-cells = <1>; #size-cells = <1>; ranges = <0 0x40000000 0x10000>; uart0: serial@1000 { reg = <0x1000 0x100>; }; };\n" + more
        + "protection { compatible = \"kmemkit,protection\"; #address-cells = <1>; #size-cells = <1>;\n" + node + "\n}; };", "CONFIG_ARM=y\nCONFIG_MMU=n\n");

    private static ProtectionPolicy Policy(string node) => Board(node).Board!.Protection!;

    private static AccessRights User(ProtectionPolicy policy, ulong address, string? domain = null) =>
        policy.RightsAt(address, Privilege.User, domain, Pmsav7Format.PmsaV7M);

    [Test]
    public void What_no_entry_covers_is_denied_and_an_entry_inside_another_overrides_it() => Assert.Multiple(() =>
    {
        var policy = Policy("a { reg = <0x1000 0x1000>; privileged = \"rw\"; user = \"r\"; }; b { reg = <0x1800 0x100>; privileged = \"rw\"; user = \"rw\"; }; c { reg = <0x1820 0x20>; };");
        Assert.That(new ulong[] { 0xfff, 0x1000, 0x17ff, 0x1800, 0x181f, 0x1820, 0x183f, 0x1840, 0x1900, 0x1fff, 0x2000 }.Select(a => User(policy, a)),
            Is.EqualTo(new AccessRights[] { None, Read, Read, ReadWrite, ReadWrite, None, None, ReadWrite, Read, Read, None }));
    });

    [Test]
    public void The_order_of_entries_does_not_matter()
    {
        const string Wide = "a { reg = <0x1000 0x1000>; privileged = \"rw\"; user = \"r\"; };", Narrow = "b { reg = <0x1800 0x100>; privileged = \"rw\"; user = \"rw\"; };";
        foreach (var address in new ulong[] { 0x1000, 0x1800, 0x18ff, 0x1900 })
            Assert.That(User(Policy(Wide + Narrow), address), Is.EqualTo(User(Policy(Narrow + Wide), address)));
    }

    [Test]
    public void A_domain_lays_its_entries_over_the_policy_while_it_runs() => Assert.Multiple(() =>
    {
        var policy = Policy(
            "a { reg = <0x1000 0x1000>; privileged = \"rw\"; user = \"r\"; };"
            + "domain-sensor { mine { reg = <0x1000 0x1000>; privileged = \"rw\"; user = \"rw\"; }; away { reg = <0x5000 0x20>; privileged = \"rw\"; user = \"rw\"; }; };"
            + "motor: domain@1 { label = \"wheel\"; };");
        Assert.That(policy.Domains.Select(d => d.Name), Is.EqualTo(new[] { "sensor", "wheel" }));
        Assert.That(User(policy, 0x1000), Is.EqualTo(Read));
        Assert.That(User(policy, 0x1000, "sensor"), Is.EqualTo(ReadWrite), "of two equal ranges the domain's counts");
        Assert.That(User(policy, 0x5000, "sensor"), Is.EqualTo(ReadWrite));
        Assert.That(User(policy, 0x5000, "wheel"), Is.EqualTo(None));
        Assert.That(() => User(policy, 0, "nobody"), Throws.ArgumentException);
    });

    [Test]
    public void The_background_is_the_architectures_default_map_for_privileged_code_only() => Assert.Multiple(() =>
    {
        var policy = Policy("privileged-background; a { reg = <0x20000000 0x20>; };");
        Assert.That(policy.RightsAt(0x2000_0020, Privilege.Privileged, null, Pmsav7Format.PmsaV7M), Is.EqualTo(All));
        Assert.That(policy.RightsAt(0x4000_0000, Privilege.Privileged, null, Pmsav7Format.PmsaV7M), Is.EqualTo(ReadWrite), "devices are never executed");
        Assert.That(policy.RightsAt(0x2000_0000, Privilege.Privileged, null, Pmsav7Format.PmsaV7M), Is.EqualTo(None), "a hole is a hole in the background too");
        Assert.That(User(policy, 0x2000_0020), Is.EqualTo(None));
    });

    [Test]
    public void A_reference_grants_every_range_of_the_node_at_the_addresses_of_the_CPU()
    {
        var policy = Policy("all { region = <&ram>, <&uart0>; privileged = \"rw\"; };");
        Assert.That(policy.Entries.Select(e => (e.Name, e.Range.Start.Value, e.Range.Size.Value)), Is.EqualTo(new[]
        {
            ("all[0]", 0x2000_0000UL, 0x1_0000UL), ("all[1]", 0x3000_0000UL, 0x1000UL), ("all[2]", 0x4000_1000UL, 0x100UL),
        }));
        Assert.That(policy.Entries.Select(e => e.Attributes.Memory),
            Is.EqualTo(new[] { MpuMemoryType.NormalWriteBack, MpuMemoryType.NormalWriteBack, MpuMemoryType.Device }), "by what is there");
    }

    [TestCase("arm,arm740t", "arm740t", 8)]
    [TestCase("arm,arm940t", "arm940t", 8)]
    [TestCase("arm,arm946e-s", "arm946e-s", 8)]
    [TestCase("arm,arm1026ej-s", "arm1026ej-s", 8)]
    [TestCase("arm,arm1156t2-s", "pmsav6", 16)]
    [TestCase("arm,cortex-m0+", "pmsav7-m", 8)]
    [TestCase("arm,cortex-m4f", "pmsav7-m", 8)]
    [TestCase("arm,cortex-m33", "pmsav8-m", null)]
    [TestCase("arm,cortex-r5f", "pmsav7-r", null)]
    [TestCase("arm,cortex-r52", "pmsav8-r", null)]
    [TestCase("arm,cortex-r82", "pmsav8-r64", null)]
    [TestCase("arm,cortex-m0", null, null)]
    [TestCase("arm,cortex-a9", null, null)]
    public void A_core_says_which_unit_it_has(string cpu, string? format, int? regions)
    {
        var mpu = Board("", cpu).Board!.Mpu;
        Assert.That((mpu?.Format.Name, mpu?.RegionCount), Is.EqualTo((format, regions)));
    }

    [Test]
    public void A_node_of_the_unit_and_the_policy_say_how_many_regions_there_are() => Assert.Multiple(() =>
    {
        const string Unit = "mpu@e000ed90 { compatible = \"arm,armv8m-mpu\"; reg = <0xe000ed90 0x40>; arm,num-mpu-regions = <8>; };\n";
        Assert.That(Board("", "arm,cortex-m33", Unit).Board!.Mpu!.RegionCount, Is.EqualTo(8));
        Assert.That(Board("regions = <16>;", "arm,cortex-m33", Unit).Board!.Mpu!.RegionCount, Is.EqualTo(16));
        Assert.That(Board("mpu = \"pmp-rv32\"; regions = <16>; granule = <64>;").Board!.Mpu!.Format.Granule, Is.EqualTo(64));
    });

    /// <summary>A core with a unit for EL2 beside that of EL1: the policy says which one it is for, with how many regions, and whether its default map stands behind them.</summary>
    [TestCase("arm,cortex-r52", "pmsav8-r-el2")]
    [TestCase("arm,cortex-r82", "pmsav8-r64-el2")]
    public void The_policy_may_be_for_the_unit_of_EL2_with_its_own_regions_and_background(string cpu, string format) => Assert.Multiple(() =>
    {
        const string Guest = "guest { reg = <0x20000000 0x10000>; privileged = \"rw\"; user = \"rw\"; memory-type = \"normal-wb\"; };\n";
        foreach (var (background, known) in new[] { ("privileged-background;", ReadWrite), ("", None) })
        {
            var compilation = Board($"mpu = \"{format}\"; regions = <24>; {background} {Guest}", cpu);
            Assert.That((compilation.Board!.Mpu!.Format.Name, compilation.Board.Mpu.RegionCount), Is.EqualTo((format, 24)));
            Assert.That(compilation.MpuPlan, Is.Not.Null, string.Join('\n', compilation.Diagnostics));
            var plan = compilation.MpuPlan!;
            Assert.That((plan.Used, plan.Available, plan.LowerBound), Is.EqualTo((1, 24, 1)));
            var table = plan.Mpu.Format.Decode(plan.RegistersOf(null));
            Assert.That(table.Decide(0x2000_ffff, Privilege.User).Rights, Is.EqualTo(ReadWrite));
            Assert.That(table.Decide(0x2001_0000, Privilege.User).Rights, Is.EqualTo(None));
            Assert.That(table.Decide(0x2001_0000, Privilege.Privileged).Rights & ReadWrite, Is.EqualTo(known));
        }
    });

    [Test]
    public void A_board_with_translation_has_the_same_policy_and_needs_no_unit()
    {
        var board = BoardText.Small("protection { compatible = \"kmemkit,protection\"; #address-cells = <1>; #size-cells = <1>; a { reg = <0x80000000 0x1000>; user = \"r\"; }; };");
        Assert.That(board.Board!.Protection!.Entries, Has.Length.EqualTo(1));
        Assert.That(board.Diagnostics.Select(d => d.Id), Has.None.StartsWith("KMK4"));
    }

    [Test]
    public void A_partial_overlap_names_both_entries_and_both_ranges()
    {
        var finding = Board("a { reg = <0x1000 0x1000>; user = \"r\"; privileged = \"r\"; };\nb { reg = <0x1800 0x1000>; user = \"r\"; privileged = \"r\"; };")
            .Diagnostics.Single(d => d.Id == "KMK4021");
        Assert.That(finding.Message, Does.Contain("/protection/b [0x1800, 0x2800)").And.Contain("/protection/a [0x1000, 0x2000)").And.Contain("[0x1800, 0x2000)"));
        Assert.That(finding.Span.ToString(), Does.StartWith("board.dts("));
    }
}
