using System;
using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Smmu.V3;
using KmemKit.Runtime.Dma;
using KmemKit.Runtime.Masters;
using KmemKit.Runtime.Masters.Network;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.MasterTests;

/// <summary>Packets go out as their fragments say, and come in whole or not at all.</summary>
[TestFixture(Reach.SmmuV3)]
[TestFixture(Reach.SmmuV2)]
[TestFixture(Reach.Bus)]
internal sealed class ScatterGatherNicTests(Reach reach) : ScatterGatherNicFixture(reach)
{
    [Test]
    public void Registers_are_as_after_reset()
    {
        _nic.Receive([1]);
        _nic.Write(ScatterGatherNic.Control, 4, 4);
        foreach (var nic in new[] { _nic, new ScatterGatherNic("fresh", _bench.Port) })
        {
            for (var offset = 0UL; offset < 0x100; offset += 4)
                Assert.That(nic.Read(offset, 4), Is.EqualTo(offset == 0 ? 0x4B4E_4901UL : 0), $"0x{offset:x}");
        }
    }

    // RFC 1071, section 3: the example's bytes 00 01 f2 03 f4 f5 f6 f7 sum up to ddf2.
    [Test]
    public void The_checksum_is_that_of_RFC_1071() => Assert.Multiple(() =>
    {
        Assert.That(InternetChecksum.Of([0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]), Is.EqualTo(0xFFFF ^ 0xddf2));
        Assert.That(InternetChecksum.Of([]), Is.EqualTo(0xFFFF));
        Assert.That(InternetChecksum.Of([0x12]), Is.EqualTo(0xFFFF ^ 0x1200));
        // A packet with its own checksum in it sums up to nothing.
        var bytes = new byte[1000];
        new Random(5).NextBytes(bytes);
        (bytes[10], bytes[11]) = (0, 0);
        var sum = InternetChecksum.Of(bytes);
        (bytes[10], bytes[11]) = ((byte)(sum >> 8), (byte)(sum & 0xFF));
        Assert.That(InternetChecksum.Of(bytes), Is.Zero);
    });

    [Test]
    public void Fragments_anywhere_are_one_packet()
    {
        var data = _bench.Random(s_ram, 64 * 1024, 6);
        var bus = _bench.Map(s_ram, 64 * 1024, DmaDirection.ToDevice);
        (int At, int Length)[] pieces = [(5, 1), (4090, 20), (30_000, 9000), (12_345, 1500)];
        for (var i = 0u; i < 4; i++)
            Put(_send, i, new PacketDescriptor(bus + (ulong)pieces[i].At, (uint)pieces[i].Length, IsFirst: i == 0, IsLast: i == 3));
        Poll();
        var expected = pieces.SelectMany(p => data[p.At..(p.At + p.Length)]).ToArray();
        Assert.That(_sent.Single(), Is.EqualTo(expected));
        for (var i = 0u; i < 4; i++)
        {
            var closed = Get(_send, i);
            Assert.That((closed.IsOwned, closed.Error, closed.Length), Is.EqualTo((false, MasterError.None, (uint)pieces[i].Length)));
            Assert.That(closed.Checksum, Is.EqualTo(i == 3 ? InternetChecksum.Of(expected) : 0));
        }
        Assert.That((_nic.Read(ScatterGatherNic.SentPackets, 4), _nic.Read(ScatterGatherNic.SendIndex, 4)), Is.EqualTo((1UL, 4UL)));
        Assert.That(_nic.Read(DmaMaster.InterruptCause, 4), Is.EqualTo((ulong)(NicInterrupts.Sent | NicInterrupts.SendIdle)));
    }

