using System.Linq;
using KmemKit.Architecture.Mmu;
using KmemKit.Architecture.Mpu;
using KmemKit.Architecture.Mpu.Pmp;
using KmemKit.Architecture.Mpu.Pmsav5;
using KmemKit.Architecture.Mpu.Pmsav7;
using KmemKit.Architecture.Mpu.Pmsav8;
using NUnit.Framework;
using static KmemKit.Architecture.AccessRights;

namespace KmemKit.Architecture.Tests.Mpu;

/// <summary>Register values put together by hand from the bit tables of the manuals, and what single values mean.</summary>
public class RegisterValueTests
{
    private static MpuRegion Region(int number, ulong start, ulong size, AccessRights privileged, AccessRights user, MpuMemoryType type, bool shareable = false) =>
        new(number, RandomRegions.Range(start, size), new MpuAttributes(privileged, user, type, shareable));

    // ARM DDI 0403E B3.5.9: XN, AP 011, TEX 001, S, C, B, SIZE 15, ENABLE.
    [Test]
    public void Armv7M_has_its_fields_in_RASR() => Assert.Multiple(() =>
    {
        var file = Pmsav7Format.PmsaV7M.Encode(
            [Region(2, 0x2000_0000, 0x1_0000, ReadWrite, ReadWrite, MpuMemoryType.NormalWriteBackWriteAllocate, true)], true);
        Assert.That(file.Regions.Single()["RBAR"], Is.EqualTo(0x2000_0000));
        Assert.That(file.Regions.Single()["RASR"], Is.EqualTo(0x130f_001f));
        Assert.That(file.Regions.Single().Number, Is.EqualTo(2));
    });

    // The first golden region: 64 MiB at 0x70000000 with the last eighth off, privileged rw, user r, never executed, TEX 000 C B.
    [Test]
    public void Armv7M_subregions_are_bits_15_to_8() => Assert.That(
        Pmsav7Format.PmsaV7M.Encode(
            [Region(0, 0x7000_0000, 0x400_0000, ReadWrite, Read, MpuMemoryType.NormalWriteBack) with { SubregionDisable = 0x80 }], false).Regions.Single()["RASR"],
        Is.EqualTo(1u << 28 | 2u << 24 | 3u << 16 | 0x80u << 8 | 25u << 1 | 1u));

    // ARM DDI 0363G 4.3.20.
    [Test]
    public void Armv7R_has_three_registers() => Assert.Multiple(() =>
    {
        var region = Pmsav7Format.PmsaV7R.Encode([Region(0, 0, 1UL << 32, All, Read | Execute, MpuMemoryType.NormalNonCacheable, true)], false).Regions.Single();
        Assert.That(region["DRBAR"], Is.Zero);
        Assert.That(region["DRSR"], Is.EqualTo(31u << 1 | 1), "4 GiB is 0b11111");
        Assert.That(region["DRACR"], Is.EqualTo(2u << 8 | 1u << 3 | 1u << 2), "AP 010, TEX 001, S");
    });

    [TestCase(0u, "", "")]
    [TestCase(1u, "rw", "")]
    [TestCase(2u, "rw", "r")]
    [TestCase(3u, "rw", "rw")]
    [TestCase(5u, "r", "")]
    [TestCase(6u, "r", "r")]
    [TestCase(7u, "r", "r")]
    public void AP_of_Armv7M_means(uint permission, string privileged, string user)
    {
        var never = One(1u << 28 | permission << 24);
        var fetched = One(permission << 24);
        Assert.That((never.Privileged.ToText(), never.User.ToText()), Is.EqualTo((privileged, user)));
        Assert.That(fetched.Privileged.ToText(), Is.EqualTo(privileged.Length > 0 ? privileged + "x" : ""), "a fetch needs the right to read");
        Assert.That(fetched.User.ToText(), Is.EqualTo(user.Length > 0 ? user + "x" : ""));

        static MpuAttributes One(uint rasr) => Pmsav7Format.PmsaV7M.Decode(
            new MpuRegisterFile([], [new MpuRegionRegisters(0, MpuSpace.Unified, [new("RBAR", 0), new("RASR", rasr | 15 << 1 | 1)])], false)).Regions[0].Attributes;
    }

