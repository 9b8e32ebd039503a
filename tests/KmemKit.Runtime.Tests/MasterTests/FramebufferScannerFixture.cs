using KmemKit.Architecture;
using KmemKit.Runtime.Dma;
using KmemKit.Runtime.Masters;
using KmemKit.Runtime.Masters.Scanout;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.MasterTests;

/// <summary>A display, by an SMMU or a bus.</summary>
internal abstract class FramebufferScannerFixture(Reach reach)
{
    /// <summary>How the device reaches memory.</summary>
    protected Reach Reach => reach;

    protected const ulong Page = MasterBench.Page;
    protected static readonly PhysAddr s_frame = MasterBench.Ram;

    protected MasterBench _bench = null!;
    protected FramebufferScanner _display = null!;
    protected int _interrupts;

    [SetUp]
    public void Start()
    {
        _bench = new MasterBench(reach);
        _display = new FramebufferScanner("display", _bench.Port);
        _interrupts = 0;
        _display.InterruptRaised += () => _interrupts++;
        _display.Write(DmaMaster.InterruptEnable, 4, 15);
    }

    [TearDown]
    public void End() => _bench.Dispose();

    protected static ulong Lines(int count) => (ulong)count * 1000;

    protected void Set(BusAddr at, int width, int height, int stride, PixelFormat format)
    {
        _display.Write(FramebufferScanner.Base, 8, at.Value);
        _display.Write(FramebufferScanner.Stride, 4, (ulong)stride);
        _display.Write(FramebufferScanner.Size, 4, ((ulong)height << 16) | (uint)width);
        _display.Write(FramebufferScanner.Format, 4, (ulong)format);
        _display.Write(FramebufferScanner.LineTime, 4, 1000);
        _display.Write(FramebufferScanner.BlankLines, 4, 2);
        _display.Write(FramebufferScanner.Control, 4, 1);
    }
}
