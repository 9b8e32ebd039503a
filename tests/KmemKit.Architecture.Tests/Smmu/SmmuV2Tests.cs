using System;
using KmemKit.Architecture;
using KmemKit.Architecture.Smmu.V2;
using NUnit.Framework;

namespace KmemKit.Architecture.Tests.Smmu;

/// <summary>Registers of the SMMUv2 by the tables of Arm IHI 0062.</summary>
public class SmmuV2Tests
{
    // 9.6.35: VALID 31, MASK 30:16, ID 14:0. A mask bit set means the bit of the StreamID does not count.
    [Test]
    public void A_stream_match_register_matches_under_its_mask() => Assert.Multiple(() =>
    {
        var smr = StreamMatchRegister.Matching(0x1234, 0x000F);
        Assert.That(smr.Value, Is.EqualTo(1u << 31 | 0xFu << 16 | 0x1230));
        for (var stream = 0u; stream < 0x8000; stream++)
            Assert.That(smr.Matches(stream), Is.EqualTo((stream & ~0xFu) == 0x1230), $"{stream:x}");
        Assert.That(new StreamMatchRegister(smr.Value & ~(1u << 31)).Matches(0x1230), Is.False);
        Assert.That(() => StreamMatchRegister.Matching(0x8000, 0), Throws.TypeOf<ArgumentOutOfRangeException>());
    });

    [Test]
    public void Two_registers_overlap_where_a_stream_matches_both()
    {
        const int seed = 62;
        var random = new Random(seed);
        for (var i = 0; i < 300; i++)
        {
            var (a, b) = (Next(), Next());
            var both = false;
            for (var stream = 0u; stream < 64 && !both; stream++)
                both = a.Matches(stream) && b.Matches(stream);
            Assert.That(a.Overlaps(b), Is.EqualTo(both), $"seed {seed}, step {i}: {a.Value:x} {b.Value:x}");
        }

        StreamMatchRegister Next() => StreamMatchRegister.Matching((uint)random.Next(64), (uint)random.Next(64) & (uint)random.Next(64));
    }

    // 9.6.34: TYPE 17:16, CBNDX 7:0. 9.7.1: TYPE 17:16, CBNDX 15:8, VMID 7:0. 9.7.2: VA64 0, VMID16 31:16.
    [Test]
    public void Stream_to_context_and_bank_attributes_have_their_fields() => Assert.Multiple(() =>
    {
        Assert.That(StreamToContextRegister.Translate(0x5A), Is.EqualTo(new StreamToContextRegister(0x5A)));
        Assert.That(StreamToContextRegister.Bypass.Value, Is.EqualTo(1u << 16));
        Assert.That(new StreamToContextRegister(3u << 16).Type, Is.EqualTo(StreamToContextType.Fault));
        Assert.That(ContextBankAttribute.Nested(7, 0x21).Value, Is.EqualTo(7u | 0x21u << 8 | 3u << 16));
        Assert.That(ContextBankAttribute.Stage1(7).Value, Is.EqualTo(7u | 3u << 8 | 0xFu << 12 | 1u << 16));
        Assert.That(ContextBankAttribute.Stage2(7).Type, Is.EqualTo(ContextBankType.Stage2));
        Assert.That(ContextBankAttribute2.AArch64(0xBEEF).Value, Is.EqualTo(1u | 0xBEEFu << 16));
    });

    // 16.5.6: PLVL 1:0, WNR 4, PNU 5, IND 6, PTWF 10.
    [Test]
    public void A_fault_syndrome_has_its_fields() => Assert.Multiple(() =>
    {
        Assert.That(ContextFaultSyndrome.Create(3, true, false, true, false).Value, Is.EqualTo(3u | 1u << 4 | 1u << 6));
        Assert.That(ContextFaultSyndrome.Create(1, false, true, false, true).Value, Is.EqualTo(1u | 1u << 5 | 1u << 10));
        Assert.That((uint)(ContextFaultStatus.Multiple | ContextFaultStatus.Permission), Is.EqualTo(1u << 31 | 1u << 3));
    });

    // 17.3.1: NESTED 2, S1PTWF 3, S1CBNDX 23:16 of a stage 2 bank; 9.6.17: Nested 0, WNR 1, PNU 2, IND 3; 16.5.9: Format 10:9, SS 30.
    [Test]
    public void Syndromes_of_stage_2_and_of_global_faults_have_their_fields() => Assert.Multiple(() =>
    {
        var behind = ContextFaultSyndrome.Create(2, false, false, false, false).BehindStage1(0x5A, isStage1Walk: true);
        Assert.That(behind.Value, Is.EqualTo(2u | 1u << 2 | 1u << 3 | 0x5Au << 16));
        Assert.That((behind.IsNested, behind.IsStage1Walk, behind.Stage1Bank, behind.Level), Is.EqualTo((true, true, 0x5A, 2)));
        Assert.That(GlobalFaultSyndrome.Create(true, true, false, true).Value, Is.EqualTo(0b1011u));
        Assert.That((uint)ContextFaultStatus.Format, Is.EqualTo(3u << 9));
        Assert.That((uint)(GlobalFaultStatus.InvalidContext | GlobalFaultStatus.UnimplementedContextInterrupt), Is.EqualTo(0x11u));
    });