    [TestCase("pmsav7-m", 4u << 24 | 15 << 1 | 1, TestName = "AP 4 is reserved")]
    [TestCase("pmsav7-m", 1u << 19 | 1 << 16 | 15 << 1 | 1, TestName = "TEX 1 with B alone is reserved")]
    [TestCase("pmsav7-m", 3u << 1 | 1, TestName = "sizes below 32 bytes are reserved")]
    [TestCase("pmsav7-m", 1u << 8 | 6 << 1 | 1, TestName = "128 bytes have no subregions")]
    public void Reserved_values_are_refused(string format, uint rasr) => Assert.That(
        () => MpuFormats.Find(format)!.Decode(new MpuRegisterFile([], [new MpuRegionRegisters(0, MpuSpace.Unified, [new("RBAR", 0), new("RASR", rasr)])], false)),
        Throws.TypeOf<MpuEncodingException>().With.Property("Fault").EqualTo(MpuFault.ReservedEncoding));

    [Test]
    public void The_private_peripheral_bus_answers_by_the_default_map_and_system_space_is_never_executed()
    {
        foreach (var format in new MpuFormat[] { Pmsav7Format.PmsaV7M, Pmsav8Format.PmsaV8M })
        {
            var table = format.Decode(format.Encode([Region(0, 0xe000_0000, 0x2000_0000, All, All, MpuMemoryType.NormalWriteBack)], false));
            Assert.Multiple(() =>
            {
                Assert.That(table.Decide(0xe000_ed00, Privilege.User).Rights, Is.EqualTo(None));
                Assert.That(table.Decide(0xe000_ed00, Privilege.Privileged).Rights, Is.EqualTo(ReadWrite));
                Assert.That(table.Decide(0xe010_0000, Privilege.User).Rights, Is.EqualTo(ReadWrite), "no fetch, whatever XN says");
                Assert.That(format.Decode(format.Encode([], true)).Decide(0x4000_0000, Privilege.Privileged).Rights, Is.EqualTo(ReadWrite), "devices");
                Assert.That(format.Decode(format.Encode([], true)).Decide(0x2000_0000, Privilege.Privileged).Rights, Is.EqualTo(All));
                Assert.That(format.Decode(format.Encode([], true)).Decide(0x2000_0000, Privilege.User).Rights, Is.EqualTo(None));
                Assert.That(format.Decode(format.Encode([], false)).Decide(0x2000_0000, Privilege.Privileged).Rights, Is.EqualTo(None));
            });
        }
    }

    // ARM DDI 0553 D1.2: BASE, SH 11, AP 01, XN 1; LIMIT is the last granule, AttrIndx, EN.
    [Test]
    public void Armv8M_has_base_and_limit() => Assert.Multiple(() =>
    {
        var file = Pmsav8Format.PmsaV8M.Encode([Region(0, 0x2000_0020, 0x60, ReadWrite, ReadWrite, MpuMemoryType.NormalNonCacheable, true)], true);
        Assert.That(file.Regions.Single()["RBAR"], Is.EqualTo(0x2000_0020 | 3 << 3 | 1 << 1 | 1));
        Assert.That(file.Regions.Single()["RLAR"], Is.EqualTo(0x2000_0060 | 2 << 1 | 1));
        Assert.That(file["MAIR0"], Is.EqualTo(0xaa44_0400));
        Assert.That(file["MAIR1"], Is.EqualTo(0xffee));
    });

    [Test]
    public void Armv8R64_has_its_fields_one_bit_higher() => Assert.Multiple(() =>
    {
        var file = Pmsav8Format.PmsaV8R64.Encode([Region(0, 0xffff_ffff_ff80, 0x80, Read, Read, MpuMemoryType.Device, true)], false);
        Assert.That(file.Regions.Single()["PRBAR_EL1"], Is.EqualTo(0xffff_ffff_ff80UL | 3 << 2 | 1 << 1));
        Assert.That(file.Regions.Single()["PRLAR_EL1"], Is.EqualTo(0xffff_ffff_ffc0UL | 1 << 1 | 1));
    });

    // The write-through cache of ARM740T has its write buffer behind it; on the others the bit would make it write-back.
    [Test]
    public void Write_through_is_buffered_where_there_is_no_write_back() => Assert.Multiple(() =>
    {
        foreach (var (format, buffered) in new[] { (Pmsav5Format.Arm740T, 1ul), (Pmsav5Format.Arm946ES, 0ul) })
        {
            var file = format.Encode([Region(0, 0, 0x1000, All, All, MpuMemoryType.NormalWriteThrough)], false);
            Assert.That((file[format == Pmsav5Format.Arm740T ? "C2" : "C2_DATA"], file["C3"]), Is.EqualTo((1ul, buffered)), format.Name);
        }
    });

