using System;
using KmemKit.Architecture.Smmu;
using KmemKit.Architecture.Smmu.V3;
using NUnit.Framework;

namespace KmemKit.Architecture.Tests.Smmu;

/// <summary>Structures put together by hand from the tables of Arm IHI 0070, bit by bit, against what the encoders give.</summary>
public class SmmuV3WordTests
{
    // 5.2: V bit 0, Config bits 3:1.
    [Test]
    public void The_plain_entries_are_V_and_Config() => Assert.Multiple(() =>
    {
        Assert.That(StreamTableEntry.Invalid.Words[0], Is.EqualTo(0UL));
        Assert.That(StreamTableEntry.Abort.Words[0], Is.EqualTo(1UL));
        Assert.That(StreamTableEntry.Bypass.Words[0], Is.EqualTo(1UL | 4UL << 1));
        Assert.That(StreamTableEntry.Bypass.Words[1], Is.EqualTo(1UL << 44), "SHCFG 0b01: shareability as it comes in");
    });

    // 5.2: S1Fmt 5:4, S1ContextPtr 51:6, S1CDMax 63:59; S1DSS 65:64, S1CIR 67:66, S1COR 69:68, S1CSH 71:70, STRW 95:94, SHCFG 109:108.
    [Test]
    public void Stage_1_points_at_its_context_descriptors() => Assert.Multiple(() =>
    {
        var entry = StreamTableEntry.Stage1(new PhysAddr(0x8_1234_5000), ContextTableFormat.TwoLevel64K, 12, StreamWorld.El2);
        Assert.That(entry.Words[0], Is.EqualTo(1UL | 5UL << 1 | 2UL << 4 | 0x8_1234_5000UL | 12UL << 59));
        Assert.That(entry.Words[1], Is.EqualTo(2UL | 1UL << 2 | 1UL << 4 | 3UL << 6 | 2UL << 30 | 1UL << 44));
        Assert.That(entry.WithoutStalls().Words[1] ^ entry.Words[1], Is.EqualTo(1UL << 27));
    });

    // 5.2: S2VMID 143:128, S2T0SZ 165:160, S2SL0 167:166, S2IR0 169:168, S2OR0 171:170, S2SH0 173:172, S2TG 175:174, S2PS 178:176, S2AA64 179, S2R 186,
    // S2TTB 243:196.
    [Test]
    public void Stage_2_is_in_words_2_and_3() => Assert.Multiple(() =>
    {
        var entry = StreamTableEntry.Bypass.WithStage2(new SteStage2 { Vmid = 0xBEEF, Table = new PhysAddr(0x9000_0000), InputBits = 40, OutputBits = 44 });
        Assert.That(entry.Words[0], Is.EqualTo(1UL | 6UL << 1));
        Assert.That(entry.Words[2], Is.EqualTo(
            0xBEEFUL | 24UL << 32 | 1UL << 38 | 1UL << 40 | 1UL << 42 | 3UL << 44 | 0UL << 46 | 4UL << 48 | 1UL << 51 | 1UL << 58));
        Assert.That(entry.Words[3], Is.EqualTo(0x9000_0000UL));
        Assert.That(StreamTableEntry.Stage1(new PhysAddr(0x40)).WithStage2(new SteStage2()).Config, Is.EqualTo(SteConfig.Nested));
    });

