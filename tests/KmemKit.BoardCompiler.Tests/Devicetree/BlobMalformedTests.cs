using System;
using System.Collections.Generic;
using System.Linq;
using KmemKit.BoardCompiler.Devicetree.Blobs;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Sources;
using NUnit.Framework;

namespace KmemKit.BoardCompiler.Tests.Devicetree;

// Each row breaks one rule of a good blob (or of a blob built for it) and names the finding and the byte it must point at.
[TestFixture]
internal sealed class BlobMalformedTests
{
    // Header 40, reservations [0x28, 0x48), structure from 0x48, strings behind it.
    private const int Structure = 0x48;

    [Test]
    public void The_blob_that_is_broken_here_is_good() =>
        Assert.That(FdtReader.Read(new SourceFile("good.dtb", Good())).Diagnostics, Is.Empty);

    [TestCaseSource(nameof(Errors))]
    public void A_broken_blob_is_refused_with_its_finding_at_its_byte(byte[] blob, string id, int offset)
    {
        var result = FdtReader.Read(new SourceFile("bad.dtb", blob));
        Assert.That(result.Diagnostics.Where(d => d.Severity == DiagnosticSeverity.Error).Select(d => d.Id), Is.EqualTo(new[] { id }));
        Assert.That(result.Tree, Is.Null);
        Assert.That(result.Diagnostics.First(d => d.Id == id).Span.Start, Is.EqualTo(offset));
        Assert.That(result.Diagnostics.First(d => d.Id == id).ToString(), Does.StartWith($"bad.dtb(1,{offset + 1}): error {id}: "));
    }

    [TestCaseSource(nameof(Warnings))]
    public void A_doubtful_blob_is_read_with_a_warning_at_its_byte(byte[] blob, string id, int offset)
    {
        var result = FdtReader.Read(new SourceFile("bad.dtb", blob));
        Assert.That(result.Diagnostics.Select(d => d.Id), Is.EqualTo(new[] { id }));
        Assert.That(result.Diagnostics[0].Severity, Is.EqualTo(DiagnosticSeverity.Warning));
        Assert.That(result.Diagnostics[0].Span.Start, Is.EqualTo(offset));
        Assert.That(result.Tree, Is.Not.Null);
    }

    [Test]
    public void A_blob_cut_anywhere_is_refused()
    {
        var good = Good();
        for (var length = 0; length < good.Length; length++)
        {
            var result = FdtReader.Read(new SourceFile("cut.dtb", good.AsMemory(0, length)));
            Assert.That(result.Tree, Is.Null, length.ToString());
            Assert.That(result.HasErrors, length.ToString());
        }
    }

    [Test]
    public void A_million_findings_are_counted_and_not_listed()
    {
        var builder = new BlobBuilder().Begin("");
        for (var i = 0; i < 1000; i++)
            builder.Begin("no de" + i).End();
        var result = FdtReader.Read(builder.End().Finish().ToFile());
        Assert.That(result.Diagnostics, Has.Length.EqualTo(65));
        Assert.That(result.Diagnostics[^1].Message, Does.StartWith("936 more"));
    }

