using System;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Smmu.V3;
using KmemKit.Runtime.Dma;
using KmemKit.Runtime.Dma.Debug;
using KmemKit.Runtime.Masters;
using KmemKit.Runtime.Masters.Copy;
using KmemKit.Runtime.Masters.Scanout;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.MasterTests;

/// <summary>A copy engine does what its descriptors say, with and without an SMMU, and says what it could not do.</summary>
[TestFixture(Reach.SmmuV3)]
[TestFixture(Reach.SmmuV2)]
[TestFixture(Reach.Bus)]
internal sealed class CopyEngineTests(Reach reach) : CopyEngineFixture(reach)
{
    [Test]
    public void Registers_are_as_after_reset()
    {
        var fresh = new CopyEngine("fresh", _bench.Port);
        for (var offset = 0UL; offset < 0x100; offset += 4)
            Assert.That(fresh.Read(offset, 4), Is.EqualTo(offset == 0 ? 0x4B43_4501UL : 0), $"0x{offset:x}");
        _engine.Write(CopyEngine.Head, 4, 3);
        _engine.Write(CopyEngine.Control, 4, 2);
        for (var offset = 4UL; offset < 0x100; offset += 4)
            Assert.That(_engine.Read(offset, 4), Is.Zero, $"0x{offset:x} after a reset");
        Assert.That((_engine.Read(0, 1), _engine.Read(2, 2), _engine.Read(DmaMaster.Identification, 8)), Is.EqualTo((0UL, 0UL, 0x4B43_4501UL)));
    }

    // Every alignment of source and destination within a page, and lengths around it.
    [Test]
    public void Bytes_arrive_at_any_alignment()
    {
        var data = _bench.Random(s_source, 5 * 4096, 1);
        var source = _bench.Map(s_source, 5 * Page, DmaDirection.ToDevice);
        var target = _bench.Map(s_target, 5 * Page);
        foreach (var (from, to, length) in new[] { (0, 0, 1), (1, 4095, 2), (0, 0, 4096), (4095, 1, 8193), (7, 7, 4089), (123, 2047, 12_000), (1, 0, 16_384) })
        {
            _bench.Memory.Fill(s_target, 5 * Page, 0xEE);
            Run(new CopyDescriptor(source + (ulong)from, target + (ulong)to, (uint)length));
            var expected = Enumerable.Repeat((byte)0xEE, 5 * 4096).ToArray();
            Array.Copy(data, from, expected, to, length);
            Assert.That(_bench.Bytes(s_target, 5 * 4096), Is.EqualTo(expected), $"{length} bytes from {from} to {to}");
            Assert.That(Last(), Is.EqualTo((true, MasterError.None, (uint)length, false)));
        }
    }

    [Test]
    public void Fills_and_converts()
    {
        var target = _bench.Map(s_target, 4 * Page);
        Run(new CopyDescriptor(new BusAddr(0xFFFF_FFFF_0403_0201), target + 4094, 7, CopyOperation.Fill));
        Assert.That(_bench.Bytes(s_target + 4093, 9), Is.EqualTo(new byte[] { 0, 1, 2, 3, 4, 1, 2, 3, 0 }));
        // Pure colours, white, and one where every rounding would show.
        uint[] pixels = [0xFF_0000, 0x00_FF00, 0x00_00FF, 0xFF_FFFF, 0x07_0307, 0xF8_FCF8];
        for (var i = 0; i < 2000; i++)
            _bench.Memory.WriteUInt32(s_source + ((ulong)i * 4), pixels[i % 6] | 0xAB00_0000);
        Run(new CopyDescriptor(_bench.Map(s_source, 2 * Page, DmaDirection.ToDevice), target + 4090, 8000, CopyOperation.Convert32To16));
        ushort[] expected = [0xF800, 0x07E0, 0x001F, 0xFFFF, 0x0000, 0xFFFF];
        for (var i = 0; i < 2000; i++)
            Assert.That(_bench.Memory.ReadUInt16(s_target + 4090 + ((ulong)i * 2)), Is.EqualTo(expected[i % 6]), $"pixel {i}");
        Assert.That(_bench.Memory.ReadUInt16(s_target + 4090 + 4000), Is.Zero);
        Assert.That(Enumerable.Range(0, 0x10000).All(p => PixelFormats.ToRgb565(PixelFormats.FromRgb565((ushort)p)) == p), Is.True);
    }

