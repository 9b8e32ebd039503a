using System;
using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Architecture.Smmu;
using KmemKit.Architecture.Smmu.V3;
using KmemKit.Runtime.Dma;
using KmemKit.Runtime.Smmu;
using KmemKit.Runtime.Smmu.V3;
using NUnit.Framework;
using R = KmemKit.Architecture.Smmu.V3.SmmuV3Register;

namespace KmemKit.Runtime.Tests.SmmuTests;

/// <summary>Configuration, queues, stalls and stage 2 of the SMMUv3, by the sections of Arm IHI 0070; abuse ends in the architected event or error bit.</summary>
internal sealed class SmmuRuleTests : SmmuRuleFixture
{
    [Test]
    public void Bypass_passes_and_abort_aborts()
    {
        _bench.Driver.InstallEntry(1, StreamTableEntry.Bypass);
        Assert.That(Access(1, 0x1234).Address.Value, Is.EqualTo(0x1234UL));
        Assert.That(Access(2, 0x1234).Outcome, Is.EqualTo(SmmuOutcome.Abort));
        Reported();
        Assert.That(Access(1, 1UL << 50).Outcome, Is.EqualTo(SmmuOutcome.Abort));
        Reported(EventType.AddressSize);
    }

    // 3.21: what was cached stays until CFGI.
    [Test]
    public void A_changed_entry_counts_when_it_is_invalidated()
    {
        _bench.Driver.InstallEntry(1, StreamTableEntry.Bypass);
        Assert.That(Access(1, 0).Outcome, Is.EqualTo(SmmuOutcome.Translated));
        // Behind the driver's back: Config to abort in memory.
        var l1 = new StreamTableDescriptor(_bench.Machine.Memory.ReadUInt64(new PhysAddr(_bench.Smmu.Read(R.StrtabBase, 8))));
        _bench.Machine.Memory.WriteUInt64(l1.L2Ptr + 64, 1);
        Assert.That(Access(1, 0).Outcome, Is.EqualTo(SmmuOutcome.Translated), "stale");
        _bench.Driver.SendAndSync(Command.CfgiSte(2, leaf: true));
        Assert.That(Access(1, 0).Outcome, Is.EqualTo(SmmuOutcome.Translated), "another stream's invalidation");
        _bench.Driver.SendAndSync(Command.CfgiSteRange(0, 0));
        Assert.That(Access(1, 0).Outcome, Is.EqualTo(SmmuOutcome.Abort), "streams 0 and 1 were invalidated");
    }

    [Test]
    public void Bad_configuration_is_an_event_and_not_cached()
    {
        var cd = NewPage();
        _bench.Driver.InstallEntry(1, StreamTableEntry.Stage1(cd));
        Assert.That(Access(1, 0).Outcome, Is.EqualTo(SmmuOutcome.Abort));
        Reported(EventType.BadCd);
        var root = Stage1((0x1000, s_ram)).Root;
        Write(cd, Cd(root).Words);
        Assert.That(Access(1, 0x1008).Address, Is.EqualTo(s_ram + 8), "without an invalidation: the bad one was not cached");
        _bench.Driver.InstallEntry(2, StreamTableEntry.Stage1(new PhysAddr(0xF000_0000)));
        Access(2, 0);
        Reported(EventType.BadCd, EventType.CdFetch);
        Assert.That(_bench.Events[^1].IpaOrFetchAddress, Is.EqualTo(0xF000_0000UL));
        Write(cd + 64, Cd(new PhysAddr(0xF000_0000), 2).Words);
        _bench.Driver.InstallEntry(3, StreamTableEntry.Stage1(cd + 64));
        Access(3, 0x1000);
        Assert.That((_bench.Events[^1].Type, _bench.Events[^1].Class), Is.EqualTo((EventType.WalkExternalAbort, EventClass.TableWalk)));
        Assert.That(() => _bench.Driver.InstallEntry(4, StreamTableEntry.Stage1(new PhysAddr(1UL << 48))), Throws.ArgumentException);
        Assert.That(() => _bench.Driver.InstallEntry(1 << 16, StreamTableEntry.Bypass), Throws.InstanceOf<ArgumentOutOfRangeException>());
    }

