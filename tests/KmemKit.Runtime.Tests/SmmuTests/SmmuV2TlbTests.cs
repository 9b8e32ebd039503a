using KmemKit.Architecture;
using KmemKit.Architecture.Smmu.V2;
using KmemKit.Runtime.Smmu;
using KmemKit.Runtime.Smmu.V2;
using NUnit.Framework;
using R = KmemKit.Architecture.Smmu.V2.SmmuV2Register;

namespace KmemKit.Runtime.Tests.SmmuTests;

/// <summary>A translation is used until it is invalidated and that is synchronised, whatever the tables say; an invalidation reaches what it names (Arm IHI 0062, 5.4).</summary>
internal sealed class SmmuV2TlbTests
{
    private const ulong Page = SmmuV2Rig.Page;
    private const ulong At = 0x40_0000;

    // Of stage 1, bank 2 with ASID 3 and VMID 5: register, value, whether it names the page's translation.
    private static readonly (int At, ulong Value, bool Reaches)[] s_ofBank =
    [
        (R.BankTlbiVa, (At >> 12) | (3UL << 48), true),
        (R.BankTlbiVa, (At >> 12) | (4UL << 48), false),
        (R.BankTlbiVa, ((At >> 12) + 1) | (3UL << 48), false),
        (R.BankTlbiVal, (At >> 12) | (3UL << 48), true),
        (R.BankTlbiVal, (At >> 12) | (2UL << 48), false),
        (R.BankTlbiVaa, At >> 12, true),
        (R.BankTlbiVaa, (At >> 12) - 1, false),
        (R.BankTlbiVaal, At >> 12, true),
        (R.BankTlbiVaal, (At >> 12) + 512, false),
        (R.BankTlbiAsid, 3, true),
        (R.BankTlbiAsid, 1, false),
        (R.BankTlbiAll, 0, true),
        // A bank of stage 1 has no stage 2 to invalidate.
        (R.BankTlbiIpaS2, At >> 12, false),
        (R.BankTlbiIpaS2L, At >> 12, false),
    ];

    private static readonly (int At, uint Value, bool Reaches)[] s_global =
    [
        (R.TlbiVmid, 5, true), (R.TlbiVmid, 4, false), (R.TlbiVmidS1, 5, true), (R.TlbiVmidS1, 6, false), (R.TlbiAllNsnh, 0, true), (R.TlbiAllH, 0, false),
    ];

    [Test]
    public void A_banks_invalidation_reaches_what_it_names_once_it_is_synchronised()
    {
        foreach (var (at, value, reaches) in s_ofBank)
        {
            using var rig = Stale();
            if (at is R.BankTlbiAsid or R.BankTlbiAll)
                rig.WriteBank(2, at, (uint)value);
            else
                rig.WriteBankWide(2, at, value);
            Assert.That(rig.OutcomeOf(2, At), Is.EqualTo(SmmuOutcome.Translated), $"0x{at:x} {value:x}: posted, not done");
            rig.WriteBank(3, R.BankTlbSync, 0);
            Assert.That(rig.OutcomeOf(2, At), Is.EqualTo(SmmuOutcome.Translated), $"0x{at:x} {value:x}: another bank's synchronisation");
            rig.WriteBank(2, R.BankTlbSync, 0);
            Assert.That(rig.ReadBank(2, R.BankTlbStatus), Is.Zero);
            Assert.That(rig.OutcomeOf(2, At), Is.EqualTo(reaches ? SmmuOutcome.Abort : SmmuOutcome.Translated), $"0x{at:x} {value:x}");
        }
    }

    [Test]
    public void A_global_invalidation_reaches_what_it_names_once_that_is_synchronised()
    {
        foreach (var (at, value, reaches) in s_global)
        {
            using var rig = Stale();
            rig.Write(at, value);
            rig.WriteBank(2, R.BankTlbSync, 0);
            Assert.That(rig.OutcomeOf(2, At), Is.EqualTo(SmmuOutcome.Translated), $"0x{at:x} {value}: a bank's synchronisation is of its own");
            rig.Write(R.TlbGlobalSync, 0);
            Assert.That(rig.OutcomeOf(2, At), Is.EqualTo(reaches ? SmmuOutcome.Abort : SmmuOutcome.Translated), $"0x{at:x} {value}");
        }
        using var both = Stale();
        both.WriteBank(2, R.BankTlbiAll, 0);
        both.Write(R.TlbGlobalSync, 0);
        Assert.That(both.OutcomeOf(2, At), Is.EqualTo(SmmuOutcome.Abort), "the global one is of all banks too");
    }

    [Test]
    public void A_banks_invalidation_is_of_its_own_guest()
    {
        foreach (var at in new[] { R.BankTlbiAll, R.BankTlbiAsid, R.BankTlbiVa, R.BankTlbiVaa })
        {
            using var rig = Stale();
            // The same address space number and address, of another guest.
            var other = rig.Stage1(3, vmid: 6, asid: 3);
            rig.Map(other, At, SmmuV2Rig.Ram);
            Assert.That(rig.OutcomeOf(3, At), Is.EqualTo(SmmuOutcome.Translated));
            rig.Unmap(other, At);
            if (at is R.BankTlbiAsid or R.BankTlbiAll)
                rig.WriteBank(3, at, 3);
            else
                rig.WriteBankWide(3, at, (At >> 12) | (3UL << 48));
            rig.WriteBank(3, R.BankTlbSync, 0);
            Assert.That((rig.OutcomeOf(3, At), rig.OutcomeOf(2, At)), Is.EqualTo((SmmuOutcome.Abort, SmmuOutcome.Translated)), $"0x{at:x}");
        }
    }

