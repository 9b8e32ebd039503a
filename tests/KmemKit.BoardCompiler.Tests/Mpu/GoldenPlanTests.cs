using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mpu;
using KmemKit.Architecture.Mpu.Pmp;
using KmemKit.Architecture.Mpu.Pmsav5;
using KmemKit.Architecture.Mpu.Pmsav7;
using KmemKit.Architecture.Mpu.Pmsav8;
using KmemKit.BoardCompiler.Mpu;
using KmemKit.BoardCompiler.Protection;
using NUnit.Framework;

namespace KmemKit.BoardCompiler.Tests.Mpu;

/// <summary>Plans whose least tables are known.</summary>
public class GoldenPlanTests
{
    private static MpuPlan Plan(MpuFormat format, ProtectionPolicy policy, int? regions = null)
    {
        var result = MpuPlanner.Plan(policy, RandomPolicy.Unit(format, regions));
        Assert.That(result.Plan, Is.Not.Null, string.Join("\n", result.Diagnostics));
        Assert.That(result.Plan!.LowerBound, Is.EqualTo(result.Plan.Used), "proved");
        return result.Plan;
    }

    private static ProtectionPolicy One(ulong start, ulong size) => RandomPolicy.Of(("e", start, size, "rw", "rw"));

    [Test]
    public void Sixty_two_megabytes_at_0x70000000_take_two_regions() => Assert.That(
        Plan(Pmsav7Format.PmsaV7M, One(0x7000_0000, 62 << 20)).Static.Select(r => (r.Region.Range.ToString(), r.Region.SubregionDisable)),
        Is.EquivalentTo(new[] { ("[0x70000000, 0x74000000)", (byte)0x80), ("[0x73800000, 0x74000000)", (byte)0xc0) }));

    [Test]
    public void Code_RAM_from_0x10070000_to_0x100c0000_takes_two_regions() =>
        Assert.That(Plan(Pmsav7Format.PmsaV7M, One(0x1007_0000, 0x5_0000)).Used, Is.EqualTo(2));

    [Test]
    public void A_partition_of_0x30000_is_never_rounded_to_0x40000() => Assert.Multiple(() =>
    {
        foreach (var format in new MpuFormat[] { Pmsav5Format.Arm946ES, Pmsav7Format.PmsaV6, Pmsav7Format.PmsaV7R, Pmsav7Format.PmsaV7M })
        {
            // 3/4 of an aligned block of 0x40000: two powers of two, or one region with two of its eighths off.
            var plan = Plan(format, One(0x4_0000, 0x3_0000));
            Assert.That(plan.Used, Is.EqualTo(format.SmallestWithSubregions > 0 ? 1 : 2), format.Name);
            Assert.That(plan.WasteBytes, Is.Zero);
            var table = format.Decode(plan.RegistersOf(null));
            Assert.That(table.Decide(0x6_ffff, Privilege.User).Rights, Is.EqualTo(AccessRights.ReadWrite));
            Assert.That(table.Decide(0x7_0000, Privilege.Privileged).Rights, Is.EqualTo(AccessRights.None));
        }
    });

    [TestCase("pmsav7-m", 1, TestName = "PMSAv7: one region each for what is one power of two")]
    [TestCase("pmsav8-m", 1, TestName = "PMSAv8: one region each")]
    [TestCase("pmsav7-r", 1, TestName = "PMSAv7-R: one region each")]
    public void Regions_at_the_ends_of_the_space(string name, int each)
    {
        var format = MpuFormats.Find(name)!;
        Assert.Multiple(() =>
        {
            Assert.That(Plan(format, One(0, 0x1000)).Used, Is.EqualTo(each), "at 0");
            Assert.That(Plan(format, One(0xffff_0000, 0x1_0000)).Used, Is.EqualTo(each), "ending at 4 GiB");
            Assert.That(Plan(format, One(0x2000_0000, 32)).Used, Is.EqualTo(each), "32 bytes");
            var all = Plan(format, One(0, 1UL << 32));
            Assert.That(all.Static.Single().Region.Range.Size, Is.EqualTo(new AddressLimit(1UL << 32)), "4 GiB");
        });
    }