    // 5.2, S1DSS and S1CDMax; 3.9.2.1.
    [TestCase(DefaultSubstream.Terminate, null, EventType.StreamDisabled, 0UL)]
    [TestCase(DefaultSubstream.Bypass, null, null, 0x1000UL)]
    [TestCase(DefaultSubstream.Substream0, null, null, 0x200_0000UL)]
    [TestCase(DefaultSubstream.Substream0, 0u, EventType.StreamDisabled, 0UL)]
    [TestCase(DefaultSubstream.Terminate, 0u, null, 0x200_0000UL)]
    [TestCase(DefaultSubstream.Terminate, 1u, null, 0x200_1000UL)]
    [TestCase(DefaultSubstream.Terminate, 2u, EventType.BadCd, 0UL)]
    [TestCase(DefaultSubstream.Terminate, 4u, EventType.BadSubstreamId, 0UL)]
    public void Substreams(DefaultSubstream ifNone, uint? substream, EventType? fault, ulong output)
    {
        var table = NewPage();
        Write(table, Cd(Stage1((0x1000, s_ram)).Root, 1).Words);
        Write(table + 64, Cd(Stage1((0x1000, s_ram + Page)).Root, 2).Words);
        _bench.Driver.InstallEntry(1, StreamTableEntry.Stage1(table, substreamBits: 2, defaultSubstream: ifNone));
        var result = Access(1, 0x1000, substream: substream);
        Assert.That(result.Outcome, Is.EqualTo(fault is null ? SmmuOutcome.Translated : SmmuOutcome.Abort));
        Assert.That(result.Address.Value, Is.EqualTo(output));
        Reported(fault is { } type ? [type] : []);
    }

    [Test]
    public void Two_level_context_tables()
    {
        var (first, second) = (NewPage(), NewPage());
        _bench.Machine.Memory.WriteUInt64(first + 8, ContextTableDescriptor.Table(second).Value);
        Write(second + (3 * 64), Cd(Stage1((0x1000, s_ram)).Root).Words);
        _bench.Driver.InstallEntry(1, StreamTableEntry.Stage1(first, ContextTableFormat.TwoLevel4K, 8));
        Assert.That(Access(1, 0x1000, substream: 64 + 3).Address, Is.EqualTo(s_ram));
        Access(1, 0x1000, substream: 3);
        Reported(EventType.BadSubstreamId);
    }

    [Test]
    public void Stage_2_translates_alone_and_behind_stage_1()
    {
        // The guest's own tables, context descriptor and buffer, at guest addresses above 4 GiB.
        var stage1 = Stage1((0x7000, new PhysAddr(0x1_0000_5000)));
        var cd = NewPage();
        var stage2 = Stage2(AccessRights.ReadWrite, (0x1_0000_5000, s_ram), (0x1_0003_0000, cd), (stage1.Root.Value, stage1.Root));
        // The guest's tables are where it believes they are: all of RAM is mapped to itself. Its buffer and context descriptor are above.
        var identity = stage2.Prot(new PageAttributes(AccessRights.Read, AccessRights.Read, MemoryType.NormalWriteBackWriteAllocate));
        for (var at = 0UL; at < 64 * 1024 * 1024; at += Page)
        {
            if (!stage2.TryTranslate(new VirtAddr(at), out _))
                Assert.That(stage2.Map(_bench.Cpu, new VirtAddr(at), new PhysAddr(at), Page, identity).IsOk, Is.True);
        }
        Write(cd, Cd(stage1.Root).Words);
        var settings = new SteStage2 { Vmid = 7, Table = stage2.Root, InputBits = 40, StartLevel = stage2.Format.RootLevel, OutputBits = 48 };
        _bench.Driver.InstallEntry(1, StreamTableEntry.Bypass.WithStage2(settings));
        Assert.That(Access(1, 0x1_0000_5010).Address, Is.EqualTo(s_ram + 0x10));
        Access(1, 0x1_0000_9000);
        Assert.That((_bench.Events[^1].Type, _bench.Events[^1].IsStage2, _bench.Events[^1].IpaOrFetchAddress), Is.EqualTo((EventType.Translation, true, 0x1_0000_9000UL)));
        _bench.Driver.InstallEntry(2, StreamTableEntry.Stage1(new PhysAddr(0x1_0003_0000)).WithStage2(settings));
        Assert.That(Access(2, 0x7018).Address, Is.EqualTo(s_ram + 0x18), $"device address to guest's to physical: {string.Join("; ", _bench.Events)}");
        // The guest's page disappears from stage 2: stage 1 is still cached, stage 2 only until it is invalidated.
        Assert.That(stage2.Unmap(_bench.Cpu, new VirtAddr(0x1_0000_5000), Page).IsOk, Is.True);
        Assert.That(Access(2, 0x7018).Outcome, Is.EqualTo(SmmuOutcome.Translated), "stale");
        _bench.Driver.SendAndSync(Command.TlbiS2Ipa(8, 0x1_0000_5000, leaf: true));
        Assert.That(Access(2, 0x7018).Outcome, Is.EqualTo(SmmuOutcome.Translated), "another guest's invalidation");
        _bench.Driver.SendAndSync(Command.TlbiS2Ipa(7, 0x1_0000_5000, leaf: true));
        Assert.That(Access(2, 0x7018).Outcome, Is.EqualTo(SmmuOutcome.Abort));
        Assert.That(_bench.Events[^1] with { StreamId = 0 }, Is.EqualTo(new EventRecord
        {
            Type = EventType.Translation, IsRead = true, IsStage2 = true, Class = EventClass.Input, InputAddress = 0x7018, IpaOrFetchAddress = 0x1_0000_5000,
        }));
    }

