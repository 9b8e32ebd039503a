using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using KmemKit.BoardCompiler.Devicetree.Blobs;
using KmemKit.BoardCompiler.Diagnostics;
using NUnit.Framework;

namespace KmemKit.BoardCompiler.Tests.Devicetree;

// The index against the model it stands for: a tree of objects made at random, and the blob made of it.
[TestFixture]
internal sealed class BlobIndexTests
{
    private sealed class Model(string name, Model? parent)
    {
        internal string Path => parent is null ? "/" : parent.Path == "/" ? "/" + name : parent.Path + "/" + name;

        internal string Name => name;

        internal Model? Parent => parent;

        internal int Depth => parent is null ? 0 : parent.Depth + 1;

        internal uint Phandle { get; set; }

        internal List<Model> Children { get; } = [];

        internal IEnumerable<Model> All() => Children.SelectMany(child => child.All()).Prepend(this);
    }

    [TestCase(1, false), TestCase(2, true), TestCase(3, false), TestCase(4, true)]
    public void The_index_says_what_the_tree_is(int seed, bool sparsePhandles)
    {
        var random = new Random(seed);
        var root = Grow(random, new Model("", null), 0);
        var all = root.All().ToList();
        for (var i = 0; i < all.Count; i++)
            all[i].Phandle = i % 3 == 0 ? 0 : sparsePhandles ? (uint)((i + 1) * 0x01234567L % 0xfffffff0L) : (uint)i;
        var blob = new BlobBuilder();
        Write(blob, root);
        var index = Index(blob.Finish());

        Assert.That(index.NodeCount, Is.EqualTo(all.Count), $"seed {seed}");
        Assert.That(index.PropertyCountTotal, Is.EqualTo(all.Count + all.Count(n => n.Phandle != 0)));
        for (var i = 0; i < all.Count; i++)
        {
            var node = all[i];
            Assert.That(index.Path(i), Is.EqualTo(node.Path));
            Assert.That(Encoding.ASCII.GetString(index.Name(i)), Is.EqualTo(node.Name));
            Assert.That(index.Depth(i), Is.EqualTo(node.Depth));
            Assert.That(index.Parent(i), Is.EqualTo(node.Parent is null ? -1 : all.IndexOf(node.Parent)));
            Assert.That(index.SubtreeEnd(i), Is.EqualTo(i + node.All().Count()));
            Assert.That(Children(index, i).Select(c => index.Path(c)), Is.EqualTo(node.Children.Select(c => c.Path)));
            Assert.That(index.FindPath(Encoding.ASCII.GetBytes(node.Path)), Is.EqualTo(i));
            Assert.That(index.Phandle(i), Is.EqualTo(node.Phandle));
            if (node.Phandle != 0)
                Assert.That(index.FindPhandle(node.Phandle), Is.EqualTo(i));
            var property = index.FindProperty(i, "index"u8);
            Assert.That(BitConverter.ToInt32(index.PropertyValue(property)), Is.EqualTo(node.Path.Length));
            Assert.That(index.PropertyMemory(property).ToArray(), Is.EqualTo(index.PropertyValue(property).ToArray()));
            Assert.That(Encoding.ASCII.GetString(index.PropertyName(property)), Is.EqualTo("index"));
        }
    }

    [Test]
    public void What_is_not_there_is_not_found()
    {
        var index = Index(new BlobBuilder().Begin("").Cell("foo-reg", 1).Begin("a").Cell("phandle", 9).End().End().Finish());
        Assert.That(index.FindPhandle(0), Is.EqualTo(-1));
        Assert.That(index.FindPhandle(8), Is.EqualTo(-1));
        Assert.That(index.FindPhandle(10), Is.EqualTo(-1));
        Assert.That(index.FindPhandle(uint.MaxValue), Is.EqualTo(-1));
        Assert.That(index.FindPath("/b"u8), Is.EqualTo(-1));
        Assert.That(index.FindPath("/a/a"u8), Is.EqualTo(-1));
        Assert.That(index.FindPath("a"u8), Is.EqualTo(-1));
        Assert.That(index.FindPath(""u8), Is.EqualTo(-1));
        Assert.That(index.FindProperty(0, "reg"u8), Is.EqualTo(-1));
        Assert.That(index.FindProperty(0, "foo-re"u8), Is.EqualTo(-1));
        Assert.That(index.FindProperty(0, "foo-reg"u8), Is.EqualTo(0));
        Assert.That(index.FindChild(0, "a"u8), Is.EqualTo(1));
    }

    [Test]
    public void A_path_may_have_slashes_too_many() =>
        Assert.That(Index(new BlobBuilder().Begin("").Begin("a").Begin("b").End().End().End().Finish()).FindPath("//a///b/"u8), Is.EqualTo(2));

    [Test]
    public void A_phandle_is_found_by_the_end_of_a_longer_name_in_the_strings_block()
    {
        var blob = new BlobBuilder().Strings("linux,phandle\0").Begin("").Begin("a").PropertyAt(6, 0, 0, 0, 4).End().End().Finish();
        Assert.That(Index(blob).FindPhandle(4), Is.EqualTo(1));
    }

    [Test]
    public void A_lookup_allocates_nothing()
    {
        var index = Index(new BlobBuilder().Begin("").Begin("a").Cell("phandle", 9).End().End().Finish());
        index.FindPath("/a"u8);
        var before = GC.GetAllocatedBytesForCurrentThread();
        var sum = 0;
        for (var i = 0; i < 100; i++)
            sum += index.FindPath("/a"u8) + index.FindPhandle(9) + index.FindProperty(1, "phandle"u8) + index.PropertyValue(0).Length;
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.Zero, sum.ToString());
    }

    private static Model Grow(Random random, Model node, int depth)
    {
        var count = depth > 5 ? 0 : random.Next(depth == 0 ? 5 : 0, 5);
        for (var i = 0; i < count; i++)
            node.Children.Add(Grow(random, new Model("n@" + i, node), depth + 1));
        return node;
    }

    private static void Write(BlobBuilder blob, Model node)
    {
        blob.Begin(node.Name).Property("index", BitConverter.GetBytes(node.Path.Length));
        if (node.Phandle != 0)
            blob.Cell(node.Phandle % 2 == 0 ? "phandle" : "linux,phandle", node.Phandle);
        foreach (var child in node.Children)
            Write(blob, child);
        blob.End();
    }

    private static IEnumerable<int> Children(FdtIndex index, int node)
    {
        for (var child = index.FirstChild(node); child >= 0; child = index.NextSibling(child))
            yield return child;
    }

    private static FdtIndex Index(BlobBuilder blob)
    {
        var diagnostics = new DiagnosticBag();
        var index = FdtIndex.Create(blob.ToFile(), diagnostics);
        Assert.That(diagnostics, Is.Empty);
        return index!;
    }
}
