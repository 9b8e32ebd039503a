using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Smmu.V2;
using KmemKit.Runtime.Smmu;
using NUnit.Framework;
using R = KmemKit.Architecture.Smmu.V2.SmmuV2Register;

namespace KmemKit.Runtime.Tests.SmmuTests;

/// <summary>Faults of context banks: their record, termination, stalls, and what becomes of accesses behind them (Arm IHI 0062, 3.6, 3.7 and 16.5).</summary>
internal sealed class SmmuV2StallTests
{
    private const ulong Page = SmmuV2Rig.Page;
    private const ContextFaultStatus Reasons = (ContextFaultStatus)0x1FE;

    [Test]
    public void A_fault_is_recorded_and_terminated_as_SCTLR_says()
    {
        using var rig = new SmmuV2Rig();
        rig.TurnOn();
        var tables = rig.Stage1(2);
        rig.Map(tables, 0x1000, SmmuV2Rig.Ram, rights: AccessRights.Read);
        Assert.That(rig.OutcomeOf(2, 0x1238, AccessRights.Write), Is.EqualTo(SmmuOutcome.Abort));
        var status = (ContextFaultStatus)rig.ReadBank(2, R.BankFaultStatus);
        var syndrome = new ContextFaultSyndrome(rig.ReadBank(2, R.BankFaultSyndrome0));
        Assert.That(status, Is.EqualTo(ContextFaultStatus.Permission | ContextFaultStatus.AArch64Format));
        Assert.That((syndrome.Level, syndrome.IsWrite, syndrome.IsPrivileged, syndrome.IsTableWalk), Is.EqualTo((3, true, false, false)));
        Assert.That((rig.ReadBankWide(2, R.BankFaultAddress), rig.Read(R.BankRestrictedSyndrome(2, 12)) & 0xFFFF), Is.EqualTo((0x1238UL, 2U)));
        Assert.That(rig.ContextInterrupts, Is.EqualTo(new[] { 2 }));
        // Without CFRE the device sees no error; without CFIE nobody is told.
        rig.WriteBank(2, R.BankFaultStatus, uint.MaxValue);
        rig.WriteBank(2, R.BankControl, rig.ReadBank(2, R.BankControl) & ~(uint)(ContextBankControl.FaultReport | ContextBankControl.FaultInterrupt));
        Assert.That(rig.OutcomeOf(2, 0x40_0000), Is.EqualTo(SmmuOutcome.ReadZeroWriteIgnored));
        Assert.That((ContextFaultStatus)rig.ReadBank(2, R.BankFaultStatus) & Reasons, Is.EqualTo(ContextFaultStatus.Translation));
        Assert.That(rig.ContextInterrupts, Has.Count.EqualTo(1));
        rig.WriteBank(2, R.BankControl, rig.ReadBank(2, R.BankControl) | (uint)ContextBankControl.FaultInterrupt);
        Assert.That(rig.ContextInterrupts, Has.Count.EqualTo(2), "an interrupt is a level");
    }

    [Test]
    public void While_a_fault_is_recorded_others_of_its_bank_go_on_only_under_HUPCF()
    {
        using var rig = new SmmuV2Rig();
        rig.TurnOn();
        var (tables, other) = (rig.Stage1(2), rig.Stage1(3));
        rig.Map(tables, 0x1000, SmmuV2Rig.Ram);
        rig.Map(other, 0x1000, SmmuV2Rig.Ram);
        Assert.That(rig.OutcomeOf(2, 0x8000), Is.EqualTo(SmmuOutcome.Abort));
        Assert.That(rig.OutcomeOf(2, 0x1000), Is.EqualTo(SmmuOutcome.Abort), "kept back");
        Assert.That(rig.OutcomeOf(3, 0x1000), Is.EqualTo(SmmuOutcome.Translated), "another bank");
        rig.WriteBank(2, R.BankControl, rig.ReadBank(2, R.BankControl) | (uint)ContextBankControl.HitUnderFault);
        Assert.That(rig.OutcomeOf(2, 0x1000), Is.EqualTo(SmmuOutcome.Translated));
        Assert.That((ContextFaultStatus)rig.ReadBank(2, R.BankFaultStatus) & ContextFaultStatus.Multiple, Is.EqualTo(ContextFaultStatus.None));
        Assert.That(rig.OutcomeOf(2, 0x9000, AccessRights.Write), Is.EqualTo(SmmuOutcome.Abort));
        Assert.That((ContextFaultStatus)rig.ReadBank(2, R.BankFaultStatus) & ContextFaultStatus.Multiple, Is.EqualTo(ContextFaultStatus.Multiple));
        Assert.That((rig.ReadBankWide(2, R.BankFaultAddress), rig.Smmu.Statistics.LostFaults), Is.EqualTo((0x8000UL, 1UL)), "the record is the first one's");
    }

