using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.Linq;
using System.Text;
using KmemKit.BoardCompiler.Devicetree;
using KmemKit.BoardCompiler.Devicetree.Blobs;
using KmemKit.BoardCompiler.Devicetree.Printing;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Sources;
using KmemKit.Tests.Shared;
using NUnit.Framework;

namespace KmemKit.BoardCompiler.Tests.Devicetree;

// Mutated blobs: whatever the bytes are, reading ends, throws nothing, allocates in proportion to the file, and gives a tree exactly where it gives no
// error; and a tree that is given can be written, read again as the same tree, indexed, and printed.
// KMEMKIT_FUZZ_ITERATIONS raises the count, KMEMKIT_FUZZ_SEED replays one.
[TestFixture]
internal sealed class BlobFuzzTests
{
    private const int DefaultIterations = 20_000;

    [Test]
    public void A_mutated_blob_is_read_or_refused_and_nothing_else()
    {
        var iterations = Setting.Number("KMEMKIT_FUZZ_ITERATIONS") ?? DefaultIterations;
        var replay = Setting.Number("KMEMKIT_FUZZ_SEED");
        var (trees, refused) = (0, new Dictionary<string, int>());
        for (var i = 0; i < (replay is null ? iterations : 1); i++)
        {
            var seed = replay ?? i;
            var blob = Mutate(new Random(seed));
            try
            {
                var result = Check(blob);
                if (result.Tree is not null)
                    trees++;
                foreach (var id in result.Diagnostics.Select(d => d.Id).Distinct())
                    refused[id] = refused.GetValueOrDefault(id) + 1;
            }
            catch (Exception exception) when (exception is not AssertionException)
            {
                Assert.Fail($"KMEMKIT_FUZZ_SEED={seed}: {exception}\n{Convert.ToHexString(blob)}");
            }
            catch (AssertionException exception)
            {
                Assert.Fail($"KMEMKIT_FUZZ_SEED={seed}: {exception.Message}\n{Convert.ToHexString(blob)}");
            }
        }
        TestContext.Out.WriteLine($"{trees} trees; {string.Join(", ", refused.OrderBy(e => e.Key, StringComparer.Ordinal).Select(e => $"{e.Key} {e.Value}"))}");
        if (replay is null)
        {
            // A mutator that only breaks headers, or breaks nothing, proves nothing.
            Assert.That(trees, Is.GreaterThan(iterations / 20));
            Assert.That(refused.Keys, Has.Count.GreaterThan(15));
        }
    }