    [Test]
    public void What_a_wrong_top_of_range_would_grant_starts_where_the_entry_before_it_points()
    {
        var format = PmpFormat.Rv32;
        MpuRegisterFile Of(ulong end) => format.Encode(
        [
            new(0, RandomRegions.Range(0x1000, 0), MpuAttributes.Deny),
            new MpuRegion(1, RandomRegions.Range(0x1000, end - 0x1000), new(All, ReadWrite, MpuMemoryType.Unspecified, false)) { Mode = PmpMode.Tor },
        ], true);
        var difference = MpuReadback.Compare(format, Of(0x3000), Of(0x4000)).Single();
        Assert.That(difference.Register, Is.EqualTo("pmpaddr1"));
        Assert.That(difference.Effect, Does.Contain("grants [0x1000, 0x4000)").And.Contain("not grants [0x1000, 0x3000)"));
    }

    [Test]
    public void What_an_entry_behind_a_top_of_range_would_grant_is_told()
    {
        MpuRegisterFile Of(ulong start) => PmpFormat.Rv32.Encode(
        [
            new(0, RandomRegions.Range(0x1000, 0), MpuAttributes.Deny),
            new MpuRegion(1, RandomRegions.Range(0x1000, 0x2000), new(All, ReadWrite, MpuMemoryType.Unspecified, false)) { Mode = PmpMode.Tor },
            new MpuRegion(2, RandomRegions.Range(start, 0x1000), new(All, Read, MpuMemoryType.Unspecified, false)) { Mode = PmpMode.Napot },
        ], true);
        Assert.That(MpuReadback.Compare(PmpFormat.Rv32, Of(0x4000), Of(0x8000)).Single().Effect, Does.Contain("grants [0x8000, 0x9000)").And.Contain("not grants [0x4000, 0x5000)"));
    }

    // AP of HPRBAR and PRBAR_EL2: 0 is for EL2 alone, 1 for EL1 and EL0 as well; 2 and 3 the same, read-only. What is granted to EL1 and EL0 is the policy's "user".
    [TestCase("pmsav8-r-el2", "HPRBAR", "HPRLAR", "HMAIR0", 1)]
    [TestCase("pmsav8-r64-el2", "PRBAR_EL2", "PRLAR_EL2", "MAIR_EL2", 2)]
    public void The_unit_of_EL2_has_the_fields_of_EL1_and_registers_of_its_own(string name, string low, string high, string types, int permissionShift) => Assert.Multiple(() =>
    {
        var format = MpuFormats.Find(name)!;
        foreach (var (privileged, user, permission) in new[] { (ReadWrite, None, 0ul), (ReadWrite, ReadWrite, 1ul), (Read, None, 2ul), (Read, Read, 3ul) })
        {
            var file = format.Encode([Region(3, 0x8000_0040, 0x80, privileged, user, MpuMemoryType.Device, true)], true);
            var registers = file.Regions.Single();
            Assert.That(registers[low], Is.EqualTo(0x8000_0040 | permission << permissionShift | 1ul << (permissionShift - 1)));
            Assert.That(registers[high], Is.EqualTo(0x8000_0080 | 1 << 1 | 1));
            Assert.That(file[types] & 0xff00, Is.EqualTo(0x0400), "device in attribute 1");
            var table = format.Decode(file);
            Assert.That((table.Decide(0x8000_00bf, Privilege.Privileged).Rights, table.Decide(0x8000_00bf, Privilege.User).Rights), Is.EqualTo((privileged, user)));
            Assert.That(table.Decide(0x8000_00c0, Privilege.User).Rights, Is.EqualTo(None), "the default map is for EL2 alone");
            Assert.That(table.Decide(0x1000_0000, Privilege.Privileged).Rights, Is.Not.EqualTo(None));
        }
    });

