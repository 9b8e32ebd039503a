using System;
using KmemKit.Architecture;
using KmemKit.Architecture.Smmu.V2;
using KmemKit.Runtime.Smmu;
using NUnit.Framework;
using R = KmemKit.Architecture.Smmu.V2.SmmuV2Register;

namespace KmemKit.Runtime.Tests.SmmuTests;

/// <summary>Whatever is read or written, where and how: what is not there reads as zero and ignores writes, and nothing else happens (Arm IHI 0062, chapters 8 to 10, 16 and 17).</summary>
internal sealed class SmmuV2RegisterTests
{
    [Test]
    public void Accesses_of_the_wrong_size_or_place_read_zero_and_write_nothing()
    {
        using var rig = new SmmuV2Rig();
        rig.TurnOn();
        rig.WriteBankWide(2, R.BankTtbr0, 0x1234_5678_9ABC_DEF0);
        rig.Group(1, 0x155, StreamToContextRegister.Bypass);
        rig.Attribute(2, ContextBankAttribute.Stage1(9));
        var (match, attribute) = (rig.Read(R.StreamMatch(1)), rig.Read(R.BankAttribute(2, 12)));
        var cr0 = rig.Read(R.Cr0);
        foreach (var size in new[] { -1, 0, 1, 2, 3, 5, 6, 7, 9, 16, int.MaxValue, int.MinValue })
        {
            foreach (var offset in new ulong[] { R.Cr0, R.Idr0, rig.Smmu.Features.BankOffset(2) + R.BankTtbr0 })
            {
                Assert.That(rig.Smmu.Read(offset, size), Is.Zero, $"{size} bytes at 0x{offset:x}");
                rig.Smmu.Write(offset, size, ulong.MaxValue);
            }
        }
        foreach (var (offset, size) in new (ulong, int)[] { (R.Cr0 + 1, 4), (R.Cr0 + 2, 4), (R.Idr0, 8), (R.FaultStatus, 8), (rig.Smmu.Features.BankOffset(2) + R.BankTtbr0 + 4, 8),
            ((ulong)R.StreamMatch(1) + 1, 4), ((ulong)R.StreamToContext(1) + 2, 4), ((ulong)R.BankAttribute(2, 12) + 3, 4), (rig.Smmu.Features.BankOffset(2) + R.BankTtbr0 + 2, 4) })
        {
            Assert.That(rig.Smmu.Read(offset, size), Is.Zero, $"{size} bytes at 0x{offset:x}");
            rig.Smmu.Write(offset, size, ulong.MaxValue);
        }
        Assert.That((rig.Read(R.Cr0), rig.ReadBankWide(2, R.BankTtbr0)), Is.EqualTo((cr0, 0x1234_5678_9ABC_DEF0UL)));
        Assert.That((rig.Read(R.StreamMatch(1)), rig.Read(R.StreamToContext(1)), rig.Read(R.BankAttribute(2, 12))), Is.EqualTo((match, StreamToContextRegister.Bypass.Value, attribute)));
        Assert.That((rig.ReadBank(2, R.BankTtbr0), rig.ReadBank(2, R.BankTtbr0 + 4)), Is.EqualTo((0x9ABC_DEF0U, 0x1234_5678U)), "in halves");
        rig.WriteBank(2, R.BankTtbr0 + 4, 7);
        rig.WriteBank(2, R.BankTtbr0, 9);
        Assert.That(rig.ReadBankWide(2, R.BankTtbr0), Is.EqualTo(0x7_0000_0009UL));
    }

