using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using System.Text;
using KmemKit.BoardCompiler.Devicetree;
using KmemKit.BoardCompiler.Devicetree.Blobs;
using KmemKit.BoardCompiler.Sources;
using NUnit.Framework;

namespace KmemKit.BoardCompiler.Tests.Devicetree;

[TestFixture]
internal sealed class BlobWriteTests
{
    internal static byte[] Sample() => new BlobBuilder { BootCpu = 2 }.Reserve(0x1000, 0x2000)
        .Begin("").Cell("#address-cells", 1).Cell("#size-cells", 1).Text("model", "board")
        .Begin("soc").Begin("uart@10").Cell("reg-io-width", 4).Property("reg", 0, 0, 0, 0x10, 0, 0, 0, 4).Cell("phandle", 1).End()
        .Begin("other").Property("flag").Property("odd", 1, 2, 3).End().End().End().Finish().ToBytes();

    [Test]
    public void A_blob_of_version_17_comes_back_byte_for_byte() => Assert.That(FdtWriter.Write(Tree(Sample())), Is.EqualTo(Sample()));

    [TestCase("-p 100", 100, 0, 0, 0)]
    [TestCase("-S 4096", 0, 4096, 0, 0)]
    [TestCase("-S 16", 0, 16, 0, 0)]
    [TestCase("-a 8", 0, 0, 8, 0)]
    [TestCase("-a 1024", 0, 0, 1024, 0)]
    [TestCase("-p 5 -a 16", 5, 0, 16, 0)]
    [TestCase("-S 1001 -a 8", 0, 1001, 8, 0)]
    [TestCase("-R 4", 0, 0, 0, 4)]
    [TestCase("-R 1 -p 3 -a 4", 3, 0, 4, 1)]
    public void Padding_size_alignment_and_reservation_slots_are_dtcs(string options, int padding, int size, int alignment, int slots)
    {
        Assert.That(
            FdtWriter.Write(Tree(Sample()), new FdtWriteOptions { Padding = padding, MinimumSize = size, Alignment = alignment, ReservationSlots = slots }),
            Is.EqualTo(BlobDtc.Run(Sample(), "-I dtb -O dtb " + options)));
    }

    [Test]
    public void The_boot_cpu_can_be_said() =>
        Assert.That(FdtWriter.Write(Tree(Sample()), new FdtWriteOptions { BootCpuId = 7 }), Is.EqualTo(BlobDtc.Run(Sample(), "-I dtb -O dtb -b 7")));

    [Test]
    public void Padding_and_minimum_size_together_are_refused_as_dtc_refuses_them()
    {
        BlobDtc.RequireDtc();
        Assert.That(() => BlobDtc.Run(Sample(), "-I dtb -O dtb -p 5 -S 2000"), Throws.InvalidOperationException);
        Assert.That(() => FdtWriter.Write(Tree(Sample()), new FdtWriteOptions { Padding = 5, MinimumSize = 2000 }), Throws.TypeOf<ArgumentOutOfRangeException>());
    }

    [TestCase(-1, 0, 0, 0), TestCase(0, -1, 0, 0), TestCase(0, 0, -8, 0), TestCase(0, 0, 12, 0), TestCase(0, 0, 0, -1)]
    public void Options_without_sense_are_refused(int padding, int size, int alignment, int slots) =>
        Assert.That(
            () => FdtWriter.Write(Tree(Sample()), new FdtWriteOptions { Padding = padding, MinimumSize = size, Alignment = alignment, ReservationSlots = slots }),
            Throws.TypeOf<ArgumentOutOfRangeException>());

    // The rule as dtc states it: the first offset at which the block holds the name up to a 0, else the end.
    [TestCase(1), TestCase(2), TestCase(3)]
    public void A_name_is_shared_with_the_first_ending_that_equals_it(int seed)
    {
        var random = new Random(seed);
        var table = new FdtStringTable();
        var model = new List<byte>();
        for (var i = 0; i < 3000; i++)
        {
            var name = new string(Enumerable.Range(0, random.Next(0, 9)).Select(_ => (char)('a' + random.Next(3))).ToArray());
            var bytes = Encoding.ASCII.GetBytes(name + "\0");
            var expected = model.ToArray().AsSpan().IndexOf(bytes);
            if (expected < 0)
            {
                expected = model.Count;
                model.AddRange(bytes);
            }
            Assert.That(table.OffsetOf(name), Is.EqualTo(expected), $"seed {seed}, name {i} \"{name}\"");
        }
        Assert.That(table.Bytes.ToArray(), Is.EqualTo(model));
    }

    [Test]
    public void Names_that_are_endings_are_shared_as_dtc_shares_them()
    {
        string[] names = ["foo-reg", "reg", "g", "reg-x", "x-reg", "o-reg", "oo-reg", "linux,phandle-x", "phandle-x", "x", "-x"];
        var blob = new BlobBuilder().Begin("");
        foreach (var name in names)
            blob.Strings(name + "\0");
        for (var i = 0; i < names.Length; i++)
            blob.PropertyAt((uint)names.Take(i).Sum(name => name.Length + 1), (byte)i);
        var bytes = blob.End().Finish().ToBytes();
        Assert.That(FdtWriter.Write(Tree(bytes)), Is.EqualTo(BlobDtc.Run(bytes, "-I dtb -O dtb")));
    }

    [Test]
    public void A_long_name_costs_its_length()
    {
        // Half a million endings; a search that scans would take hours for the second name.
        var long1 = new string('a', 500_000) + "b";
        var table = new FdtStringTable();
        Assert.That(table.OffsetOf(long1), Is.Zero);
        Assert.That(table.OffsetOf(long1.Substring(400_000)), Is.EqualTo(400_000));
        Assert.That(table.OffsetOf(new string('a', 500_000)), Is.EqualTo(500_002));
        Assert.That(table.OffsetOf("b"), Is.EqualTo(500_000));
        Assert.That(table.OffsetOf(""), Is.EqualTo(500_001));
    }

    [Test]
    public void A_tree_deeper_than_the_stack_is_written_and_read_by_no_one_deeper_than_1024()
    {
        var file = new SourceFile("deep.dts", "");
        var root = new DeviceTreeNode("", default);
        var node = root;
        for (var i = 0; i < 200_000; i++)
        {
            var child = new DeviceTreeNode("n", default);
            node.AddChild(child);
            node = child;
        }
        var blob = FdtWriter.Write(new DeviceTree(file, root, ImmutableArray<MemoryReservation>.Empty, 0));
        Assert.That(FdtReader.Read(new SourceFile("deep.dtb", blob)).Diagnostics.Single().Id, Is.EqualTo("KMK1518"));
    }

    [Test]
    public void The_blob_says_version_17_readable_from_16()
    {
        var blob = FdtWriter.Write(Tree(BlobBuilder.Empty().Finish().ToBytes()));
        Assert.That((BlobBuilder.GetWord(blob, 20), BlobBuilder.GetWord(blob, 24)), Is.EqualTo((17u, 16u)));
    }

    internal static DeviceTree Tree(byte[] blob) => FdtReader.Read(new SourceFile("test.dtb", blob)).Tree!;
}