    [Test]
    public void A_hole_in_a_block_is_a_region_above_it_and_not_many_beside_it() => Assert.Multiple(() =>
    {
        var policy = RandomPolicy.Of(("block", 0, 0x10_0000, "rw", "rw"), ("hole", 0x4_3000, 0x1000, "", ""));
        Assert.That(Plan(Pmsav5Format.Arm946ES, policy).Used, Is.EqualTo(2));
        Assert.That(Plan(Pmsav7Format.PmsaV6, policy).Used, Is.EqualTo(2));
        Assert.That(Plan(Pmsav8Format.PmsaV8M, policy).Used, Is.EqualTo(2), "before and behind the hole");
    });

    [Test]
    public void A_range_of_PMP_takes_two_entries_and_a_chain_one_more_for_each_link() => Assert.Multiple(() =>
    {
        ProtectionPolicy Background(params (string, ulong, ulong, string, string)[] entries) => RandomPolicy.Of(entries) with { PrivilegedBackground = true };
        Assert.That(Plan(PmpFormat.Rv32, Background(("a", 0x1000, 0x3000, "rwx", "r"))).Used, Is.EqualTo(2));
        Assert.That(Plan(PmpFormat.Rv32, Background(("a", 0, 0x3000, "rwx", "r"))).Used, Is.EqualTo(1), "from 0 the base is free");
        Assert.That(Plan(PmpFormat.Rv32, Background(("a", 0x1000, 0x1000, "rwx", "r"), ("b", 0x2000, 0x3000, "rwx", "rw"))).Used, Is.EqualTo(2), "behind a power of two");
        Assert.That(Plan(PmpFormat.Rv32, Background(("a", 0x1000, 0x3000, "rwx", "r"), ("b", 0x4000, 0x3000, "rwx", "rw"), ("c", 0x7000, 0x5000, "rwx", "rx"))).Used, Is.EqualTo(4));
        Assert.That(Plan(PmpFormat.Rv32, Background(("a", 0x1000, 0x1000, "rwx", "rw"), ("b", 0x1400, 0x400, "rwx", "r"))).Used, Is.EqualTo(2), "a block in a block: four edges, two entries");
        Assert.That(Plan(PmpFormat.Rv32, RandomPolicy.Of(("a", 0x1000, 0x1000, "rwx", "r"))).Used, Is.EqualTo(2), "and a locked entry over everything that denies M-mode");
    });

    [Test]
    public void Separate_instruction_regions_are_planned_apart() => Assert.Multiple(() =>
    {
        var plan = Plan(Pmsav5Format.Arm940T, RandomPolicy.Of(("code", 0, 0x10000, "rwx", "rx"), ("data", 0x10000, 0x10000, "rw", "rw")));
        Assert.That(plan.Spaces.Select(s => (s.Space, s.Used)), Is.EqualTo(new[] { (MpuSpace.Data, 2), (MpuSpace.Instruction, 1) }));
        Assert.That(plan.Available, Is.EqualTo(16));
    });

    [Test]
    public void A_switch_writes_only_what_differs() => Assert.Multiple(() =>
    {
        var policy = RandomPolicy.Of(("code", 0, 0x10000, "rx", "rx"), ("ram", 0x2000_0000, 0x10000, "rw", "")) with
        {
            Domains =
            [
                new ProtectionDomain("a", [RandomPolicy.Entry(("stack", 0x2000_1000, 0x400, "rw", "rw"))], default),
                new ProtectionDomain("b", [RandomPolicy.Entry(("stack", 0x2000_8000, 0x800, "rw", "rw"))], default),
            ],
        };
        foreach (var format in new MpuFormat[] { Pmsav7Format.PmsaV7M, Pmsav7Format.PmsaV7R })
        {
            var plan = Plan(format, policy, 8);
            Assert.That(plan.Static, Has.Length.EqualTo(2), format.Name);
            Assert.That(plan.Domains.Select(d => d.Regions.Length), Is.EqualTo(new[] { 0, 1, 1 }), format.Name);
            Assert.That(plan.Domains[1].Regions[0].Region.Number, Is.EqualTo(2), "above the static ones");
        }
        // Regions that may not overlap: the RAM around each stack is the domain's.
        var split = Plan(Pmsav8Format.PmsaV8M, policy, 8);
        Assert.That(split.Static, Has.Length.EqualTo(1));
        Assert.That(split.Domains.Select(d => d.Regions.Length), Is.EqualTo(new[] { 1, 3, 3 }));
    });