    // ESR and HSR: class 0x24 a data abort from a lower level, 0x25 from EL2 itself, 0x20 and 0x21 prefetches; IL; WnR; translation fault 4 where no region is, permission fault 12.
    [TestCase("pmsav8-r-el2", "HSR", "HDFAR", "HIFAR")]
    [TestCase("pmsav8-r64-el2", "ESR_EL2", "FAR_EL2", "FAR_EL2")]
    public void EL2_takes_the_faults_of_its_unit(string name, string status, string data, string fetch) => Assert.Multiple(() =>
    {
        var format = MpuFormats.Find(name)!;
        Assert.That(MpuFaultStatus.Report(format, FaultCause.Permission, 0x1000, Write, Privilege.User),
            Is.EqualTo(new FaultReport("data abort", status, 0x24ul << 26 | 1 << 25 | 1 << 6 | 12, data, 0x1000)));
        Assert.That(MpuFaultStatus.Report(format, FaultCause.Translation, 0x1000, Execute, Privilege.Privileged),
            Is.EqualTo(new FaultReport("instruction abort", status, 0x21ul << 26 | 1 << 25 | 4, fetch, 0x1000)));
    });

    [Test]
    public void Armv8_has_no_region_of_nothing_and_no_overlap() => Assert.Multiple(() =>
    {
        foreach (var format in new[] { Pmsav8Format.PmsaV8M, Pmsav8Format.PmsaV8R, Pmsav8Format.PmsaV8R64, Pmsav8Format.PmsaV8REl2, Pmsav8Format.PmsaV8R64El2 })
        {
            Assert.That(format.CheckAttributes(MpuAttributes.Deny, MpuSpace.Unified), Is.EqualTo(MpuFault.RightsNotAvailable));
            Assert.That(format.CheckAttributes(new(ReadWrite, Read, MpuMemoryType.Device, true), MpuSpace.Unified), Is.EqualTo(MpuFault.RightsNotAvailable), "no AP says rw and r");
            var first = Region(0, 0, 0x100, All, All, MpuMemoryType.NormalWriteBack);
            Assert.That(() => format.Encode([first, first with { Number = 1, Range = RandomRegions.Range(0xc0, 0x100) }], false),
                Throws.TypeOf<MpuEncodingException>().With.Property("Fault").EqualTo(MpuFault.Overlap));
            // Two registers written by hand: the shared granule faults for everybody, the rest answers.
            var one = format.Encode([first], true).Regions.Single();
            var two = format.Encode([first with { Range = RandomRegions.Range(0xc0, 0x100) }], true).Regions.Single() with { Number = 1 };
            var table = format.Decode(format.Encode([], true) with { Regions = [one, two] });
            Assert.That(table.Decide(0xc0, Privilege.Privileged).Rights, Is.EqualTo(None));
            Assert.That(table.Decide(0xbf, Privilege.User).Rights, Is.EqualTo(All));
            Assert.That(table.Decide(0x100, Privilege.User).Rights, Is.EqualTo(All));
        }
    });

    // ARM DDI 0403E B3.5.8: a base that its size does not divide is UNPREDICTABLE; table B3-13: TEX 2 has C and B clear.
    [TestCase(0x20u, 5u << 1 | 1)]
    [TestCase(0u, 2u << 19 | 1 << 16 | 15 << 1 | 1)]
    [TestCase(0u, 2u << 19 | 1 << 17 | 15 << 1 | 1)]
    public void A_base_inside_its_region_and_reserved_types_are_refused(uint rbar, uint rasr) => Assert.That(
        () => Pmsav7Format.PmsaV7M.Decode(new MpuRegisterFile([], [new MpuRegionRegisters(0, MpuSpace.Unified, [new("RBAR", rbar), new("RASR", rasr)])], false)),
        Throws.TypeOf<MpuEncodingException>().With.Property("Fault").EqualTo(MpuFault.ReservedEncoding));

    // ARM DDI 0553 D1.2, MPU_RBAR.SH: 00 not shareable, 10 outer, 11 inner shareable.
    [TestCase(0u, false)]
    [TestCase(2u, true)]
    [TestCase(3u, true)]
    public void Outer_and_inner_shareable_are_shareable(uint sh, bool expected)
    {
        var file = Pmsav8Format.PmsaV8M.Encode([Region(0, 0, 0x40, All, All, MpuMemoryType.NormalWriteBack)], false);
        var region = file.Regions.Single();
        var written = region with { Values = [new("RBAR", region["RBAR"] | sh << 3), new("RLAR", region["RLAR"])] };
        Assert.That(Pmsav8Format.PmsaV8M.Decode(file with { Regions = [written] }).Regions.Single().Attributes.Shareable, Is.EqualTo(expected));
    }

