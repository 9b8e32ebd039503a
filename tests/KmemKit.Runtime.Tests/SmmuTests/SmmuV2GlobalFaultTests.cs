using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Architecture.Smmu.V2;
using KmemKit.Runtime.Smmu;
using NUnit.Framework;
using R = KmemKit.Architecture.Smmu.V2.SmmuV2Register;

namespace KmemKit.Runtime.Tests.SmmuTests;

/// <summary>Accesses that no context bank can answer for end as sCR0 says, and in the global fault registers (Arm IHI 0062, 2.3, 3.8 and 9.6).</summary>
internal sealed class SmmuV2GlobalFaultTests
{
    private const SmmuV2Control Report = SmmuV2Control.GlobalFaultReport;

    [Test]
    public void A_stream_that_no_group_matches_passes_or_faults_as_USFCFG_says()
    {
        using var rig = new SmmuV2Rig();
        rig.TurnOn(Report);
        Assert.That((rig.Ask(0x155, 0x1234).Outcome, rig.Ask(0x155, 0x1234).Address.Value), Is.EqualTo((SmmuOutcome.Translated, 0x1234UL)));
        Assert.That(rig.GlobalStatus, Is.EqualTo(GlobalFaultStatus.None));
        rig.TurnOn(Report | SmmuV2Control.UnidentifiedStreamFault);
        Assert.That(rig.OutcomeOf(0x155, 0x1234), Is.EqualTo(SmmuOutcome.Abort));
        Assert.That(rig.GlobalStatus, Is.EqualTo(GlobalFaultStatus.UnidentifiedStream));
        // An ID has ten bits here: what is beyond them matches nothing, not even what matches all.
        rig.Group(0, 0, StreamToContextRegister.Bypass, mask: 0x3FF);
        Assert.That(rig.OutcomeOf(0x155, 0), Is.EqualTo(SmmuOutcome.Translated));
        Assert.That(rig.OutcomeOf(0x555, 0), Is.EqualTo(SmmuOutcome.Abort));
        Assert.That(rig.OutcomeOf(uint.MaxValue, 0), Is.EqualTo(SmmuOutcome.Abort));
    }

    [Test]
    public void A_stream_that_two_groups_match_passes_or_faults_as_SMCFCFG_says()
    {
        using var rig = new SmmuV2Rig();
        rig.Group(1, 0x10, StreamToContextRegister.Fault);
        rig.Group(4, 0x10, StreamToContextRegister.Fault, mask: 0xF);
        rig.TurnOn(Report);
        Assert.That(rig.Ask(0x10, 0x1234).Address.Value, Is.EqualTo(0x1234UL));
        rig.TurnOn(Report | SmmuV2Control.StreamMatchConflictFault);
        Assert.That(rig.OutcomeOf(0x10, 0x1234), Is.EqualTo(SmmuOutcome.Abort));
        Assert.That((rig.GlobalStatus, rig.GlobalSyndrome.IsNested), Is.EqualTo((GlobalFaultStatus.StreamMatchConflict, false)));
        rig.Write(R.FaultStatus, uint.MaxValue);
        Assert.That(rig.OutcomeOf(0x11, 0x1234), Is.EqualTo(SmmuOutcome.Abort), "one group alone");
        Assert.That(rig.GlobalStatus, Is.EqualTo(GlobalFaultStatus.InvalidContext));
        // A group that is not valid any more matches nothing.
        rig.Write(R.StreamMatch(1), rig.Read(R.StreamMatch(1)) & ~(1u << 31));
        rig.Write(R.StreamToContext(4), StreamToContextRegister.Bypass.Value);
        Assert.That(rig.OutcomeOf(0x10, 0x1234), Is.EqualTo(SmmuOutcome.Translated));
    }