    [TestCase(12)]
    [TestCase(16)]
    public void Banks_and_groups_that_are_not_there_have_no_registers(int pageShift)
    {
        var features = SmmuV2Rig.Small with { RegisterPageShift = pageShift };
        using var rig = new SmmuV2Rig(features);
        rig.TurnOn();
        Assert.That(SmmuV2Features.FromRegisters(rig.Read(R.Idr0), rig.Read(R.Idr1), rig.Read(R.Idr2)), Is.EqualTo(features));
        ulong[] nowhere =
        [
            (ulong)R.StreamMatch(8), (ulong)R.StreamToContext(8), (ulong)R.BankAttribute(6, pageShift), (ulong)R.BankAttribute2(6, pageShift),
            (ulong)R.BankRestrictedSyndrome(6, pageShift), features.BankOffset(6) + R.BankControl, features.BankOffset(6) + R.BankTtbr0, features.BankOffset(0) - 4,
            (2UL << pageShift) + R.Cr0, features.RegisterBytes, features.RegisterBytes + R.Cr0, ulong.MaxValue - 7, 1UL << 63, (1UL << 32) + R.Cr0 + (1UL << pageShift),
        ];
        foreach (var offset in nowhere)
        {
            foreach (var size in new[] { 4, 8 })
            {
                rig.Smmu.Write(offset & ~7UL, size, ulong.MaxValue);
                Assert.That(rig.Smmu.Read(offset & ~7UL, size), Is.Zero, $"{size} bytes at 0x{offset:x}");
            }
        }
        rig.Write(R.BankAttribute(5, pageShift), ContextBankAttribute.Stage1(7).Value);
        Assert.That(new ContextBankAttribute(rig.Read(R.BankAttribute(5, pageShift))).Vmid, Is.EqualTo(7), "the last one is there");
        rig.WriteBank(5, R.BankMair0, 0x55);
        Assert.That(rig.ReadBank(5, R.BankMair0), Is.EqualTo(0x55));
    }

    [Test]
    public void What_is_reserved_or_fixed_stays_as_it_is()
    {
        using var rig = new SmmuV2Rig();
        var (idr0, idr1, idr2) = (rig.Read(R.Idr0), rig.Read(R.Idr1), rig.Read(R.Idr2));
        foreach (var at in new[] { R.Idr0, R.Idr1, R.Idr2, R.TlbGlobalStatus })
            rig.Write(at, uint.MaxValue);
        Assert.That((rig.Read(R.Idr0), rig.Read(R.Idr1), rig.Read(R.Idr2), rig.Read(R.TlbGlobalStatus)), Is.EqualTo((idr0, idr1, idr2, 0U)));
        rig.Write(R.Cr0, uint.MaxValue);
        Assert.That(rig.Read(R.Cr0), Is.EqualTo(0x0FFF_FD07), "without extended IDs, transient hints, stall of configuration and wide VMIDs");
        rig.Write(R.StreamMatch(0), uint.MaxValue);
        Assert.That(rig.Read(R.StreamMatch(0)), Is.EqualTo(0x83FF_03FF), "ten bits of ID and mask");
        rig.Write(R.StreamToContext(0), uint.MaxValue);
        Assert.That(rig.Read(R.StreamToContext(0)), Is.EqualTo(0x3FFF_FBFF), "without EXIDVALID");
        rig.Write(R.BankAttribute2(3, 12), uint.MaxValue);
        Assert.That(rig.Read(R.BankAttribute2(3, 12)), Is.EqualTo(1), "8-bit VMIDs");
        rig.Attribute(0, ContextBankAttribute.Stage2(0));
        foreach (var at in new[] { R.BankTcr2, R.BankContextId, R.BankMair0, R.BankMair1, R.BankTtbr1, R.BankTtbr1 + 4 })
        {
            rig.WriteBank(0, at, uint.MaxValue);
            Assert.That(rig.ReadBank(0, at), Is.Zero, $"stage 2 has no 0x{at:x}");
        }
        rig.Attribute(3, ContextBankAttribute.Stage1(0));
        rig.WriteBankWide(3, R.BankIpaFaultAddress, ulong.MaxValue);
        Assert.That(rig.ReadBankWide(3, R.BankIpaFaultAddress), Is.Zero, "stage 1 has no intermediate address");
        foreach (var at in new[] { R.BankTlbiVa, R.BankTlbiAsid, R.BankTlbiAll, R.BankTlbSync, R.BankTlbStatus, R.BankResume })
            Assert.That(rig.ReadBank(3, at), Is.Zero, $"0x{at:x} is written only");
    }

