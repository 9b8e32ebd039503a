using System;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Architecture.Mmu.Vmsav8;
using KmemKit.Architecture.Smmu.V3;
using KmemKit.Runtime.Dma;
using KmemKit.Runtime.Smmu;
using KmemKit.Runtime.Smmu.V3;
using KmemKit.Runtime.Smmu.V3.Driver;
using NUnit.Framework;
using R = KmemKit.Architecture.Smmu.V3.SmmuV3Register;

namespace KmemKit.Runtime.Tests.SmmuTests;

/// <summary>How accesses end that may not go on, and what is never lost or kept too long.</summary>
internal sealed class SmmuFaultTests : SmmuRuleFixture
{
    // 5.4, CD.A: a fault that is no abort reads zero; CMD_RESUME says which of both it is to be (4.6.1).
    [Test]
    public void A_terminated_access_ends_as_the_context_says_and_an_aborted_one_aborts()
    {
        // IDR0.TERM_MODEL 0: contexts may choose.
        _bench.Dispose();
        _bench = new SmmuBench(new SmmuV3Features { StreamIdBits = 16, TerminatesWithAbort = false });
        var cd = NewPage();
        Write(cd, Cd(Stage1().Root).WithStalls().Words.With(ContextDescriptorFields.A, 0));
        _bench.Driver.InstallEntry(1, StreamTableEntry.Stage1(cd));
        var (a, b) = (Access(1, 0x3000), Access(1, 0x5000));
        _bench.Driver.SendAndSync(Command.Resume(1, a.Stall!.Tag, ResumeAction.Terminate), Command.Resume(1, b.Stall!.Tag, ResumeAction.Abort));
        Assert.That((a.Stall.Result!.Value.Outcome, b.Stall.Result!.Value.Outcome), Is.EqualTo((SmmuOutcome.ReadZeroWriteIgnored, SmmuOutcome.Abort)));
    }

    [Test]
    public void A_page_without_access_flag_faults_unless_flags_do_not_count()
    {
        var tables = Stage1();
        var prot = tables.Prot(new PageAttributes(AccessRights.ReadWrite, AccessRights.ReadWrite, MemoryType.NormalWriteBackWriteAllocate) { IsGlobal = false, IsDirty = true, IsAccessed = false });
        Assert.That(tables.Map(_bench.Cpu, new VirtAddr(0x3000), s_ram, Page, prot).IsOk, Is.True);
        var (cd, other) = (NewPage(), NewPage());
        Write(cd, Cd(tables.Root).Words);
        Write(other, Cd(tables.Root, asid: 2).Words.With(ContextDescriptorFields.AFFD, 1));
        _bench.Driver.InstallEntry(1, StreamTableEntry.Stage1(cd));
        _bench.Driver.InstallEntry(2, StreamTableEntry.Stage1(other));
        Assert.That((Access(1, 0x3000).Outcome, Access(2, 0x3000).Outcome), Is.EqualTo((SmmuOutcome.Abort, SmmuOutcome.Translated)));
        Reported(EventType.AccessFlag);
        // What faults so is never kept (Arm DDI 0487, D8.5.4): software sets AF, bit 10, and needs no invalidation.
        var leaf = tables.Walk(new VirtAddr(0x3000));
        _bench.Machine.Memory.WriteUInt64(new PhysAddr(leaf.DescriptorAddress), leaf.Descriptor | (1UL << 10));
        Assert.That(Access(1, 0x3000).Outcome, Is.EqualTo(SmmuOutcome.Translated));
    }

    [Test]
    public void What_stage_2_gives_to_read_is_not_written()
    {
        var stage2 = Stage2(AccessRights.Read, (0x8000, s_ram));
        _bench.Driver.InstallEntry(1, StreamTableEntry.Bypass.WithStage2(new SteStage2 { Vmid = 1, Table = stage2.Root, StartLevel = stage2.Format.RootLevel }));
        Assert.That((Access(1, 0x8000).Outcome, Access(1, 0x8000, AccessRights.Write).Outcome), Is.EqualTo((SmmuOutcome.Translated, SmmuOutcome.Abort)));
        Assert.That((_bench.Events.Single().Type, _bench.Events[0].IsStage2, _bench.Events[0].IpaOrFetchAddress), Is.EqualTo((EventType.Permission, true, 0x8000UL)));
    }

    // 6.3.12, RECINVSID.
    [Test]
    public void A_stream_outside_the_table_is_told_to_who_asks()
    {
        _bench.Smmu.Write(R.Cr2, 4, 0);
        Assert.That(Access(0x1_0000, 0).Outcome, Is.EqualTo(SmmuOutcome.Abort));
        Reported();
        _bench.Smmu.Write(R.Cr2, 4, 2);
        Assert.That(Access(0x1_0000, 0).Outcome, Is.EqualTo(SmmuOutcome.Abort));
        Reported(EventType.BadStreamId);
    }

