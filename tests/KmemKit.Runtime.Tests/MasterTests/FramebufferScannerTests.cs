using System;
using System.Linq;
using KmemKit.Architecture.Smmu.V3;
using KmemKit.Runtime.Dma;
using KmemKit.Runtime.Masters;
using KmemKit.Runtime.Masters.Scanout;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.MasterTests;

/// <summary>A display shows what is in memory, at its pace, and what it could not have in the underflow colour.</summary>
[TestFixture(Reach.SmmuV3)]
[TestFixture(Reach.SmmuV2)]
[TestFixture(Reach.Bus)]
internal sealed class FramebufferScannerTests(Reach reach) : FramebufferScannerFixture(reach)
{
    [Test]
    public void Registers_are_as_after_reset()
    {
        var fresh = new FramebufferScanner("fresh", _bench.Port);
        Set(_bench.Map(s_frame, Page, DmaDirection.ToDevice), 4, 4, 16, PixelFormat.Xrgb8888);
        _display.Advance(100_000);
        _display.Write(FramebufferScanner.Control, 4, 2);
        foreach (var display in new[] { fresh, _display })
        {
            for (var offset = 0UL; offset < 0x100; offset += 4)
                Assert.That(display.Read(offset, 4), Is.EqualTo(offset == 0 ? 0x4B46_5301UL : 0), $"0x{offset:x}");
        }
    }

    // An oracle of bytes: pixel (x, y) is where base, stride and format put it.
    [TestCase(PixelFormat.Rgb565, 100, 38)]
    [TestCase(PixelFormat.Bgr888, 2048, 3000)]
    [TestCase(PixelFormat.Xrgb8888, 7, 4096)]
    [TestCase(PixelFormat.Xrgb8888, 1, 4)]
    public void A_frame_is_shown_as_it_lies_in_memory(PixelFormat format, int offset, int stride)
    {
        const int height = 5;
        var bytes = PixelFormats.BytesOf(format);
        var width = Math.Min(stride / bytes, 13);
        var data = _bench.Random(s_frame, 8 * 4096, 11);
        Set(_bench.Map(s_frame + (ulong)offset, (ulong)((stride * height) + 64), DmaDirection.ToDevice), width, height, stride, format);
        _display.Advance(Lines(height));
        Assert.That(_display.Read(FramebufferScanner.Frames, 4), Is.EqualTo(1UL));
        for (var y = 0; y < height; y++)
        {
            for (var x = 0; x < width; x++)
            {
                var at = offset + (y * stride) + (x * bytes);
                var expected = format switch
                {
                    PixelFormat.Rgb565 => Five(data[at + 1] >> 3, 31) << 16 | Five(((data[at + 1] & 7) << 3) | (data[at] >> 5), 63) << 8 | Five(data[at] & 31, 31),
                    PixelFormat.Bgr888 => (uint)((data[at] << 16) | (data[at + 1] << 8) | data[at + 2]),
                    _ => (uint)((data[at + 2] << 16) | (data[at + 1] << 8) | data[at]),
                };
                Assert.That(_display.Screen[(y * width) + x], Is.EqualTo(expected), $"({x}, {y})");
            }
        }
        Assert.That(_display.Read(FramebufferScanner.Underruns, 4), Is.Zero);

        // To 8 bits, by repeating the upper ones: within one of the exact ratio.
        static uint Five(int value, int most) => most == 31 ? (uint)((value << 3) | (value >> 2)) : (uint)((value << 2) | (value >> 4));
    }

    [Test]
    public void Vsync_and_takeover_are_at_the_frame_s_end()
    {
        var (a, b) = (_bench.Map(s_frame, Page, DmaDirection.ToDevice), _bench.Map(s_frame + Page, Page, DmaDirection.ToDevice));
        _bench.Memory.Fill(s_frame, Page, 0x11);
        _bench.Memory.Fill(s_frame + Page, Page, 0x22);
        Set(a, 8, 8, 32, PixelFormat.Xrgb8888);
        Assert.That(_display.Read(DmaMaster.Status, 4), Is.EqualTo((ulong)ScanoutStatus.Scanning));
        _display.Advance(Lines(3));
        Assert.That(_display.Read(FramebufferScanner.Line, 4), Is.EqualTo(3UL));
        _display.Write(FramebufferScanner.Base, 8, b.Value);
        _display.Advance(Lines(5) - 1);
        Assert.That((_display.Read(FramebufferScanner.Frames, 4), _interrupts), Is.EqualTo((0UL, 0)));
        _display.Advance(1);
        Assert.That((_display.Read(FramebufferScanner.Frames, 4), _interrupts), Is.EqualTo((1UL, 1)));
        Assert.That(_display.Read(DmaMaster.InterruptCause, 4), Is.EqualTo((ulong)(ScanoutInterrupts.Vsync | ScanoutInterrupts.Flip)));
        Assert.That(_display.Read(DmaMaster.Status, 4), Is.EqualTo((ulong)ScanoutStatus.Blanking));
        Assert.That(_display.Screen.ToArray(), Has.All.EqualTo(0x11_1111u), "no line of the other frame");
        var crc = _display.Read(FramebufferScanner.FrameCrc, 4);
        _display.Write(DmaMaster.InterruptCause, 4, 15);
        _display.Advance(Lines(2 + 8));
        Assert.That(_display.Screen.ToArray(), Has.All.EqualTo(0x22_2222u));
        Assert.That(_display.Read(FramebufferScanner.FrameCrc, 4), Is.Not.EqualTo(crc));
        Assert.That(_display.Read(DmaMaster.InterruptCause, 4), Is.EqualTo((ulong)ScanoutInterrupts.Vsync), "no flip");
        // One long stretch of time is the same as many short ones.
        _display.Advance(Lines(2 + 8) * 5);
        Assert.That(_display.Read(FramebufferScanner.Frames, 4), Is.EqualTo(7UL));
        var read = _display.BytesRead;
        _display.Write(FramebufferScanner.Control, 4, 0);
        _display.Advance(Lines(100));
        Assert.That(_display.BytesRead, Is.EqualTo(read), "off");
    }

