using System;
using System.Collections.Generic;
using System.Linq;
using KmemKit.BoardCompiler.Streams;
using NUnit.Framework;

namespace KmemKit.BoardCompiler.Tests.Streams;

/// <summary>The stream table of the fewest bytes, against every table that there could be (Arm IHI 0070, 3.3.1).</summary>
internal sealed class StreamTableShapeTests
{
    // At and beside every border of the three splits.
    private static readonly uint[] s_ids = [0, 1, 63, 64, 65, 127, 255, 256, 1023, 1024, 2047, 4096];

    [Test]
    public void No_table_with_an_entry_for_each_StreamID_is_smaller()
    {
        for (var subset = 1; subset < 1 << s_ids.Length; subset++)
        {
            var ids = s_ids.Where((_, i) => (subset >> i & 1) != 0).ToList();
            var shape = StreamTableShape.Smallest([.. ids.Select(i => (i, i))], canBeTwoLevel: true);
            Assert.That(shape.Bytes, Is.EqualTo(LeastOf(ids)), string.Join(", ", ids));
            Assert.That(ids.All(i => Has(shape, i)), string.Join(", ", ids));
        }
    }

    [Test]
    public void Rows_count_as_their_members()
    {
        for (var seed = 1; seed <= 200; seed++)
        {
            var random = new Random(seed);
            var rows = Enumerable.Range(0, random.Next(1, 4)).Select(_ => (First: (uint)random.Next(3000), Count: (uint)random.Next(1, 400))).Select(r => (r.First, Last: r.First + r.Count - 1)).ToList();
            var ids = rows.SelectMany(r => Enumerable.Range((int)r.First, (int)(r.Last - r.First) + 1)).Select(i => (uint)i).Distinct().ToList();
            var shape = StreamTableShape.Smallest(rows, canBeTwoLevel: true);
            Assert.That(shape.Bytes, Is.EqualTo(LeastOf(ids)), $"seed {seed}");
            Assert.That(ids.All(i => Has(shape, i)), $"seed {seed}");
        }
    }

    [Test]
    public void Without_two_levels_the_table_is_linear() =>
        Assert.That(StreamTableShape.Smallest([(0xFFFF, 0xFFFF)], canBeTwoLevel: false), Is.EqualTo(new StreamTableShape(16, 0, [])));

    [Test]
    public void The_largest_StreamID_there_is_has_a_table()
    {
        var shape = StreamTableShape.Smallest([(uint.MaxValue, uint.MaxValue)], canBeTwoLevel: true);
        Assert.That((shape.Log2Size, shape.Split, shape.RootBytes, shape.Tables.Single()), Is.EqualTo((32, 10, 8UL << 22, new SecondLevel((1 << 22) - 1, 10))));
        Assert.That(shape.BaseConfig, Is.EqualTo(0x1_02A0u), "LOG2SIZE 32, SPLIT 10, FMT 1");
    }

    private static bool Has(StreamTableShape shape, uint id) => id >> shape.Log2Size == 0
        && (!shape.IsTwoLevel || shape.Tables.Any(t => t.Index == id >> shape.Split && (id & ((1u << shape.Split) - 1)) < 1u << t.EntryBits));

    // By trying: every size, every split, every span that reaches.
    private static ulong LeastOf(List<uint> ids)
    {
        var least = ulong.MaxValue;
        for (var log2 = 0; log2 <= 13; log2++)
        {
            if (ids.Any(i => i >> log2 != 0))
                continue;
            least = Math.Min(least, 64UL << log2);
            foreach (var split in (int[])[6, 8, 10])
            {
                if (log2 <= split)
                    continue;
                var bytes = 8UL << (log2 - split);
                for (uint group = 0; group < 1u << (log2 - split); group++)
                {
                    var low = ids.Where(i => i >> split == group).Select(i => i & ((1u << split) - 1)).ToList();
                    if (low.Count > 0)
                        bytes += 64UL << Enumerable.Range(0, split + 1).First(s => low.All(l => l < 1u << s));
                }
                least = Math.Min(least, bytes);
            }
        }
        return least;
    }
}
