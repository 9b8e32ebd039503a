using System;
using System.Buffers.Binary;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Architecture.Mmu.Arm;
using KmemKit.Architecture.Mmu.Vmsav8;
using KmemKit.Architecture.Smmu.V2;
using KmemKit.Runtime.Mmu;
using KmemKit.Runtime.Smmu;
using KmemKit.Runtime.Tlb;
using NUnit.Framework;
using R = KmemKit.Architecture.Smmu.V2.SmmuV2Register;

namespace KmemKit.Runtime.Tests.SmmuTests;

/// <summary>Context banks with tables of each format that an SMMUv2 walks: a device gets what a walk of the tables gives, or the fault of the address (Arm IHI 0062, 1.6, 16.5 and 17.3).</summary>
internal sealed class SmmuV2TableTests
{
    private const ulong Page = SmmuV2Rig.Page;
    private const int Bank = 2;
    private const ContextBankControl On = ContextBankControl.Enable | ContextBankControl.FaultReport;

    [Test]
    public void Long_descriptors_of_64_bits()
    {
        using var rig = new SmmuV2Rig();
        rig.TurnOn();
        Compare(rig, rig.Stage1(Bank), 1UL << 39);
    }

    [Test]
    public void Long_descriptors_of_64_bits_in_stage_2()
    {
        using var rig = new SmmuV2Rig();
        rig.TurnOn();
        rig.Group(0, Bank, StreamToContextRegister.Translate(Bank));
        Compare(rig, rig.Stage2(Bank), 1UL << 39);
    }

    [Test]
    public void Long_descriptors_of_32_bits()
    {
        using var rig = new SmmuV2Rig();
        Compare(rig, Program32(rig, new ArmLpaeFormat(32), ContextBankAttribute.Stage1(0), 1u << 31), 1UL << 32);
    }

    [Test]
    public void Long_descriptors_of_32_bits_in_stage_2()
    {
        using var rig = new SmmuV2Rig();
        // T0SZ -8: 40 bits, from level 1 on.
        Compare(rig, Program32(rig, new ArmLpaeStage2Format(40), ContextBankAttribute.Stage2(0), (1u << 31) | (1u << 6) | 8), 1UL << 40);
    }

    [Test]
    public void Short_descriptors()
    {
        using var rig = new SmmuV2Rig();
        Compare(rig, Program32(rig, new ArmShortFormat(0), ContextBankAttribute.Stage1(0), 0), 1UL << 32);
    }

    [Test]
    public void Tables_that_the_SMMU_does_not_have_translate_nothing()
    {
        using var rig = new SmmuV2Rig(SmmuV2Rig.Small with { AArch32 = AArch32Formats.Long });
        var tables = Program32(rig, new ArmShortFormat(0), ContextBankAttribute.Stage1(0), 0);
        rig.Map(tables, 0x1000, SmmuV2Rig.Ram);
        Assert.That(rig.OutcomeOf(Bank, 0x1000), Is.EqualTo(SmmuOutcome.Abort));
    }

    [Test]
    public void Big_endian_tables()
    {
        using var rig = new SmmuV2Rig();
        rig.TurnOn();
        var tables = rig.Stage1(Bank, ContextBankControl.BigEndian);
        for (var i = 0UL; i < 40; i++)
            rig.Map(tables, i * 37 * Page, SmmuV2Rig.Ram + (i * Page));
        Swap(rig, tables.Root, 1);
        for (var i = 0UL; i < 40; i++)
        {
            Assert.That(rig.Ask(Bank, (i * 37 * Page) + 5).Address, Is.EqualTo(SmmuV2Rig.Ram + (i * Page) + 5));
            Assert.That(rig.OutcomeOf(Bank, ((i * 37) + 1) * Page), Is.EqualTo(SmmuOutcome.Abort));
            rig.WriteBank(Bank, R.BankFaultStatus, uint.MaxValue);
        }
    }

    [Test]
    public void A_bank_that_is_off_passes_addresses_that_memory_can_have()
    {
        using var rig = new SmmuV2Rig(SmmuV2Rig.Small with { OutputAddressBits = 40 });
        rig.TurnOn();
        rig.Stage1(Bank);
        rig.WriteBank(Bank, R.BankControl, (uint)ContextBankControl.FaultReport);
        Assert.That(rig.Ask(Bank, 0xFF_FFFF_FFF8).Address.Value, Is.EqualTo(0xFF_FFFF_FFF8UL));
        Assert.That(rig.OutcomeOf(Bank, 1UL << 40), Is.EqualTo(SmmuOutcome.Abort));
        Assert.That((ContextFaultStatus)rig.ReadBank(Bank, R.BankFaultStatus) & ~ContextFaultStatus.Format, Is.EqualTo(ContextFaultStatus.AddressSize));
    }