    [Test]
    public void What_cannot_be_fetched_is_an_underrun_and_the_rest_is_shown()
    {
        // Lines of 1024 pixels are 4 KiB: line 2 faults whole, line 5 in its second half.
        const int height = 8;
        _bench.Memory.Fill(s_frame, height * Page, 0x33);
        var bus = _bench.Map(s_frame, height * Page, DmaDirection.ToDevice);
        if (Reach == Reach.Bus)
        {
            // The end of the window.
            bus = MasterBench.Edge - (6 * Page) + 2048;
            _bench.Memory.Fill(s_frame + (16UL << 20) - (6 * Page), 6 * Page, 0x33);
        }
        else
        {
            _bench.Unmap(bus + (2 * Page), Page);
        }
        _display.Write(FramebufferScanner.UnderflowColour, 4, 0xFF00FF);
        Set(bus, 1024, height, 4096, PixelFormat.Xrgb8888);
        _display.Advance(Lines(height));
        var screen = _display.Screen.ToArray();
        var missing = screen.Count(p => p == 0xFF00FF);
        if (Reach == Reach.Bus)
        {
            Assert.That(missing, Is.EqualTo(1024 + 1024 + 512));
            Assert.That(screen.AsSpan(5 * 1024, 512).ToArray(), Has.All.EqualTo(0x33_3333u), "line 5 is shown as far as it came");
            Assert.That(_display.Read(FramebufferScanner.Underruns, 4), Is.EqualTo(3UL));
            return;
        }
        Assert.That(missing, Is.EqualTo(1024));
        Assert.That(screen.AsSpan(2 * 1024, 1024).ToArray(), Has.All.EqualTo(0xFF00FFu));
        Assert.That((_display.Read(FramebufferScanner.Underruns, 4), _display.Read(FramebufferScanner.FaultAddress, 8)), Is.EqualTo((1UL, bus.Value + (2 * Page))));
        Assert.That(_display.Read(DmaMaster.InterruptCause, 4), Is.EqualTo((ulong)(ScanoutInterrupts.Underrun | ScanoutInterrupts.Vsync)));
        Assert.That(_bench.Smmu.Faults.Single().Address, Is.EqualTo(bus + (2 * Page)));
        // The same page again: the next frame is whole.
        _bench.MapAt(bus + (2 * Page), s_frame + (2 * Page), Page);
        _display.Advance(Lines(2 + height));
        Assert.That(_display.Screen.ToArray(), Has.All.EqualTo(0x33_3333u));
    }

    [TestCase(0, 8, 32, 0)]
    [TestCase(8, 0, 32, 0)]
    [TestCase(8, 8, 31, 2)]
    [TestCase(8, 8, 32, 3)]
    public void What_cannot_be_shown_does_not_start(int width, int height, int stride, int format)
    {
        var bus = _bench.Map(s_frame, Page, DmaDirection.ToDevice);
        Set(bus, width, height, stride, (PixelFormat)format);
        Assert.That(_display.Read(DmaMaster.InterruptCause, 4), Is.EqualTo((ulong)ScanoutInterrupts.BadConfiguration));
        Assert.That((_display.Read(FramebufferScanner.Control, 4), _display.Read(DmaMaster.Status, 4)), Is.EqualTo((0UL, 0UL)));
        _display.Advance(Lines(100));
        Assert.That(_display.BytesRead, Is.Zero);
        // A takeover of it keeps what is shown.
        if (stride != 31)
            return;
        Set(bus, 4, 2, 16, PixelFormat.Xrgb8888);
        _display.Write(DmaMaster.InterruptCause, 4, 15);
        _display.Write(FramebufferScanner.Stride, 4, 15);
        _display.Advance(Lines(2));
        Assert.That(_display.Read(DmaMaster.InterruptCause, 4), Is.EqualTo((ulong)(ScanoutInterrupts.BadConfiguration | ScanoutInterrupts.Vsync)));
        _display.Write(FramebufferScanner.Stride, 4, 16);
        _display.Write(FramebufferScanner.Base, 8, ulong.MaxValue - 15);
        _display.Advance(Lines(2 + 2));
        Assert.That(_display.Read(FramebufferScanner.Underruns, 4), Is.Zero, "a base whose second line is beyond the addresses was not taken over");
    }
}