    [Test]
    public void Registers_that_a_translation_depends_on_change_what_misses_and_not_what_hits()
    {
        using var rig = Stale();
        // Another tree, and then another address space in the same bank.
        rig.WriteBankWide(2, R.BankTtbr0, 3UL << 48);
        Assert.That(rig.OutcomeOf(2, At), Is.EqualTo(SmmuOutcome.Translated));
        rig.WriteBankWide(2, R.BankTtbr0, 4UL << 48);
        Assert.That(rig.OutcomeOf(2, At), Is.EqualTo(SmmuOutcome.Abort));
        rig.WriteBank(2, R.BankFaultStatus, uint.MaxValue);
        rig.WriteBankWide(2, R.BankTtbr0, 3UL << 48);
        Assert.That(rig.OutcomeOf(2, At), Is.EqualTo(SmmuOutcome.Translated));
        rig.Attribute(2, ContextBankAttribute.Stage1(6));
        Assert.That(rig.OutcomeOf(2, At), Is.EqualTo(SmmuOutcome.Abort), "another guest");
    }

    [Test]
    public void A_port_forgets_what_it_keeps_with_the_TLB()
    {
        using var rig = new SmmuV2Rig();
        rig.TurnOn();
        var tables = rig.Stage1(2);
        rig.Map(tables, At, SmmuV2Rig.Ram);
        using var port = new SmmuPort(rig.Smmu, 2);
        Assert.That(port.Read(new BusAddr(At), out _), Is.EqualTo(SmmuOutcome.Translated));
        rig.Unmap(tables, At);
        Assert.That(port.Read(new BusAddr(At), out _), Is.EqualTo(SmmuOutcome.Translated));
        rig.WriteBank(2, R.BankTlbiAll, 0);
        rig.WriteBank(2, R.BankTlbSync, 0);
        Assert.That(port.Read(new BusAddr(At), out _), Is.EqualTo(SmmuOutcome.Abort));
        rig.WriteBank(2, R.BankFaultStatus, uint.MaxValue);
        rig.Map(tables, At, SmmuV2Rig.Ram);
        Assert.That(port.Read(new BusAddr(At), out _), Is.EqualTo(SmmuOutcome.Translated));
        rig.Write(R.StreamToContext(2), StreamToContextRegister.Fault.Value);
        Assert.That(port.Read(new BusAddr(At), out _), Is.EqualTo(SmmuOutcome.Abort), "the group");
        rig.Write(R.StreamToContext(2), StreamToContextRegister.Translate(2).Value);
        Assert.That(port.Read(new BusAddr(At), out _), Is.EqualTo(SmmuOutcome.Translated));
        rig.Write(R.StreamMatch(2), 0);
        Assert.That(port.Read(new BusAddr(At), out _), Is.EqualTo(SmmuOutcome.Abort), "the match");
    }

    [Test]
    public void Of_more_invalidations_than_can_wait_the_oldest_is_done()
    {
        using var rig = Stale();
        rig.WriteBank(2, R.BankTlbiAll, 0);
        for (var i = 0; i < SmmuV2.MostPosted - 1; i++)
            rig.WriteBank(2, R.BankTlbiAsid, 99);
        Assert.That(rig.OutcomeOf(2, At), Is.EqualTo(SmmuOutcome.Translated));
        rig.WriteBank(2, R.BankTlbiAsid, 99);
        Assert.That(rig.OutcomeOf(2, At), Is.EqualTo(SmmuOutcome.Abort));
    }

    [Test]
    public void The_two_stages_are_invalidated_each_by_its_own_operation()
    {
        const ulong ipa = 0x50_0000;
        using var rig = new SmmuV2Rig();
        rig.TurnOn();
        var second = rig.Stage2(0, vmid: 5);
        rig.Group(0, 0x20, StreamToContextRegister.Translate(0));
        rig.Map(second, ipa, SmmuV2Rig.Ram);
        Assert.That(rig.Ask(0x20, ipa + 8).Address, Is.EqualTo(SmmuV2Rig.Ram + 8));
        rig.Unmap(second, ipa);
        // Of stage 1, of another guest, of another page.
        rig.Write(R.TlbiVmidS1, 5);
        rig.Write(R.TlbiVmid, 6);
        rig.WriteBankWide(0, R.BankTlbiIpaS2, (ipa >> 12) + 1);
        rig.WriteBankWide(0, R.BankTlbiVa, ipa >> 12);
        rig.WriteBank(0, R.BankTlbiAll, 0);
        rig.Write(R.TlbGlobalSync, 0);
        Assert.That(rig.OutcomeOf(0x20, ipa), Is.EqualTo(SmmuOutcome.Translated));
        rig.WriteBankWide(0, R.BankTlbiIpaS2L, ipa >> 12);
        rig.WriteBank(0, R.BankTlbSync, 0);
        Assert.That(rig.OutcomeOf(0x20, ipa), Is.EqualTo(SmmuOutcome.Abort));
    }

    // Bank 2, ASID 3, VMID 5: a page was mapped and accessed, and is in the tables no more.
    private static SmmuV2Rig Stale()
    {
        var rig = new SmmuV2Rig();
        rig.TurnOn();
        var tables = rig.Stage1(2, vmid: 5);
        rig.Map(tables, At, SmmuV2Rig.Ram, 2 * Page);
        Assert.That(rig.Ask(2, At + 0x123).Address, Is.EqualTo(SmmuV2Rig.Ram + 0x123));
        rig.Unmap(tables, At);
        Assert.That(rig.OutcomeOf(2, At), Is.EqualTo(SmmuOutcome.Translated), "stale");
        return rig;
    }
}
