using System.Collections.Generic;
using KmemKit.Architecture.Mmu;

namespace KmemKit.Emulation.Tests.Mmu;

/// <summary>One leaf descriptor of a tree.</summary>
/// <param name="Input">First input address, as the processor is given it.</param>
/// <param name="Output">First output address.</param>
/// <param name="Size">Bytes.</param>
/// <param name="Attributes">What the leaf itself says.</param>
/// <param name="Effective">What is left of it under the tables above.</param>
internal sealed record Leaf(ulong Input, ulong Output, ulong Size, PageAttributes Attributes, PageAttributes Effective)
{
    /// <summary>All leaves of a tree, by index in its tables: the lower half before the upper.</summary>
    public static IReadOnlyList<Leaf> Of(TestTables tables)
    {
        var leaves = new List<Leaf>();
        Add(tables.Root, tables.Format.RootLevel, 0, 0);
        return leaves;

        void Add(ulong table, int level, ulong input, ulong limits)
        {
            var format = tables.Format;
            for (var i = 0; i < format.TableEntries(level); i++)
            {
                var descriptor = tables.Get(table + (ulong)(i * format.DescriptorSize));
                var at = input + (ulong)i * format.LevelBytes(level);
                switch (format.KindOf(descriptor, level))
                {
                    case DescriptorKind.Table:
                        Add(format.TableAddress(descriptor, level), format.NextLevel(level), at, limits | format.Limits(descriptor, level));
                        break;
                    case DescriptorKind.Leaf:
                        leaves.Add(new Leaf(Canonical(format, at), format.LeafAddress(descriptor, level), format.LevelBytes(level),
                            format.DecodeLeaf(descriptor, level, 0), format.DecodeLeaf(descriptor, level, limits)));
                        break;
                }
            }
        }
    }

    /// <summary>An address with the bits above a format's repeated as processors want it.</summary>
    public static ulong Canonical(ITranslationFormat format, ulong address) => format.InputRanges.Length == 2 && (address >> (format.InputBits - 1) & 1) != 0
        ? address | ulong.MaxValue << (format.InputBits - 1)
        : address;
}