    [Test]
    public void Two_guests_reach_their_own_memory_only()
    {
        for (var guest = 0u; guest < 2; guest++)
        {
            var stage2 = Stage2(AccessRights.ReadWrite, (0x8000, s_ram + (guest * 0x10_0000)));
            _bench.Driver.InstallEntry(10 + guest, StreamTableEntry.Bypass.WithStage2(new SteStage2 { Vmid = (ushort)(guest + 1), Table = stage2.Root, StartLevel = stage2.Format.RootLevel }));
        }
        for (var turn = 0; turn < 2; turn++)
        {
            Assert.That(Access(10, 0x8000).Address, Is.EqualTo(s_ram));
            Assert.That(Access(11, 0x8000).Address, Is.EqualTo(s_ram + 0x10_0000));
        }
        Assert.That(Access(10, s_ram.Value + 0x10_0000).Outcome, Is.EqualTo(SmmuOutcome.Abort));
    }

    // 3.12.2 and 4.6: a fault that stalls waits; software maps the page and lets it go on.
    [Test]
    public void A_stalled_access_goes_on_when_software_mapped_its_page()
    {
        var tables = Stage1();
        var cd = NewPage();
        Write(cd, Cd(tables.Root).WithStalls().Words);
        _bench.Driver.InstallEntry(1, StreamTableEntry.Stage1(cd));
        var prot = tables.Prot(new PageAttributes(AccessRights.ReadWrite, AccessRights.ReadWrite, MemoryType.NormalWriteBackWriteAllocate) { IsGlobal = false, IsDirty = true });
        var waiting = Access(1, 0x3000, AccessRights.Write);
        Assert.That((waiting.Outcome, waiting.Stall!.Result), Is.EqualTo((SmmuOutcome.Stalled, (SmmuResult?)null)));
        var record = _bench.Events.Single();
        Assert.That((record.Type, record.IsStall, record.StallTag, record.IsRead), Is.EqualTo((EventType.Translation, true, waiting.Stall.Tag, false)));
        _bench.Driver.SendAndSync(Command.Resume(2, record.StallTag, ResumeAction.Abort));
        Assert.That(waiting.Stall.Result, Is.Null, "another stream's tag is ignored");
        Assert.That(tables.Map(_bench.Cpu, new VirtAddr(0x3000), s_ram, Page, prot).IsOk, Is.True);
        _bench.Driver.SendAndSync(Command.Resume(1, record.StallTag, ResumeAction.Retry));
        Assert.That(waiting.Stall.Result!.Value.Address, Is.EqualTo(s_ram));
        // A handler that answers at once: the device never notices.
        _bench.Driver.EventReceived += e =>
        {
            tables.Map(_bench.Cpu, new VirtAddr(e.InputAddress & ~0xFFFUL), s_ram + Page, Page, prot);
            _bench.Driver.Send(Command.Resume(e.StreamId, e.StallTag, ResumeAction.Retry));
        };
        Assert.That(Access(1, 0x4008).Address, Is.EqualTo(s_ram + Page + 8));
        Assert.That(_bench.Smmu.StalledCount, Is.Zero);
    }

