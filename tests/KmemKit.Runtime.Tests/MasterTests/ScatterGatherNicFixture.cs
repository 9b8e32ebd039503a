using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Runtime.Dma;
using KmemKit.Runtime.Masters;
using KmemKit.Runtime.Masters.Network;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.MasterTests;

/// <summary>A network device with two rings, by an SMMU or a bus.</summary>
internal abstract class ScatterGatherNicFixture(Reach reach)
{
    /// <summary>How the device reaches memory.</summary>
    protected Reach Reach => reach;

    protected const ulong Page = MasterBench.Page;
    protected const int Ring = 16;
    protected static readonly PhysAddr s_ram = MasterBench.Ram;

    protected readonly List<byte[]> _sent = [];
    protected MasterBench _bench = null!;
    protected ScatterGatherNic _nic = null!;
    protected DmaAllocation _send = null!;
    protected DmaAllocation _receive = null!;

    [SetUp]
    public void Start()
    {
        _bench = new MasterBench(reach);
        _nic = new ScatterGatherNic("nic", _bench.Port);
        _sent.Clear();
        _nic.PacketSent += packet => _sent.Add(packet.ToArray());
        _send = _bench.Coherent(Ring * PacketDescriptor.Bytes);
        _receive = _bench.Coherent(Ring * PacketDescriptor.Bytes);
        _nic.Write(ScatterGatherNic.SendRing, 8, _send.Bus.Value);
        _nic.Write(ScatterGatherNic.SendSize, 4, 4);
        _nic.Write(ScatterGatherNic.ReceiveRing, 8, _receive.Bus.Value);
        _nic.Write(ScatterGatherNic.ReceiveSize, 4, 4);
        _nic.Write(DmaMaster.InterruptEnable, 4, 63);
        _nic.Write(ScatterGatherNic.Control, 4, 3);
    }

    [TearDown]
    public void End() => _bench.Dispose();

    protected void Poll()
    {
        _nic.Write(ScatterGatherNic.SendPoll, 4, 1);
        _nic.Advance(1_000_000);
    }

    protected void Put(DmaAllocation ring, uint index, in PacketDescriptor descriptor)
    {
        var bytes = new byte[PacketDescriptor.Bytes];
        descriptor.Encode(bytes);
        Assert.That(PacketDescriptor.Decode(bytes), Is.EqualTo(descriptor));
        _bench.Memory.Write(ring.Address + (index % Ring * PacketDescriptor.Bytes), bytes);
    }

    protected PacketDescriptor Get(DmaAllocation ring, uint index) =>
        PacketDescriptor.Decode(_bench.Bytes(ring.Address + (index % Ring * PacketDescriptor.Bytes), PacketDescriptor.Bytes));
}
