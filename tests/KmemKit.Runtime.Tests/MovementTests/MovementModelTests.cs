using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using KmemKit.Architecture;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Cma;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Pages;
using KmemKit.Runtime.Tests.Harness;
using KmemKit.Runtime.Tests.PageTests;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.MovementTests;

/// <summary>Random mixes of movable and unmovable pages, rows, areas, isolation and compaction against a plain map of who has which frame. A failure prints the seed; <c>KMEMKIT_SEED</c> replays it, <c>KMEMKIT_MOVEMENT_ROUNDS</c> runs the threads more often.</summary>
internal sealed class MovementModelTests
{
    private const ulong Base = 1UL << 18;
    private const ulong Frames = 24 << 8;
    private const GfpFlags Quiet = GfpFlags.NoWarn | GfpFlags.MemAlloc;

    private static Machine Boot() => Machine.Boot(
        TestBoards.Arm64("""
            memory@40000000 { device_type = "memory"; reg = <0x0 0x40000000 0x0 0x1800000>; };
            reserved-memory {
                #address-cells = <2>;
                #size-cells = <2>;
                ranges;
                pool@40800000 { compatible = "shared-dma-pool"; reusable; reg = <0x0 0x40800000 0x0 0x600000>; };
            };
            """),
        new PageAllocatorOptions { Cpus = 3 });

    [TestCase(400, 1, Description = "invariants after every step")]
    [TestCase(10_000, 100, Description = "a longer run")]
    public void Nothing_is_lost_moved_wrongly_or_given_out_twice(int steps, int verifyEvery)
    {
        var seed = BuddyModelTests.Seed();
        TestContext.Out.WriteLine($"KMEMKIT_SEED={seed}");
        using var machine = Boot();
        machine.Allocator.DrainAllPages(machine.Cpu);
        var before = BuddyModelTests.FreeLists(machine);
        var model = new Model(machine, new Random(seed));
        for (var step = 0; step < steps; step++)
        {
            // Fills for a while, then empties for a while.
            model.Step((step / ((steps / 8) + 1) % 2) == 0 ? 60 : 40);
            if (step % verifyEvery == 0)
                model.Check();
        }
        model.FreeAll();
        machine.Allocator.DrainAllPages(machine.Cpu);
        machine.Allocator.Verify();
        Assert.That(BuddyModelTests.FreeLists(machine), Is.EqualTo(before), "all given back, every block is whole again");
        Assert.That(machine.Allocator.Movable.Count, Is.Zero);
        TestContext.Out.WriteLine(
            $"{model.Moved} moves, {model.Rows} rows, {model.AreaRows} from the area, {model.Refused} refused; {machine.Allocator.Events.CompactStall} stalls, "
            + $"{machine.Allocator.Events.CompactSuccess} of them of use");
        if (steps > 5_000)
            Assert.That((model.Moved > 100, model.Rows > 10, model.AreaRows > 10), Is.EqualTo((true, true, true)), "the mix exercised what it is about");
    }

    [Test]
    public void One_thread_takes_rows_while_two_others_allocate_and_free()
    {
        var rounds = int.TryParse(Environment.GetEnvironmentVariable("KMEMKIT_MOVEMENT_ROUNDS"), out var asked) ? asked : 1;
        var seed = BuddyModelTests.Seed();
        for (var round = 0; round < rounds; round++)
        {
            TestContext.Out.WriteLine($"KMEMKIT_SEED={seed + round}");
            TakeRowsBesideTwoThreads(seed + round);
        }
    }