    [Test]
    public void A_group_or_a_bank_that_leads_nowhere_is_an_invalid_context_or_no_bank()
    {
        using var rig = new SmmuV2Rig();
        rig.TurnOn();
        rig.Group(0, 1, StreamToContextRegister.Fault);
        Expect(GlobalFaultStatus.InvalidContext, isNested: false, "the group says fault");
        rig.Group(0, 1, new StreamToContextRegister(3u << 16));
        Expect(GlobalFaultStatus.InvalidContext, isNested: false, "TYPE 0b11 is reserved");
        foreach (var bank in new[] { 6, 7, 255 })
        {
            rig.Group(0, 1, StreamToContextRegister.Translate(bank));
            Expect(GlobalFaultStatus.UnimplementedContextBank, isNested: false, $"bank {bank} of 6");
        }
        rig.Group(0, 1, StreamToContextRegister.Translate(3));
        rig.Attribute(3, new ContextBankAttribute((uint)ContextBankType.Stage1Stage2Fault << 16));
        Expect(GlobalFaultStatus.InvalidContext, isNested: true, "stage 2 faults");
        rig.Attribute(3, ContextBankAttribute.Nested(0, 200));
        Expect(GlobalFaultStatus.UnimplementedContextBank, isNested: true, "stage 2 in a bank that is not there");
        rig.Attribute(2, ContextBankAttribute.Stage1(0));
        rig.Attribute(3, ContextBankAttribute.Nested(0, 2));
        Expect(GlobalFaultStatus.InvalidContext, isNested: true, "stage 2 in a bank of stage 1");
        rig.Attribute(0, ContextBankAttribute.Stage2(0), isAArch64: false);
        rig.Attribute(3, ContextBankAttribute.Nested(0, 0));
        Expect(GlobalFaultStatus.InvalidContext, isNested: true, "VMSAv8-64 before AArch32");
        // The first bank has stage 2 alone.
        rig.Attribute(0, ContextBankAttribute.Stage1(0));
        rig.Group(0, 1, StreamToContextRegister.Translate(0));
        Expect(GlobalFaultStatus.InvalidContext, isNested: true, "stage 1 in a bank of stage 2");

        void Expect(GlobalFaultStatus status, bool isNested, string why)
        {
            rig.Write(R.FaultStatus, uint.MaxValue);
            Assert.That(rig.OutcomeOf(1, 0x1000), Is.EqualTo(SmmuOutcome.Abort), why);
            Assert.That((rig.GlobalStatus, rig.GlobalSyndrome.IsNested), Is.EqualTo((status, isNested)), why);
        }
    }

    [Test]
    public void Stages_that_are_not_there_are_invalid_contexts()
    {
        foreach (var (features, attribute) in new (SmmuV2Features, ContextBankAttribute)[]
        {
            (SmmuV2Rig.Small with { Stage1 = false, Nested = false }, ContextBankAttribute.Stage1(0)),
            (SmmuV2Rig.Small with { Stage2 = false, Nested = false, Stage2Banks = 0 }, ContextBankAttribute.Stage2(0)),
            (SmmuV2Rig.Small with { Nested = false }, ContextBankAttribute.Nested(0, 0)),
        })
        {
            using var rig = new SmmuV2Rig(features);
            rig.TurnOn();
            rig.Attribute(3, attribute);
            rig.Group(0, 1, StreamToContextRegister.Translate(3));
            Assert.That((rig.OutcomeOf(1, 0), rig.GlobalStatus), Is.EqualTo((SmmuOutcome.Abort, GlobalFaultStatus.InvalidContext)), $"{attribute.Type}");
        }
    }

    [Test]
    public void The_first_fault_is_recorded_and_of_others_a_bit()
    {
        using var rig = new SmmuV2Rig();
        rig.TurnOn(SmmuV2Control.UnidentifiedStreamFault | SmmuV2Control.GlobalFaultInterrupt);
        rig.Ask(0x123, 0x8765_4321_0000, AccessRights.Write, Privilege.Privileged);
        Assert.That((rig.GlobalInterrupts, rig.GlobalStatus, rig.Smmu.Read(R.FaultAddress, 8), rig.Read(R.FaultSyndrome1)),
            Is.EqualTo((1, GlobalFaultStatus.UnidentifiedStream, 0x8765_4321_0000UL, 0x123U)));
        Assert.That((rig.GlobalSyndrome.IsWrite, rig.GlobalSyndrome.IsPrivileged, rig.GlobalSyndrome.IsInstruction), Is.EqualTo((true, true, false)));
        Assert.That((rig.Read(R.FaultAddress), rig.Read(R.FaultAddress + 4)), Is.EqualTo((0x4321_0000U, 0x8765U)), "in halves as well");
        rig.Ask(0x234, 0x1000, AccessRights.Execute);
        Assert.That((rig.GlobalInterrupts, rig.GlobalStatus, rig.Read(R.FaultSyndrome1)),
            Is.EqualTo((1, GlobalFaultStatus.UnidentifiedStream | GlobalFaultStatus.Multiple, 0x123U)), "the line is up already");
        rig.Write(R.FaultStatus, (uint)GlobalFaultStatus.Multiple);
        Assert.That(rig.GlobalStatus, Is.EqualTo(GlobalFaultStatus.UnidentifiedStream), "ones clear");
        rig.Write(R.FaultStatus, (uint)GlobalFaultStatus.UnidentifiedStream);
        rig.Ask(0x234, 0x1000, AccessRights.Execute);
        Assert.That((rig.GlobalInterrupts, rig.Read(R.FaultSyndrome1), rig.GlobalSyndrome.IsInstruction), Is.EqualTo((2, 0x234U, true)));
        rig.Write(R.FaultStatus, uint.MaxValue);
        rig.Write(R.FaultStatusRestore, (uint)GlobalFaultStatus.External);
        Assert.That((rig.GlobalStatus, rig.GlobalInterrupts), Is.EqualTo((GlobalFaultStatus.External, 3)));
        // Without GFRE the device sees no error.
        Assert.That(rig.OutcomeOf(0x234, 0x1000), Is.EqualTo(SmmuOutcome.ReadZeroWriteIgnored));
    }

