using KmemKit.Architecture;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Policies;
using KmemKit.Runtime.Gfp;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.PageTests;

/// <summary>Requests for a zone type that the kernel was built with and that the board has no memory of (gfp_zone goes by the build, not by the memory).</summary>
internal sealed class EmptyZoneTests
{
    // Since 5.5 an arm64 kernel has ZONE_DMA over all of the first 4 GiB, and a ZONE_DMA32 that is empty: GFP_DMA32 must not come from ZONE_NORMAL.
    [Test]
    public void Dma32_is_served_from_below_where_its_own_zone_is_empty()
    {
        using var machine = Machine.Boot(
            TargetArchitecture.Arm64, new Policy { LinuxVersion = Machine.Set(new LinuxVersion(6, 1)) }, null, null,
            (2 * Machine.GiB, (2 * Machine.GiB) + (64 * Machine.MiB), 0), (4 * Machine.GiB, (4 * Machine.GiB) + (64 * Machine.MiB), 0));
        var count = 0;
        for (var page = Take(); !page.IsNull; page = Take(), count++)
            Assert.That(machine.Map.PageToPhys(page), Is.LessThan(new PhysAddr(4 * Machine.GiB)));
        Assert.That(count, Is.GreaterThan(10_000).And.LessThan(16_384), "all of the 64 MiB below 4 GiB, and no more");

        KmemKit.Runtime.Pages.Page Take() => machine.Cpu.AllocPage(GfpFlags.Kernel | GfpFlags.Dma32Zone | GfpFlags.NoWarn);
    }

    [Test]
    public void Dma_fails_where_nothing_is_at_or_below_its_zone()
    {
        using var machine = Machine.Boot(
            TargetArchitecture.X64, new Policy { LinuxVersion = Machine.Set(new LinuxVersion(6, 1)) }, null, null, (32 * Machine.MiB, 256 * Machine.MiB, 0));
        Assert.That(machine.Cpu.AllocPage(GfpFlags.Kernel | GfpFlags.DmaZone | GfpFlags.NoWarn).IsNull, Is.True);
        Assert.That(machine.Cpu.AllocPages(GfpFlags.Kernel | GfpFlags.DmaZone | GfpFlags.NoWarn, 5).IsNull, Is.True);
        Assert.That(machine.Cpu.AllocContigPages(3, GfpFlags.Kernel | GfpFlags.DmaZone | GfpFlags.NoWarn).IsOk, Is.False);
        Assert.That(machine.Cpu.AllocPage(GfpFlags.Kernel | GfpFlags.Dma32Zone).IsNull, Is.False);
        machine.Allocator.Verify();
    }
}