    private static void TakeRowsBesideTwoThreads(int seed)
    {
        using var machine = Boot();
        machine.Allocator.DrainAllPages(machine.Cpu);
        var before = BuddyModelTests.FreeLists(machine);
        MovableHeap[] heaps = [new(machine), new(machine)];
        var stop = false;
        Exception? error = null;
        var threads = Array.ConvertAll(heaps, heap => new Thread(() =>
        {
            try
            {
                var number = Array.IndexOf(heaps, heap);
                Churn(machine, machine.Allocator.Cpus[number + 1], heap, new Random(seed + number), ref stop);
            }
            catch (Exception e)
            {
                error = e;
            }
        }));
        Array.ForEach(threads, static thread => thread.Start());
        SpinWait.SpinUntil(() => Array.TrueForAll(heaps, static heap => heap.Count >= 200) || error is not null, 30_000);
        var random = new Random(seed);
        var area = machine.Allocator.CmaAreas[0];
        var (rows, areaRows) = (0, 0);
        for (var n = 0; n < 1500 && Volatile.Read(ref error) is null; n++)
        {
            if (n % 50 == 49)
                machine.Allocator.CompactMemory(machine.Cpu);
            if (n % 2 == 0)
            {
                var count = (ulong)random.Next(1, 300);
                var row = area.Alloc(machine.Cpu, count);
                if (!row.IsOk)
                    continue;
                areaRows++;
                Mark(machine, row.First, count, n);
                area.Release(machine.Cpu, row.First, count);
            }
            else
            {
                var first = Base + (ulong)random.Next((int)Frames - 200);
                var count = (ulong)random.Next(1, 200);
                var row = machine.Cpu.AllocContigRange(new PageFrame(first), new PageFrame(first + count), MigrateType.Movable, GfpFlags.Kernel);
                if (!row.IsOk)
                    continue;
                rows++;
                Mark(machine, row.First, count, n);
                machine.Cpu.FreeContigRange(row.First, count);
            }
        }
        Volatile.Write(ref stop, true);
        Array.ForEach(threads, static thread => thread.Join());
        Assert.That(error, Is.Null);
        TestContext.Out.WriteLine($"{rows} rows, {areaRows} from the area, {heaps.Sum(heap => heap.Moved)} moves");
        Assert.That((rows > 0, areaRows > 0, heaps.Sum(heap => heap.Moved) > 0), Is.EqualTo((true, true, true)));
        machine.Allocator.Verify();
        foreach (var heap in heaps)
        {
            heap.CheckContents();
            heap.FreeAll(machine.Cpu);
        }
        machine.Allocator.DrainAllPages(machine.Cpu);
        machine.Allocator.Verify();
        Assert.That(BuddyModelTests.FreeLists(machine), Is.EqualTo(before));
    }

    // A row is nobody else's: what is written to it stays until it is given back.
    private static unsafe void Mark(Machine machine, Page first, ulong count, int n)
    {
        for (var at = 0u; at < count; at++)
            new Span<byte>(machine.Map.PageData(new Page(first.Index + at)), 4096).Fill(unchecked((byte)n));
        for (var at = 0u; at < count; at++)
            Assert.That(new Span<byte>(machine.Map.PageData(new Page(first.Index + at)), 4096).IndexOfAnyExcept(unchecked((byte)n)), Is.EqualTo(-1));
    }

    private static void Churn(Machine machine, Cpu cpu, MovableHeap heap, Random random, ref bool stop)
    {
        var kernel = new List<(Page Page, int Order)>();
        while (!Volatile.Read(ref stop))
        {
            var action = random.Next(100);
            if (action < 80 && heap.Count < 400)
            {
                heap.Alloc(cpu, Math.Min(random.Next(5), random.Next(5)));
            }
            else if (action < 85 && kernel.Count < 60)
            {
                var order = random.Next(4);
                var page = cpu.AllocPages(GfpFlags.Kernel | GfpFlags.NoWarn, order);
                if (!page.IsNull)
                    kernel.Add((page, order));
            }
            else if (action < 90 && kernel.Count > 0)
            {
                var (page, order) = kernel[^1];
                kernel.RemoveAt(kernel.Count - 1);
                cpu.FreePages(page, order);
            }
            else if (heap.Items is { Count: > 0 } items)
            {
                // Several at a time: taking the list costs more than a free.
                for (var n = 0; n < 8 && n < items.Count; n++)
                {
                    var at = random.Next(n, items.Count);
                    (items[n], items[at]) = (items[at], items[n]);
                    heap.Free(cpu, items[n]);
                }
            }
        }
        foreach (var (page, order) in kernel)
            cpu.FreePages(page, order);
        Assert.That(machine.Allocator.Movable.Count, Is.GreaterThanOrEqualTo(heap.Count));
    }

