using System;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Smmu.V3;
using KmemKit.Runtime.Dma;
using KmemKit.Runtime.Masters;
using KmemKit.Runtime.Masters.Network;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.MasterTests;

/// <summary>What a network device meets behind an SMMU alone.</summary>
[TestFixture(Reach.SmmuV3)]
[TestFixture(Reach.SmmuV2)]
internal sealed class ScatterGatherNicSmmuTests(Reach reach) : ScatterGatherNicFixture(reach)
{
    [Test]
    public void While_one_ring_waits_the_other_does_and_both_go_on()
    {
        _bench.Stall();
        var data = _bench.Random(s_ram, 4096, 8);
        var bus = _bench.Map(s_ram, 2 * Page, DmaDirection.Bidirectional);
        _bench.Unmap(bus + Page, Page);
        // Receiving waits for its buffer; a packet to send comes meanwhile.
        Put(_receive, 0, new PacketDescriptor(bus + Page, 100));
        _nic.Receive([7, 7, 7]);
        _nic.Advance(1_000_000);
        Assert.That(_nic.Read(DmaMaster.Status, 4) & (ulong)NicStatus.Waiting, Is.Not.Zero);
        Put(_send, 0, new PacketDescriptor(bus, 60, IsFirst: true, IsLast: true));
        Poll();
        Assert.That(_sent, Is.Empty);
        _bench.MapAt(bus + Page, s_ram + (8 * Page), Page);
        _bench.Resume(ResumeAction.Retry);
        _nic.Advance(1_000_000);
        Assert.That(_bench.Bytes(s_ram + (8 * Page), 4), Is.EqualTo(new byte[] { 7, 7, 7, 0 }));
        Assert.That(_sent.Single(), Is.EqualTo(data[..60]));
        // And the other way round, ended by software.
        Put(_send, 1, new PacketDescriptor(new BusAddr(0x70_0000), 60, IsFirst: true, IsLast: true));
        Put(_receive, 1, new PacketDescriptor(bus + Page, 100));
        _nic.Write(ScatterGatherNic.ReceivePoll, 4, 1);
        _nic.Receive([8]);
        _nic.Write(ScatterGatherNic.SendPoll, 4, 1);
        _nic.Advance(1_000_000);
        _bench.Resume(ResumeAction.Terminate);
        _nic.Advance(1_000_000);
        Assert.That(Get(_send, 1).Error, Is.EqualTo(MasterError.DataRead));
        Assert.That(_bench.Bytes(s_ram + (8 * Page), 1), Is.EqualTo(new byte[] { 8 }));
        Assert.That(_bench.Smmu.StalledCount, Is.Zero);
    }
}
