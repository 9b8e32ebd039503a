using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Policies;
using KmemKit.BoardCompiler.Writers;
using NUnit.Framework;

namespace KmemKit.BoardCompiler.Tests.Writers;

public sealed class LayoutTextWriterTests
{
    // airtab-rk3066, find5-apq8064 (parts that touch are one for memblock) and cancro.
    [TestCase("Memory: 750MB 152MB = 902MB total", 0x60000000UL, 0x8ee00000UL, 0x96800000UL, 0xa0000000UL)]
    [TestCase("Memory: 1024MB = 1024MB total", 0x0UL, 0x20000000UL, 0x20000000UL, 0x40000000UL)]
    [TestCase("Memory: 1MB 1MB = 3MB total", 0x0UL, 0x180000UL, 0x200000UL, 0x380000UL)]
    public void The_memory_line_rounds_each_stretch_and_the_sum_down(string expected, ulong start1, ulong end1, ulong start2, ulong end2)
    {
        var layout = SampleLayout.With(SampleLayout.Board()) with
        {
            Banks =
            [
                new LayoutBank(SampleLayout.Phys(start1, end1), BankKind.Lowmem, default),
                new LayoutBank(SampleLayout.Phys(start2, end2), BankKind.Highmem, default),
            ],
        };

        Assert.That(LayoutTextWriter.MemoryLine(layout), Is.EqualTo(expected));
    }

    [Test]
    public void The_text_has_every_range_with_its_kind_size_and_place()
    {
        var text = LayoutTextWriter.Write(SampleLayout.Full());

        Assert.That(text.Split('\n'), Does.Contain("Truncating RAM at 0 to 1")
            .And.Contain("Memory: 91MB 163MB 256MB = 510MB total")
            .And.Contain("    lowmem  : 0xc0000000 - 0xd0000000   ( 256 MB)")
            .And.Contain("  0x00000000 - 0x05b00000      91 MiB  lowmem  b/board.dts(3,1)")
            .And.Contain("  0x05b00000 - 0x05d00000       2 MiB  hole, gap")
            .And.Contain("  0x10000000 - 0x11000000      16 MiB  hole, no-map  b/board.dts(3,1)")
            .And.Contain("  0x20000000 - 0x30000000     256 MiB  highmem  b/board.dts(3,1)")
            .And.Contain("  0x10000000 - 0x11000000      16 MiB  modem, no-map  b/board.dts(3,1)")
            .And.Contain("  virt 0xc0000000 - 0xd0000000 = phys 0x00000000 - 0x10000000  256 MiB")
            .And.Contain("  Normal   node 0: pfn 0x0 - 0x10000, 65536 pages spanned, 65024 present"));
    }

    [Test]
    public void The_physical_map_rises_and_leaves_nothing_out()
    {
        var lines = LayoutTextWriter.Write(SampleLayout.Full()).Split('\n');
        var start = System.Array.IndexOf(lines, "Physical map:") + 1;

        ulong expected = 0;
        for (var i = start; lines[i].StartsWith("  0x", System.StringComparison.Ordinal); i++)
        {
            Assert.That(System.Convert.ToUInt64(lines[i].Substring(4, 8), 16), Is.EqualTo(expected), lines[i]);
            expected = System.Convert.ToUInt64(lines[i].Substring(17, 8), 16);
        }
        Assert.That(expected, Is.EqualTo(0x3000_0000));
    }

    [Test]
    public void Sections_of_the_sparse_model_are_told_in_runs()
    {
        var layout = SampleLayout.Full() with
        {
            Model = new MemoryModel(MemoryModelKind.Sparse, 28, [new MemorySection(0, 1), new MemorySection(2, 1), new MemorySection(3, 1), new MemorySection(4, 1), new MemorySection(9, 1)], 7),
        };

        Assert.That(LayoutTextWriter.Write(layout), Does.Contain("  memory model sparse, sections of 2^28 bytes: 0 2-4 9, 7 page descriptors\n"));
    }
}