    private static FrontEndResult Check(byte[] blob)
    {
        var allocated = GC.GetAllocatedBytesForCurrentThread();
        var watch = Stopwatch.StartNew();
        var result = FdtReader.Read(new SourceFile("fuzz.dtb", blob));
        // Bounds on growth, not on speed: a thousand times what the work takes.
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - allocated, Is.LessThan(2_000_000 + blob.Length * 400L), "bytes allocated");
        Assert.That(watch.Elapsed, Is.LessThan(TimeSpan.FromSeconds(10)), "time");
        Assert.That(result.Tree is null, Is.EqualTo(result.HasErrors), "a tree exactly where there is no error");
        foreach (var diagnostic in result.Diagnostics)
        {
            Assert.That(diagnostic.Span.Start, Is.InRange(0, blob.Length));
            Assert.That(diagnostic.Span.Length, Is.InRange(0, blob.Length - diagnostic.Span.Start));
            Assert.That(diagnostic.ToString(), Does.Not.Contain("{0}"));
        }
        if (result.Tree is { } tree)
            CheckTree(tree, blob);
        return result;
    }

    private static void CheckTree(DeviceTree tree, byte[] blob)
    {
        var written = FdtReader.Read(new SourceFile("again.dtb", FdtWriter.Write(tree)));
        Assert.That(written.Tree, Is.Not.Null, "what was written is read");
        Assert.That(DeviceTreeComparer.FirstDifference(tree, written.Tree!), Is.Null);
        Assert.That(DtsPrinter.Print(tree), Does.StartWith("/dts-v1/;"));

        var bag = new DiagnosticBag();
        var index = FdtIndex.Create(new SourceFile("fuzz.dtb", blob), bag)!;
        var nodes = tree.Root.DescendantsAndSelf().ToList();
        Assert.That(index.NodeCount, Is.EqualTo(nodes.Count));
        for (var i = 0; i < nodes.Count; i++)
        {
            if (i > 0)
                Assert.That(Encoding.Latin1.GetString(index.Name(i)), Is.EqualTo(nodes[i].Name));
            if (index.Phandle(i) != 0)
                Assert.That(index.FindPhandle(index.Phandle(i)), Is.EqualTo(i));
        }
    }

    private static byte[] Mutate(Random random)
    {
        var blob = Generate(random);
        var changes = random.Next(0, 4);
        for (var i = 0; i < changes; i++)
            blob = Change(random, blob);
        return blob;
    }

    private static byte[] Change(Random random, byte[] blob)
    {
        if (blob.Length < 48)
            return blob;
        switch (random.Next(9))
        {
            case 0: // one bit anywhere
                blob[random.Next(blob.Length)] ^= (byte)(1 << random.Next(8));
                return blob;
            case 1: // a header word, at a value near something that matters
                return BlobBuilder.SetWord(blob, random.Next(10) * 4, Interesting(random, blob));
            case 2: // any aligned word
                return BlobBuilder.SetWord(blob, random.Next(blob.Length / 4) * 4, Interesting(random, blob));
            case 3: // a token where a token was, or none
                return BlobBuilder.SetWord(blob, 0x28 + random.Next((blob.Length - 0x28) / 4) * 4, (uint)random.Next(0, 11));
            case 4: // cut, the header none the wiser
                return blob[..random.Next(blob.Length)];
            case 5: // cut, the header told
                blob = blob[..random.Next(40, blob.Length)];
                return BlobBuilder.SetWord(blob, 4, (uint)blob.Length);
            case 6: // a stretch copied over another
            {
                var length = random.Next(1, Math.Min(64, blob.Length));
                blob.AsSpan(random.Next(blob.Length - length), length).ToArray().CopyTo(blob, random.Next(blob.Length - length));
                return blob;
            }
            case 7: // a stretch taken out
            {
                var at = random.Next(40, blob.Length) / 4 * 4;
                return [.. blob[..at], .. blob[Math.Min(blob.Length, at + 4 * random.Next(1, 8))..]];
            }
            default: // a stretch put in
            {
                var at = random.Next(40, blob.Length) / 4 * 4;
                var piece = new byte[random.Next(1, 5) * 4];
                random.NextBytes(piece);
                return BlobBuilder.SetWord([.. blob[..at], .. piece, .. blob[at..]], 4, (uint)(blob.Length + piece.Length));
            }
        }
    }

    private static uint Interesting(Random random, byte[] blob) => random.Next(7) switch
    {
        0 => 0,
        1 => uint.MaxValue - (uint)random.Next(16),
        2 => 0x80000000u - 8 + (uint)random.Next(16),
        3 => (uint)Math.Max(0, blob.Length - 8 + random.Next(16)),
        4 => (uint)random.Next(blob.Length + 1),
        5 => BlobBuilder.GetWord(blob, random.Next(10) * 4),
        _ => (uint)random.Next(20),
    };

    private static byte[] Generate(Random random)
    {
        uint[] versions = [17, 17, 17, 17, 16, 3, 2, 1];
        var version = versions[random.Next(versions.Length)];
        var blob = new BlobBuilder { Version = version, LastCompatibleVersion = Math.Min(16, version), BootCpu = (uint)random.Next(4) };
        for (var i = random.Next(3); i > 0; i--)
            blob.Reserve((ulong)random.NextInt64(), (ulong)random.Next(0, 4) * 0x1000);
        GenerateNode(random, blob, "", 0);
        return blob.Finish().ToBytes();
    }

    private static void GenerateNode(Random random, BlobBuilder blob, string name, int depth)
    {
        var start = blob.StructureLength;
        blob.Begin(name);
        string[] names = ["reg", "foo-reg", "compatible", "status", "phandle", "linux,phandle", "name", "ranges"];
        foreach (var property in names.OrderBy(_ => random.Next()).Take(random.Next(5)))
        {
            if (random.Next(8) == 0)
                blob.Nop();
            // The start of the node makes a phandle of its own, small or large.
            if (property.EndsWith("phandle", StringComparison.Ordinal))
            {
                blob.Cell(property, (uint)start << (name.Length == 0 ? 0 : 16) | 1);
                continue;
            }
            var value = new byte[random.Next(0, 20)];
            random.NextBytes(value);
            blob.Property(property, value);
        }
        for (var i = depth > 3 ? 0 : random.Next(4); i > 0; i--)
            GenerateNode(random, blob, "n@" + i, depth + 1);
        blob.End();
    }
}