    [Test]
    public void Stalls_end_by_termination()
    {
        var cd = NewPage();
        Write(cd, Cd(Stage1().Root).WithStalls().Words);
        _bench.Driver.InstallEntry(1, StreamTableEntry.Stage1(cd));
        var (a, b) = (Access(1, 0x3000), Access(1, 0x5000));
        _bench.Driver.SendAndSync(Command.Resume(1, a.Stall!.Tag, ResumeAction.Terminate));
        Assert.That(a.Stall.Result!.Value.Outcome, Is.EqualTo(SmmuOutcome.Abort));
        _bench.Driver.SendAndSync(Command.StallTerm(1));
        Assert.That(b.Stall!.Result!.Value.Outcome, Is.EqualTo(SmmuOutcome.Abort));
        _bench.Driver.InstallEntry(1, StreamTableEntry.Stage1(cd).WithoutStalls());
        Assert.That(Access(1, 0x3000).Outcome, Is.EqualTo(SmmuOutcome.Abort), "S1STALLD");
    }

    // 7.4: the queue is full, the flag turns once, what comes is lost, and after an acknowledgement it starts again. Stall records are never lost.
    [Test]
    public void A_full_event_queue_overflows()
    {
        using var bench = new SmmuBench(eventBits: 2);
        bench.Driver.InstallEntry(1, StreamTableEntry.Bypass);
        bench.Smmu.Write(R.IrqCtrl, 4, 0);
        for (var i = 0; i < 6; i++)
            bench.Smmu.Translate(new SmmuTransaction(1, null, 1UL << 52, AccessRights.Read));
        Assert.That(bench.Smmu.Read(R.EventqProd, 4), Is.EqualTo(QueuePointer.Overflow | 4u));
        Assert.That((bench.Smmu.Statistics.Events, bench.Smmu.Statistics.LostEvents), Is.EqualTo((4UL, 2UL)));
        bench.Driver.ReadEvents();
        Assert.That(bench.Events, Has.Count.EqualTo(4));
        bench.Smmu.Translate(new SmmuTransaction(1, null, 1UL << 52, AccessRights.Read));
        bench.Driver.ReadEvents();
        Assert.That(bench.Events, Has.Count.EqualTo(5));
        Assert.That(bench.Smmu.Read(R.EventqProd, 4) >> 31, Is.EqualTo(1UL), "acknowledged, not cleared");
    }

    // 7.1: the consumer stands at the command, ERR says why, GERROR.CMDQ_ERR is active until it is acknowledged; then the command is tried again.
    [TestCase(0xFFUL, CommandError.Illegal)]
    [TestCase(0x46UL | (3UL << 12), CommandError.Illegal)]
    [TestCase(0x44UL | (3UL << 12), CommandError.Illegal)]
    [TestCase(0x40UL, CommandError.Illegal)]
    [TestCase(0x03UL | (1UL << 10), CommandError.Illegal)]
    [TestCase(0x12UL | (1UL << 10), CommandError.Illegal)]
    [TestCase(0x46UL | (1UL << 10), CommandError.Illegal)]
    public void A_bad_command_stops_the_queue(ulong word, CommandError error)
    {
        var errors = new List<SmmuV3GlobalErrors>();
        _bench.Driver.ErrorReceived += errors.Add;
        Assert.That(() => _bench.Driver.SendAndSync(new Command(word, 0)), Throws.InvalidOperationException);
        Assert.That((CommandError)((_bench.Smmu.Read(R.CmdqCons, 4) >> 24) & 0x7F), Is.EqualTo(error));
        Assert.That(errors, Is.EqualTo(new[] { SmmuV3GlobalErrors.CommandQueue }));
        var at = new PhysAddr((_bench.Smmu.Read(R.CmdqBase, 8) & ~0x1FUL) + ((_bench.Smmu.Read(R.CmdqCons, 4) & 0xFF) * Command.Bytes));
        _bench.Machine.Memory.WriteUInt64(at, Command.Sync().Word0);
        var stands = _bench.Smmu.Read(R.CmdqCons, 4);
        _bench.Smmu.Write(R.CmdqProd, 4, _bench.Smmu.Read(R.CmdqProd, 4));
        Assert.That(_bench.Smmu.Read(R.CmdqCons, 4), Is.EqualTo(stands), "it stands until the error is acknowledged");
        _bench.Smmu.Write(R.GErrorN, 4, _bench.Smmu.Read(R.GError, 4));
        Assert.That(_bench.Smmu.Read(R.CmdqCons, 4) & 0x1FF, Is.EqualTo(_bench.Smmu.Read(R.CmdqProd, 4) & 0x1FF), "the rest was done");
    }

