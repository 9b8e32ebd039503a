using System;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Smmu.V3;
using KmemKit.Runtime.Dma;
using KmemKit.Runtime.Masters;
using KmemKit.Runtime.Masters.Copy;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.MasterTests;

/// <summary>What a copy engine meets behind an SMMU alone: stalls, and rings that it may only read.</summary>
[TestFixture(Reach.SmmuV3)]
[TestFixture(Reach.SmmuV2)]
internal sealed class CopyEngineSmmuTests(Reach reach) : CopyEngineFixture(reach)
{
    [Test]
    public void A_ring_that_may_only_be_read_cannot_be_told()
    {
        _engine.Write(CopyEngine.Control, 4, 0);
        var memory = s_source + (8 * Page);
        new CopyDescriptor(_bench.Map(s_target, Page), _ring.Bus + 256, 4).Encode(new byte[32]);
        var bytes = new byte[32];
        new CopyDescriptor(_bench.Map(s_source, Page, DmaDirection.ToDevice), _ring.Bus + 256, 4).Encode(bytes);
        _bench.Memory.Write(memory, bytes);
        var ring = _bench.Map(memory, Page, DmaDirection.ToDevice);
        _engine.Write(CopyEngine.RingBase, 8, ring.Value);
        _engine.Write(CopyEngine.RingSize, 4, 1);
        _engine.Write(CopyEngine.Control, 4, 1);
        _engine.Write(CopyEngine.Head, 4, 1);
        _engine.Advance(100_000);
        Assert.That((_engine.Read(CopyEngine.Error, 4), _engine.Read(CopyEngine.ErrorAddress, 8)), Is.EqualTo(((ulong)MasterError.StatusWrite, ring.Value + 0x14)));
    }

    // 3.12.2 and 4.6: what a stalled master has done stays done, and it goes on where it was.
    [Test]
    public void A_stalled_access_goes_on_or_ends_as_software_says()
    {
        _bench.Stall();
        var data = _bench.Random(s_source, 3 * 4096, 4);
        var source = _bench.Map(s_source, 3 * Page, DmaDirection.ToDevice);
        var target = _bench.Map(s_target, Page);
        Put(0, new CopyDescriptor(source, target, 8192));
        _engine.Write(CopyEngine.Head, 4, 1);
        _engine.Advance(1_000_000);
        Assert.That(_engine.Read(DmaMaster.Status, 4), Is.EqualTo((ulong)(CopyStatus.Busy | CopyStatus.Waiting)));
        Assert.That(_bench.Smmu.Faults.Single() is { IsStalled: true, Access: AccessRights.Write, Address: var at } && at == target + 4096, Is.True);
        _engine.Advance(1_000_000);
        Assert.That(_bench.Smmu.Faults, Has.Count.EqualTo(1), "it waits and asks no more");
        _bench.MapAt(target + 4096, s_target + 0x8000, Page);
        _bench.Resume(ResumeAction.Retry);
        _engine.Advance(1_000_000);
        Assert.That(Read(0), Is.EqualTo((true, MasterError.None, 8192u, false)));
        Assert.That(_bench.Bytes(s_target, 4096).Concat(_bench.Bytes(s_target + 0x8000, 4096)), Is.EqualTo(data[..8192]));
        // Terminated: an error at that address, with what was done before.
        Put(1, new CopyDescriptor(source, target + 4096, 8192));
        _engine.Write(CopyEngine.Head, 4, 2);
        _engine.Advance(1_000_000);
        _bench.Resume(ResumeAction.Abort);
        _engine.Advance(1_000_000);
        Assert.That(Read(1), Is.EqualTo((true, MasterError.DataWrite, 4096u, false)));
        _engine.Write(CopyEngine.Control, 4, 1 | 4);
        // Retried without a mapping it faults and waits again; after an unmap meanwhile it does not reach what it was resumed for.
        Put(2, new CopyDescriptor(source, target + 8192, 64));
        _engine.Write(CopyEngine.Head, 4, 3);
        _engine.Advance(1_000_000);
        var faults = _bench.Smmu.Faults.Count;
        _bench.Resume(ResumeAction.Retry);
        Assert.That(_bench.Smmu.Faults, Has.Count.EqualTo(faults + 1));
        Assert.That(_engine.Read(DmaMaster.Status, 4) & (ulong)CopyStatus.Waiting, Is.Not.Zero);
        _bench.Resume(ResumeAction.Abort);
        _engine.Advance(1_000_000);
        Assert.That(_engine.Read(CopyEngine.Error, 4), Is.EqualTo((ulong)MasterError.DataWrite));
        Assert.That(_bench.Smmu.StalledCount, Is.Zero);
    }

    [Test]
    public void Between_a_resume_and_the_access_an_unmap_wins()
    {
        _bench.Stall();
        _bench.Random(s_source, 4096, 5);
        var source = _bench.Map(s_source, Page, DmaDirection.ToDevice);
        Put(0, new CopyDescriptor(source, new BusAddr(0x10_0000), 64));
        _engine.Write(CopyEngine.Head, 4, 1);
        _engine.Advance(1_000_000);
        var target = s_target + 0x4000;
        _bench.MapAt(new BusAddr(0x10_0000), target, Page);
        _bench.Resume(ResumeAction.Retry);
        // Before the device comes to it, the page is taken away and invalidated.
        _bench.Unmap(new BusAddr(0x10_0000), Page);
        _engine.Advance(1_000_000);
        Assert.That(_bench.Bytes(target, 64), Has.All.Zero);
        Assert.That(_engine.Read(DmaMaster.Status, 4), Is.EqualTo((ulong)(CopyStatus.Busy | CopyStatus.Waiting)), "it waits again");
        _bench.Resume(ResumeAction.Abort);
        _engine.Advance(1_000_000);
    }
}