    private sealed class Model(Machine machine, Random random)
    {
        private readonly MovableHeap _heap = new(machine);
        private readonly List<(Page Page, int Order)> _kernel = [];
        private readonly List<(Page First, ulong Count)> _rows = [];
        private readonly List<(Page First, ulong Count)> _areaRows = [];
        private readonly List<(Page Page, MigrateType Type)> _isolated = [];
        private readonly List<(MovableHeap.Item Item, Page Page)> _pins = [];

        private PageAllocator Allocator => machine.Allocator;

        private CmaArea Area => machine.Allocator.CmaAreas[0];

        private Cpu Cpu => machine.Allocator.Cpus[random.Next(2)];

        public int Moved => _heap.Moved;

        public int Rows { get; private set; }

        public int AreaRows { get; private set; }

        public int Refused { get; private set; }

        public void Step(int fill)
        {
            var action = random.Next(1000);
            if (action < 850)
                AllocOrFree(random.Next(100) < fill);
            else if (action < 900)
                Row(random.Next(100) < fill);
            else if (action < 950)
                AreaRow(random.Next(100) < fill);
            else if (action < 970)
                Isolation();
            else if (action < 985)
                Pin();
            else if (action < 990)
                Allocator.CompactMemory(Cpu);
            else if (action < 995)
                Allocator.DrainAllPages(null);
            else
                _heap.Isolates = random.Next(3) == 0 ? page => page.GetHashCode() % 7 != 0 : static _ => true;
        }

