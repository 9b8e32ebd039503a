using System;
using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Runtime.Memblock;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.EarlyMemory;

using Memblock = KmemKit.Runtime.Memblock.Memblock;

/// <summary>
/// memblock against the plainest model there is: one cell per page that says whether it is memory (and its node and flags) and whether it is taken; a search
/// tries every place. Run at the bottom and at the top of the address space, where sums wrap.
/// Replay: <c>dotnet test -- TestRunParameters.Parameter(name="seed",value="1")</c>.
/// </summary>
public sealed class MemblockModelTests
{
    private const int Cells = 96;
    private const ulong Page = 4096;

    private readonly (int Node, MemblockFlags Flags)?[] _memory = new (int, MemblockFlags)?[Cells];
    private readonly bool[] _taken = new bool[Cells];
    private bool _mirror;

    [Test]
    public void Any_sequence_of_operations_leaves_what_the_model_has([Values] bool atTop, [Range(0, 3)] int run)
    {
        var seed = TestContext.Parameters.Get("seed", 974) + run;
        TestContext.Out.WriteLine($"seed {seed}");
        var random = new Random(seed);
        var first = atTop ? ulong.MaxValue - (Cells * Page) + 1 : 0;
        for (var round = 0; round < 60; round++)
        {
            Array.Clear(_memory);
            Array.Clear(_taken);
            _mirror = false;
            var memblock = new Memblock { MovableNode = random.Next(2) == 0 };
            for (var step = 0; step < 120; step++)
            {
                var what = Step(memblock, first, random);
                Check(memblock, first, $"seed {seed}, round {round}, step {step}: {what}");
            }
        }
    }

    private string Step(Memblock memblock, ulong first, Random random)
    {
        var from = random.Next(Cells);
        var count = random.Next(random.Next(8) == 0 ? Cells : 9);
        // Beyond the top on purpose: it is cut there.
        var size = (ulong)count * Page;
        count = Math.Min(count, first == 0 ? count : Cells - from);
        var start = new PhysAddr(first + ((ulong)from * Page));
        var cells = Enumerable.Range(from, Math.Min(count, Cells - from)).ToArray();
        if (first == 0)
            size = (ulong)cells.Length * Page;
        var node = random.Next(3);
        switch (random.Next(14))
        {
            case 0 or 1 or 2:
                memblock.Add(start, size, node);
                foreach (var i in cells)
                    _memory[i] ??= (node, MemblockFlags.None);
                return $"add {from}+{count} node {node}";
            case 3:
                memblock.Remove(start, size);
                foreach (var i in cells)
                    _memory[i] = null;
                return $"remove {from}+{count}";
            case 4 or 5:
                memblock.Reserve(start, size);
                foreach (var i in cells)
                    _taken[i] = true;
                return $"reserve {from}+{count}";
            case 6 or 7:
                memblock.Free(start, size);
                foreach (var i in cells)
                    _taken[i] = false;
                return $"free {from}+{count}";
            case 8:
                memblock.SetNode(start, size, node);
                Change(cells, m => (node, m.Flags));
                return $"node {from}+{count} {node}";
            case 9:
                memblock.MarkNoMap(start, size);
                Change(cells, m => (m.Node, m.Flags | MemblockFlags.NoMap));
                return $"nomap {from}+{count}";
            case 10:
                memblock.MarkHotplug(start, size);
                Change(cells, m => (m.Node, m.Flags | MemblockFlags.Hotplug));
                memblock.ClearNoMap(start, size);
                Change(cells, m => (m.Node, m.Flags & ~MemblockFlags.NoMap));
                return $"hotplug {from}+{count}";
            case 11 when random.Next(4) == 0:
                memblock.MarkMirror(start, size);
                _mirror = true;
                Change(cells, m => (m.Node, m.Flags | MemblockFlags.Mirror));
                return $"mirror {from}+{count}";
            default:
                return Allocate(memblock, first, random);
        }
    }

    private void Change(int[] cells, Func<(int Node, MemblockFlags Flags), (int, MemblockFlags)> change)
    {
        foreach (var i in cells)
            _memory[i] = _memory[i] is { } cell ? change(cell) : null;
    }