    // Privileged Architecture 1.12, section 3.7.1: with G = 2, the lowest bit of a NAPOT address reads as one whatever was written.
    [TestCase(0x100u)]
    [TestCase(0x101u)]
    public void The_granularity_of_a_PMP_fills_the_low_bits_of_NAPOT(uint address)
    {
        var format = new PmpFormat(32, 16);
        var table = format.Decode(new MpuRegisterFile([new("pmpcfg0", 0x1f)], [new MpuRegionRegisters(0, MpuSpace.Unified, [new("pmpaddr0", address)])], true));
        Assert.That(table.Regions.Single().Range, Is.EqualTo(RandomRegions.Range(0x400, 16)));
    }

    // ARM DDI 0201D 2.3.8: extended permission 6, read-only for both, in the four bits of region 3; c6 as in the System Developer's Guide's table of sizes.
    [Test]
    public void Arm946_has_four_bits_of_permission_and_a_register_per_region() => Assert.Multiple(() =>
    {
        var file = Pmsav5Format.Arm946ES.Encode([Region(3, 0x1000_0000, 0x100_0000, Read | Execute, Read | Execute, MpuMemoryType.NormalWriteBack)], false);
        Assert.That(file["C5_DATA"], Is.EqualTo(6u << 12));
        Assert.That(file["C5_INSTRUCTION"], Is.EqualTo(6u << 12));
        Assert.That((file["C2_DATA"], file["C2_INSTRUCTION"], file["C3"]), Is.EqualTo((8UL, 8UL, 8UL)));
        Assert.That(file.Regions.Single()["C6"], Is.EqualTo(0x1000_0000 | 0b10111 << 1 | 1), "16 MiB is 0b10111");
    });

    [Test]
    public void Arm940_has_instruction_regions_of_their_own() => Assert.Multiple(() =>
    {
        var data = Region(7, 0, 0x1000, ReadWrite, Read, MpuMemoryType.NormalWriteThrough) with { Space = MpuSpace.Data };
        var code = Region(0, 0x1000, 0x1000, Execute, Execute, MpuMemoryType.NormalWriteThrough) with { Space = MpuSpace.Instruction };
        var file = Pmsav5Format.Arm940T.Encode([data, code], false);
        Assert.That((file["C5_DATA"], file["C5_INSTRUCTION"]), Is.EqualTo((2UL << 14, 2UL)));
        Assert.That((file["C2_DATA"], file["C2_INSTRUCTION"], file["C3"]), Is.EqualTo((0x80UL, 1UL, 0UL)), "write-through: cacheable, not bufferable");
        var table = Pmsav5Format.Arm940T.Decode(file);
        Assert.That(table.Decide(0, Privilege.User).Rights, Is.EqualTo(Read));
        Assert.That(table.Decide(0x1000, Privilege.User).Rights, Is.EqualTo(Execute));
    });

    [Test]
    public void The_four_parts_differ_as_the_table_of_the_System_Developers_Guide_says() => Assert.Multiple(() =>
    {
        Assert.That(Pmsav5Format.Arm740T.CheckAttributes(new(ReadWrite, 0, MpuMemoryType.Device, false), MpuSpace.Unified), Is.EqualTo(MpuFault.ExecuteFollowsRead));
        Assert.That(Pmsav5Format.Arm740T.CheckAttributes(new(All, 0, MpuMemoryType.NormalWriteBack, false), MpuSpace.Unified), Is.EqualTo(MpuFault.MemoryTypeNotAvailable));
        Assert.That(Pmsav5Format.Arm940T.Spaces, Has.Length.EqualTo(2));
        Assert.That(Pmsav5Format.Arm940T.CheckAttributes(new(Read, Read, MpuMemoryType.Device, false), MpuSpace.Data), Is.EqualTo(MpuFault.RightsNotAvailable));
        Assert.That(Pmsav5Format.Arm946ES.CheckAttributes(new(ReadWrite, Execute, MpuMemoryType.Device, false), MpuSpace.Unified), Is.EqualTo(MpuFault.RightsNotAvailable));
        Assert.That(Pmsav5Format.Arm946ES.CheckAttributes(new(ReadWrite, Read, MpuMemoryType.Device, false), MpuSpace.Unified), Is.EqualTo(MpuFault.None));
        Assert.That(new[] { Pmsav5Format.Arm740T, Pmsav5Format.Arm940T, Pmsav5Format.Arm946ES, Pmsav5Format.Arm1026EJS }.Select(f => f.Spaces.Length * f.FixedRegionCount),
            Is.EqualTo(new[] { 8, 16, 8, 8 }));
    });