    // 7.4: a stall record that finds the queue full waits for room, for without it software could never answer.
    [Test]
    public void No_stall_record_is_lost()
    {
        _bench.Dispose();
        _bench = new SmmuBench(eventBits: 2);
        var cd = NewPage();
        Write(cd, Cd(Stage1().Root).WithStalls().Words);
        _bench.Driver.InstallEntry(1, StreamTableEntry.Stage1(cd));
        _bench.Smmu.Write(R.IrqCtrl, 4, 0);
        for (var i = 0UL; i < 7; i++)
            Assert.That(_bench.Smmu.Translate(new SmmuTransaction(1, null, 0x40_0000 + (i * Page), AccessRights.Read)).Outcome, Is.EqualTo(SmmuOutcome.Stalled));
        _bench.Driver.ReadEvents();
        Assert.That(_bench.Events.Select(e => e.InputAddress), Is.EqualTo(Enumerable.Range(0, 7).Select(i => 0x40_0000 + ((ulong)i * Page))));
        Assert.That((_bench.Smmu.Statistics.LostEvents, _bench.Smmu.StalledCount), Is.EqualTo((0UL, 7)));
    }

    // 6.3.17: a second error of a kind does not take the first one back.
    [Test]
    public void An_error_stays_active_until_it_is_acknowledged()
    {
        var smmu = new SmmuV3(_bench.Machine.Memory);
        smmu.Write(R.EventqBase, 8, 0xF000_0000_0000 | 4);
        smmu.Write(R.StrtabBase, 8, 0xF000_0000_0000);
        smmu.Write(R.StrtabBaseCfg, 4, 8);
        smmu.Write(R.Cr0, 4, (ulong)(SmmuV3Control.SmmuEnable | SmmuV3Control.EventQueueEnable));
        for (var i = 0; i < 2; i++)
        {
            smmu.Translate(new SmmuTransaction(1, null, 0, AccessRights.Read));
            Assert.That(smmu.Read(R.GError, 4) ^ smmu.Read(R.GErrorN, 4), Is.EqualTo((ulong)SmmuV3GlobalErrors.EventQueueAbort));
        }
        smmu.Write(R.GErrorN, 4, smmu.Read(R.GError, 4));
        Assert.That(smmu.Read(R.GError, 4) ^ smmu.Read(R.GErrorN, 4), Is.Zero);
    }

    [Test]
    public void Who_gets_an_ASID_anew_gets_no_translation_with_it()
    {
        using var bench = new SmmuBench(new SmmuV3Features { StreamIdBits = 16, Asid16 = false });
        var first = bench.Domain();
        first.Attach(1);
        Assert.That(first.TryMap(bench.Cpu, [new DmaPiece(s_ram, Page)], DmaAccess.Read, ulong.MaxValue, out var bus), Is.EqualTo(DmaError.None));
        Assert.That(bench.Smmu.Translate(new SmmuTransaction(1, null, bus.Value, AccessRights.Read)).Outcome, Is.EqualTo(SmmuOutcome.Translated));
        var asid = first.Asid;
        first.Dispose();
        for (var i = 0; i < 254; i++)
            Assert.That(bench.Driver.TakeAsid(), Is.Not.EqualTo(asid), "the one that was given up last rests longest");
        using var second = bench.Domain();
        Assert.That(second.Asid, Is.EqualTo(asid));
        second.Attach(1);
        Assert.That(bench.Smmu.Translate(new SmmuTransaction(1, null, bus.Value, AccessRights.Read)).Outcome, Is.EqualTo(SmmuOutcome.Abort));
    }

    // The two commands of an unmap on both sides of the queue's end.
    [Test]
    public void A_queue_turns_between_a_command_and_its_sync()
    {
        var smmu = new SmmuV3(_bench.Machine.Memory);
        using var driver = SmmuV3Driver.Start(_bench.Cpu, _bench.Machine.Memory, smmu, commandBits: 3);
        using var domain = SmmuDomain.TryCreate<Granule4K>(driver, _bench.Cpu, _bench.Machine.Memory)!;
        for (var shift = 0; shift < 2; shift++)
        {
            driver.Send(Command.CfgiAll);
            var before = smmu.Statistics;
            for (var i = 0UL; i < 40; i++)
            {
                Assert.That(domain.TryMap(_bench.Cpu, [new DmaPiece(s_ram, Page)], DmaAccess.Read, ulong.MaxValue, out var bus), Is.EqualTo(DmaError.None));
                domain.Unmap(_bench.Cpu, bus, Page);
                var after = smmu.Statistics;
                Assert.That((after.TlbInvalidations - before.TlbInvalidations, after.Syncs - before.Syncs), Is.EqualTo((i + 1, i + 1)));
            }
        }
    }
}
