using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using KmemKit.BoardCompiler.Policies;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Checks;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Kasan;
using KmemKit.Runtime.Slab;
using KmemKit.Runtime.SlubDebug;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.MemoryChecking;

/// <summary>With every check on, random correct use is never accused, and random misuse always is, once and by its name.</summary>
[TestFixture(ObjectAllocatorKind.Slub)]
[TestFixture(ObjectAllocatorKind.Slab)]
internal sealed unsafe class CheckedModelTests(ObjectAllocatorKind kind)
{
    private static MemoryCheckOptions Everything => CheckedMachine.Slub() with
    {
        Kasan = true, QuarantineBytes = 1 << 15, KfenceObjects = 31, KfenceSampleInterval = 1, FailSlab = true,
    };

    private static MemoryCheckOptions SlubOnly => CheckedMachine.Slub();

    [TestCase(1)]
    [TestCase(2)]
    [TestCase(3)]
    public void Random_correct_use_is_not_accused(int seed)
    {
        using var machine = new CheckedMachine(Everything, kind);
        machine.Checks.StartKfence(machine.Cpu);
        var random = new Random(seed);
        var caches = Caches(machine);
        var live = new List<Item>();
        for (var step = 0; step < 12000; step++)
        {
            if (random.Next(40) == 0)
                machine.Checks.Clock.Tick();
            machine.Checks.FailSlab.Injector.FailNth = random.Next(10) == 0 ? 1 : 0;
            var cpu = machine.Pages.Allocator.Cpus[random.Next(2)];
            if (live.Count < 20 || (live.Count < 600 && random.Next(100) < 52))
                Allocate(machine, cpu, caches, random, live, seed);
            else
                Free(machine, cpu, Take(live, random), seed);
            if (random.Next(3000) == 0)
                caches[random.Next(caches.Length)].Shrink(cpu);
        }
        machine.ExpectNoReport();
        foreach (var item in live)
            Free(machine, machine.Cpu, item, seed);
        Assert.That(machine.Checks.FindLeaks(machine.Cpu), Is.Empty, $"seed {seed}");
        foreach (var cache in caches)
        {
            Assert.That(machine.Checks.Validate(machine.Cpu, cache), Is.Zero, $"seed {seed}");
            Assert.That(cache.Destroy(machine.Cpu).IsDestroyed, Is.True, $"seed {seed}");
        }
        machine.ExpectNoReport();
        machine.Pages.Allocator.Verify();
    }

    [TestCase(11)]
    [TestCase(12)]
    public void Random_misuse_is_reported_once_by_its_name(int seed)
    {
        using var machine = new CheckedMachine(SlubOnly, kind);
        var random = new Random(seed);
        var caches = Caches(machine).Where(cache => !cache.KeepsContents).ToArray();
        var live = new List<Item>();
        for (var step = 0; step < 1500; step++)
        {
            while (live.Count < 50)
                Allocate(machine, machine.Cpu, caches, random, live, seed);
            var item = Take(live, random);
            var cache = item.Cache ?? machine.Allocator.KmallocCache((nuint)item.Size)!;
            var at = (byte*)item.At;
            var size = cache.ObjectSize;
            var before = machine.Checks.Reports.Count;
            SlabReportKind? expected = null;
            switch (random.Next(6))
            {
                case 0:
                    at[random.Next(size, cache.Layout.Inuse)] ^= (byte)random.Next(1, 256);
                    expected = SlabReportKind.RedZoneOverwritten;
                    break;
                case 1:
                    *(at - random.Next(1, cache.Layout.RedLeftPad + 1)) ^= (byte)random.Next(1, 256);
                    expected = SlabReportKind.LeftRedZoneOverwritten;
                    break;
                case 2:
                    at[random.Next(cache.Layout.PaddingAt, cache.Layout.Size - cache.Layout.RedLeftPad)] ^= (byte)random.Next(1, 256);
                    expected = SlabReportKind.ObjectPaddingOverwritten;
                    break;
                case 3:
                    machine.Allocator.Kfree(machine.Cpu, at);
                    expected = SlabReportKind.ObjectAlreadyFree;
                    break;
                case 4 when size > 8:
                    machine.Allocator.Kfree(machine.Cpu, at + random.Next(1, size));
                    Expect(SlabReportKind.InvalidObjectPointer);
                    before++;
                    break;
                default:
                    break;
            }
            machine.Allocator.Kfree(machine.Cpu, at);
            if (expected is { } kindOfReport)
                Expect(kindOfReport);
            else
                Assert.That(machine.Checks.Reports, Has.Count.EqualTo(before), $"seed {seed}, step {step}: correct use");
            // What was damaged was not freed; restored, it can be.
            if (expected is not null and not SlabReportKind.ObjectAlreadyFree)
                machine.Allocator.Kfree(machine.Cpu, at);
            Assert.That(machine.Checks.Reports, Has.Count.EqualTo(before + (expected is null ? 0 : 1)), $"seed {seed}, step {step}");

            void Expect(SlabReportKind what)
            {
                Assert.That(machine.Checks.Reports, Has.Count.EqualTo(before + 1), $"seed {seed}, step {step}: {what}");
                Assert.That(((SlabReport)machine.Checks.Reports[^1]).Kind, Is.EqualTo(what), $"seed {seed}, step {step}");
            }
        }
        foreach (var item in live)
            machine.Allocator.Kfree(machine.Cpu, (void*)item.At);
        Assert.That(machine.Checks.FindLeaks(machine.Cpu), Is.Empty, $"seed {seed}");
    }