    // 5.4: T0SZ 5:0, TG0 7:6, IR0 9:8, OR0 11:10, SH0 13:12, EPD1 30, V 31, IPS 34:32, AA64 41, S 44, R 45, A 46, ASET 47, ASID 63:48; TTB0 115:68; MAIR 255:192.
    [Test]
    public void A_context_descriptor_for_the_lower_range() => Assert.Multiple(() =>
    {
        var cd = ContextDescriptor.Lower(new PhysAddr(0x4_0000_1000), 39, 14, 48, 0xFF44_0400, 0xCAFE);
        Assert.That(cd.Words[0], Is.EqualTo(
            25UL | 2UL << 6 | 1UL << 8 | 1UL << 10 | 3UL << 12 | 1UL << 30 | 1UL << 31 | 5UL << 32 | 1UL << 41 | 1UL << 45 | 1UL << 46 | 1UL << 47 | 0xCAFEUL << 48));
        Assert.That(cd.Words[1], Is.EqualTo(0x4_0000_1000UL));
        Assert.That(cd.Words[2], Is.EqualTo(0UL));
        Assert.That(cd.Words[3], Is.EqualTo(0xFF44_0400UL));
        Assert.That(cd.WithStalls().Words[0] ^ cd.Words[0], Is.EqualTo(1UL << 44));
    });

    // 5.4: TG1 has another code than TG0: 1 is 16 KiB, 2 4 KiB, 3 64 KiB.
    [TestCase(0UL, 0)]
    [TestCase(1UL, 14)]
    [TestCase(2UL, 12)]
    [TestCase(3UL, 16)]
    public void The_upper_granule_has_a_code_of_its_own(ulong code, int shift) =>
        Assert.That(new ContextDescriptor(default(StructureWords).With(ContextDescriptorFields.TG1, code)).UpperGranuleShift, Is.EqualTo(shift));

    // 4.3 to 4.7.
    [Test]
    public void Commands_are_two_words() => Assert.Multiple(() =>
    {
        Check(Command.CfgiSte(0x1234, leaf: true), 0x1234UL << 32 | 0x03, 1);
        Check(Command.CfgiSteRange(0x40, 5), 0x40UL << 32 | 0x04, 5);
        Check(Command.CfgiAll, 0x04, 31);
        Check(Command.CfgiCd(7, 0xABCDE, leaf: false), 7UL << 32 | 0xABCDEUL << 12 | 0x05, 0);
        Check(Command.CfgiCdAll(7), 7UL << 32 | 0x06, 0);
        Check(Command.TlbiNhAll(3), 3UL << 32 | 0x10, 0);
        Check(Command.TlbiNhAsid(3, 9), 9UL << 48 | 3UL << 32 | 0x11, 0);
        Check(Command.TlbiNhVa(3, 9, 0xFFFF_8000_0012_3FFF, leaf: true), 9UL << 48 | 3UL << 32 | 0x12, 0xFFFF_8000_0012_3001);
        Check(Command.TlbiNhVaa(3, 0x5000, leaf: false), 3UL << 32 | 0x13, 0x5000);
        Check(Command.TlbiEl2All, 0x20, 0);
        Check(Command.TlbiEl2Va(1, 0x7000, leaf: true), 1UL << 48 | 0x22, 0x7001);
        Check(Command.TlbiS12Vmall(3), 3UL << 32 | 0x28, 0);
        Check(Command.TlbiS2Ipa(3, 0xFFF0_0000_0000_6000, leaf: true), 3UL << 32 | 0x2A, 0x6001);
        Check(Command.TlbiNsnhAll, 0x30, 0);
        // 4.4.1.1: NUM 16:12, SCALE 24:20, TTL 73:72, TG 75:74.
        Check(Command.TlbiNhVa(0, 0, 0x1000, true).WithRange(31, 2, 12, 3), 31UL << 12 | 2UL << 20 | 0x12, 0x1001UL | 3UL << 8 | 1UL << 10);
        Check(Command.AtcInv(5, 6, 0x3000, 9), 5UL << 32 | 6UL << 12 | 1UL << 11 | 0x40, 0x3009);
        Check(Command.PriResp(5, null, 0x1FF, PageResponse.Success), 5UL << 32 | 0x41, 0x1FFUL | 2UL << 12);
        Check(Command.Resume(5, 0xABCD, ResumeAction.Abort), 5UL << 32 | 2UL << 12 | 0x44, 0xABCD);
        Check(Command.StallTerm(5), 5UL << 32 | 0x45, 0);
        Check(Command.Sync(SyncSignal.Event), 2UL << 12 | 0x46, 0);
        // 4.7.3: CS 13:12, MSH 23:22, MSIAttr 27:24, MSIData 63:32, MSIAddress 115:66.
        Check(Command.SyncWithMessage(new PhysAddr(0x8000_0004), 0xDEAD_BEEF), 0xDEAD_BEEFUL << 32 | 0xFUL << 24 | 3UL << 22 | 1UL << 12 | 0x46, 0x8000_0004);

        static void Check(Command command, ulong word0, ulong word1) => Assert.That(command, Is.EqualTo(new Command(word0, word1)));
    });