    [Test]
    public void Names_that_share_their_endings_beyond_reason_are_refused_before_they_fill_memory()
    {
        var builder = new BlobBuilder().Strings(new string('a', 20_000) + "\0").Begin("");
        for (var i = 0u; i < 20_000; i++)
            builder.PropertyAt(i);
        var before = GC.GetAllocatedBytesForCurrentThread();
        var file = builder.End().Finish().ToFile();
        var built = GC.GetAllocatedBytesForCurrentThread();
        var result = FdtReader.Read(file);
        Assert.That(result.Diagnostics.Select(d => d.Id), Is.EqualTo(new[] { "KMK1526" }));
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - built, Is.LessThan(20_000_000), $"built with {built - before}");
    }

    // A property, a subnode with properties, a reservation: enough to break any rule.
    private static byte[] Good() => new BlobBuilder().Reserve(0x1000, 0x1000)
        .Begin("").Text("model", "board").Begin("cpu@0").Cell("phandle", 1).End().End().Finish().ToBytes();

    private static byte[] Set(int offset, uint value) => BlobBuilder.SetWord(Good(), offset, value);

    private static byte[] Header(params (int Offset, uint Value)[] words)
    {
        var blob = new BlobBuilder().Begin("").End().Finish().ToBytes();
        foreach (var (offset, value) in words)
            BlobBuilder.SetWord(blob, offset, value);
        return blob;
    }

    private static BlobBuilder Root() => new BlobBuilder().Begin("");

    private static TestCaseData Case(string name, string id, int offset, byte[] blob) => new TestCaseData(blob, id, offset).SetArgDisplayNames(name, id);

    private static TestCaseData Case(string name, string id, int offset, BlobBuilder blob) => Case(name, id, offset, blob.ToBytes());

    private static BlobBuilder Deep(int levels)
    {
        var blob = Root();
        for (var i = 0; i < levels; i++)
            blob.Begin("n");
        for (var i = 0; i < levels; i++)
            blob.End();
        return blob.End().Finish();
    }

    private static byte[] Old(uint version, Action<byte[]> change)
    {
        var blob = new BlobBuilder { Version = version, LastCompatibleVersion = version }.Begin("").End().Finish().ToBytes();
        change(blob);
        return blob;
    }

    private static IEnumerable<TestCaseData> Errors()
    {
        var good = Good();
        var total = (uint)good.Length;
        yield return Case("empty file", "KMK1500", 0, Array.Empty<byte>());
        yield return Case("one byte", "KMK1500", 0, new byte[] { 0xd0 });
        yield return Case("magic alone", "KMK1500", 0, good[..4]);
        yield return Case("cut before last_comp_version", "KMK1500", 0, good[..27]);
        yield return Case("cut inside the version 17 fields", "KMK1500", 0, good[..39]);
        yield return Case("magic of zeros", "KMK1501", 0, Set(0, 0));
        yield return Case("magic with swapped bytes", "KMK1501", 0, Set(0, 0xedfe0dd0));
        yield return Case("a source", "KMK1501", 0, "/dts-v1/;\n/ { };\n"u8.ToArray());
        yield return Case("a gzip file", "KMK1501", 0, Set(0, 0x1f8b0800));
        yield return Case("total size 0", "KMK1502", 4, Set(4, 0));
        yield return Case("total size less than the header", "KMK1502", 4, Set(4, 39));
        yield return Case("total size one more than the file", "KMK1502", 4, Set(4, total + 1));
        yield return Case("total size of 4 GiB", "KMK1502", 4, Set(4, uint.MaxValue));
        yield return Case("version 0", "KMK1504", 20, Set(20, 0));
        yield return Case("readable from version 18 on", "KMK1504", 20, Header((20, 18), (24, 18)));
        yield return Case("readable only by newer versions than its own", "KMK1504", 20, Header((20, 16), (24, 17)));
        yield return Case("structure starts outside", "KMK1505", 8, Set(8, total + 4));
        yield return Case("structure starts at 4 GiB", "KMK1505", 8, Set(8, 0xfffffffc));
        yield return Case("structure ends outside", "KMK1505", 8, Set(36, total));
        yield return Case("structure of 4 GiB", "KMK1505", 8, Set(36, uint.MaxValue));
        yield return Case("strings start outside", "KMK1505", 12, Set(12, total + 1));
        yield return Case("strings end outside", "KMK1505", 12, Set(32, total));
        yield return Case("strings of 4 GiB", "KMK1505", 12, Set(32, uint.MaxValue));
        yield return Case("reservations start outside", "KMK1505", 16, Set(16, total));
        yield return Case("reservations start at 4 GiB", "KMK1505", 16, Set(16, 0xfffffff8));
        yield return Case("structure not on a multiple of 4", "KMK1506", 8, Header((8, 0x3a), (36, 14)));
        yield return Case("reservations not on a multiple of 8", "KMK1506", 16, Set(16, 0x2c));
        yield return Case("reservations inside the header", "KMK1507", 0x20, Set(16, 0x20));
        yield return Case("structure inside the header", "KMK1507", 0x24, Set(8, 0x24));
        yield return Case("strings inside the structure", "KMK1507", Structure + 4, Set(12, Structure + 4));
        yield return Case("strings inside the header", "KMK1507", 0x4, Set(12, 4));
        yield return Case("reservations inside the structure", "KMK1507", 0x68, ZeroReservation());
        yield return Case("reservations without end", "KMK1508", 0x28, Root().End().Finish().Reserve(1, 1).WithoutReservationEnd());
        yield return Case("no room for the end of the reservations", "KMK1508", 0x28, Root().End().Finish().WithoutReservationEnd());
        yield return Case("reservation past 2^64", "KMK1510", 0x28, Root().End().Finish().Reserve(ulong.MaxValue, 2));
        yield return Case("reservation past 2^64 in full", "KMK1510", 0x38, Root().End().Finish().Reserve(0, 1).Reserve(1UL << 63, ulong.MaxValue));
        yield return Case("empty structure", "KMK1511", 0x38, new BlobBuilder());
        yield return Case("structure without FDT_END", "KMK1511", 0x38 + 12, Root().End());
        yield return Case("structure of three bytes", "KMK1511", 0x38, new BlobBuilder().Raw(0, 0, 0));
        yield return Case("structure ends in a property's header", "KMK1511", 0x38 + 8, Root().Word(3).Word(0));
        yield return Case("structure cut by its size", "KMK1511", 0x38 + 12, Header((36, 12)));
        yield return Case("token 0", "KMK1512", 0x38 + 8, Root().Word(0).End().Finish());
        yield return Case("token 5", "KMK1512", 0x38 + 8, Root().Word(5).End().Finish());
        yield return Case("token of 4 GiB", "KMK1512", 0x38 + 8, Root().Word(uint.MaxValue).End().Finish());
        yield return Case("a node's end too many", "KMK1513", 0x38 + 12, Root().End().End().Finish());
        yield return Case("a node's end first", "KMK1513", 0x38, new BlobBuilder().End().Finish());
        yield return Case("FDT_END inside the root", "KMK1513", 0x38 + 8, Root().Finish());
        yield return Case("FDT_END inside a subnode", "KMK1513", 0x38 + 16, Root().Begin("n").Finish());
        yield return Case("two roots", "KMK1513", 0x38 + 12, Root().End().Begin("").End().Finish());
        yield return Case("property in front of the root", "KMK1513", 0x38, new BlobBuilder().Property("p").Begin("").End().Finish());
        yield return Case("property behind the root", "KMK1513", 0x38 + 12, Root().End().Property("p").Finish());
        yield return Case("no node", "KMK1514", 0x38, new BlobBuilder().Finish());
        yield return Case("no node but FDT_NOP", "KMK1514", 0x3c, new BlobBuilder().Nop().Finish());
        yield return Case("node name without end", "KMK1515", 0x3c, new BlobBuilder().Word(1).Raw((byte)'a', (byte)'b', (byte)'c', (byte)'d'));
        yield return Case("structure ends behind FDT_BEGIN_NODE", "KMK1515", 0x3c, new BlobBuilder().Word(1));
        yield return Case("value one byte too long", "KMK1516", 0x40, Root().Strings("p\0").Word(3).Word(9).Word(0).End().Finish());
        yield return Case("value of 2 GiB", "KMK1516", 0x40, Root().Strings("p\0").Word(3).Word(0x7fffffff).Word(0).End().Finish());
        yield return Case("value of 4 GiB", "KMK1516", 0x40, Root().Strings("p\0").Word(3).Word(uint.MaxValue).Word(0).End().Finish());
        yield return Case("property name outside", "KMK1517", 0x48, Root().Strings("p\0").PropertyAt(2).End().Finish());
        yield return Case("property name at 4 GiB", "KMK1517", 0x48, Root().Strings("p\0").PropertyAt(uint.MaxValue).End().Finish());
        yield return Case("property name without end", "KMK1517", 0x48, Root().Strings("p\0q").PropertyAt(2).End().Finish());
        yield return Case("no strings", "KMK1517", 0x48, Root().PropertyAt(0).End().Finish());
        yield return Case("nested too deep", "KMK1518", 0x38 + 8 + 1024 * 8, Deep(1025));
        yield return Case("property twice", "KMK1521", 0x4c, Root().Property("p").Property("p").End().Finish());
        yield return Case("property twice, its name too", "KMK1521", 0x4c, Root().Strings("p\0p\0").PropertyAt(0).PropertyAt(2).End().Finish());
        yield return Case("subnode twice", "KMK1522", 0x50, Root().Begin("n").End().Begin("n").End().End().Finish());
        yield return Case("phandle 0", "KMK1523", 0x40, Root().Cell("phandle", 0).End().Finish());
        yield return Case("phandle of all ones", "KMK1523", 0x40, Root().Cell("linux,phandle", uint.MaxValue).End().Finish());
        yield return Case("phandle of two cells", "KMK1523", 0x40, Root().Property("phandle", 0, 0, 0, 1, 0, 0, 0, 1).End().Finish());
        yield return Case("phandle without a value", "KMK1523", 0x40, Root().Property("phandle").End().Finish());
        yield return Case("linux,phandle not the phandle", "KMK1523", 0x50, Root().Cell("phandle", 1).Cell("linux,phandle", 2).End().Finish());
        yield return Case("phandle of two nodes", "KMK1524", 0x60,
            Root().Begin("a").Cell("phandle", 7).End().Begin("b").Cell("phandle", 7).End().End().Finish());
        yield return Case("large phandle of two nodes", "KMK1524", 0x60,
            Root().Begin("a").Cell("phandle", 0xf0000000).End().Begin("b").Cell("phandle", 0xf0000000).End().End().Finish());
        yield return Case("version 16 whose structure runs into its strings", "KMK1511", 0x40, Old(16, blob => BlobBuilder.SetWord(blob, 12, 0x40)));
        yield return Case("version 1 without FDT_END", "KMK1512", 0x3c, Old(1, blob => BlobBuilder.SetWord(blob, blob.Length - 4, 0)));
    }

    // Sixteen bytes of zeros inside the structure look like an empty reservation block.
    private static byte[] ZeroReservation()
    {
        var blob = Root().Property("p", new byte[48]).End().Finish().ToBytes();
        return BlobBuilder.SetWord(blob, 16, 0x68);
    }

    private static IEnumerable<TestCaseData> Warnings()
    {
        yield return Case("bytes behind the blob", "KMK1503", Good().Length, [.. Good(), 0]);
        yield return Case("empty reservation", "KMK1509", 0x38, Root().End().Finish().Reserve(0x1000, 1).Reserve(0x2000, 0));
        yield return Case("property behind a subnode", "KMK1519", 0x4c, Root().Begin("n").End().Property("p").End().Finish());
        yield return Case("words behind FDT_END", "KMK1520", 0x38 + 16, Root().End().Finish().Word(0));
        yield return Case("node name with a space", "KMK1525", 0x44, Root().Begin("a b").End().End().Finish());
        yield return Case("node without a name", "KMK1525", 0x44, Root().Begin("").End().End().Finish());
        yield return Case("property name with a brace", "KMK1525", 0x54, Root().Property("a{").End().Finish());
        yield return Case("property without a name", "KMK1525", 0x54, Root().Property("").End().Finish());
        yield return Case("property name outside ASCII", "KMK1525", 0x54, Root().Property("\u00e4").End().Finish());
        yield return Case("root with a name", "KMK1527", 0x3c, new BlobBuilder().Begin("root").End().Finish());
    }
}
