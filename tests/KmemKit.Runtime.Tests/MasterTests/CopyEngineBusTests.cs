using System;
using KmemKit.Architecture;
using KmemKit.Architecture.Smmu.V3;
using KmemKit.Runtime.Dma;
using KmemKit.Runtime.Dma.Ports;
using KmemKit.Runtime.Smmu;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.MasterTests;

/// <summary>What a copy engine meets on a bus alone.</summary>
internal sealed class CopyEngineBusTests() : CopyEngineFixture(Reach.Bus)
{
    [Test]
    public void A_bus_has_the_wires_it_has()
    {
        // The driver says 32 bits, the device has 26 wires: the address loses what has no wire.
        var device = new DmaDevice("narrow");
        var port = new BusPort(_bench.Memory, device, 26);
        _bench.Memory.WriteUInt32(new PhysAddr(0x30_0000), 0xABCD);
        var bytes = new byte[4];
        Assert.That(port.Read(new BusAddr(0x8030_0000), bytes, out var done), Is.EqualTo(SmmuOutcome.Translated));
        Assert.That((BitConverter.ToUInt32(bytes), done), Is.EqualTo((0xABCDu, 4)));
        Assert.That(port.Write(new BusAddr(ulong.MaxValue), bytes, out done), Is.EqualTo(SmmuOutcome.Abort));
        Assert.That(done, Is.Zero);
        // A window's edge, and the end of RAM.
        Assert.That(_bench.Port.Read(new BusAddr(0x4000_0000 + (64UL << 20) - 2), bytes, out done), Is.EqualTo(SmmuOutcome.Abort));
        Assert.That(_bench.Port.Read(new BusAddr(0x3FFF_FFFF), bytes, out done), Is.EqualTo(SmmuOutcome.Abort));
        var across = new byte[4097];
        Assert.That(_bench.Port.Read(new BusAddr(0x4000_0000 + (64UL << 20) - 4096), across, out done), Is.EqualTo(SmmuOutcome.Abort));
        Assert.That(done, Is.EqualTo(4096), "bursts end at 4 KiB");
    }
}