        // Every frame is one owner's, as the owners say, or free or reserved, as the allocator says.
        public void Check()
        {
            Allocator.Verify();
            _heap.CheckContents();
            var used = new bool[machine.Map.Frames];
            foreach (var item in _heap.Items)
                Claim(used, item.Page, 1UL << item.Order);
            foreach (var (page, order) in _kernel)
                Claim(used, page, 1UL << order);
            foreach (var (page, count) in _rows.Concat(_areaRows))
                Claim(used, page, count);
            for (var index = 0u; index < used.Length; index++)
            {
                if ((machine.Map.HeadOf(index) != uint.MaxValue) != used[index])
                    Assert.Fail($"{machine.Map.FrameAt(index)} is {(used[index] ? "used, but the allocator has it" : "nobody's, but allocated")}");
            }
            foreach (var (page, type) in _isolated)
                Assert.That((Allocator.PageBlockType(page), type == MigrateType.Isolate), Is.EqualTo((MigrateType.Isolate, false)));
            Assert.That(Area.Statistics().Used, Is.EqualTo(_areaRows.Aggregate(0UL, static (sum, row) => sum + row.Count)));
        }

        public void FreeAll()
        {
            while (_pins.Count > 0)
                Unpin();
            while (_isolated.Count > 0)
                Restore();
            _heap.FreeAll(Cpu);
            while (_kernel.Count > 0)
                FreeKernel();
            while (_rows.Count > 0)
                Row(take: false);
            while (_areaRows.Count > 0)
                AreaRow(take: false);
        }

        private void AllocOrFree(bool take)
        {
            var isMovable = random.Next(100) < 75;
            var order = Math.Min(random.Next(6), random.Next(6));
            if (take && isMovable)
            {
                var flags = random.Next(2) == 0 ? Quiet : GfpFlags.NoWarn;
                if (_heap.Alloc(Cpu, order, GfpFlags.HighUserMovable | flags | (random.Next(4) == 0 ? GfpFlags.Comp : 0)) is not null)
                    return;
            }
            else if (take)
            {
                var kinds = new[] { GfpFlags.Kernel, GfpFlags.Kernel | GfpFlags.Reclaimable, GfpFlags.Atomic };
                var page = Cpu.AllocPages(kinds[random.Next(3)] | GfpFlags.NoWarn, order);
                if (page.IsNull)
                    return;
                // Only movable ones may lie in the area.
                Assert.That(Allocator.PageBlockType(page), Is.Not.EqualTo(MigrateType.Cma).And.Not.EqualTo(MigrateType.Isolate));
                _kernel.Add((page, order));
            }
            else if (isMovable && _heap.Items is { Count: > 0 } items)
            {
                var item = items[random.Next(items.Count)];
                if (!IsPinned(item))
                    _heap.Free(Cpu, item);
            }
            else if (_kernel.Count > 0)
            {
                FreeKernel();
            }
        }

        private void FreeKernel()
        {
            var at = random.Next(_kernel.Count);
            var (page, order) = _kernel[at];
            _kernel.RemoveAt(at);
            Cpu.FreePages(page, order);
        }

        private void Row(bool take)
        {
            if (take)
            {
                var count = (ulong)(random.Next(4) == 0 ? random.Next(1, 1200) : random.Next(1, 100));
                var first = Base + (ulong)random.Next((int)Frames);
                var result = random.Next(3) == 0
                    ? Cpu.AllocContigPages(count, GfpFlags.Kernel)
                    : Cpu.AllocContigRange(new PageFrame(first), new PageFrame(first + count), MigrateType.Movable, GfpFlags.Kernel);
                if (result.IsOk)
                    _rows.Add((result.First, count));
                (Rows, Refused) = result.IsOk ? (Rows + 1, Refused) : (Rows, Refused + 1);
            }
            else if (_rows.Count > 0)
            {
                var (page, count) = _rows[^1];
                _rows.RemoveAt(_rows.Count - 1);
                Cpu.FreeContigRange(page, count);
            }
        }

        private void AreaRow(bool take)
        {
            if (take)
            {
                var count = (ulong)random.Next(1, random.Next(5) == 0 ? 1500 : 150);
                var result = Area.Alloc(Cpu, count, random.Next(6));
                if (result.IsOk)
                    _areaRows.Add((result.First, count));
                (AreaRows, Refused) = result.IsOk ? (AreaRows + 1, Refused) : (AreaRows, Refused + 1);
            }
            else if (_areaRows.Count > 0)
            {
                var at = random.Next(_areaRows.Count);
                var (page, count) = _areaRows[at];
                _areaRows.RemoveAt(at);
                Assert.That(Area.Release(Cpu, page, count), Is.True);
            }
        }

        private void Isolation()
        {
            if (_isolated.Count >= 2)
            {
                Restore();
                return;
            }
            var page = machine.Map.PfnToPage(new PageFrame(Base + (ulong)random.Next((int)Frames)));
            var type = Allocator.PageBlockType(page);
            // The area's own pageblocks stay what they are, and so do those that the allocator counts.
            if (type is MigrateType.Isolate or MigrateType.Cma or MigrateType.HighAtomic)
                return;
            Allocator.SetPageBlockType(page, MigrateType.Isolate);
            // What was in CPU lists is isolated from here on.
            Allocator.DrainAllPages(null);
            _isolated.Add((page, type));
        }

        private void Restore()
        {
            var (page, type) = _isolated[^1];
            _isolated.RemoveAt(_isolated.Count - 1);
            Allocator.SetPageBlockType(page, type);
        }

        private void Pin()
        {
            if (_pins.Count >= 3)
            {
                Unpin();
                return;
            }
            if (_heap.Items is { Count: > 0 } items && items[random.Next(items.Count)] is var item && !IsPinned(item))
            {
                machine.Map.GetPage(item.Page);
                _pins.Add((item, item.Page));
            }
        }

        private void Unpin()
        {
            var (item, page) = _pins[^1];
            _pins.RemoveAt(_pins.Count - 1);
            Assert.That(item.Page, Is.EqualTo(page), "a pinned page stays where it is");
            Cpu.FreePages(page, item.Order);
        }

        private bool IsPinned(MovableHeap.Item item) => _pins.Exists(pin => pin.Item == item);

        private void Claim(bool[] used, Page page, ulong count)
        {
            for (var at = page.Index; at < page.Index + count; at++)
            {
                if (used[at])
                    Assert.Fail($"{machine.Map.FrameAt(at)} was given out twice");
                used[at] = true;
            }
        }
    }
}
