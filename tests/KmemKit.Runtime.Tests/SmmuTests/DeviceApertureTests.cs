using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Streams;
using KmemKit.Runtime.Smmu.Boards;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.SmmuTests;

/// <summary>Which device addresses an address space may give out: whole granules that the buses let through, without what the board sets apart.</summary>
internal sealed class DeviceApertureTests
{
    private const ulong KiB64 = 0x10000;

    [Test]
    public void All_addresses_where_no_bus_says_anything() =>
        Assert.That(DeviceAperture.Of(new BusMaster("/dma", "dma", 0, default), 12), Is.EqualTo(new DeviceAperture(Range(0, 1UL << 39), 39, [])).Using<DeviceAperture>(Same));

    /// <summary>Three levels of 4 KiB tables reach 39 bits; a master that sends only addresses above has them all.</summary>
    [TestCase(0UL, 39)]
    [TestCase((1UL << 39) - 0x2000, 39)]
    [TestCase(1UL << 39, 48)]
    public void Bits_are_the_usual_ones_unless_all_addresses_are_above(ulong start, int bits) => Assert.That(Of(12, [(start, 0x1000)]).InputBits, Is.EqualTo(bits));

    /// <summary>Windows in any order, one within another, and one behind a gap.</summary>
    [Test]
    public void Only_gaps_between_windows_are_closed()
    {
        var aperture = Of(12, [(0x20000, KiB64), (0, KiB64), (0x4000, 0x4000)]);
        Assert.That((aperture.Range, aperture.Closed.Single()), Is.EqualTo((Range(0, 0x30000), Range(KiB64, KiB64))));
    }

    [TestCase(12, 0x1000UL, 0x3000UL)]
    [TestCase(14, 0x4000UL, 0x4000UL)]
    public void Ends_of_a_window_within_a_granule_are_not_given_out(int shift, ulong start, ulong size)
    {
        var window = shift == 12 ? (0x800UL, 0x3fffUL) : (0x800UL, 0xafffUL);
        Assert.That(Of(shift, [window]).Range, Is.EqualTo(Range(start, size)));
    }

    [Test]
    public void What_is_set_apart_takes_the_granules_that_it_touches()
    {
        var master = Master([(0, KiB64)]) with { Reserved = [Apart(0x1800, 0x1001), Apart(0xf800, 0x10000), Apart(KiB64 * 4, 0x1000)] };
        Assert.That(DeviceAperture.Of(master, 12).Closed, Is.EqualTo(new[] { Range(0x1000, 0x2000), Range(0xf000, 0x1000) }));
    }

    [Test]
    public void A_window_without_a_whole_granule_is_none() =>
        Assert.That(() => Of(12, [(0x800, 0x1000)]), Throws.InvalidOperationException.With.Message.EqualTo("/dma sends no address that its SMMU translates."));

    private static DeviceAperture Of(int shift, (ulong Start, ulong Size)[] windows) => DeviceAperture.Of(Master(windows), shift);

    private static BusMaster Master((ulong Start, ulong Size)[] windows) =>
        new("/dma", "dma", 0, default) { Windows = [.. windows.Select(w => new DmaWindow(new BusRange(new BusAddr(w.Start), w.Size), default))] };

    private static ReservedIova Apart(ulong start, ulong size) => new(new BusRange(new BusAddr(start), size), "a test's", default);

    private static PhysRange Range(ulong start, ulong size) => new(new PhysAddr(start), size);

    private static bool Same(DeviceAperture a, DeviceAperture b) => (a.Range, a.InputBits) == (b.Range, b.InputBits) && a.Closed.SequenceEqual(b.Closed);
}