    // Privileged Architecture 1.12, table 3.11: yyy0 is 8 bytes, yy01 16, y011 32.
    [TestCase(8u, 0x2000_0000u)]
    [TestCase(16u, 0x2000_0001u)]
    [TestCase(32u, 0x2000_0003u)]
    [TestCase(0x1000u, 0x2000_01ffu)]
    public void Napot_says_its_size_in_ones(uint size, uint expected) => Assert.That(
        PmpFormat.Rv32.Encode([Region(0, 0x8000_0000, size, All, Read, 0) with { Mode = PmpMode.Napot }], true).Regions.Single()["pmpaddr0"], Is.EqualTo(expected));

    [Test]
    public void Rv64_has_eight_entries_in_every_second_pmpcfg() => Assert.Multiple(() =>
    {
        var entry = Region(9, 0, 8, All, Read | Execute, 0) with { Mode = PmpMode.Napot };
        Assert.That(PmpFormat.Rv64.Encode([entry], true)["pmpcfg2"], Is.EqualTo(0x1d00));
        Assert.That(PmpFormat.Rv32.Encode([entry], true)["pmpcfg2"], Is.EqualTo(0x1d00), "entry 9 is the second of pmpcfg2 there too");
        Assert.That(PmpFormat.Rv32.Encode([entry with { Number = 5 }], true)["pmpcfg1"], Is.EqualTo(0x1d00));
        Assert.That(PmpFormat.Rv64.Encode([entry with { Number = 5 }], true)["pmpcfg0"], Is.EqualTo(0x1d00UL << 32));
    });

    [Test]
    public void Only_a_locked_entry_binds_machine_mode() => Assert.Multiple(() =>
    {
        var open = Region(0, 0, 64, All, None, 0) with { Mode = PmpMode.Napot };
        var locked = Region(1, 64, 64, Read, Read, 0) with { Mode = PmpMode.Napot, Locked = true };
        var table = PmpFormat.Rv64.Decode(PmpFormat.Rv64.Encode([open, locked], true));
        Assert.That(table.Decide(0, Privilege.Privileged).Rights, Is.EqualTo(All));
        Assert.That(table.Decide(0, Privilege.User).Rights, Is.EqualTo(None));
        Assert.That(table.Decide(64, Privilege.Privileged).Rights, Is.EqualTo(Read));
        Assert.That(table.Decide(128, Privilege.Privileged).Rights, Is.EqualTo(All), "no entry: M-mode may");
        Assert.That(table.Decide(128, Privilege.User).Rights, Is.EqualTo(None));
        Assert.That(() => PmpFormat.Rv64.Encode([locked with { Number = 0, Locked = false }], true), Throws.TypeOf<MpuEncodingException>());
    });

    [Test]
    public void A_chain_goes_on_behind_a_power_of_two_and_breaks_where_it_does_not_start() => Assert.Multiple(() =>
    {
        var first = Region(0, 0x1000, 0x1000, All, Read, 0) with { Mode = PmpMode.Napot };
        // pmpaddr0 is 0x5ff: the next entry starts at 0x17fc.
        var second = Region(1, 0x17fc, 0x3000 - 0x17fc, All, ReadWrite, 0) with { Mode = PmpMode.Tor };
        var table = PmpFormat.Rv64.Decode(PmpFormat.Rv64.Encode([first, second], true));
        Assert.That(table.Decide(0x1fff, Privilege.User).Rights, Is.EqualTo(Read));
        Assert.That(table.Decide(0x2000, Privilege.User).Rights, Is.EqualTo(ReadWrite));
        Assert.That(table.Decide(0x3000, Privilege.User).Rights, Is.EqualTo(None));
        Assert.That(() => PmpFormat.Rv64.Encode([first, second with { Range = RandomRegions.Range(0x2000, 0x1000) }], true),
            Throws.TypeOf<MpuEncodingException>().With.Property("Fault").EqualTo(MpuFault.BrokenChain));
    });
}
