using System.Collections.Generic;
using System.Linq;
using KmemKit.Runtime.Memory;
using KmemKit.Runtime.Uclinux;
using NUnit.Framework;
using static KmemKit.Runtime.Tests.Harness.Sizes;

namespace KmemKit.Runtime.Tests.NoMmu;

/// <summary>What the two allocators waste on the same requests.</summary>
public sealed class WasteTests
{
    private PhysicalMemory _memory = null!;

    [SetUp]
    public void Ram() => _memory = PhysicalMemory.Create([Range(0, 4 * M), Range(16 * M, 20 * M)]);

    [TearDown]
    public void Free() => _memory.Dispose();

    private IReadOnlyList<WasteReport> Compare(params ulong[] sizes) =>
        WasteMeter.Compare(sizes, new PowerOfTwoAllocator(_memory, Range(0, 4 * M)), new Kmalloc2Allocator(_memory, Range(16 * M, 20 * M)));

    [Test]
    public void One_request_of_65_KB_wastes_63_KB_and_3_KB()
    {
        var reports = Compare(65 * K);
        Assert.That(reports.Select(r => (r.AskedBytes, r.TakenBytes, r.WastedBytes)), Is.EqualTo(new[] { (65 * K, 128 * K, 63 * K), (65 * K, 68 * K, 3 * K) }));
    }

    [Test]
    public void What_small_blocks_leave_of_their_page_is_taken_too()
    {
        var reports = Compare(100, 100, 2048);
        foreach (var report in reports)
            Assert.That((report.BlockBytes, report.TakenBytes), Is.EqualTo((128UL + 128 + 2048, 8 * K)));
    }

    // Programs of a uClinux system load as one block each: text, data and stack.
    [Test]
    public void Kmalloc2_loads_programs_that_the_standard_allocator_refuses()
    {
        var programs = Enumerable.Repeat(0, 14).SelectMany(_ => new ulong[] { 130 * K, 70 * K, 33 * K, 17 * K, 200 }).ToArray();
        var reports = Compare(programs);
        Assert.That((reports[0].Failures > 0, reports[1].Failures), Is.EqualTo((true, 0)));
        Assert.That(reports[1].WastedBytes, Is.LessThan(reports[1].AskedBytes / 20));
        Assert.That(reports[0].WastedBytes, Is.GreaterThan(reports[0].AskedBytes / 2));
    }

    [Test]
    public void Freed_the_waste_is_gone()
    {
        var meter = new WasteMeter(new Kmalloc2Allocator(_memory, Range(0, 4 * M)));
        var blocks = new ulong[] { 1, 5000, 65 * K }.Select(size => meter.Alloc(size)!.Value).ToList();
        Assert.That(meter.Blocks.Values, Is.EquivalentTo(new ulong[] { 1, 5000, 65 * K }));
        Assert.That(() => meter.Free(blocks[2] + 4096), Throws.TypeOf<UclinuxFreeException>());
        blocks.ForEach(meter.Free);
        var report = meter.Report();
        Assert.That((report.Blocks, report.AskedBytes, report.BlockBytes, report.TakenBytes), Is.EqualTo((0, 0UL, 0UL, 0UL)));
        Assert.That(report.FreeBytes + report.MetadataBytes, Is.EqualTo(4 * M));
        Assert.That(report.LargestFreeBytes, Is.EqualTo(report.FreeBytes));
    }

    [Test]
    public void The_table_has_a_column_for_each_allocator()
    {
        Assert.That(WasteText.Write(Compare(65 * K, 5000, 100, 8 * M)), Is.EqualTo(
            "                page_alloc (2^n)  page_alloc2 (kmalloc2)\n"
            + "blocks                         3                       3\n"
            + "refused                        1                       1\n"
            + "asked                      69 kB                   69 kB\n"
            + "taken                     140 kB                   80 kB\n"
            + "wasted                     70 kB                   10 kB\n"
            + "free                     3920 kB                 3980 kB\n"
            + "largest free             3840 kB                 3980 kB\n"
            + "frame table                36 kB                   36 kB\n"));
    }
}
