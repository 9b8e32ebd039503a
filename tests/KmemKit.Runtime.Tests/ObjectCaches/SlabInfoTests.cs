using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using KmemKit.BoardCompiler.Policies;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Proc;
using KmemKit.Runtime.Slab;
using KmemKit.Runtime.Slab.Classic;
using KmemKit.Runtime.Slab.Slub;
using KmemKit.Runtime.Tests.Harness;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.ObjectCaches;

/// <summary>What two running boards printed as /proc/slabinfo: the form of the text, and how their kernels cut slabs.</summary>
internal sealed unsafe class SlabInfoTests
{
    private const string Slub41 = "zteorange-arm-4.1";
    private const string Slab44 = "innofw-zynq-4.4";

    [TestCase(Slub41)]
    [TestCase(Slab44)]
    public void A_boards_file_is_printed_as_it_was_read(string board) =>
        Assert.That(SlabInfoTable.Parse(Text(board)).ToString(), Is.EqualTo(Text(board)));

    private static IEnumerable<TestCaseData> SlubLines() => SlabInfoTable.Parse(Text(Slub41)).Lines.Select(static line => new TestCaseData(line).SetArgDisplayNames(line.Name));

    private static IEnumerable<TestCaseData> SlabLines() => SlabInfoTable.Parse(Text(Slab44)).Lines.Select(static line => new TestCaseData(line).SetArgDisplayNames(line.Name));

    [TestCaseSource(nameof(SlubLines))]
    public void SLUB_chooses_the_order_that_the_board_did(SlabInfoLine line)
    {
        var order = SlubOrder.Calculate(line.ObjectSize, 12, cpus: 2, maxOrder: 10);
        Assert.That(1 << order, Is.EqualTo(line.PagesPerSlab));
        // tw_sock and its like say 20 where 4096 / 200 is 20: the division is the rule.
        Assert.That((4096 << order) / line.ObjectSize, Is.EqualTo(line.ObjectsPerSlab));
    }

    [TestCaseSource(nameof(SlabLines))]
    public void SLAB_cuts_slabs_as_the_board_did(SlabInfoLine line)
    {
        // The file does not say which caches are reclaimable, which decides where two orders are possible.
        var cuts = new[] { false, true }.Select(reclaimable => SlabGeometry.Calculate(
            line.ObjectSize, 8, reclaimable, 12, 10, 256 << 20, cacheLine: 64, kmallocMin: 64, neverOff: line.Name == "kmem_cache")).ToArray();
        Assert.That(cuts.Select(static cut => (cut.Objects, 1 << cut.Order)), Does.Contain((line.ObjectsPerSlab, line.PagesPerSlab)));
    }

    [TestCaseSource(nameof(SlabLines))]
    public void SLAB_gives_CPUs_arrays_of_the_boards_size(SlabInfoLine line)
    {
        using var caches = Machine44.Value;
        var cache = caches.Objects.CreateCache(line.Name, line.ObjectSize, 0, SlabFlags.NoMerge)!;
        Assert.That(cache.Layout.Size, Is.EqualTo(line.ObjectSize));
        Assert.That(cache.Tunables, Is.EqualTo((line.Limit, line.Batch, line.SharedFactor)));
    }

    [Test]
    public void Kmalloc_caches_of_both_boards_have_the_boards_names_and_order()
    {
        foreach (var (board, kind, options) in new[]
        {
            (Slub41, ObjectAllocatorKind.Slub, new ObjectAllocatorOptions { KmallocMinSize = 32 }),
            (Slab44, ObjectAllocatorKind.Slab, new ObjectAllocatorOptions { KmallocMinSize = 64 }),
        })
        {
            using var caches = new Caches(kind, 64, 2, options, new LinuxVersion(4, board == Slub41 ? 1 : 4));
            var theirs = SlabInfoTable.Parse(Text(board)).Lines.Where(static line => line.Name.StartsWith("kmalloc", StringComparison.Ordinal)).ToArray();
            var ours = SlabInfoTable.Of(caches.Objects)!.Lines;
            // The board calls its cache for 64 bytes after the structure that it is made for first.
            Assert.That(ours.Select(static line => (line.ObjectSize, line.ObjectsPerSlab, line.PagesPerSlab, line.Limit, line.Batch, line.SharedFactor)),
                Is.EqualTo(theirs.Select(static line => (line.ObjectSize, line.ObjectsPerSlab, line.PagesPerSlab, line.Limit, line.Batch, line.SharedFactor))));
            Assert.That(ours.Select(static line => line.Name == "kmalloc-64" && line.Limit != 0 ? "kmalloc-node" : line.Name), Is.EqualTo(theirs.Select(static line => line.Name)));
        }
    }

