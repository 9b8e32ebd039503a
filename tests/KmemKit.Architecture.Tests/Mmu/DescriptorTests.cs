using System;
using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture.Mmu;
using NUnit.Framework;

namespace KmemKit.Architecture.Tests.Mmu;

/// <summary>What holds for every format: nothing is lost between attributes and a descriptor, and nothing is in it that the attributes do not say.</summary>
[TestFixtureSource(typeof(FormatCases), nameof(FormatCases.All))]
public class DescriptorTests(ITranslationFormat format)
{
    [Test]
    public void A_leaf_says_its_attributes_in_canonical_form()
    {
        var accepted = 0;
        foreach (var shape in format.Shapes)
        {
            foreach (var attributes in FormatCases.Attributes(format))
            {
                var output = LastAligned(shape);
                var refusal = format.TryEncodeLeaf(output, attributes, shape, out var descriptor);
                if (refusal != EncodingRefusal.None)
                {
                    Equal(descriptor, 0UL, "a refusal leaves nothing");
                    continue;
                }
                accepted++;
                var tables = format.TableFor(attributes, shape);
                var limits = 0UL;
                if (shape.Level != format.RootLevel)
                {
                    Equal(format.TryEncodeTable(0x40000000, Above(shape.Level), tables, out var table), EncodingRefusal.None, "its table");
                    limits = format.Limits(table, Above(shape.Level));
                }
                var canonical = format.Canonical(attributes);
                var text = $"{shape} {attributes} {descriptor:x}";
                Equal(format.DecodeLeaf(descriptor, shape.Level, limits), canonical, text);
                Equal(format.Canonical(canonical), canonical, text);
                Equal(format.KindOf(descriptor, shape.Level), DescriptorKind.Leaf, text);
                Equal(format.IsTable(descriptor, shape.Level), false, text);
                Equal(format.Validate(descriptor, shape.Level), EncodingRefusal.None, text);
                Equal(format.ShapeOf(descriptor, shape.Level), shape, text);
                Equal(format.LeafAddress(descriptor, shape.Level), output, text);
                format.TryEncodeLeaf(0, attributes, shape, out var template);
                Equal(template | format.OutputField(output, shape), descriptor, text);
            }
        }
        Assert.That(accepted, Is.GreaterThan(20));
    }

    // Every descriptor is met: what it decodes to has an encoding, and that one means the same.
    [Test]
    public void Whatever_a_valid_leaf_says_can_be_encoded()
    {
        var random = new Random(20251129);
        var seen = new HashSet<PageAttributes>();
        foreach (var shape in format.Shapes)
        {
            for (var i = 0; i < 20_000; i++)
            {
                var descriptor = Descriptor(random);
                if (format.KindOf(descriptor, shape.Level) != DescriptorKind.Leaf || format.Validate(descriptor, shape.Level) != EncodingRefusal.None
                    || format.ShapeOf(descriptor, shape.Level) != shape)
                    continue;
                var attributes = format.DecodeLeaf(descriptor, shape.Level, 0);
                var text = $"{shape} {descriptor:x} {attributes}";
                if (attributes.Memory == MemoryType.Unspecified || (attributes.Privileged | attributes.User) == 0)
                    continue;
                var output = format.LeafAddress(descriptor, shape.Level) & ~(shape.Bytes - 1);
                Equal(format.TryEncodeLeaf(output, attributes, shape, out var again), EncodingRefusal.None, text);
                Equal(format.DecodeLeaf(again, shape.Level, 0), attributes, text);
                seen.Add(attributes);
            }
        }
        Assert.That(seen, Has.Count.GreaterThan(100), "the random descriptors reach little");
    }

    [Test]
    public void A_descriptor_of_a_leaf_is_the_one_before_plus_its_step()
    {
        var attributes = Usual();
        foreach (var shape in format.Shapes.Where(s => s.Count > 1))
        {
            var output = shape.Bytes * 3;
            Assert.That(format.TryEncodeLeaf(output, attributes, shape, out var first), Is.EqualTo(EncodingRefusal.None));
            for (ulong i = 0; i < shape.Count; i++)
            {
                var each = first + i * shape.Step;
                var offset = shape.Step == 0 ? 0 : i * shape.Bytes / shape.Count;
                Assert.That(format.LeafAddress(each, shape.Level), Is.EqualTo(output + offset), $"{shape} {i}");
                Assert.That(1UL << format.LeafShift(each, shape.Level), Is.EqualTo(shape.Step == 0 ? shape.Bytes : shape.Bytes / shape.Count));
                Assert.That(format.ShapeOf(each, shape.Level), Is.EqualTo(shape));
                Assert.That(format.Validate(each, shape.Level), Is.EqualTo(EncodingRefusal.None));
            }
        }
    }