    [Test]
    public void A_stalled_access_and_those_behind_it_wait_and_are_tried_again_in_their_order()
    {
        using var rig = new SmmuV2Rig();
        rig.TurnOn();
        var tables = rig.Stage1(2, ContextBankControl.Stall);
        rig.Map(tables, 0x1000, SmmuV2Rig.Ram);
        var first = rig.Ask(2, 0x8000);
        Assert.That((first.Outcome, first.Stall!.Result), Is.EqualTo((SmmuOutcome.Stalled, (SmmuResult?)null)));
        var status = (ContextFaultStatus)rig.ReadBank(2, R.BankFaultStatus);
        Assert.That(status & (Reasons | ContextFaultStatus.Stalled), Is.EqualTo(ContextFaultStatus.Translation | ContextFaultStatus.Stalled));
        var (behind, lost) = (rig.Ask(2, 0x1008), rig.Ask(2, 0x9000));
        Assert.That((behind.Outcome, lost.Outcome, rig.Smmu.StalledCount), Is.EqualTo((SmmuOutcome.Stalled, SmmuOutcome.Stalled, 3)));
        rig.WriteBank(2, R.BankFaultStatus, uint.MaxValue);
        Assert.That((ContextFaultStatus)rig.ReadBank(2, R.BankFaultStatus) & ContextFaultStatus.Stalled, Is.EqualTo(ContextFaultStatus.Stalled), "SS is RESUME's to clear");
        Assert.That(rig.Ask(2, 0x1000).Outcome, Is.EqualTo(SmmuOutcome.Stalled), "still");
        rig.Map(tables, 0x8000, SmmuV2Rig.Ram + Page);
        rig.WriteBank(2, R.BankResume, 0);
        Assert.That(first.Stall.Result!.Value.Address, Is.EqualTo(SmmuV2Rig.Ram + Page));
        Assert.That(behind.Stall!.Result!.Value.Address, Is.EqualTo(SmmuV2Rig.Ram + 8));
        Assert.That((lost.Stall!.Result, rig.ReadBankWide(2, R.BankFaultAddress)), Is.EqualTo(((SmmuResult?)null, 0x9000UL)), "the third one stalls in its turn, and what came behind it waits");
        Assert.That(rig.Smmu.StalledCount, Is.EqualTo(2));
        rig.WriteBank(2, R.BankFaultStatus, uint.MaxValue);
        rig.WriteBank(2, R.BankResume, 1);
        Assert.That((lost.Stall.Result!.Value.Outcome, rig.Smmu.StalledCount), Is.EqualTo((SmmuOutcome.Abort, 0)));
        // Where nothing is stalled, RESUME is nothing.
        rig.WriteBank(2, R.BankResume, 1);
        rig.WriteBank(2, R.BankResume, 0);
        Assert.That(rig.OutcomeOf(2, 0x1000), Is.EqualTo(SmmuOutcome.Translated));
    }

    [Test]
    public void A_stalled_access_that_is_ended_is_ended_as_CFRE_says()
    {
        foreach (var reports in new[] { true, false })
        {
            using var rig = new SmmuV2Rig();
            rig.TurnOn();
            rig.Stage1(2, ContextBankControl.Stall);
            if (!reports)
                rig.WriteBank(2, R.BankControl, rig.ReadBank(2, R.BankControl) & ~(uint)ContextBankControl.FaultReport);
            var stalled = rig.Ask(2, 0x8000);
            rig.WriteBank(2, R.BankFaultStatus, uint.MaxValue);
            rig.WriteBank(2, R.BankResume, 1);
            Assert.That(stalled.Stall!.Result!.Value.Outcome, Is.EqualTo(reports ? SmmuOutcome.Abort : SmmuOutcome.ReadZeroWriteIgnored));
        }
    }

    [Test]
    public void Under_HUPCF_others_go_on_beside_a_stalled_access()
    {
        using var rig = new SmmuV2Rig();
        rig.TurnOn();
        var tables = rig.Stage1(2, ContextBankControl.Stall | ContextBankControl.HitUnderFault);
        rig.Map(tables, 0x1000, SmmuV2Rig.Ram);
        var first = rig.Ask(2, 0x8000);
        Assert.That(rig.OutcomeOf(2, 0x1000), Is.EqualTo(SmmuOutcome.Translated));
        var second = rig.Ask(2, 0x9000);
        Assert.That((second.Outcome, rig.ReadBankWide(2, R.BankFaultAddress)), Is.EqualTo((SmmuOutcome.Stalled, 0x8000UL)), "one at a time has the record");
        rig.WriteBank(2, R.BankFaultStatus, uint.MaxValue);
        rig.WriteBank(2, R.BankResume, 1);
        Assert.That((first.Stall!.Result!.Value.Outcome, rig.ReadBankWide(2, R.BankFaultAddress)), Is.EqualTo((SmmuOutcome.Abort, 0x9000UL)));
    }