    [Test]
    public void Until_it_is_turned_on_everything_passes_whatever_the_registers_hold()
    {
        using var rig = new SmmuV2Rig();
        rig.Group(0, 1, StreamToContextRegister.Fault);
        Assert.That(rig.Ask(1, 0x9000).Address.Value, Is.EqualTo(0x9000UL));
        rig.TurnOn();
        Assert.That(rig.OutcomeOf(1, 0x9000), Is.EqualTo(SmmuOutcome.Abort));
        rig.Write(R.Cr0, rig.Read(R.Cr0) | (uint)SmmuV2Control.ClientPortDisable);
        Assert.That(rig.OutcomeOf(1, 0x9000), Is.EqualTo(SmmuOutcome.Translated));
    }

    [Test]
    public void Without_stream_matching_a_stream_is_the_number_of_its_group()
    {
        using var rig = new SmmuV2Rig(SmmuV2Rig.Small with { StreamMatching = false });
        rig.TurnOn();
        rig.Write(R.StreamToContext(5), StreamToContextRegister.Bypass.Value);
        rig.Write(R.StreamMatch(5), uint.MaxValue);
        Assert.That(rig.Read(R.StreamMatch(5)), Is.Zero, "there are no match registers");
        Assert.That(rig.OutcomeOf(5, 0), Is.EqualTo(SmmuOutcome.Translated));
        Assert.That(rig.OutcomeOf(8, 0), Is.EqualTo(SmmuOutcome.Abort));
        Assert.That(rig.GlobalStatus, Is.EqualTo(GlobalFaultStatus.UnidentifiedStream));
    }

    [Test]
    public void A_bank_whose_interrupt_is_not_there_faults_globally_as_well()
    {
        using var rig = new SmmuV2Rig(SmmuV2Rig.Small with { ContextInterrupts = 2 });
        rig.TurnOn();
        rig.Stage1(2, attribute: new ContextBankAttribute(ContextBankAttribute.Stage1(0).Value | (5u << 24)));
        rig.Stage1(3, attribute: new ContextBankAttribute(ContextBankAttribute.Stage1(0).Value | (1u << 24)));
        Assert.That(rig.OutcomeOf(3, 0x1000), Is.EqualTo(SmmuOutcome.Abort));
        Assert.That((rig.GlobalStatus, rig.ContextInterrupts.Single()), Is.EqualTo((GlobalFaultStatus.None, 3)));
        Assert.That(rig.OutcomeOf(2, 0x1000), Is.EqualTo(SmmuOutcome.Abort));
        Assert.That((rig.GlobalStatus, rig.ContextInterrupts.Count), Is.EqualTo((GlobalFaultStatus.UnimplementedContextInterrupt, 1)));
        Assert.That((ContextFaultStatus)rig.ReadBank(2, R.BankFaultStatus) & ContextFaultStatus.Translation, Is.EqualTo(ContextFaultStatus.Translation));
    }

    [Test]
    public void What_a_group_says_of_its_accesses_counts_and_not_what_the_device_says()
    {
        using var rig = new SmmuV2Rig();
        rig.TurnOn();
        var tables = rig.Stage1(2);
        var attributes = new PageAttributes(AccessRights.ReadWrite, AccessRights.None, tables.Format.TypeFor(MemoryUse.Cached), Shareability.Inner) { IsDirty = true };
        Assert.That(tables.Map(rig.Machine.Cpu, new VirtAddr(0x1000), SmmuV2Rig.Ram, SmmuV2Rig.Page, tables.Prot(attributes)).IsOk);
        Assert.That(rig.OutcomeOf(2, 0x1000), Is.EqualTo(SmmuOutcome.Abort), "a user");
        rig.WriteBank(2, R.BankFaultStatus, uint.MaxValue);
        rig.Write(R.StreamToContext(2), StreamToContextRegister.Translate(2).Value | (3u << 24));
        Assert.That(rig.OutcomeOf(2, 0x1000), Is.EqualTo(SmmuOutcome.Translated), "PRIVCFG privileged");
        rig.Write(R.StreamToContext(2), StreamToContextRegister.Translate(2).Value | (2u << 24));
        Assert.That(rig.Ask(2, 0x1000, privilege: Privilege.Privileged).Outcome, Is.EqualTo(SmmuOutcome.Abort), "PRIVCFG unprivileged");
        Assert.That(new ContextFaultSyndrome(rig.ReadBank(2, R.BankFaultSyndrome0)).IsPrivileged, Is.False);
    }
}