    [TestCase(21)]
    public void Random_access_agrees_with_a_byte_map(int seed)
    {
        using var machine = new CheckedMachine(new MemoryCheckOptions { Kasan = true, FindUninitialized = false, QuarantineBytes = 1 << 14 }, kind);
        var random = new Random(seed);
        var live = new List<Item>();
        var usable = new HashSet<nint>();
        for (var step = 0; step < 4000; step++)
        {
            if (live.Count < 30 || (live.Count < 60 && random.Next(2) == 0))
            {
                var size = random.Next(1, 200);
                var item = (nint)machine.Allocator.Kmalloc(machine.Cpu, (nuint)size, GfpFlags.Kernel);
                live.Add(new Item(null, item, size, 0));
                for (var i = 0; i < size; i++)
                    Assert.That(usable.Add(item + i), Is.True, $"seed {seed}, step {step}: bytes of two objects");
            }
            else
            {
                var item = Take(live, random);
                machine.Allocator.Kfree(machine.Cpu, (void*)item.At);
                for (var i = 0; i < item.Size; i++)
                    usable.Remove(item.At + i);
            }
            var near = live[random.Next(live.Count)];
            var at = near.At + random.Next(-30, near.Size + 30);
            var length = 1 << random.Next(4);
            var good = Enumerable.Range(0, length).All(i => usable.Contains(at + i));
            var before = machine.Checks.Reports.Count;
            switch (length)
            {
                case 1:
                    machine.Port.Load((byte*)at);
                    break;
                case 2:
                    machine.Port.Load((ushort*)at);
                    break;
                case 4:
                    machine.Port.Load((uint*)at);
                    break;
                default:
                    machine.Port.Load((ulong*)at);
                    break;
            }
            Assert.That(machine.Checks.Reports.Count - before, Is.EqualTo(good ? 0 : 1), $"seed {seed}, step {step}: {length} bytes at {at - near.At} of {near.Size}");
            if (good)
                continue;
            var bad = Enumerable.Range(0, length).First(i => !usable.Contains(at + i));
            Assert.That(((KasanReport)machine.Checks.Reports[^1]).FirstBad, Is.EqualTo(machine.Allocator.AddressOf((void*)(at + bad))), $"seed {seed}, step {step}");
        }
    }

