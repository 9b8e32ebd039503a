using System;
using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.BoardCompiler.Tables;
using NUnit.Framework;

namespace KmemKit.BoardCompiler.Tests.Tables;

/// <summary>The tree that is built is the least of all trees that map the same: in tables, then in entries. All of them are looked at.</summary>
internal sealed class MinimalityTests
{
    private const int Cases = 300;

    // A page's frame and its kind of attributes; null for a page that is not mapped.
    private readonly record struct Cell(int Frame, int Kind);

    [Test]
    public void No_tree_of_all_there_are_has_fewer_tables_or_with_as_many_fewer_entries()
    {
        var seed = int.TryParse(Environment.GetEnvironmentVariable("KMEMKIT_FUZZ_SEED"), out var given) ? given : Environment.TickCount;
        for (var i = 0; i < Cases; i++)
        {
            var random = new Random(seed + i);
            var pages = RandomMap(random);
            var tables = Build(pages);
            var built = (Tables: tables.Count, Entries: tables.Sum(t => t.Runs.Sum(r => r.Count)));
            var least = Trees(pages, 0, 1).Select(t => (Tables: t.Tables + 1, t.Entries)).Min();
            Assert.That(built, Is.EqualTo(least), $"KMEMKIT_FUZZ_SEED={seed + i}");
            Assert.That(Mapped(tables), Is.EqualTo(pages), $"KMEMKIT_FUZZ_SEED={seed + i}");
            AssertLongest(tables, pages, $"KMEMKIT_FUZZ_SEED={seed + i}");
        }
    }

    [Test]
    public void A_table_that_is_wanted_is_there_and_no_leaf_stands_in_its_way()
    {
        var pages = Enumerable.Range(0, 64).Select(i => (Cell?)new Cell(i, 0)).ToArray();
        var tables = Build(pages, new VirtRange(new VirtAddr(21UL << SmallFormat.Page), 1UL << SmallFormat.Page));
        // Root, the table of pages 16 to 31, the table of pages 20 to 23.
        Assert.That(tables.Select(t => (t.Level, t.Virt >> SmallFormat.Page)), Is.EquivalentTo(new[] { (1, 0UL), (2, 16UL), (3, 20UL) }));
        Assert.That(Mapped(tables), Is.EqualTo(pages));
        var empty = Build(new Cell?[64], new VirtRange(new VirtAddr(21UL << SmallFormat.Page), 1UL << SmallFormat.Page));
        Assert.That(empty.Select(t => t.Level), Is.EquivalentTo(new[] { 1, 2, 3 }));
        Assert.That(empty.Sum(t => t.Runs.Count(r => !r.IsTable)), Is.Zero);
    }

    // Runs of frames that continue, of random length and alignment, so that blocks are possible, impossible and just missed.
    private static Cell?[] RandomMap(Random random)
    {
        var pages = new Cell?[64];
        for (var at = 0; at < 64;)
        {
            var length = Math.Min(64 - at, random.Next(4) switch { 0 => random.Next(1, 4), 1 => 4, 2 => 16, _ => random.Next(1, 40) });
            if (random.Next(4) != 0)
            {
                var offset = random.Next(3) switch { 0 => 0, 1 => 16 * random.Next(4), _ => random.Next(64) };
                var kind = random.Next(2);
                for (var i = 0; i < length; i++)
                    pages[at + i] = new Cell(at + i + offset, kind);
            }
            at += length;
        }
        return pages;
    }

    private static List<DraftTable> Build(Cell?[] pages, params VirtRange[] forced)
    {
        ITranslationFormat format = default(SmallFormat);
        var sets = Enumerable.Range(0, 2).Select(i => new AttributeSet(i, default, EncodingRefusal.None, [.. format.Shapes.Reverse()])).ToArray();
        var segments = new List<Segment>();
        for (var i = 0; i < pages.Length; i++)
        {
            if (pages[i] is not { } cell)
                continue;
            var (first, phys) = ((ulong)i << SmallFormat.Page, (ulong)cell.Frame << SmallFormat.Page);
            if (segments.Count > 0 && segments[^1] is var last && last.Set == sets[cell.Kind] && last.Last + 1 == first && last.Phys + (first - last.First) == phys)
                segments[^1] = last with { Last = first + 0xfff };
            else
                segments.Add(new Segment(first, first + 0xfff, phys, sets[cell.Kind]));
        }
        var tables = new List<DraftTable>();
        new TreeBuilder(format, 0, segments, forced, tables).Build();
        return tables;
    }

    /// <summary>Tables and entries of every tree below an entry, the table itself not counted: what may be a leaf may be a table as well.</summary>
    private static List<(int Tables, int Entries)> Trees(Cell?[] pages, int first, int level)
    {
        var all = new List<(int Tables, int Entries)> { (0, 0) };
        var span = 1 << 2 * (3 - level);
        for (var i = 0; i < 4; i++)
        {
            var at = first + i * span;
            var options = new List<(int Tables, int Entries)>();
            if (Enumerable.Range(at, span).All(p => pages[p] is null))
                options.Add((0, 0));
            if (IsLeaf(pages, at, span))
                options.Add((0, 1));
            if (level < 3)
                options.AddRange(Trees(pages, at, level + 1).Select(t => (t.Tables + 1, t.Entries + 1)));
            // Which ways lead to the same numbers does not matter.
            all = [.. all.SelectMany(a => options.Select(o => (a.Tables + o.Tables, a.Entries + o.Entries))).Distinct()];
        }
        return all;
    }

    private static bool IsLeaf(Cell?[] pages, int at, int span) => pages[at] is { } cell && cell.Frame % span == 0
        && Enumerable.Range(0, span).All(i => pages[at + i] == cell with { Frame = cell.Frame + i });

    private static Cell?[] Mapped(List<DraftTable> tables)
    {
        var pages = new Cell?[64];
        foreach (var table in tables)
        {
            var span = 1 << 2 * (3 - table.Level);
            foreach (var run in table.Runs.Where(r => !r.IsTable))
            {
                for (var i = 0; i < run.Count * span; i++)
                {
                    var page = (int)(table.Virt >> SmallFormat.Page) + run.Index * span + i;
                    Assert.That(pages[page], Is.Null, "mapped once");
                    pages[page] = new Cell((int)(run.Phys >> SmallFormat.Page) + i, run.Attributes);
                }
            }
        }
        return pages;
    }

    // Two single pages side by side that could be a pair are a pair.
    private static void AssertLongest(List<DraftTable> tables, Cell?[] pages, string seed)
    {
        foreach (var table in tables.Where(t => t.Level == 3))
        {
            foreach (var run in table.Runs.Where(r => r.Shape.Count == 1))
            {
                for (var i = run.Index + (run.Index & 1); i + 1 < run.Index + run.Count; i += 2)
                    Assert.That(IsLeaf(pages, (int)(table.Virt >> SmallFormat.Page) + i, 2), Is.False, seed);
            }
        }
    }
}