    [Test]
    public void Tables_that_are_not_there_cannot_be_chosen()
    {
        using var narrow = new SmmuV2Rig(SmmuV2Rig.Small with { Granules = 0, AArch32 = AArch32Formats.ShortAndLong });
        narrow.Attribute(3, ContextBankAttribute.Stage1(0));
        Assert.That(new ContextBankAttribute2(narrow.Read(R.BankAttribute2(3, 12))).IsAArch64, Is.False);
        using var wide = new SmmuV2Rig(SmmuV2Rig.Small with { AArch32 = AArch32Formats.None });
        wide.Attribute(3, ContextBankAttribute.Stage1(0), isAArch64: false);
        Assert.That(new ContextBankAttribute2(wide.Read(R.BankAttribute2(3, 12))).IsAArch64, Is.True);
    }

    [TestCase(0, 12, 100_000)]
    [TestCase(1, 16, 100_000)]
    public void Random_reads_writes_and_accesses_end_as_the_architecture_says_and_in_no_exception(int seed, int pageShift, int steps)
    {
        var random = new Random(seed);
        var features = SmmuV2Rig.Small with { RegisterPageShift = pageShift, ContextInterrupts = seed == 0 ? 1 : 3, Vmid16 = seed == 1 };
        using var rig = new SmmuV2Rig(features);
        int[] sizes = [4, 4, 4, 4, 8, 8, 1, 2, 3, 16];
        var outcomes = new int[4];
        for (var step = 0; step < steps; step++)
        {
            var where = $"seed {seed}, step {step}";
            var offset = random.Next(20) == 0
                ? (ulong)random.NextInt64()
                : (random.Next(3) == 0 ? features.BankOffset(random.Next(7)) + (ulong)(random.Next(0x200) * 4) : (ulong)random.Next((int)features.RegisterBytes / 4) * 4) + (random.Next(10) == 0 ? 2UL : 0);
            var size = sizes[random.Next(sizes.Length)];
            switch (random.Next(3))
            {
                case 0:
                    rig.Smmu.Write(offset, size, random.Next(4) == 0 ? ulong.MaxValue : (ulong)random.NextInt64() >> random.Next(64));
                    // Whether it is on is left to chance, but not for long.
                    if (random.Next(50) == 0)
                        rig.Write(R.Cr0, unchecked((uint)random.NextInt64()) & ~1u);
                    // Nor is whether anything gets as far as to stall.
                    if (random.Next(50) == 0)
                        LetStall(rig, random.Next(1, 6));
                    break;
                case 1:
                    var value = rig.Smmu.Read(offset, size);
                    Assert.That(size == 8 || (size == 4 && value <= uint.MaxValue) || value == 0, where);
                    break;
                default:
                    if (random.Next(20) == 0)
                        rig.Group(random.Next(8), (uint)random.Next(8), StreamToContextRegister.Translate(random.Next(8)));
                    var result = rig.Ask((uint)random.Next(12), (ulong)random.NextInt64() >> random.Next(64), (AccessRights)(1 << random.Next(3)), (Privilege)random.Next(2));
                    outcomes[(int)result.Outcome]++;
                    Assert.That(result.Outcome == SmmuOutcome.Stalled, Is.EqualTo(result.Stall is not null), where);
                    break;
            }
        }
        Assert.That(outcomes, Has.All.Positive, "each way to end was seen");
    }

    private static void LetStall(SmmuV2Rig rig, int bank)
    {
        rig.Write(R.Cr0, 0);
        rig.Attribute(bank, ContextBankAttribute.Stage1(0));
        rig.WriteBank(bank, R.BankFaultStatus, uint.MaxValue);
        rig.WriteBank(bank, R.BankControl, (uint)(ContextBankControl.Enable | ContextBankControl.Stall));
    }
}