    [Test]
    public void Queues_outside_of_memory_are_errors_not_exceptions()
    {
        var smmu = new SmmuV3(_bench.Machine.Memory);
        smmu.Write(R.CmdqBase, 8, 0xF000_0000_0000 | 4);
        smmu.Write(R.Cr0, 4, (ulong)SmmuV3Control.CommandQueueEnable);
        smmu.Write(R.CmdqProd, 4, 1);
        Assert.That((CommandError)((smmu.Read(R.CmdqCons, 4) >> 24) & 0x7F), Is.EqualTo(CommandError.Abort));
        smmu.Write(R.EventqBase, 8, 0xF000_0000_0000 | 4);
        smmu.Write(R.StrtabBase, 8, 0xF000_0000_0000);
        smmu.Write(R.StrtabBaseCfg, 4, 8);
        smmu.Write(R.Cr0, 4, (ulong)(SmmuV3Control.SmmuEnable | SmmuV3Control.EventQueueEnable));
        Assert.That(smmu.Translate(new SmmuTransaction(1, null, 0, AccessRights.Read)).Outcome, Is.EqualTo(SmmuOutcome.Abort));
        Assert.That(smmu.Read(R.GError, 4) ^ smmu.Read(R.GErrorN, 4), Is.EqualTo((ulong)(SmmuV3GlobalErrors.CommandQueue | SmmuV3GlobalErrors.EventQueueAbort)));
        var random = new Random(3);
        for (var i = 0; i < 20_000; i++)
        {
            smmu.Write((ulong)random.Next(R.Bytes / 4) * 4, random.Next(2) == 0 ? 4 : 8, (ulong)random.NextInt64());
            smmu.Write((ulong)(R.Idr0 + random.Next(0xD0)), 4, (ulong)random.NextInt64());
            smmu.Read((ulong)random.Next(R.Bytes), 4);
            smmu.Translate(new SmmuTransaction((uint)random.Next(512), null, (ulong)random.NextInt64(), AccessRights.Read));
        }
    }

    [Test]
    public void While_it_is_off_GBPA_decides()
    {
        var smmu = new SmmuV3(_bench.Machine.Memory);
        Assert.That(smmu.Translate(new SmmuTransaction(1, null, 0x1000, AccessRights.Read)).Address.Value, Is.EqualTo(0x1000UL));
        smmu.Write(R.Gbpa, 4, (1u << 31) | (1u << 20));
        Assert.That(smmu.Translate(new SmmuTransaction(1, null, 0x1000, AccessRights.Read)).Outcome, Is.EqualTo(SmmuOutcome.Abort));
    }