    [Test]
    public void A_packet_fills_as_many_buffers_as_it_needs()
    {
        var packets = new[] { 1, 64, 1500, 2048, 2049, 4096, 5000 }.Select((length, i) =>
        {
            var bytes = new byte[length];
            new Random(i).NextBytes(bytes);
            return bytes;
        }).ToArray();
        var bus = _bench.Map(s_ram, Ring * 2048, DmaDirection.FromDevice);
        for (var i = 0u; i < Ring; i++)
            Put(_receive, i, new PacketDescriptor(bus + (i * 2048), 2048));
        foreach (var packet in packets)
            Assert.That(_nic.Receive(packet), Is.True);
        _nic.Advance(1_000_000);
        var at = 0u;
        foreach (var packet in packets)
        {
            var seen = new List<byte>();
            for (var isFirst = true; ; isFirst = false, at++)
            {
                var d = Get(_receive, at);
                Assert.That((d.IsOwned, d.IsFirst, d.Error), Is.EqualTo((false, isFirst, MasterError.None)), $"descriptor {at}");
                seen.AddRange(_bench.Bytes(s_ram + (at * 2048), (int)d.Length));
                if (!d.IsLast)
                {
                    Assert.That((d.Length, d.Checksum), Is.EqualTo((2048u, (ushort)0)));
                    continue;
                }
                Assert.That(d.Checksum, Is.EqualTo(InternetChecksum.Of(packet)));
                break;
            }
            Assert.That(seen, Is.EqualTo(packet));
            at++;
        }
        Assert.That((_nic.Read(ScatterGatherNic.ReceivedPackets, 4), _nic.Read(ScatterGatherNic.ReceiveIndex, 4)), Is.EqualTo(((ulong)packets.Length, (ulong)at)));
    }

    [Test]
    public void Without_buffers_packets_wait_and_then_are_lost()
    {
        var bus = _bench.Map(s_ram, 64 * 1024, DmaDirection.FromDevice);
        var jumbo = new byte[16 * 1024];
        for (var i = 0; i < 4; i++)
            Assert.That(_nic.Receive(jumbo), Is.True);
        Assert.That(_nic.Receive([1]), Is.False, "64 KiB wait");
        _nic.Advance(1_000_000);
        Assert.That(_nic.Read(DmaMaster.InterruptCause, 4) & (ulong)NicInterrupts.NoBuffer, Is.Not.Zero);
        Put(_receive, 0, new PacketDescriptor(bus, 8 * 1024));
        _nic.Advance(1_000_000);
        Assert.That(Get(_receive, 0).IsOwned, Is.True, "it was not told to look");
        _nic.Write(ScatterGatherNic.ReceivePoll, 4, 1);
        _nic.Advance(1_000_000);
        Assert.That(Get(_receive, 0) is { IsOwned: false, IsFirst: true, IsLast: false, Length: 8192 }, Is.True);
        Assert.That(_nic.Read(ScatterGatherNic.ReceivedPackets, 4), Is.Zero, "half of it");
        Put(_receive, 1, new PacketDescriptor(bus + 8192, 60_000));
        _nic.Write(ScatterGatherNic.ReceivePoll, 4, 1);
        _nic.Advance(1_000_000);
        Assert.That(Get(_receive, 1) is { IsOwned: false, IsFirst: false, IsLast: true, Length: 8192 }, Is.True);
        Assert.That(_nic.Receive([1]), Is.True, "there is room again");
        Assert.That(_nic.Read(ScatterGatherNic.ReceiveDropped, 4), Is.EqualTo(1UL));
        _nic.Write(ScatterGatherNic.Control, 4, 1);
        Assert.That(_nic.Receive([1]), Is.False, "receiving is off");
        Assert.That(() => _nic.Receive([]), Throws.ArgumentException);
        Assert.That(() => _nic.Receive(new byte[16 * 1024 + 1]), Throws.ArgumentException);
    }