    [Test]
    public void Commands_are_read_back_by_field() => Assert.Multiple(() =>
    {
        // All bits set: each getter must take its own bits and no others.
        var all = new Command(ulong.MaxValue, ulong.MaxValue);
        Assert.That((all.StreamId, all.SubstreamId, all.Vmid, all.Asid), Is.EqualTo((uint.MaxValue, 0xFFFFFu, ushort.MaxValue, ushort.MaxValue)));
        Assert.That((all.Num, all.Scale, all.TableLevel, all.RangeGranuleShift, all.Range, all.AtcSizeShift), Is.EqualTo((31, 31, 3, 16, 31, 63)));
        Assert.That((all.StallTag, all.PageRequestGroup, all.MessageData), Is.EqualTo((ushort.MaxValue, 0x1FF, uint.MaxValue)));
        Assert.That(all.MessageAddress, Is.EqualTo(new PhysAddr(0x000F_FFFF_FFFF_FFFC)));
        var ranged = Command.TlbiNhVa(3, 9, 0x1234_5000, true).WithRange(17, 3, 14, 2);
        Assert.That((ranged.Opcode, ranged.Vmid, ranged.Asid, ranged.Address, ranged.IsLeaf), Is.EqualTo((CommandOpcode.TlbiNhVa, (ushort)3, (ushort)9, 0x1234_5000UL, true)));
        Assert.That((ranged.Num, ranged.Scale, ranged.RangeGranuleShift, ranged.TableLevel), Is.EqualTo((17, 3, 14, 2)));
        Assert.That(Command.Resume(5, 0xABCD, ResumeAction.Retry).Action, Is.EqualTo(ResumeAction.Retry));
        Assert.That(Command.PriResp(5, 6, 3, PageResponse.InvalidRequest).Response, Is.EqualTo(PageResponse.InvalidRequest));
        Assert.That(Command.AtcInv(5, 6, 0, 0).HasSubstream, Is.True);
        Assert.That(Command.AtcInv(5, null, 0, 0).HasSubstream, Is.False);
    });

    [Test]
    public void Commands_refuse_what_their_fields_cannot_hold() => Assert.Multiple(() =>
    {
        Assert.That(() => Command.CfgiCd(0, 1 << 20, true), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => Command.CfgiSteRange(0, 32), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => Command.SyncWithMessage(new PhysAddr(2), 0), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => Command.PriResp(0, null, 512, PageResponse.Failure), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => StreamTableEntry.Stage1(new PhysAddr(0x20)), Throws.TypeOf<ArgumentOutOfRangeException>(), "bits 5:0 of S1ContextPtr are not stored");
        Assert.That(() => StreamTableEntry.Stage1(new PhysAddr(1UL << 52)), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => ContextDescriptor.Lower(default, 0, 12, 48, 0, 0), Throws.TypeOf<ArgumentOutOfRangeException>());
    });

