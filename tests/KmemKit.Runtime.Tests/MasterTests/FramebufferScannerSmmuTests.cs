using System.Linq;
using KmemKit.Architecture.Smmu.V3;
using KmemKit.Runtime.Dma;
using KmemKit.Runtime.Masters;
using KmemKit.Runtime.Masters.Scanout;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.MasterTests;

/// <summary>What a display meets behind an SMMU alone.</summary>
[TestFixture(Reach.SmmuV3)]
[TestFixture(Reach.SmmuV2)]
internal sealed class FramebufferScannerSmmuTests(Reach reach) : FramebufferScannerFixture(reach)
{
    [Test]
    public void The_panel_does_not_wait_for_a_stalled_fetch()
    {
        _bench.Stall();
        _bench.Memory.Fill(s_frame, 4 * Page, 0x44);
        var bus = _bench.Map(s_frame, 4 * Page, DmaDirection.ToDevice);
        _bench.Unmap(bus + Page, Page);
        Set(bus, 1024, 4, 4096, PixelFormat.Xrgb8888);
        _display.Advance(Lines(1) + 10);
        Assert.That(_display.Read(DmaMaster.Status, 4), Is.EqualTo((ulong)(ScanoutStatus.Scanning | ScanoutStatus.Waiting)));
        // In time: nothing is missing.
        _bench.MapAt(bus + Page, s_frame + Page, Page);
        _bench.Resume(ResumeAction.Retry);
        _display.Advance(Lines(3) - 10);
        Assert.That(_display.Read(FramebufferScanner.Underruns, 4), Is.Zero);
        Assert.That(_display.Screen.ToArray(), Has.All.EqualTo(0x44_4444u));
        // Too late by two lines.
        _bench.Unmap(bus + Page, Page);
        _display.Advance(Lines(2 + 3));
        _bench.Resume(ResumeAction.Terminate);
        _display.Advance(Lines(1));
        Assert.That(_display.Read(FramebufferScanner.Underruns, 4), Is.EqualTo(2UL), "the line that waited and the one behind it");
        Assert.That(_display.Screen[1024], Is.Zero);
        Assert.That(_display.Screen[(3 * 1024) + 5], Is.EqualTo(0x44_4444u));
    }
}