    [Test]
    public void Rounding_saves_regions_and_its_bytes_are_told() => Assert.Multiple(() =>
    {
        var policy = One(0x4_0000, 0x3_0000);
        var rounded = policy with { Entries = [policy.Entries[0] with { AllowRounding = true }] };
        var result = MpuPlanner.Plan(rounded, RandomPolicy.Unit(Pmsav5Format.Arm946ES));
        Assert.That(result.Plan!.Used, Is.EqualTo(1));
        Assert.That(result.Plan.WasteBytes, Is.EqualTo(0x1_0000));
        Assert.That(result.Diagnostics.Single().Message, Does.Contain("65536 bytes"));
        Assert.That(Plan(Pmsav7Format.PmsaV7M, rounded).WasteBytes, Is.Zero, "where exact is as cheap, it is exact");
    });

    [Test]
    public void Addresses_with_nothing_there_may_be_covered_where_the_policy_says_so() => Assert.Multiple(() =>
    {
        var policy = One(0x4_0000, 0x3_0000);
        var populated = policy with { Populated = [policy.Entries[0].Range] };
        Assert.That(Plan(Pmsav5Format.Arm946ES, populated).Used, Is.EqualTo(1));
        Assert.That(Plan(Pmsav5Format.Arm946ES, policy with { Populated = [policy.Entries[0].Range, new PhysRange(new PhysAddr(0x7_0000), 0x1000)] }).Used, Is.EqualTo(2));
    });

    [Test]
    public void What_does_not_fit_names_the_count_the_dearest_entry_and_the_cheapest_change()
    {
        var policy = RandomPolicy.Of(("small", 0, 0x1000, "rw", "rw"), ("odd", 0x1_0000, 0xf000, "rw", "r"));
        // A page at 0; 64 KiB, and a region that denies the last page of it.
        var result = MpuPlanner.Plan(policy, RandomPolicy.Unit(Pmsav7Format.PmsaV6, 2));
        var finding = result.Diagnostics.Single();
        Assert.Multiple(() =>
        {
            Assert.That(result.Plan, Is.Null);
            Assert.That(finding.Id, Is.EqualTo("KMK4101"));
            Assert.That(finding.Message, Does.Contain("needs 3 regions").And.Contain("has 2").And.Contain("/odd [0x10000, 0x1f000) costs 2")
                .And.Contain("grow the end of /odd by 4096 bytes, to [0x10000, 0x20000)"));
        });
    }

    [Test]
    public void An_entry_is_rounded_to_the_power_of_two_at_its_size_and_no_further()
    {
        var policy = RandomPolicy.Of(("a", 0, 0x3_0000, "rw", "rw"), ("b", 0x4_0000, 0x3_0000, "rw", "rw"));
        var plan = Plan(Pmsav5Format.Arm946ES, policy with { Entries = [policy.Entries[0], policy.Entries[1] with { AllowRounding = true }] });
        // 512 KiB would do for both if the 64 KiB behind a could be had; so it takes a region that denies them.
        Assert.That((plan.Used, plan.WasteBytes), Is.EqualTo((2, 0x1_0000UL)));
    }

    [Test]
    public void What_a_region_above_decides_is_no_waste()
    {
        var policy = RandomPolicy.Of(("b", 0x4_0000, 0x3_0000, "rw", "rw"), ("c", 0x7_0000, 0x8000, "rw", ""));
        var plan = Plan(Pmsav5Format.Arm946ES, policy with { Entries = [policy.Entries[0] with { AllowRounding = true }, policy.Entries[1]] });
        Assert.That((plan.Used, plan.WasteBytes), Is.EqualTo((2, 0x8000UL)));
    }