    [Test]
    public void Shapes_are_sizes_of_their_level_in_rising_order() => Assert.Multiple(() =>
    {
        var shapes = format.Shapes;
        Assert.That(shapes[0], Is.EqualTo(new LeafShape(format.LastLevel, 1, 1UL << format.PageShift, shapes[0].Step)));
        for (var i = 0; i < shapes.Length; i++)
        {
            Assert.That(shapes[i].Bytes, Is.EqualTo(shapes[i].Count * format.LevelBytes(shapes[i].Level)), shapes[i].ToString());
            Assert.That(i == 0 || shapes[i].Bytes > shapes[i - 1].Bytes, shapes[i].ToString());
            Assert.That(shapes[i].Count, Is.LessThanOrEqualTo(format.TableEntries(shapes[i].Level)));
        }
    });

    [Test]
    public void A_table_takes_exactly_what_it_says()
    {
        var accepted = 0;
        for (var level = format.RootLevel; level != format.LastLevel; level = format.NextLevel(level))
        {
            foreach (var (privileged, user) in FormatCases.Rights)
            {
                for (var domain = 0; domain < 16; domain += 5)
                {
                    foreach (var nonSecure in new[] { false, true })
                    {
                        var attributes = new TableAttributes(privileged, user, (byte)domain, nonSecure);
                        var table = 0x7fUL << 20;
                        if (format.TryEncodeTable(table, level, attributes, out var descriptor) != EncodingRefusal.None)
                            continue;
                        accepted++;
                        var text = $"level {level} {attributes} {descriptor:x}";
                        Equal(format.KindOf(descriptor, level), DescriptorKind.Table, text);
                        Equal(format.IsTable(descriptor, level), true, text);
                        Equal(format.TableAddress(descriptor, level), table, text);
                        Equal(format.DecodeTable(descriptor, level), attributes, text);
                        Equal(format.Validate(descriptor, level), EncodingRefusal.None, text);
                        Under(format.Limits(descriptor, level), attributes, text);
                    }
                }
            }
            Assert.That(format.TryEncodeTable(0x40000000, level, default, out var plain), Is.EqualTo(EncodingRefusal.None));
            Assert.That(format.Limits(plain, level), Is.Zero, "a plain table takes nothing");
            Assert.That(format.TryEncodeTable(0x40000004, level, default, out _), Is.EqualTo(EncodingRefusal.BadAlignment));
            if (format.OutputBits < 64)
                Assert.That(format.TryEncodeTable(1UL << format.OutputBits, level, default, out _), Is.EqualTo(EncodingRefusal.BeyondOutputSize));
        }
        Assert.That(format.TryEncodeTable(0x40000000, format.LastLevel, default, out _), Is.EqualTo(EncodingRefusal.BadLevel));
        Assert.That(accepted > 0 || format.RootLevel == format.LastLevel, "no table at all");
    }

    // A leaf under a table loses what the table removes, and only that.
    private void Under(ulong limits, TableAttributes table, string text)
    {
        foreach (var shape in format.Shapes.Where(s => s.Level != format.RootLevel))
        {
            foreach (var (privileged, user) in FormatCases.Rights)
            {
                var attributes = new PageAttributes(privileged, user, format.TypeFor(MemoryUse.Cached));
                if (format.TryEncodeLeaf(0, attributes, shape, out var descriptor) != EncodingRefusal.None)
                    continue;
                var decoded = format.DecodeLeaf(descriptor, shape.Level, limits);
                var controls = format.Controls;
                // Privileged code may write whatever it can read when CR0.WP is clear; it fetches from a user page when the table makes it none.
                var smep = (controls & TranslationControls.Smep) != 0;
                if ((controls & TranslationControls.WriteProtect) != 0 || !format.Name.StartsWith("x86", StringComparison.Ordinal))
                    Equal(decoded.Privileged & ~AccessRights.Execute, privileged & ~AccessRights.Execute & ~table.PrivilegedRemoved, text);
                Equal(decoded.User & ~AccessRights.Execute, user & ~AccessRights.Execute & ~table.UserRemoved, text);
                Equal(decoded.User & AccessRights.Execute & table.UserRemoved, AccessRights.None, text);
                if (!smep)
                    Equal(decoded.Privileged & AccessRights.Execute & table.PrivilegedRemoved, AccessRights.None, text);
            }
        }
    }