    [Test]
    public void A_fault_in_one_fragment_drops_the_packet_whole()
    {
        var data = _bench.Random(s_ram, 4096, 7);
        var bus = _bench.Map(s_ram, Page, DmaDirection.ToDevice);
        var bad = new BusAddr(0x6000_0000);
        PacketDescriptor[] ring =
        [
            new(bus, 100, IsFirst: true), new(bad, 100), new(bus, 100, IsLast: true),
            new(bus + 7, 50, IsFirst: true, IsLast: true),
        ];
        for (var i = 0u; i < 4; i++)
            Put(_send, i, ring[i]);
        Poll();
        Assert.That(_sent, Is.Empty);
        Assert.That((Get(_send, 0).Error, Get(_send, 1).Error, Get(_send, 2).IsOwned), Is.EqualTo((MasterError.None, MasterError.DataRead, true)));
        Assert.That((_nic.Read(ScatterGatherNic.Errors, 4), _nic.Read(ScatterGatherNic.ErrorAddress, 8)), Is.EqualTo(((ulong)MasterError.DataRead, bad.Value)));
        Assert.That(_nic.Read(DmaMaster.Status, 4) & (ulong)NicStatus.SendHalted, Is.Not.Zero);
        Poll();
        Assert.That(_sent, Is.Empty, "halted");
        _nic.Write(ScatterGatherNic.Control, 4, 3 | 8);
        _nic.Advance(1_000_000);
        Assert.That((Get(_send, 2).IsOwned, Get(_send, 2).Error), Is.EqualTo((false, MasterError.DataRead)), "the rest of the packet is closed with it");
        Assert.That(_sent.Single(), Is.EqualTo(data[7..57]));
        Assert.That(_nic.Read(ScatterGatherNic.SendDropped, 4), Is.EqualTo(1UL));
    }

    [Test]
    public void A_fault_at_receiving_drops_the_packet_and_halts()
    {
        var bus = _bench.Map(s_ram, Page, DmaDirection.FromDevice);
        Put(_receive, 0, new PacketDescriptor(bus, 1000));
        Put(_receive, 1, new PacketDescriptor(new BusAddr(0x6000_0000), 1000));
        Put(_receive, 2, new PacketDescriptor(bus + 1000, 3000));
        var packet = new byte[1500];
        Array.Fill(packet, (byte)9);
        _nic.Receive(packet);
        _nic.Receive([1, 2, 3]);
        _nic.Advance(1_000_000);
        Assert.That(Get(_receive, 0) is { IsFirst: true, IsLast: false, Length: 1000, IsOwned: false }, Is.True);
        Assert.That(Get(_receive, 1) is { IsFirst: false, IsLast: true, Length: 0, IsOwned: false, Error: MasterError.DataWrite }, Is.True);
        Assert.That(Get(_receive, 2).IsOwned, Is.True);
        Assert.That(_nic.Read(ScatterGatherNic.Errors, 4), Is.EqualTo((ulong)MasterError.DataWrite << 8));
        _nic.Write(ScatterGatherNic.Control, 4, 3 | 16);
        _nic.Advance(1_000_000);
        Assert.That(_bench.Bytes(s_ram + 1000, 4), Is.EqualTo(new byte[] { 1, 2, 3, 0 }));
        Assert.That((_nic.Read(ScatterGatherNic.ReceivedPackets, 4), _nic.Read(ScatterGatherNic.ReceiveDropped, 4)), Is.EqualTo((1UL, 1UL)));
    }

