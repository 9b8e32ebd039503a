using System;
using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;

namespace KmemKit.Emulation.Tests.Mmu;

/// <summary>Physical memory that probes may read and write: RAM without the program and the tables.</summary>
public sealed record Pool(ulong Start, ulong End)
{
    public const ulong Page = 4096;

    /// <summary>What in it belongs to the program.</summary>
    public IReadOnlyList<(ulong Start, ulong End)> Without { get; init; } = [];

    public bool Contains(ulong address) => address >= Start && address < End && !Without.Any(w => address >= w.Start && address < w.End);

    public ulong Any(Random random) => Start + (ulong)random.NextInt64((long)((End - Start) / Page)) * Page;
}

/// <summary>Random leaves of all shapes with random attributes under tables that take rights away, and descriptors that map nothing; and where to look.</summary>
public sealed class RandomMap
{
    private readonly TestTables _tables;
    private readonly Random _random;
    private readonly Pool _pool;
    private readonly VirtRange _kept;
    private readonly SortedSet<ulong> _places = [];
    private readonly MemoryType[] _types;

    private RandomMap(TestTables tables, Random random, Pool pool, VirtRange kept)
    {
        (_tables, _random, _pool, _kept) = (tables, random, pool, kept);
        _types = [.. Enum.GetValues<MemoryUse>().Select(tables.Format.TypeFor).Distinct()];
    }

    /// <summary>Fills the tables.</summary>
    /// <param name="tables">Tables.</param>
    /// <param name="random">Choices.</param>
    /// <param name="pool">Where leaves lead.</param>
    /// <param name="kept">Input addresses that are left alone.</param>
    /// <param name="junk">Whether there are descriptors that the format does not have.</param>
    /// <returns>Input addresses of pages worth a look: every leaf's edges and one page to each side, some inside, what leads nowhere, and some at random.</returns>
    public static IReadOnlyCollection<ulong> Fill(TestTables tables, Random random, Pool pool, VirtRange kept, bool junk = true)
    {
        var map = new RandomMap(tables, random, pool, kept);
        map.Leaves();
        if (junk)
            map.Junk();
        map.Anywhere();
        return map._places;
    }

    private ITranslationFormat Format => _tables.Format;

    private void Leaves()
    {
        var anchors = Enumerable.Range(0, 6).Select(_ => AnyInput()).ToArray();
        var shapes = Format.Shapes;
        for (var i = 0; i < 140; i++)
        {
            var shape = shapes[_random.Next(shapes.Length)];
            // Close together, so that leaves of many kinds are neighbours and tables are full.
            var anchor = anchors[_random.Next(anchors.Length)] & ~(shape.Bytes - 1);
            var input = unchecked(anchor + (ulong)_random.Next(6) * shape.Bytes);
            if (!Translates(input, shape.Bytes) || Overlaps(input, shape.Bytes))
                continue;
            var target = _pool.Any(_random);
            var output = target & ~(shape.Bytes - 1);
            if (!TryAttributes(shape, out var attributes) || !_tables.TryMap(input, output, attributes, shape, Limits))
                continue;
            Look(unchecked(input - Pool.Page));
            Look(input);
            Look(unchecked(input + shape.Bytes - Pool.Page));
            Look(unchecked(input + shape.Bytes));
            Look(input + (target - output));
            var each = shape.Bytes / shape.Count;
            Look(input + (ulong)_random.Next(shape.Count) * each + ((ulong)_random.NextInt64((long)(each / Pool.Page)) * Pool.Page));
        }
    }

    private bool Translates(ulong input, ulong bytes) => Format.Translates(input) && Format.Translates(unchecked(input + bytes - 1)) && unchecked(input + bytes - 1) > input;

    private bool Overlaps(ulong input, ulong bytes) => !_kept.IsEmpty && input <= _kept.Last.Value && unchecked(input + bytes - 1) >= _kept.Start.Value;

    private ulong AnyInput()
    {
        var range = Format.InputRanges[_random.Next(Format.InputRanges.Length)];
        return range.Start.Value + (ulong)_random.NextInt64((long)Math.Min(range.Size.IsTop ? long.MaxValue : range.Size.Value, long.MaxValue)) / Pool.Page * Pool.Page;
    }

