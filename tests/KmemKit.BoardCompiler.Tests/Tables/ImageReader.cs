using System;
using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.BoardCompiler.Tables;
using NUnit.Framework;

namespace KmemKit.BoardCompiler.Tests.Tables;

/// <summary>A leaf entry as it stands in the image.</summary>
internal readonly record struct ReadLeaf(ulong Virt, ulong Bytes, ulong Phys, PageAttributes Attributes, int Level);

/// <summary>
/// Reads a whole image by its bytes and its format's decoder, without the plan: every entry of every table from the roots. What is not found this way is not
/// mapped, at any of the 2^64 addresses.
/// </summary>
internal sealed class ImageReader(ITranslationFormat format, byte[] image, ulong at)
{
    private readonly HashSet<ulong> _seen = [];

    public List<ReadLeaf> Leaves { get; } = [];

    /// <summary>Addresses of the tables that were read.</summary>
    public IReadOnlyCollection<ulong> Tables => _seen;

    public void Read(ulong root)
    {
        var level = format.RootLevel;
        Assert.That(root % (ulong)format.RootAlignment, Is.Zero, "root alignment");
        foreach (var range in format.InputRanges)
        {
            var first = format.Index(range.Start.Value, level);
            var count = (int)(((range.Size.IsTop ? 0 : range.Size.Value) - 1 >> format.LevelShift(level)) + 1);
            ReadEntries(root, level, range.Start.Value, first, count, 0);
        }
        Assert.That(_seen.Add(root), "a root of its own");
    }

    private void ReadEntries(ulong table, int level, ulong virt, int first, int count, ulong limits)
    {
        for (var i = 0; i < count; i++)
        {
            var here = virt + ((ulong)i << format.LevelShift(level));
            var descriptor = Descriptor(table + (ulong)((first + i) * format.DescriptorSize));
            Assert.That(format.Validate(descriptor, level), Is.EqualTo(EncodingRefusal.None), $"level {level}, {here:x}: {descriptor:x}");
            switch (format.KindOf(descriptor, level))
            {
                case DescriptorKind.Table:
                    var below = format.TableAddress(descriptor, level);
                    var next = format.NextLevel(level);
                    Assert.That(_seen.Add(below), $"the table at {below:x} is pointed to once");
                    Assert.That(below % (ulong)format.TableAlignment(next), Is.Zero, "alignment");
                    ReadEntries(below, next, here, 0, format.TableEntries(next), limits | format.Limits(descriptor, level));
                    break;
                case DescriptorKind.Leaf:
                    ReadLeaf(descriptor, level, here, limits);
                    break;
                default:
                    Assert.That(descriptor, Is.Zero, "an invalid entry is zero");
                    break;
            }
        }
    }

    private void ReadLeaf(ulong descriptor, int level, ulong virt, ulong limits)
    {
        var bytes = format.LevelBytes(level);
        // Where the descriptors of a long leaf are equal, the place inside it is the address's.
        var inside = virt & ((1UL << format.LeafShift(descriptor, level)) - 1) & ~(bytes - 1);
        Leaves.Add(new ReadLeaf(virt, bytes, format.LeafAddress(descriptor, level) + inside, format.DecodeLeaf(descriptor, level, limits), level));
    }

    private ulong Descriptor(ulong address)
    {
        var offset = address - at;
        Assert.That(offset, Is.LessThanOrEqualTo((ulong)(image.Length - format.DescriptorSize)), $"a table at {address:x} is inside the image");
        return format.DescriptorSize == 4 ? BitConverter.ToUInt32(image, (int)offset) : BitConverter.ToUInt64(image, (int)offset);
    }

    /// <summary>Leaves joined where they continue each other with the same attributes.</summary>
    public static List<(ulong Virt, ulong Last, ulong Phys, PageAttributes Attributes)> Joined(IEnumerable<(ulong Virt, ulong Last, ulong Phys, PageAttributes Attributes)> pieces)
    {
        var joined = new List<(ulong Virt, ulong Last, ulong Phys, PageAttributes Attributes)>();
        foreach (var piece in pieces.OrderBy(p => p.Virt))
        {
            if (joined.Count > 0 && joined[^1] is var last && last.Last + 1 == piece.Virt && last.Phys + (piece.Virt - last.Virt) == piece.Phys
                && last.Attributes == piece.Attributes)
                joined[^1] = last with { Last = piece.Last };
            else
                joined.Add(piece);
        }
        return joined;
    }
}