    // 7.3.13 (F_TRANSLATION): STAG 79:64, Stall 95, PnU 97, InD 98, RnW 99, S2 103, CLASS 105:104, InputAddr 191:128, IPA 243:204.
    [Test]
    public void An_event_has_its_fields()
    {
        var words = new ulong[4];
        var record = new EventRecord
        {
            Type = EventType.Permission, StreamId = 0x42, SubstreamId = 0x77, StallTag = 0x1234, IsStall = true, IsPrivileged = true, IsInstruction = true,
            IsRead = true, IsStage2 = true, Class = EventClass.Input, IsTableRead = true, InputAddress = 0xFFFF_FFFF_FFFF_F123, IpaOrFetchAddress = 0x8000_5000,
        };
        record.Encode(words);
        Assert.Multiple(() =>
        {
            Assert.That(words, Is.EqualTo(new[]
            {
                0x13UL | 1UL << 11 | 0x77UL << 12 | 0x42UL << 32,
                0x1234UL | 1UL << 31 | 1UL << 33 | 1UL << 34 | 1UL << 35 | 1UL << 39 | 2UL << 40 | 1UL << 44,
                0xFFFF_FFFF_FFFF_F123UL,
                0x8000_5000UL,
            }));
            Assert.That(EventRecord.Decode(words), Is.EqualTo(record));
        });
    }

    // 8.2.
    [Test]
    public void A_page_request_has_its_fields() => Assert.Multiple(() =>
    {
        var request = PageRequestRecord.Create(0x42, 0x77, 0x1234_5FFF, 0x155, AccessRights.ReadWrite, privileged: true, last: true);
        Assert.That(request.Word0, Is.EqualTo(0x42UL | 0x77UL << 32 | 1UL << 58 | 1UL << 60 | 1UL << 61 | 1UL << 62 | 1UL << 63));
        Assert.That(request.Word1, Is.EqualTo(0x1234_5000UL | 0x155));
        Assert.That(request.SubstreamId, Is.EqualTo(0x77));
        Assert.That(request.Rights, Is.EqualTo(AccessRights.ReadWrite));
    });

    // 5.1: L2Ptr 51:6, Span 4:0.
    [Test]
    public void A_level_1_stream_descriptor_has_a_span() => Assert.Multiple(() =>
    {
        Assert.That(StreamTableDescriptor.Table(new PhysAddr(0x8000_4000), 8).Value, Is.EqualTo(0x8000_4000UL | 9));
        Assert.That(StreamTableDescriptor.Table(new PhysAddr(0x8000_4000), 8).Entries, Is.EqualTo(256));
        Assert.That(StreamTableDescriptor.Invalid.IsValid(8), Is.False);
        Assert.That(new StreamTableDescriptor(12).IsValid(10), Is.False, "12 is reserved");
        Assert.That(StreamTableDescriptor.Table(new PhysAddr(0x8000_4000), 8).IsValid(6), Is.False, "more entries than the split leaves");
        Assert.That(() => StreamTableDescriptor.Table(new PhysAddr(0x40), 1), Throws.TypeOf<ArgumentOutOfRangeException>());
    });

    // 6.3.1, 6.3.2, 6.3.6.
    [Test]
    public void The_identification_registers_say_what_there_is() => Assert.Multiple(() =>
    {
        var smmu = new SmmuV3Features { HardwareUpdate = 2, Hypervisor = true, Ats = true, Pri = true, SubstreamIdBits = 20, StreamIdBits = 24, OutputAddressBits = 44 };
        Assert.That(smmu.Idr0, Is.EqualTo(
            1u | 1u << 1 | 2u << 2 | 1u << 4 | 2u << 6 | 1u << 9 | 1u << 10 | 1u << 11 | 1u << 12 | 1u << 13 | 1u << 16 | 1u << 18 | 1u << 19 | 2u << 21 | 0u << 24
            | 1u << 26 | 1u << 27));
        Assert.That(smmu.Idr1, Is.EqualTo(24u | 20u << 6 | 19u << 11 | 19u << 16 | 19u << 21));
        Assert.That(smmu.Idr5, Is.EqualTo(4u | 7u << 4 | 64u << 16));
        Assert.That(SmmuV3Features.FromRegisters(smmu.Idr0, smmu.Idr1, smmu.Idr5), Is.EqualTo(smmu));
    });
}