    private string Allocate(Memblock memblock, ulong first, Random random)
    {
        memblock.BottomUp = random.Next(2) == 0;
        var count = random.Next(1, 6);
        var step = 1 << random.Next(3);
        int low = random.Next(Cells), high = random.Next(Cells + 1);
        var node = random.Next(-1, 3);
        var exact = random.Next(2) == 0;
        var asRange = random.Next(2) == 0;
        var end = AddressLimit.FromStartAndSize(first, (ulong)high * Page);
        var start = new PhysAddr(first + ((ulong)low * Page));
        var got = asRange
            ? memblock.AllocRange((ulong)count * Page, (ulong)step * Page, start, end, node, exact)
            : memblock.Alloc((ulong)count * Page, (ulong)step * Page, start, end, node, exact);
        var expected = Place(memblock, first, count, step, low, high, node, exact);
        // At the top of the space the model's cell 0 is no address 0, so "no minimum" is tried by Alloc from there.
        if (expected < 0 && !asRange && start != PhysAddr.Zero)
            expected = Place(memblock, first, count, step, 0, high, node, exact);
        var what = $"alloc {count}/{step} in {low}..{high} node {node} exact {exact} range {asRange} bottom-up {memblock.BottomUp}";
        Assert.That(got?.Value, Is.EqualTo(expected < 0 ? null : first + ((ulong)expected * Page)), what);
        for (var i = expected; expected >= 0 && i < expected + count; i++)
            _taken[i] = true;
        return what;
    }

    private int Place(Memblock memblock, ulong first, int count, int step, int low, int high, int node, bool exact)
    {
        foreach (var mirrored in _mirror ? new[] { true, false } : [false])
        {
            foreach (var where in node >= 0 && !exact ? new[] { node, -1 } : [node])
            {
                // The first page of the address space is never given.
                var places = Enumerable.Range(0, Cells).Where(p => p >= low && p + count <= high && (first != 0 || p > 0))
                    .Where(p => ((first / Page) + (ulong)p) % (ulong)step == 0 && Fits(memblock, p, count, where, mirrored)).ToList();
                if (places.Count > 0)
                    return memblock.BottomUp ? places[0] : places[^1];
            }
        }
        return -1;
    }

    private bool Fits(Memblock memblock, int place, int count, int node, bool mirrored)
    {
        for (var i = place; i < place + count; i++)
        {
            if (i >= Cells || _taken[i] || _memory[i] is not { } cell || cell != _memory[place] || (node >= 0 && cell.Node != node)
                || (mirrored && !cell.Flags.HasFlag(MemblockFlags.Mirror)) || cell.Flags.HasFlag(MemblockFlags.NoMap)
                || (memblock.MovableNode && cell.Flags.HasFlag(MemblockFlags.Hotplug)))
            {
                return false;
            }
        }
        return true;
    }

    private void Check(Memblock memblock, ulong first, string what)
    {
        var memory = new List<MemblockRegion>();
        var taken = new List<MemblockRegion>();
        for (var i = 0; i < Cells; i++)
        {
            var cell = new PhysRange(new PhysAddr(first + ((ulong)i * Page)), Page);
            if (_memory[i] is { } m)
                Append(memory, cell, m.Node, m.Flags);
            if (_taken[i])
                Append(taken, cell, Memblock.NoNode, MemblockFlags.None);
        }
        Assert.That(memblock.Memory, Is.EqualTo(memory), what);
        Assert.That(memblock.Reserved, Is.EqualTo(taken), what);
        Assert.That(memblock.Memory.TotalSize, Is.EqualTo((AddressLimit)((ulong)_memory.Count(c => c is not null) * Page)), what);
        Assert.That(memblock.Reserved.TotalSize, Is.EqualTo((AddressLimit)((ulong)_taken.Count(t => t) * Page)), what);
        Assert.That(memblock.FreeRanges(), Is.EqualTo(memblock.FreeRangesReverse().Reverse()), what);
    }

    private static void Append(List<MemblockRegion> regions, PhysRange cell, int node, MemblockFlags flags)
    {
        if (regions.Count > 0 && regions[^1] is var last && last.Range.End == cell.Start.Value && last.Node == node && last.Flags == flags)
            regions[^1] = last with { Range = PhysRange.FromBounds(last.Range.Start, cell.End) };
        else
            regions.Add(new MemblockRegion(cell, flags, node));
    }
}