    private bool TryAttributes(LeafShape shape, out PageAttributes attributes)
    {
        for (var attempt = 0; attempt < 500; attempt++)
        {
            attributes = new PageAttributes((AccessRights)_random.Next(8), (AccessRights)_random.Next(8), _types[_random.Next(_types.Length)],
                (Shareability)(_random.Next(3) is var s and > 0 ? s + 1 : 0))
            {
                IsGlobal = _random.Next(2) == 0,
                IsAccessed = _random.Next(8) != 0,
                IsDirty = _random.Next(2) == 0,
                Domain = (byte)(Format.Name == "arm-short" && _random.Next(3) == 0 ? _random.Next(16) : 0),
                Software = (ushort)_random.Next(1 << Math.Min(Format.SoftwareBits, 10)),
            };
            if (Format.TryEncodeLeaf(0, attributes, shape, out _) == EncodingRefusal.None)
                return true;
        }
        attributes = default;
        return false;
    }

    private TableAttributes Limits(int level)
    {
        if (_random.Next(3) != 0)
            return default;
        for (var attempt = 0; attempt < 100; attempt++)
        {
            var limits = new TableAttributes((AccessRights)_random.Next(8), (AccessRights)_random.Next(8));
            if (Format.TryEncodeTable(0, level, limits, out _) == EncodingRefusal.None)
                return limits;
        }
        return default;
    }

    // Invalid descriptors with bits that mean nothing, reserved ones, and leaves with any attribute bits that the manual allows.
    private void Junk()
    {
        for (var i = 0; i < 120; i++)
        {
            var (address, level, start) = _tables.Tables[_random.Next(_tables.Tables.Count)];
            var index = _random.Next(Format.TableEntries(level));
            var at = address + (ulong)(index * Format.DescriptorSize);
            var input = start + (ulong)index * Format.LevelBytes(level);
            if (_tables.Get(at) != 0 || Overlaps(input, Format.LevelBytes(level)))
                continue;
            var descriptor = i % 3 == 0 ? Leaf(level) : (ulong)_random.NextInt64() << _random.Next(2) | (uint)_random.Next(16);
            if (Format.DescriptorSize == 4)
                descriptor = (uint)(descriptor & 0xffff_ffff);
            var kind = Format.KindOf(descriptor, level);
            if (kind == DescriptorKind.Table || (kind == DescriptorKind.Leaf && (i % 3 != 0 || Format.Validate(descriptor, level) != EncodingRefusal.None
                || Format.ShapeOf(descriptor, level).Count > 1)))
                continue;
            _tables.Set(at, descriptor);
            Look(Canonical(input));
            Look(Canonical(input + Format.LevelBytes(level) - Pool.Page));
        }
    }

    private ulong Canonical(ulong input) => Format.InputRanges.Length == 2 && (input >> (Format.InputBits - 1) & 1) != 0
        ? input | ulong.MaxValue << (Format.InputBits - 1)
        : input;

    private ulong Leaf(int level)
    {
        var shape = Format.Shapes.FirstOrDefault(s => s.Level == level && s.Count == 1);
        if (shape.Bytes == 0 || !TryAttributes(shape, out var attributes))
            return 0;
        Format.TryEncodeLeaf(_pool.Any(_random) & ~(shape.Bytes - 1), attributes, shape, out var descriptor);
        // One to three bits of it changed; the address is not among those that are taken.
        var changed = descriptor;
        for (var i = _random.Next(1, 4); i > 0; i--)
            changed ^= 1UL << _random.Next(8 * Format.DescriptorSize);
        return Format.KindOf(changed, level) != DescriptorKind.Leaf || Format.LeafAddress(changed, level) == Format.LeafAddress(descriptor, level) ? changed : descriptor;
    }

    private void Anywhere()
    {
        for (var i = 0; i < 150; i++)
            Look(AnyInput());
        foreach (var range in Format.InputRanges)
        {
            Look(unchecked(range.Start.Value - Pool.Page));
            Look(range.Start.Value);
            Look(unchecked(range.Last.Value - Pool.Page + 1));
            Look(unchecked(range.Last.Value + 1));
        }
    }

    private void Look(ulong page)
    {
        if (Format.DescriptorSize == 4 || Format.InputBits <= 32)
            page &= 0xffff_ffff;
        if (!Overlaps(page, Pool.Page))
            _places.Add(page);
    }
}