    [Test]
    public void Two_threads_with_remote_frees_are_not_accused()
    {
        using var machine = new CheckedMachine(Everything with { FailSlab = false }, kind);
        machine.Checks.StartKfence(machine.Cpu);
        var caches = Caches(machine);
        var passed = new ConcurrentQueue<Item>();
        var errors = new ConcurrentQueue<Exception>();
        var threads = Enumerable.Range(0, 2).Select(number => new Thread(() =>
        {
            try
            {
                var random = new Random(31 + number);
                var cpu = machine.Pages.Allocator.Cpus[number];
                var live = new List<Item>();
                for (var step = 0; step < 8000; step++)
                {
                    if (random.Next(200) == 0)
                        machine.Checks.Clock.Tick();
                    if (live.Count < 100 || random.Next(2) == 0)
                        Allocate(machine, cpu, caches, random, live, 31);
                    else if (random.Next(2) == 0)
                        passed.Enqueue(Take(live, random));
                    else
                        Free(machine, cpu, Take(live, random), 31);
                    if (passed.TryDequeue(out var foreign))
                        Free(machine, cpu, foreign, 31);
                }
                foreach (var item in live)
                    Free(machine, cpu, item, 31);
            }
            catch (Exception error)
            {
                errors.Enqueue(error);
            }
        })).ToArray();
        foreach (var thread in threads)
            thread.Start();
        foreach (var thread in threads)
            thread.Join();
        while (passed.TryDequeue(out var foreign))
            Free(machine, machine.Cpu, foreign, 31);
        Assert.That(errors, Is.Empty);
        machine.ExpectNoReport();
        Assert.That(machine.Checks.FindLeaks(machine.Cpu), Is.Empty);
        machine.Pages.Allocator.Verify();
    }

    private static KmemCache[] Caches(CheckedMachine machine) =>
    [
        machine.Cache("tiny", 8), machine.Cache("widget"), machine.Cache("odd", 77), machine.Cache("line", 100, SlabFlags.HardwareCacheAlign),
        machine.Cache("big", 3000), machine.Cache("made", 64, constructor: static item => new Span<byte>(item, 64).Fill(0x33)),
    ];

    private static void Allocate(CheckedMachine machine, Cpu cpu, KmemCache[] caches, Random random, List<Item> live, int seed)
    {
        KmemCache? cache = null;
        int size;
        nint at;
        if (random.Next(2) == 0)
        {
            cache = caches[random.Next(caches.Length)];
            size = cache.ObjectSize;
            at = (nint)cache.Alloc(cpu, GfpFlags.Kernel);
            if (at != 0 && cache.Constructor is not null && new ReadOnlySpan<byte>((void*)at, size).ContainsAnyExcept((byte)0x33))
                throw new InvalidOperationException($"seed {seed}: the constructor's state is lost");
        }
        else
        {
            size = random.Next(1, random.Next(3) == 0 ? 5000 : 200);
            var zero = random.Next(2) == 0;
            at = (nint)machine.Allocator.Kmalloc(cpu, (nuint)size, zero ? GfpFlags.Kernel | GfpFlags.Zero : GfpFlags.Kernel);
            if (at != 0 && zero && new ReadOnlySpan<byte>((void*)at, size).ContainsAnyExcept((byte)0))
                throw new InvalidOperationException($"seed {seed}: not zeroed");
        }
        if (at == 0)
            return;
        if (cache is not null && at % cache.Layout.Align != 0)
            throw new InvalidOperationException($"seed {seed}: {cache} gave an object that is not aligned");
        var fill = (byte)random.Next(256);
        new Span<byte>((void*)at, size).Fill(fill);
        live.Add(new Item(cache, at, size, fill));
    }

    private static void Free(CheckedMachine machine, Cpu cpu, Item item, int seed)
    {
        if (new ReadOnlySpan<byte>((void*)item.At, item.Size).ContainsAnyExcept(item.Fill))
            throw new InvalidOperationException($"seed {seed}: the contents of an object of {item.Size} bytes changed");
        if (item.Cache?.Constructor is not null)
            new Span<byte>((void*)item.At, item.Size).Fill(0x33);
        if (item.Cache is null)
            machine.Allocator.Kfree(cpu, (void*)item.At);
        else
            item.Cache.Free(cpu, (void*)item.At);
    }

    private static Item Take(List<Item> live, Random random)
    {
        var number = random.Next(live.Count);
        var item = live[number];
        live[number] = live[^1];
        live.RemoveAt(live.Count - 1);
        return item;
    }

    private readonly record struct Item(KmemCache? Cache, nint At, int Size, byte Fill);
}
