using System;
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
}