    [Test]
    public void A_ring_wraps_and_interrupts_only_for_those_that_ask()
    {
        _bench.Random(s_source, 4096, 2);
        var (source, target) = (_bench.Map(s_source, Page, DmaDirection.ToDevice), _bench.Map(s_target, Page));
        _engine.Write(DmaMaster.InterruptEnable, 4, (ulong)CopyInterrupts.Done);
        for (var i = 0; i < 40; i++)
            Run(new CopyDescriptor(source + (ulong)i, target + (ulong)i, 1, Interrupts: i % 4 == 0));
        Assert.That(_engine.Read(CopyEngine.Tail, 4), Is.EqualTo(40UL % 16));
        Assert.That(_interrupts, Is.EqualTo(10));
        Assert.That(_engine.Read(CopyEngine.Copied, 8), Is.EqualTo(40UL));
        Assert.That(_bench.Bytes(s_target, 40), Is.EqualTo(_bench.Bytes(s_source, 40)));
        // Many at once: all but one place of the ring.
        var head = (uint)_engine.Read(CopyEngine.Head, 4);
        for (var i = 0u; i < 15; i++)
            Put((head + i) % 16, new CopyDescriptor(source + 100 + i, target + 100 + i, 1));
        _engine.Write(CopyEngine.Head, 4, (head + 15) % 16);
        _engine.Advance(1_000_000);
        Assert.That(_bench.Bytes(s_target + 100, 16).AsSpan(0, 15).SequenceEqual(_bench.Bytes(s_source + 100, 15)), Is.True);
        Assert.That(_engine.Read(DmaMaster.Status, 4), Is.EqualTo((ulong)CopyStatus.Idle));
    }

    [Test]
    public void It_takes_its_time()
    {
        var (source, target) = (_bench.Map(s_source, 16 * Page, DmaDirection.ToDevice), _bench.Map(s_target, 16 * Page));
        Put(0, new CopyDescriptor(source, target, 65536));
        _engine.Write(CopyEngine.Head, 4, 1);
        // 50 ns for the descriptor, then 1024 ns a page at 4 GB/s.
        _engine.Advance(50 + (3 * 1024) + 1000);
        Assert.That(_engine.Read(CopyEngine.Copied, 8), Is.EqualTo(3 * 4096UL));
        Assert.That(_engine.Read(DmaMaster.Status, 4), Is.EqualTo((ulong)CopyStatus.Busy));
        _engine.Advance(24);
        Assert.That(_engine.Read(CopyEngine.Copied, 8), Is.EqualTo(4 * 4096UL), "the rest of the time was not lost");
        _engine.Write(CopyEngine.Control, 4, 1 | 8);
        Assert.That((_engine.Read(DmaMaster.Status, 4), _engine.Read(CopyEngine.Tail, 4)), Is.EqualTo(((ulong)CopyStatus.Idle, 1UL)), "all work was dropped");
        _engine.Advance(1_000_000);
        Assert.That(_engine.Read(CopyEngine.Copied, 8), Is.EqualTo(4 * 4096UL));
    }

    [Test]
    public void An_error_halts_it_and_says_where_until_software_goes_on()
    {
        var data = _bench.Random(s_source, 4 * 4096, 3);
        // The lower one is given first: behind it is the source, which may not be written, and behind that nothing.
        var target = _bench.Map(s_target, 2 * Page);
        var source = _bench.Map(s_source, 2 * Page, DmaDirection.ToDevice);
        var beyond = target + (2 * Page);
        if (Reach == Reach.Bus)
            (beyond, source) = (MasterBench.Edge, MasterBench.Edge - (2 * Page));
        Put(0, new CopyDescriptor(source + 100, target, 8192));
        Put(1, new CopyDescriptor(target, target + 1, 1));
        _engine.Write(CopyEngine.Head, 4, 2);
        _engine.Advance(1_000_000);
        // The bytes before the end of the source were written.
        Assert.That(Read(0), Is.EqualTo((true, MasterError.DataRead, 8092u, false)));
        Assert.That((_engine.Read(CopyEngine.Error, 4), _engine.Read(CopyEngine.ErrorAddress, 8)), Is.EqualTo(((ulong)MasterError.DataRead, source.Value + 8192)));
        Assert.That(_engine.Read(DmaMaster.Status, 4), Is.EqualTo((ulong)(CopyStatus.Busy | CopyStatus.Halted)));
        Assert.That(_engine.Read(DmaMaster.InterruptCause, 4) & (ulong)CopyInterrupts.Error, Is.Not.Zero);
        if (Reach != Reach.Bus)
            Assert.That(_bench.Bytes(s_target, 8092), Is.EqualTo(data[100..8192]));
        _engine.Advance(1_000_000);
        Assert.That(Read(1).Done, Is.False, "halted");
        _engine.Write(CopyEngine.Control, 4, 1 | 4);
        _engine.Advance(1_000_000);
        Assert.That(Read(1), Is.EqualTo((true, MasterError.None, 1u, false)));
        Run(new CopyDescriptor(target, beyond - 4, 16));
        Assert.That(Last(), Is.EqualTo((true, MasterError.DataWrite, 4u, false)));
        Assert.That(_engine.Read(CopyEngine.ErrorAddress, 8), Is.EqualTo(beyond.Value));
    }