    // 9.6.1. The values of an MMU-500 as it is on a Xilinx Zynq UltraScale+: 48 groups, 16 banks, 4 KiB pages of registers, 48 bits, a 49-bit bus, granules of 4 and 64 KiB.
    [Test]
    public void Identification_registers_say_what_is_there() => Assert.Multiple(() =>
    {
        var zynq = SmmuV2Features.FromRegisters(0x7C01_1E30, 0x3000_0010, 0x0000_5555);
        Assert.That((zynq.Stage1, zynq.Stage2, zynq.Nested, zynq.StreamMatching, zynq.AArch32), Is.EqualTo((true, true, true, true, AArch32Formats.ShortAndLong)));
        Assert.That((zynq.StreamMappingGroups, zynq.StreamIdBits, zynq.CoherentWalks, zynq.ContextInterrupts), Is.EqualTo((48, 15, false, 1)));
        Assert.That((zynq.ContextBanks, zynq.Stage2Banks, zynq.RegisterPageShift, zynq.RegisterBytes), Is.EqualTo((16, 0, 12, 0x2_0000UL)));
        Assert.That((zynq.IntermediateAddressBits, zynq.OutputAddressBits, zynq.InputAddressBits, zynq.Granules, zynq.Vmid16), Is.EqualTo((48, 48, 49, 5, false)));
        Assert.That((zynq.BankOffset(0), zynq.BankOffset(15)), Is.EqualTo((0x1_0000UL, 0x1_F000UL)));
        // SMCD is the model's own to say.
        Assert.That((zynq.Idr0, zynq.Idr1 & ~(1u << 15), zynq.Idr2), Is.EqualTo((0x7C01_1E30u, 0x3000_0010u, 0x0000_5555u)));
    });

    [Test]
    public void Identification_registers_come_back_as_they_were_written()
    {
        const int seed = 63;
        var random = new Random(seed);
        int[] sizes = [32, 36, 40, 42, 44, 48], buses = [32, 36, 40, 42, 44, 49, 64];
        for (var i = 0; i < 200; i++)
        {
            var features = new SmmuV2Features
            {
                Stage1 = Flip(), Stage2 = Flip(), Nested = Flip(), AArch32 = (AArch32Formats)random.Next(3), StreamMatching = Flip(), StreamMappingGroups = random.Next(129),
                StreamIdBits = random.Next(16), ContextInterrupts = random.Next(129), CoherentWalks = Flip(), ContextBanks = random.Next(129), Stage2Banks = random.Next(129),
                RegisterPageShift = Flip() ? 16 : 12, RegisterPageIndexBits = random.Next(8), Granules = random.Next(8), Vmid16 = Flip(),
                InputAddressBits = buses[random.Next(buses.Length)], IntermediateAddressBits = sizes[random.Next(sizes.Length)], OutputAddressBits = sizes[random.Next(sizes.Length)],
            };
            Assert.That(SmmuV2Features.FromRegisters(features.Idr0, features.Idr1, features.Idr2), Is.EqualTo(features), $"seed {seed}, step {i}");
        }

        bool Flip() => random.Next(2) == 0;
    }

    // 16.5.38 and 16.5.39: fields by hand.
    [Test]
    public void Translation_controls_have_their_fields() => Assert.Multiple(() =>
    {
        var tcr = new ContextBankTcr(0b01u << 30 | 1u << 23 | 1u << 22 | 20u << 16 | 0b10u << 14 | 1u << 7 | 25u);
        Assert.That((tcr.T0Size, tcr.T1Size, tcr.LowerGranuleShift, tcr.UpperGranuleShift), Is.EqualTo((25, 20, 14, 14)));
        Assert.That((tcr.DisablesLower, tcr.DisablesUpper, tcr.HasUpperAsid, tcr.HasLongDescriptors), Is.EqualTo((true, true, true, false)));
        Assert.That((new ContextBankTcr(0b10u << 30 | 0b01u << 14).LowerGranuleShift, new ContextBankTcr(0b11u << 30).UpperGranuleShift), Is.EqualTo((16, 16)));
        Assert.That(new ContextBankTcr(0b10u << 30).UpperGranuleShift, Is.EqualTo(12));
        for (var t0 = -8; t0 < 8; t0++)
            Assert.That(new ContextBankTcr(unchecked((uint)t0) & 0xF).SignedT0Size, Is.EqualTo(t0));
        Assert.That(new ContextBankTcr(2u << 6 | 5u << 16), Is.EqualTo(new ContextBankTcr(0x5_0080)));
        Assert.That((new ContextBankTcr(0x5_0080).StartLevelCode, new ContextBankTcr(0x5_0080).OutputCode), Is.EqualTo((2, 5)));
        int[] positions = [31, 35, 39, 41, 43, 47, -1, -1];
        for (var sep = 0u; sep < 8; sep++)
            Assert.That(new ContextBankTcr2(sep << 15 | 1u << 4).SignPosition, Is.EqualTo(positions[sep]));
        Assert.That((new ContextBankTcr2(0x12).HasWideAsid, new ContextBankTcr2(0x12).OutputCode), Is.EqualTo((true, 2)));
    });

    // 9.6.22: PRIVCFG 25:24 and INSTCFG 27:26 say what an access counts as, whatever the device says.
    [Test]
    public void A_group_may_say_what_accesses_count_as() => Assert.Multiple(() =>
    {
        Assert.That(new StreamToContextRegister(2u << 24).Override(Privilege.Privileged), Is.EqualTo(Privilege.User));
        Assert.That(new StreamToContextRegister(3u << 24).Override(Privilege.User), Is.EqualTo(Privilege.Privileged));
        Assert.That(new StreamToContextRegister(0).Override(Privilege.Privileged), Is.EqualTo(Privilege.Privileged));
        Assert.That(new StreamToContextRegister(2u << 26).Override(AccessRights.Execute), Is.EqualTo(AccessRights.Read));
        Assert.That(new StreamToContextRegister(3u << 26).Override(AccessRights.Read), Is.EqualTo(AccessRights.Execute));
        Assert.That(new StreamToContextRegister(3u << 26).Override(AccessRights.Write), Is.EqualTo(AccessRights.Write), "what is written is data");
    });
}