    [Test]
    public void What_no_descriptor_may_say_is_an_error_of_its_own()
    {
        var bus = _bench.Map(s_ram, 32 * 1024, DmaDirection.Bidirectional);
        PacketDescriptor[] bad =
        [
            new(bus, 0, IsFirst: true, IsLast: true), new(bus, 10, IsLast: true), new(bus, 16 * 1024 + 1, IsFirst: true, IsLast: true),
            new(new BusAddr(ulong.MaxValue), 2, IsFirst: true, IsLast: true),
        ];
        foreach (var descriptor in bad)
        {
            var at = (uint)_nic.Read(ScatterGatherNic.SendIndex, 4);
            Put(_send, at, descriptor);
            Poll();
            Assert.That(Get(_send, at).Error, Is.EqualTo(MasterError.BadDescriptor), $"{descriptor}");
            _nic.Write(ScatterGatherNic.Control, 4, 3 | 8);
        }
        // Two fragments that are too long together, and a first inside a packet.
        var index = (uint)_nic.Read(ScatterGatherNic.SendIndex, 4);
        Put(_send, index, new PacketDescriptor(bus, 9000, IsFirst: true));
        Put(_send, index + 1, new PacketDescriptor(bus, 9000, IsLast: true));
        Poll();
        Assert.That(Get(_send, index + 1).Error, Is.EqualTo(MasterError.BadDescriptor));
        _nic.Write(ScatterGatherNic.Control, 4, 3 | 8);
        Put(_send, index + 2, new PacketDescriptor(bus, 10, IsFirst: true));
        Put(_send, index + 3, new PacketDescriptor(bus, 10, IsFirst: true, IsLast: true));
        Poll();
        Assert.That(Get(_send, index + 3).Error, Is.EqualTo(MasterError.BadDescriptor));
        Assert.That(_sent, Is.Empty);
        Put(_receive, 0, new PacketDescriptor(bus, 0));
        _nic.Receive([1]);
        _nic.Advance(1_000_000);
        Assert.That(Get(_receive, 0).Error, Is.EqualTo(MasterError.BadDescriptor));
    }

    // Packets of random lengths, fragments and buffers, against a list: what goes in comes out, in order, once.
    [TestCase(21, 400)]
    public void Random_packets_both_ways(int seed, int packets)
    {
        var random = new Random(seed);
        var data = _bench.Random(s_ram, 64 * 1024, seed);
        var send = _bench.Map(s_ram, 64 * 1024, DmaDirection.ToDevice);
        var receive = _bench.Map(s_ram + 0x10_0000, Ring * 4096, DmaDirection.FromDevice);
        var (toSend, toReceive) = (new Queue<byte[]>(), new Queue<byte[]>());
        var (put, got) = (0u, 0u);
        var buffers = new uint[Ring];
        var partly = new List<byte>();
        for (var i = 0u; i < Ring; i++)
            PutBuffer(i);
        for (var i = 0; i < packets; i++)
        {
            var fragments = random.Next(1, 6);
            var packet = new List<byte>();
            for (var f = 0; f < fragments; f++)
            {
                var (at, length) = (random.Next(60_000), random.Next(1, 2500));
                packet.AddRange(data[at..(at + length)]);
                Put(_send, put++ % Ring, new PacketDescriptor(send + (ulong)at, (uint)length, f == 0, f == fragments - 1));
            }
            toSend.Enqueue([.. packet]);
            var incoming = new byte[random.Next(1, 9000)];
            random.NextBytes(incoming);
            if (_nic.Receive(incoming))
                toReceive.Enqueue(incoming);
            Poll();
            while (Get(_receive, got % Ring) is { IsOwned: false } d)
            {
                partly.AddRange(_bench.Bytes(s_ram + 0x10_0000 + (got % Ring * 4096), (int)d.Length));
                if (d.IsLast)
                {
                    Assert.That(partly, Is.EqualTo(toReceive.Dequeue()), $"seed {seed}, packet {i}");
                    partly.Clear();
                }
                PutBuffer(got++ % Ring);
            }
            _nic.Write(ScatterGatherNic.ReceivePoll, 4, 1);
        }
        _nic.Advance(10_000_000);
        Assert.That(_sent, Has.Count.EqualTo(packets));
        Assert.That(_sent.Zip(toSend).All(pair => pair.First.AsSpan().SequenceEqual(pair.Second)), Is.True, $"seed {seed}");

        void PutBuffer(uint i) => Put(_receive, i, new PacketDescriptor(receive + (i * 4096), buffers[i] = (uint)random.Next(1, 4097)));
    }
}