    [Test]
    public void STALLD_turns_stalls_into_terminations()
    {
        using var rig = new SmmuV2Rig();
        rig.TurnOn(SmmuV2Control.GlobalFaultReport | SmmuV2Control.StallDisable);
        rig.Stage1(2, ContextBankControl.Stall);
        Assert.That(rig.OutcomeOf(2, 0x8000), Is.EqualTo(SmmuOutcome.Abort));
        Assert.That((ContextFaultStatus)rig.ReadBank(2, R.BankFaultStatus) & ContextFaultStatus.Stalled, Is.EqualTo(ContextFaultStatus.None));
    }

    [Test]
    public void A_handler_that_maps_and_resumes_at_once_is_not_noticed_by_the_device()
    {
        using var rig = new SmmuV2Rig();
        rig.TurnOn();
        var tables = rig.Stage1(2, ContextBankControl.Stall);
        rig.Smmu.ContextInterrupt += bank =>
        {
            var at = rig.ReadBankWide(bank, R.BankFaultAddress) & ~(Page - 1);
            rig.Map(tables, at, SmmuV2Rig.Ram + at);
            rig.WriteBank(bank, R.BankFaultStatus, uint.MaxValue);
            rig.WriteBank(bank, R.BankResume, 0);
        };
        for (var i = 0UL; i < 8; i++)
            Assert.That(rig.Ask(2, (i * Page) + 4).Address, Is.EqualTo(SmmuV2Rig.Ram + (i * Page) + 4));
        Assert.That((rig.ContextInterrupts.Count, rig.Smmu.StalledCount, rig.Smmu.Statistics.ContextFaults), Is.EqualTo((8, 0, 8UL)));
    }

    // What stage 2 refuses is recorded in its bank, with the intermediate address and the bank that asked (3.7.2, 17.3.1).
    [Test]
    public void A_fault_behind_stage_1_is_in_the_bank_of_stage_2()
    {
        using var rig = new SmmuV2Rig();
        rig.TurnOn();
        var second = rig.Stage2(0);
        var first = rig.Stage1(3, attribute: ContextBankAttribute.Nested(0, 0));
        var tables = first.Root.Value & ~0xFF_FFFFUL;
        rig.Map(second, tables, new PhysAddr(tables), 16UL << 20);
        rig.Map(first, 0x1000, new PhysAddr(0x7000_0000));
        rig.Map(first, 0x2000, new PhysAddr(0x7000_1000));
        rig.Map(second, 0x7000_1000, SmmuV2Rig.Ram);
        Assert.That(rig.Ask(3, 0x2010).Address, Is.EqualTo(SmmuV2Rig.Ram + 0x10));
        Assert.That(rig.OutcomeOf(3, 0x1238), Is.EqualTo(SmmuOutcome.Abort));
        Assert.That(rig.ReadBank(3, R.BankFaultStatus) & (uint)Reasons, Is.Zero);
        var syndrome = new ContextFaultSyndrome(rig.ReadBank(0, R.BankFaultSyndrome0));
        Assert.That((ContextFaultStatus)rig.ReadBank(0, R.BankFaultStatus) & Reasons, Is.EqualTo(ContextFaultStatus.Translation));
        Assert.That((syndrome.IsNested, syndrome.IsStage1Walk, syndrome.Stage1Bank), Is.EqualTo((true, false, 3)));
        Assert.That((rig.ReadBankWide(0, R.BankIpaFaultAddress), rig.ReadBankWide(0, R.BankFaultAddress)), Is.EqualTo((0x7000_0000UL, 0x1238UL)));
        Assert.That(rig.ContextInterrupts.Single(), Is.Zero);
        Assert.That(rig.OutcomeOf(3, 0x2010), Is.EqualTo(SmmuOutcome.Abort), "kept back by stage 2's fault");
        // The guest's tables themselves.
        rig.WriteBank(0, R.BankFaultStatus, uint.MaxValue);
        rig.Unmap(second, tables, 16UL << 20);
        rig.Write(R.TlbiAllNsnh, 0);
        rig.Write(R.TlbGlobalSync, 0);
        Assert.That(rig.OutcomeOf(3, 0x2010), Is.EqualTo(SmmuOutcome.Abort));
        syndrome = new ContextFaultSyndrome(rig.ReadBank(0, R.BankFaultSyndrome0));
        Assert.That((syndrome.IsNested, syndrome.IsStage1Walk, rig.ReadBankWide(0, R.BankIpaFaultAddress) & ~(Page - 1)), Is.EqualTo((true, true, first.Root.Value & ~(Page - 1))));
    }
}