    [Test]
    public void A_change_in_one_domain_is_no_advice_where_another_does_not_fit_either()
    {
        var domains = new[] { "a", "b" }.Select(name => new ProtectionDomain(name,
            [RandomPolicy.Entry(("small", 0, 0x1000, "rw", "rw")), RandomPolicy.Entry(("odd", 0x1_0000, 0xf000, "rw", "r"))], default));
        var finding = MpuPlanner.Plan(new ProtectionPolicy { Domains = [.. domains] }, RandomPolicy.Unit(Pmsav7Format.PmsaV6, 2)).Diagnostics.Single();
        Assert.That(finding.Message, Does.Contain("needs 3 regions").And.Contain("no change of one entry's place or size"));
    }

    [Test]
    public void A_change_in_the_one_domain_that_does_not_fit_is_advised()
    {
        var domains = new[]
        {
            new ProtectionDomain("a", [RandomPolicy.Entry(("small", 0, 0x1000, "rw", "rw")), RandomPolicy.Entry(("odd", 0x1_0000, 0xf000, "rw", "r"))], default),
            new ProtectionDomain("b", [RandomPolicy.Entry(("only", 0, 0x1000, "rw", "rw"))], default),
        };
        var finding = MpuPlanner.Plan(new ProtectionPolicy { Domains = [.. domains] }, RandomPolicy.Unit(Pmsav7Format.PmsaV6, 2)).Diagnostics.Single();
        Assert.That(finding.Message, Does.Contain("needs 3 regions").And.Contain("grow the end of /odd by 4096 bytes"));
    }

    [Test]
    public void Of_two_changes_that_fit_the_one_of_fewer_bytes_is_advised()
    {
        var finding = MpuPlanner.Plan(RandomPolicy.Of(("dear", 0x1_0000, 0x3000, "rw", "rw"), ("cheap", 0x2_0000, 0x300, "rw", "rw")), RandomPolicy.Unit(Pmsav7Format.PmsaV6, 3)).Diagnostics.Single();
        Assert.That(finding.Message, Does.Contain("needs 4 regions").And.Contain("grow the end of /cheap by 256 bytes, to [0x20000, 0x20400)"));
    }

    [Test]
    public void An_entry_does_not_grow_into_a_part_of_another_of_its_domain()
    {
        var domain = new ProtectionDomain("a", [RandomPolicy.Entry(("odd", 0x1_0000, 0xe800, "rw", "r")), RandomPolicy.Entry(("over", 0x1_ff00, 0x200, "rw", "rw"))], default);
        var finding = MpuPlanner.Plan(new ProtectionPolicy { Domains = [domain] }, RandomPolicy.Unit(Pmsav7Format.PmsaV6, 3)).Diagnostics.Single();
        Assert.That(finding.Message, Does.Contain("needs 5 regions").And.Not.Contain("grow the end of /odd by 6144 bytes"));
    }

    [Test]
    public void A_PMP_that_a_change_just_fills_is_advised_it()
    {
        var finding = MpuPlanner.Plan(RandomPolicy.Of(("odd", 0x1_0000, 0xf000, "rwx", "rw")) with { PrivilegedBackground = true }, RandomPolicy.Unit(PmpFormat.Rv32, 1)).Diagnostics.Single();
        Assert.That(finding.Message, Does.Contain("needs 2 regions").And.Contain("grow the end of /odd by 4096 bytes, to [0x10000, 0x20000)"));
    }

    [Test]
    public void An_edge_inside_a_granule_is_an_error_with_its_bytes() => Assert.Multiple(() =>
    {
        var finding = MpuPlanner.Plan(One(0x1000, 0x1010), RandomPolicy.Unit(Pmsav7Format.PmsaV7M)).Diagnostics.Single();
        Assert.That((finding.Id, finding.Message), Is.EqualTo(("KMK4100", "/e [0x1000, 0x2010) ends inside a granule of 32 bytes, which is the least that pmsav7-m tells apart")));
        var policy = One(0x1000, 0x1010);
        var rounded = Plan(Pmsav8Format.PmsaV8M, policy with { Entries = [policy.Entries[0] with { AllowRounding = true }] });
        Assert.That(rounded.WasteBytes, Is.EqualTo(16));
    });
}
