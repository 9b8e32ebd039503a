using KmemKit.Architecture.Smmu.V3;
using KmemKit.BoardCompiler.Streams;
using KmemKit.Runtime.Boot;
using KmemKit.Runtime.Smmu.Boards;
using KmemKit.Runtime.Smmu.V3;
using KmemKit.Runtime.Tests.Harness;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.SmmuTests;

/// <summary>How an SMMU of a board is turned on: with which granule, and with a stream table of which size.</summary>
internal sealed class SmmuStartTests
{
    [TestCase(SmmuGranules.FourKiB | SmmuGranules.SixtyFourKiB, 12, 12)]
    [TestCase(SmmuGranules.FourKiB | SmmuGranules.SixtyFourKiB, 14, 12)]
    [TestCase(SmmuGranules.FourKiB | SmmuGranules.SixtyFourKiB, 16, 16)]
    [TestCase(SmmuGranules.SixtyFourKiB, 12, 16)]
    public void The_granule_is_the_boards_page_or_the_smallest_that_there_is(SmmuGranules granules, int page, int granule) =>
        Assert.That(SmmuStart.GranuleOf(Smmu(features => features with { Granules = granules }), page), Is.EqualTo(granule));

    [Test]
    public void Without_any_granule_there_is_no_address_space() =>
        Assert.That(() => SmmuStart.GranuleOf(Smmu(features => features with { Granules = 0 }), 12), Throws.InvalidOperationException.With.Message.Contains("smmu has no granule"));

    /// <summary>It reaches to the last StreamID of a row, is never smaller than a table of one level, and never larger than the SMMU has it.</summary>
    [TestCase(32, 0u, 1ul, 8)]
    [TestCase(32, 0u, 0x400ul, 10)]
    [TestCase(32, 0x400u, 1ul, 11)]
    [TestCase(32, 0xffff_0000u, 0x10000ul, 25)]
    [TestCase(5, 0x1fu, 1ul, 5)]
    [TestCase(9, 0u, 0x10000ul, 9)]
    public void The_stream_table_reaches_as_far_as_the_masters(int bits, uint first, ulong count, int expected)
    {
        var layout = TestBoards.Arm64("""memory@40000000 { device_type = "memory"; reg = <0x0 0x40000000 0x0 0x10000000>; };""");
        using var memory = BootedMemory.Boot(layout);
        var plan = new SmmuPlan
        {
            Smmu = Smmu(features => features with { StreamIdBits = bits }),
            Masters = [new BusMaster("/dma", "dma", 0, default) { Streams = [new MasterStream(first, count, 0, default)] }],
        };
        var running = SmmuStart.Start(plan, memory.Allocator.Cpus[0], memory.Memory);
        using var driver = running.Driver;
        Assert.That(((SmmuV3)running.Smmu).Features.StreamIdBits, Is.EqualTo(expected));
    }

    private static BoardSmmu Smmu(System.Func<SmmuV3Features, SmmuV3Features> change) => new("/smmu", "smmu", SmmuVersion.V3, default) { V3 = change(BoardSmmu.AssumedV3) };
}