    [Test]
    public void What_has_no_place_is_refused_with_its_reason() => Assert.Multiple(() =>
    {
        var usual = Usual();
        foreach (var shape in format.Shapes)
        {
            Assert.That(format.TryEncodeLeaf(shape.Bytes / 2, usual, shape, out _), Is.EqualTo(EncodingRefusal.BadAlignment), shape.ToString());
            var beyond = 1UL << FormatCases.OutputBits(format, shape);
            if (beyond >= shape.Bytes)
                Assert.That(format.TryEncodeLeaf(beyond, usual, shape, out _), Is.EqualTo(EncodingRefusal.BeyondOutputSize), shape.ToString());
            Assert.That(format.TryEncodeLeaf(0, usual, new LeafShape(shape.Level, 2, shape.Bytes * 2, 0), out _), Is.EqualTo(EncodingRefusal.BadLevel));
            Assert.That(format.TryEncodeLeaf(0, new PageAttributes(0, 0, usual.Memory), shape, out _), Is.Not.EqualTo(EncodingRefusal.None), "nobody may do anything");
            Assert.That(format.TryEncodeLeaf(0, new PageAttributes(AccessRights.Write, 0, usual.Memory), shape, out _), Is.Not.EqualTo(EncodingRefusal.None), "write-only");
            Assert.That(format.TryEncodeLeaf(0, usual with { Memory = MemoryType.Unspecified }, shape, out _), Is.EqualTo(EncodingRefusal.MemoryTypeNotAvailable));
            Assert.That(format.TryEncodeLeaf(0, usual with { Software = 0x8000 }, shape, out _), Is.EqualTo(EncodingRefusal.SoftwareBitsNotAvailable));
            Assert.That(format.TryEncodeLeaf(0, usual with { Domain = 16 }, shape, out _), Is.EqualTo(EncodingRefusal.DomainNotAvailable));
        }
        Assert.That(format.KindOf(0, format.LastLevel), Is.EqualTo(DescriptorKind.Invalid));
        Assert.That(format.Validate(0, format.RootLevel), Is.EqualTo(EncodingRefusal.None));
    });

    private PageAttributes Usual()
    {
        foreach (var (privileged, user) in FormatCases.Rights)
        {
            var attributes = new PageAttributes(privileged, user, format.TypeFor(MemoryUse.Cached));
            if (format.TryEncodeLeaf(0, attributes, format.Shapes[0], out _) == EncodingRefusal.None)
                return attributes;
        }
        throw new InvalidOperationException("no attributes at all");
    }

    private ulong LastAligned(LeafShape shape) => ((1UL << FormatCases.OutputBits(format, shape)) - 1) & ~(shape.Bytes - 1);

    private int Above(int level)
    {
        var above = format.RootLevel;
        while (format.NextLevel(above) != level)
            above = format.NextLevel(above);
        return above;
    }

    // Few bits of the address, so that no reserved low one is always among them, and the rest evenly.
    private ulong Descriptor(Random random)
    {
        var value = (ulong)random.NextInt64() << 1 | (uint)random.Next(2);
        if (format.DescriptorSize == 4)
            return (value & 0xffff) | (random.Next(2) == 0 ? 0 : value & 0xfff0_0000);
        var high = (ulong)random.NextInt64() & (ulong)random.NextInt64() & 0xfff0_0000_0000_0000;
        return random.Next(3) switch
        {
            0 => (value & 0xfff) | high,
            1 => (value & 0xfff) | high | 0x1UL << 39,
            _ => (value & 0xfff) | high | (1UL << random.Next(12, 52)),
        };
    }

    // Assert.That of NUnit costs a microsecond, and there are millions of these.
    private static void Equal<T>(T actual, T expected, string text) where T : struct, IEquatable<T>
    {
        if (!actual.Equals(expected))
            Assert.That(actual, Is.EqualTo(expected), text);
    }

    private static void Equal(Enum actual, Enum expected, string text)
    {
        if (!actual.Equals(expected))
            Assert.That(actual, Is.EqualTo(expected), text);
    }
}