    [Test]
    public void What_no_descriptor_may_say_is_an_error_of_its_own()
    {
        var target = _bench.Map(s_target, Page);
        foreach (var bad in new[]
        {
            new CopyDescriptor(target, target, 0), new CopyDescriptor(target, target, 1, (CopyOperation)3), new CopyDescriptor(new BusAddr(ulong.MaxValue), target, 2),
            new CopyDescriptor(target, new BusAddr(ulong.MaxValue), 2), new CopyDescriptor(target + 1, target, 4, CopyOperation.Convert32To16),
            new CopyDescriptor(target, target + 1, 4, CopyOperation.Convert32To16), new CopyDescriptor(target, target, 6, CopyOperation.Convert32To16),
        })
        {
            Run(bad);
            Assert.That(Last(), Is.EqualTo((true, MasterError.BadDescriptor, 0u, false)), $"{bad}");
            _engine.Write(CopyEngine.Control, 4, 1 | 4);
        }
        // Software's own descriptor is left alone.
        Run(new CopyDescriptor(target, target, 1, IsOwned: false));
        Assert.That(_engine.Read(CopyEngine.Error, 4), Is.EqualTo((ulong)MasterError.BadDescriptor));
        Assert.That(Last(), Is.EqualTo((false, MasterError.None, 0u, false)));
        _engine.Write(CopyEngine.Control, 4, 1 | 4);
        _engine.Write(CopyEngine.Head, 4, 16);
        Assert.That(_engine.Read(CopyEngine.Error, 4), Is.EqualTo((ulong)MasterError.BadRegister));
        _engine.Write(CopyEngine.Control, 4, 1 | 4);
        Run(new CopyDescriptor(target, target + 8, 1));
        Assert.That(Last().Error, Is.EqualTo(MasterError.None));
    }

    [Test]
    public void A_ring_that_cannot_be_read_or_told_is_an_error()
    {
        _engine.Write(CopyEngine.Control, 4, 0);
        _engine.Write(CopyEngine.RingBase, 8, 0x7000_0000_0000);
        _engine.Write(CopyEngine.Control, 4, 1);
        _engine.Write(CopyEngine.Head, 4, 1);
        _engine.Advance(1000);
        Assert.That((_engine.Read(CopyEngine.Error, 4), _engine.Read(CopyEngine.ErrorAddress, 8)), Is.EqualTo(((ulong)MasterError.DescriptorRead, 0x7000_0000_0000UL)));
    }

    [Test]
    public void The_debugger_of_the_DMA_API_sees_what_it_does()
    {
        var debug = new DmaDebug();
        _bench.Mapper.Debug = debug;
        var watched = new CopyEngine("watched", _bench.Port) { Device = _bench.Device, Debug = debug };
        var ring = _bench.Coherent(64);
        watched.Write(CopyEngine.RingBase, 8, ring.Bus.Value);
        watched.Write(CopyEngine.RingSize, 4, 1);
        watched.Write(CopyEngine.Control, 4, 1);
        var target = _bench.Map(s_target, 64, DmaDirection.ToDevice);
        var bytes = new byte[32];
        new CopyDescriptor(new BusAddr(1), target, 4, CopyOperation.Fill).Encode(bytes);
        _bench.Memory.Write(ring.Address, bytes);
        watched.Write(CopyEngine.Head, 4, 1);
        watched.Advance(10_000);
        Assert.That(debug.Reports.Select(r => r.Error), Is.EqualTo(new[] { DmaDebugError.DeviceAccessDirection }), "even where the bus lets it");
    }
}