    [Test]
    public void A_page_request_is_queued_and_answered()
    {
        var pages = NewPage();
        _bench.Smmu.Write(R.PriqBase, 8, pages.Value | 2);
        _bench.Smmu.Write(R.Cr0, 4, _bench.Smmu.Read(R.Cr0, 4) | (ulong)SmmuV3Control.PriQueueEnable);
        var answers = new List<Command>();
        var interrupts = 0;
        _bench.Smmu.PageResponded += answers.Add;
        _bench.Smmu.PriQueueInterrupt += () => interrupts++;
        var request = PageRequestRecord.Create(1, null, 0x5000, 9, AccessRights.Read, privileged: false, last: true);
        _bench.Smmu.RequestPage(request);
        Assert.That((interrupts, _bench.Machine.Memory.ReadUInt64(pages), _bench.Machine.Memory.ReadUInt64(pages + 8)), Is.EqualTo((1, request.Word0, request.Word1)));
        _bench.Driver.SendAndSync(Command.PriResp(1, null, 9, PageResponse.Success));
        Assert.That(answers.Single().PageRequestGroup, Is.EqualTo(9));
        for (var i = 0; i < 4; i++)
            _bench.Smmu.RequestPage(request);
        Assert.That(answers, Has.Count.EqualTo(2), "the one that found the queue full was answered at once");
        Assert.That(_bench.Smmu.Read(R.PriqProd, 4) >> 31, Is.EqualTo(1UL));
    }

    // 3.21.3: whatever mixture of old and new words the SMMU reads, it is the old entry, the new one, or closed; and so many syncs were needed.
    private static IEnumerable<TestCaseData> Updates()
    {
        var s1 = StreamTableEntry.Stage1(new PhysAddr(0x8000_0000));
        var s2 = StreamTableEntry.Bypass.WithStage2(new SteStage2 { Vmid = 3, Table = new PhysAddr(0x9000_0000) });
        var nested = s1.WithStage2(new SteStage2 { Vmid = 3, Table = new PhysAddr(0x9000_0000) });
        yield return Row("abort to bypass", StreamTableEntry.Abort, StreamTableEntry.Bypass, 2);
        yield return Row("bypass to abort", StreamTableEntry.Bypass, StreamTableEntry.Abort, 2);
        yield return Row("abort to stage 1", StreamTableEntry.Abort, s1, 2);
        yield return Row("stage 1 to abort", s1, StreamTableEntry.Abort, 2);
        yield return Row("bypass to stage 2", StreamTableEntry.Bypass, s2, 2);
        yield return Row("stage 2 to bypass", s2, StreamTableEntry.Bypass, 2);
        yield return Row("stage 1 to stage 2", s1, s2, 3);
        yield return Row("another context table", s1, StreamTableEntry.Stage1(new PhysAddr(0x8000_4000)), 1);
        yield return Row("stage 2 to nested", s2, nested, 2);
        yield return Row("nothing", s1, s1, 0);
        yield return Row("invalid to stage 1", default, s1, 2);

        static TestCaseData Row(string name, StreamTableEntry from, StreamTableEntry to, int syncs) => new TestCaseData(from, to, syncs).SetName("{m}: " + name);
    }

    [TestCaseSource(nameof(Updates))]
    public void A_live_entry_is_changed(StreamTableEntry from, StreamTableEntry to, int syncs)
    {
        var steps = HitlessUpdate.Plan(from.Words, to.Words, static w => new StreamTableEntry(w).UsedBits);
        var before = from.Words;
        foreach (var step in steps)
        {
            // Every subset of this step's words may be seen before the others.
            for (var seen = 0; seen < 256; seen++)
            {
                if ((seen & ~step.Changed) != 0)
                    continue;
                var mixed = before;
                for (var i = 0; i < 8; i++)
                    mixed = (seen & (1 << i)) != 0 ? mixed.With(i, step.Words[i]) : mixed;
                var entry = new StreamTableEntry(mixed);
                var isClosed = !entry.IsValid || entry.Config == SteConfig.Abort;
                Assert.That(isClosed || Same(entry, from) || Same(entry, to), Is.True, $"words {seen:x} of step {step.Changed:x} make {entry.Config} of {from.Config} and {to.Config}");
            }
            before = step.Words;
        }
        Assert.That(before, Is.EqualTo(to.Words));
        Assert.That(steps, Has.Length.EqualTo(syncs));

        static bool Same(StreamTableEntry a, StreamTableEntry b) => (a.Words & b.UsedBits) == (b.Words & b.UsedBits);
    }
}
