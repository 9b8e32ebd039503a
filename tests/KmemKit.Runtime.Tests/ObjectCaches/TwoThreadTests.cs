using System;
using System.Collections.Concurrent;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using KmemKit.BoardCompiler.Policies;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Slab;
using KmemKit.Runtime.Tests.PageTests;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.ObjectCaches;

/// <summary>Two threads, each with a CPU: objects go from one to the other, and one drains the other's arrays.</summary>
internal sealed unsafe class TwoThreadTests
{
    private static readonly ObjectAllocatorKind[] s_all = Caches.Kinds;

    private static readonly ObjectAllocatorKind[] s_slabs = Caches.KindsWithSlabs;

    [TestCaseSource(nameof(s_all))]
    public void What_one_thread_allocates_the_other_frees_and_no_object_has_two_owners(ObjectAllocatorKind kind)
    {
        var seed = BuddyModelTests.Seed();
        TestContext.Out.WriteLine($"KMEMKIT_SEED={seed}");
        using var caches = new Caches(kind, 64);
        var cache = caches.Objects.CreateCache("shared", 64, 0, SlabFlags.NoMerge)!;
        var channels = new[] { new ConcurrentQueue<nint>(), new ConcurrentQueue<nint>() };
        var wrong = 0;
        var threads = Enumerable.Range(0, 2).Select(side => Task.Factory.StartNew(() => Work(side), TaskCreationOptions.LongRunning)).ToArray();
        Assert.That(Task.WaitAll(threads, TimeSpan.FromSeconds(60)));
        Assert.That(wrong, Is.Zero, "an object changed while it was somebody's");
        foreach (var item in channels.SelectMany(static channel => channel))
            cache.Free(caches.Cpu, (void*)item);
        Assert.That(cache.Destroy(caches.Cpu).LiveCount, Is.Zero);
        caches.Objects.ShrinkAll(caches.Cpu);
        caches.Pages.Verify();
        Assert.That(caches.PagesTaken, Is.Zero);

        // The first word of an object says whose it is: 0 free, else the side that holds it.
        void Work(int side)
        {
            var cpu = caches.Pages.Cpus[side];
            var random = new Random(seed + side);
            for (var step = 0; step < 60_000; step++)
            {
                if (random.Next(100) < 52 && channels[1 - side].Count < 2000)
                {
                    var item = (long*)cache.Alloc(cpu, GfpFlags.Kernel);
                    item[0] = side + 1;
                    item[1] = ~(long)item;
                    channels[1 - side].Enqueue((nint)item);
                }
                else if (channels[side].TryDequeue(out var other))
                {
                    var item = (long*)other;
                    if (item[0] != 2 - side || item[1] != ~(long)item)
                        Interlocked.Increment(ref wrong);
                    item[0] = 0;
                    cache.Free(cpu, item);
                }
            }
        }
    }

    [TestCaseSource(nameof(s_slabs))]
    public void A_cache_is_shrunk_while_another_CPU_uses_it(ObjectAllocatorKind kind)
    {
        using var caches = new Caches(kind, 64);
        var cache = caches.Objects.CreateCache("drained", 64, 0, SlabFlags.NoMerge)!;
        var (stop, wrong, shrinks) = (false, 0, 0);
        var user = Task.Factory.StartNew(() =>
        {
            var held = new nint[64];
            var random = new Random(1);
            while (!Volatile.Read(ref stop))
            {
                ref var slot = ref held[random.Next(held.Length)];
                if (slot == 0)
                {
                    slot = (nint)cache.Alloc(caches.Other, GfpFlags.Kernel);
                    *(nint*)slot = slot;
                }
                else
                {
                    if (*(nint*)slot != slot)
                        wrong++;
                    *(nint*)slot = 0;
                    cache.Free(caches.Other, (void*)slot);
                    slot = 0;
                }
            }
            foreach (var item in held)
                cache.Free(caches.Other, (void*)item);
        }, TaskCreationOptions.LongRunning);
        var end = Environment.TickCount64 + 400;
        while (Environment.TickCount64 < end)
        {
            cache.Shrink(caches.Cpu);
            shrinks++;
        }
        Volatile.Write(ref stop, true);
        Assert.That(user.Wait(TimeSpan.FromSeconds(30)));
        Assert.That(wrong, Is.Zero);
        Assert.That(shrinks, Is.GreaterThan(10));
        cache.Shrink(caches.Cpu);
        Assert.That(cache.Count().Slabs, Is.Zero);
    }
}