    [Test]
    public void What_no_range_of_the_tables_has_is_a_translation_fault()
    {
        using var rig = new SmmuV2Rig();
        rig.TurnOn();
        rig.Map(rig.Stage1(Bank), 0, SmmuV2Rig.Ram);
        // Above the lower range; in the upper one, which EPD1 closes; and what does not fit the bus at all.
        foreach (var (address, status) in new (ulong, ContextFaultStatus)[]
        {
            (1UL << 39, ContextFaultStatus.Translation), (0xFFFF_FFFF_FFFF_F000, ContextFaultStatus.Translation), (1UL << 50, ContextFaultStatus.UnsupportedUpstreamTransaction),
        })
        {
            Assert.That(rig.OutcomeOf(Bank, address), Is.EqualTo(SmmuOutcome.Abort), $"{address:x}");
            Assert.That((ContextFaultStatus)rig.ReadBank(Bank, R.BankFaultStatus) & ~ContextFaultStatus.Format, Is.EqualTo(status), $"{address:x}");
            rig.WriteBank(Bank, R.BankFaultStatus, uint.MaxValue);
        }
        // A root that is nowhere.
        rig.WriteBankWide(Bank, R.BankTtbr0, 0xF000_0000_0000 | (9UL << 48));
        Assert.That(rig.OutcomeOf(Bank, 0), Is.EqualTo(SmmuOutcome.Abort));
        Assert.That((ContextFaultStatus)rig.ReadBank(Bank, R.BankFaultStatus) & ~ContextFaultStatus.Format, Is.EqualTo(ContextFaultStatus.External));
        Assert.That(new ContextFaultSyndrome(rig.ReadBank(Bank, R.BankFaultSyndrome0)).IsTableWalk);
    }

    private static PageTables<TFormat> Program32<TFormat>(SmmuV2Rig rig, TFormat format, ContextBankAttribute attribute, uint tcr) where TFormat : struct, ITranslationFormat
    {
        rig.TurnOn();
        var tables = PageTables.Create(rig.Machine.Cpu, rig.Machine.Memory, format, new TlbDomain())!;
        rig.Attribute(Bank, attribute, isAArch64: false);
        rig.WriteBank(Bank, R.BankTcr, tcr);
        rig.WriteBankWide(Bank, R.BankTtbr0, tables.Root.Value);
        if (attribute.Type == ContextBankType.Stage1)
        {
            rig.WriteBank(Bank, R.BankMair0, unchecked((uint)ArmLpaeFormat.DefaultMair));
            rig.WriteBank(Bank, R.BankMair1, unchecked((uint)(ArmLpaeFormat.DefaultMair >> 32)));
        }
        rig.WriteBank(Bank, R.BankControl, (uint)On);
        rig.Group(0, Bank, StreamToContextRegister.Translate(Bank));
        return tables;
    }

    // Pages and blocks at random; then addresses in them, beside them and anywhere.
    private static void Compare<TFormat>(SmmuV2Rig rig, PageTables<TFormat> tables, ulong end) where TFormat : struct, ITranslationFormat
    {
        var random = new Random(11);
        var places = new ulong[60];
        for (var i = 0; i < places.Length; i++)
        {
            var size = i % 3 == 0 ? 2UL << 20 : (ulong)random.Next(1, 5) * Page;
            var at = (ulong)random.NextInt64((long)(end / (4UL << 20))) * (4UL << 20);
            places[i] = at + (size < 1 << 20 ? (ulong)random.Next(400) * Page : 0);
            if (tables.TryTranslate(new VirtAddr(places[i]), out _) || tables.TryTranslate(new VirtAddr(places[i] + size - 1), out _))
                continue;
            rig.Map(tables, places[i], new PhysAddr(size < 1 << 20 ? 0x123_4000UL + ((ulong)i * 16 * Page) : (ulong)(i + 1) << 21), size, i % 2 == 0 ? AccessRights.Read : AccessRights.ReadWrite);
        }
        var (mapped, refused) = (0, 0);
        for (var i = 0; i < 4000; i++)
        {
            var place = places[random.Next(places.Length)];
            var address = random.Next(3) switch
            {
                0 => place + (ulong)random.Next(5 * (int)Page),
                1 => (place + (ulong)random.Next(2 << 20)) & ~7UL,
                _ => unchecked(place - (ulong)random.Next((int)Page)),
            };
            if (address >= end)
                continue;
            var access = random.Next(2) == 0 ? AccessRights.Read : AccessRights.Write;
            var result = rig.Ask(Bank, address, access);
            var isThere = tables.TryTranslate(new VirtAddr(address), out var phys);
            var allowed = isThere && (tables.AttributesAt(new VirtAddr(address))!.Value.User & access) != 0;
            Assert.That(result.Outcome, Is.EqualTo(allowed ? SmmuOutcome.Translated : SmmuOutcome.Abort), $"{access} of 0x{address:x}");
            if (allowed)
            {
                Assert.That(result.Address, Is.EqualTo(phys), $"0x{address:x}");
                mapped++;
                continue;
            }
            refused++;
            Assert.That((ContextFaultStatus)rig.ReadBank(Bank, R.BankFaultStatus) & ~ContextFaultStatus.Format,
                Is.EqualTo(isThere ? ContextFaultStatus.Permission : ContextFaultStatus.Translation), $"{access} of 0x{address:x}");
            Assert.That(rig.ReadBankWide(Bank, R.BankFaultAddress), Is.EqualTo(address));
            rig.WriteBank(Bank, R.BankFaultStatus, uint.MaxValue);
        }
        Assert.That((mapped, refused), Is.GreaterThan((500, 500)));
    }

    private static void Swap(SmmuV2Rig rig, PhysAddr table, int level)
    {
        for (var i = 0UL; i < 512; i++)
        {
            var slot = table + (i * 8);
            var descriptor = rig.Machine.Memory.ReadUInt64(slot);
            if (level < 3 && (descriptor & 3) == 3)
                Swap(rig, new PhysAddr(descriptor & 0xFFFF_FFFF_F000), level + 1);
            rig.Machine.Memory.WriteUInt64(slot, BinaryPrimitives.ReverseEndianness(descriptor));
        }
    }
}