    [TestCaseSource(typeof(Caches), nameof(Caches.KindsWithSlabs))]
    public void Numbers_are_those_of_the_caches(ObjectAllocatorKind kind)
    {
        using var caches = new Caches(kind);
        var cache = caches.Objects.CreateCache("counted", 200, 0, SlabFlags.NoMerge)!;
        var items = Enumerable.Range(0, 100).Select(_ => (nint)cache.Alloc(caches.Cpu, GfpFlags.Kernel)).ToArray();
        cache.Shrink(caches.Cpu);
        var line = SlabInfoTable.Of(caches.Objects)!.Lines[0];
        Assert.That(line.Name, Is.EqualTo("counted"), "the newest first");
        Assert.That(line.Objects, Is.EqualTo(line.Slabs * line.ObjectsPerSlab));
        Assert.That(cache.Count().ActiveObjects, Is.EqualTo(100));
        Assert.That(line.ActiveObjects, Is.EqualTo(100));
        cache.FreeBulk(caches.Cpu, items);
        cache.Shrink(caches.Cpu);
        Assert.That(SlabInfoTable.Of(caches.Objects)!.Lines[0] is { ActiveObjects: 0, Objects: 0, Slabs: 0 });
    }

    [Test]
    public void SLOB_has_no_slabinfo()
    {
        using var caches = new Caches(ObjectAllocatorKind.Slob);
        Assert.That(SlabInfoTable.Of(caches.Objects), Is.Null);
    }

    // The sums are those of an awk script over the board's file; the table's form is that of procps 3.3.
    [Test]
    public void Slabtop_adds_a_boards_caches_up()
    {
        var lines = SlabTop.Write(SlabInfoTable.Parse(Text(Slub41)), 4096).Split('\n');
        Assert.That(lines[0], Is.EqualTo(" Active / Total Objects (% used)    : 134705 / 138612 (97.2%)"));
        Assert.That(lines[4], Does.Match(@"^ Minimum / Average / Maximum Object : 0\.02K / 0\.\d\dK / 8\.00K$"));
        Assert.That(lines[6], Is.EqualTo("  OBJS ACTIVE  USE OBJ SIZE  SLABS OBJ/SLAB CACHE SIZE NAME"));
        Assert.That(lines[7], Is.EqualTo(" 39639  39639 100%    0.05K    543       73      2172K buffer_head"));
        Assert.That(lines[8], Does.EndWith(" nsproxy"), "by number of objects");
    }

    [Test]
    public void Totals_split_memory_into_used_and_lost()
    {
        var table = SlabInfoTable.Parse(Text(Slab44));
        var totals = SlabTotals.Of(table, 4096);
        Assert.That(totals.MemoryBytes, Is.EqualTo(table.Lines.Sum(static line => line.Slabs * line.PagesPerSlab * 4096)));
        Assert.That(totals.UsedBytes + totals.LostBytes, Is.EqualTo(totals.MemoryBytes));
        // /proc/meminfo of the same board, a moment apart, says Slab: 13264 kB.
        Assert.That(totals.MemoryBytes >> 10, Is.EqualTo(13264).Within(64));
        Assert.That(totals.ToString(), Does.StartWith("Slabcache Totals\n----------------\nSlabcaches :"));
    }

    [TestCase("slabinfo - version: 1.1\n")]
    [TestCase("slabinfo - version: 2.1\n# name\nx 1 2\n")]
    [TestCase("slabinfo - version: 2.1\n# name\nx 1 2 99999999999 1 1 : tunables 0 0 0 : slabdata 0 0 0\n")]
    public void Other_texts_are_refused(string text) => Assert.Throws<FormatException>(() => SlabInfoTable.Parse(text));

    private static class Machine44
    {
        public static Caches Value => new(ObjectAllocatorKind.Slab, 64, 2, new ObjectAllocatorOptions { KmallocMinSize = 64 }, new LinuxVersion(4, 4));
    }

    private static string Text(string board) => File.ReadAllText(Path.Combine(TestBoards.Root, "tests/vectors/proc", board, "slabinfo"));
}
