using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using KmemKit.Architecture;
using KmemKit.Runtime.Iova;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.IovaTests;

/// <summary>Device addresses: what is given is aligned, disjoint and below the mask, and nothing is lost.</summary>
public class IovaDomainTests
{
    private const ulong Page = 4096;
    private const ulong Mask32 = uint.MaxValue;

    private static IovaDomain Domain(ulong start, ulong size, int cpus = 1) => new(PageGeometry.FourKiB, new PhysRange(new PhysAddr(start), size), cpus);

    [Test]
    public void Ranges_are_aligned_to_their_size()
    {
        using var domain = Domain(0, 1UL << 32);
        Assert.Multiple(() =>
        {
            for (var pages = 1UL; pages <= 300; pages++)
            {
                Assert.That(domain.TryTake(0, pages * Page, Mask32, out var address), Is.True);
                Assert.That(address.Value % (System.Numerics.BitOperations.RoundUpToPowerOf2(pages) * Page), Is.Zero, $"{pages} pages at {address}");
                Assert.That(address.Value, Is.Not.Zero, "drivers take 0 for an error");
            }
        });
    }

    [Test]
    public void A_byte_takes_a_granule_and_so_do_4096()
    {
        using var domain = Domain(0, 1UL << 32);
        var before = domain.CountAvailable();
        Assert.That(domain.TryTake(0, 1, Mask32, out var a) && domain.TryTake(0, Page, Mask32, out _) && domain.TryTake(0, Page + 1, Mask32, out _), Is.True);
        Assert.That(before - domain.CountAvailable(), Is.EqualTo(4 * Page));
        domain.Give(0, a, 1);
        Assert.That(before - domain.CountAvailable(), Is.EqualTo(3 * Page));
        Assert.That(() => domain.TryTake(0, 0, Mask32, out _), Throws.TypeOf<ArgumentOutOfRangeException>());
    }

    // Linux drivers/iommu/dma-iommu.c: 32 bits are tried first, whatever the device says.
    [Test]
    public void Low_addresses_come_first()
    {
        using var domain = Domain(0xFFF0_0000, 0x20_0000);
        var taken = new List<ulong>();
        while (domain.TryTake(0, Page, ulong.MaxValue, out var address))
            taken.Add(address.Value);
        Assert.That(taken, Has.Count.EqualTo(512));
        Assert.That(taken.Take(256), Has.All.LessThan(1UL << 32));
    }

    [Test]
    public void The_mask_is_the_last_address_of_the_range()
    {
        using var domain = Domain(0, 1UL << 32);
        Assert.That(domain.TryTake(0, 64 * Page, (64 * Page) - 1, out _), Is.False, "the first aligned place that is not 0 ends beyond the mask");
        Assert.That(domain.TryTake(0, 64 * Page, (128 * Page) - 1, out var address), Is.True);
        Assert.That(address.Value, Is.EqualTo(64 * Page));
        // What waits in a magazine above the mask is no answer for a narrow device.
        Assert.That(domain.TryTake(0, 16 * Page, Mask32, out _), Is.True);
        Assert.That(domain.TryTake(0, 16 * Page, (32 * Page) - 1, out _), Is.False, "16 is taken, and 0 is never given");
        Assert.That(domain.TryTake(0, 8 * Page, (16 * Page) - 1, out var low), Is.True);
        Assert.That(low.Value, Is.EqualTo(8 * Page));
    }

    [Test]
    public void Every_granule_of_a_small_space_can_be_had_at_once_and_again()
    {
        using var domain = Domain(Page, 1000 * Page, cpus: 2);
        for (var turn = 0; turn < 3; turn++)
        {
            var taken = new HashSet<ulong>();
            while (domain.TryTake(turn & 1, Page, Mask32, out var address))
                Assert.That(taken.Add(address.Value), Is.True);
            Assert.That(taken, Has.Count.EqualTo(1000), "what the other CPU's magazines held was found");
            foreach (var address in taken)
                domain.Give(1 - (turn & 1), new BusAddr(address), Page);
        }
        Assert.That(domain.CountAvailable(), Is.EqualTo(1000 * Page));
        domain.Verify();
    }

    // Beyond 2^18 granules, and as many single ones as fill all magazines and the depot.
    [Test]
    public void Long_ranges_and_many_short_ones_come_back_whole()
    {
        using var domain = Domain(0, 1UL << 33);
        var free = domain.CountAvailable();
        Assert.That(domain.TryTake(0, 300_001 * Page, ulong.MaxValue, out var large), Is.True);
        Assert.That(free - domain.CountAvailable(), Is.EqualTo(300_001 * Page));
        domain.Verify();
        domain.Give(0, large, 300_001 * Page);
        Assert.That(domain.CountAvailable(), Is.EqualTo(free));
        var taken = new List<BusAddr>();
        for (var i = 0; i < 6000; i++)
        {
            Assert.That(domain.TryTake(0, Page, ulong.MaxValue, out var address), Is.True);
            taken.Add(address);
        }
        foreach (var address in taken)
            domain.Give(0, address, Page);
        Assert.That(domain.CountAvailable(), Is.EqualTo(free));
        domain.Verify();
    }

    [Test]
    public void Wrong_gives_are_refused_and_change_nothing()
    {
        using var domain = Domain(0, 1UL << 32);
        Assert.That(domain.TryTake(0, 3 * Page, Mask32, out var small) && domain.TryTake(0, 100 * Page, Mask32, out var large)
            && domain.TryTake(0, Page, Mask32, out _), Is.True);
        domain.TryTake(0, 100 * Page, Mask32, out large);
        var before = domain.CountAvailable();
        Assert.Multiple(() =>
        {
            Refused(() => domain.Give(0, small, Page), IovaError.WrongSize);
            Refused(() => domain.Give(0, large, 101 * Page), IovaError.WrongSize);
            Refused(() => domain.Give(0, large.Add(Page), Page), IovaError.NotTaken);
            Refused(() => domain.Give(0, small.Add(1), 3 * Page), IovaError.BadAddress);
            Refused(() => domain.Give(0, new BusAddr(1UL << 40), Page), IovaError.BadAddress);
            Assert.That(() => domain.Give(99, small, 3 * Page), Throws.InstanceOf<ArgumentOutOfRangeException>(), "no such CPU");
            Assert.That(domain.CountAvailable(), Is.EqualTo(before));
        });
        domain.Give(0, small, 3 * Page);
        domain.Give(0, large, 100 * Page);
        Refused(() => domain.Give(0, small, 3 * Page), IovaError.NotTaken);
        Refused(() => domain.Give(0, large, 100 * Page), IovaError.NotTaken);

        static void Refused(Action action, IovaError error) =>
            Assert.That(Assert.Throws<IovaException>(action)!.Error, Is.EqualTo(error));
    }

    // Between its claim and its return a granule is nobody's to give.
    [Test]
    public void A_granule_that_is_claimed_is_claimed_by_nobody_else()
    {
        using var domain = Domain(0, 1UL << 32, cpus: 2);
        Assert.That(domain.TryTakeGranule(0, Mask32, out var granule) && domain.TryTake(0, 2 * Page, Mask32, out var pair), Is.True);
        domain.TryTake(0, 2 * Page, Mask32, out pair);
        Assert.Throws<IovaException>(() => domain.ClaimGranule(0, pair));
        Assert.Throws<IovaException>(() => domain.ClaimGranule(0, granule.Add(1)));
        domain.ClaimGranule(0, granule);
        Assert.Throws<IovaException>(() => domain.ClaimGranule(0, granule));
        Assert.Throws<IovaException>(() => domain.Give(1, granule, Page));
        domain.Unclaim(granule);
        ref var cell = ref domain.ClaimGranule(0, granule);
        domain.GiveClaimedGranule(0, granule, ref cell);
        Assert.Throws<IovaException>(() => domain.Give(0, granule, Page));
        Assert.That(domain.TryTakeGranule(0, Mask32, out var again) && again == granule, Is.True);
    }

    // What a CPU has at hand is what it was given back, as far as the device reaches; all else is left to the way behind it.
    [Test]
    public void A_granule_at_hand_is_one_of_the_CPUs_own_and_below_the_mask()
    {
        using var domain = Domain(0, 1UL << 32, cpus: 2);
        Assert.That(domain.TryTakeGranuleAtHand(0, Mask32, out _), Is.False, "nothing was given back yet");
        Assert.That(domain.TryTakeGranule(0, Mask32, out var granule), Is.True);
        domain.Flush();
        Assert.That(domain.TryTakeGranuleAtHand(0, Mask32, out _), Is.False, "the magazines are empty");
        domain.Give(0, granule, Page);
        Assert.That(domain.TryTakeGranuleAtHand(1, Mask32, out _), Is.False, "another CPU's");
        Assert.That(domain.TryTakeGranuleAtHand(2, Mask32, out _), Is.False, "no such CPU");
        Assert.That(domain.TryTakeGranuleAtHand(0, granule.Value + Page - 2, out _), Is.False, "its last byte is beyond the mask");
        Assert.That(domain.TryTakeGranuleAtHand(0, granule.Value + Page - 1, out var again) && again == granule, Is.True);
        Assert.That(domain.TryTakeGranuleAtHand(0, Mask32, out _), Is.False, "it was the only one");
        Assert.Throws<IovaException>(() => domain.Give(0, granule, 2 * Page));
        domain.Give(0, granule, Page);
    }

    [Test]
    public void Reserved_addresses_are_never_given()
    {
        using var domain = Domain(0, 256 * Page);
        domain.Reserve(new PhysRange(new PhysAddr(10 * Page), 5 * Page));
        domain.Reserve(new PhysRange(new PhysAddr(250 * Page), 100 * Page));
        Assert.Multiple(() =>
        {
            Assert.That(Assert.Throws<IovaException>(() => domain.Reserve(new PhysRange(new PhysAddr(14 * Page), Page)))!.Error, Is.EqualTo(IovaError.InUse));
            Assert.That(Assert.Throws<IovaException>(() => domain.Reserve(new PhysRange(new PhysAddr(1), Page)))!.Error, Is.EqualTo(IovaError.BadAddress));
            var count = 0;
            while (domain.TryTake(0, Page, Mask32, out var address))
            {
                count++;
                Assert.That(address.Value / Page is >= 10 and < 15 or >= 250, Is.False, $"{address}");
            }
            Assert.That(count, Is.EqualTo(255 - 5 - 6));
        });
        domain.Verify();
    }

    [Test]
    public void An_aperture_that_cannot_be_is_refused() => Assert.Multiple(() =>
    {
        Assert.That(() => Domain(0, 0), Throws.ArgumentException);
        Assert.That(() => Domain(1, Page), Throws.ArgumentException);
        Assert.That(() => Domain(0, Page + 1), Throws.ArgumentException);
        Assert.That(() => Domain(0, 1UL << 63), Throws.ArgumentException);
        Assert.That(() => Domain(0, Page * 2, cpus: 0), Throws.InstanceOf<ArgumentOutOfRangeException>());
    });

    // The oracle is one owner per granule.
    [TestCase(1, 0x1000_0000UL, 0x0100_0000UL, 30_000)]
    [TestCase(2, 0xFFF0_0000UL, 0x0030_0000UL, 30_000)]
    [TestCase(3, 0UL, 1UL << 36, 60_000)]
    public void Random_takes_and_gives_never_share_a_granule(int seed, ulong start, ulong size, int steps)
    {
        var random = new Random(seed);
        using var domain = Domain(start, size, cpus: 4);
        var free = domain.CountAvailable();
        var owners = new HashSet<ulong>();
        var live = new List<(ulong Address, ulong Bytes)>();
        var used = 0UL;
        for (var step = 0; step < steps; step++)
        {
            var where = $"seed {seed}, step {step}";
            if (random.Next(100) < (step / 2000 % 2 == 0 ? 65 : 35) || live.Count == 0)
            {
                var pages = random.Next(10) == 0 ? (ulong)random.Next(1, 2000) : (ulong)random.Next(1, 33);
                var mask = random.Next(4) == 0 ? start + (size / 2) - 1 : ulong.MaxValue;
                if (!domain.TryTake(random.Next(4), pages * Page, mask, out var address))
                    continue;
                var granules = pages <= 32 ? System.Numerics.BitOperations.RoundUpToPowerOf2(pages) : pages;
                Assert.That(address.Value + (granules * Page) - 1, Is.LessThanOrEqualTo(mask), where);
                Assert.That(address.Value, Is.GreaterThanOrEqualTo(Math.Max(start, Page)), where);
                Assert.That(address.Value + (granules * Page), Is.LessThanOrEqualTo(start + size), where);
                for (var i = 0UL; i < granules; i++)
                {
                    if (!owners.Add((address.Value / Page) + i))
                        Assert.Fail($"{where}: {address} is taken");
                }
                live.Add((address.Value, pages * Page));
                used += granules * Page;
            }
            else
            {
                var index = random.Next(live.Count);
                var (address, bytes) = live[index];
                live[index] = live[^1];
                live.RemoveAt(live.Count - 1);
                domain.Give(random.Next(4), new BusAddr(address), bytes);
                var pages = bytes / Page;
                var granules = pages <= 32 ? System.Numerics.BitOperations.RoundUpToPowerOf2(pages) : pages;
                for (var i = 0UL; i < granules; i++)
                    owners.Remove((address / Page) + i);
                used -= granules * Page;
            }
            if (step % 5000 == 0)
            {
                Assert.That(domain.CountAvailable(), Is.EqualTo(free - used), where);
                domain.Verify();
            }
        }
        foreach (var (address, bytes) in live)
            domain.Give(0, new BusAddr(address), bytes);
        Assert.That(domain.CountAvailable(), Is.EqualTo(free));
        domain.Verify();
    }

    [Test]
    public void Two_threads_take_and_give_and_nothing_is_lost()
    {
        using var domain = Domain(0, 1UL << 24, cpus: 2);
        var free = domain.CountAvailable();
        // Each range is marked with its owner while it is held: two owners at once would see each other's mark.
        var owners = new int[(1 << 24) / (int)Page];
        var faults = 0;
        var threads = Enumerable.Range(0, 2).Select(cpu => new Thread(() =>
        {
            var random = new Random(cpu + 100);
            var live = new Queue<BusAddr>();
            for (var i = 0; i < 200_000; i++)
            {
                // 1200 of 4095 at most, by turns: the depot and the other CPU's magazines come into play.
                if (live.Count < 1200 && random.Next(i / 10_000 % 2 == 0 ? 3 : 2) != 0 && domain.TryTake(cpu, Page, Mask32, out var address))
                {
                    if (Interlocked.Exchange(ref owners[address.Value / Page], cpu + 1) != 0)
                        Interlocked.Increment(ref faults);
                    live.Enqueue(address);
                }
                else if (live.TryDequeue(out var oldest))
                {
                    if (Interlocked.Exchange(ref owners[oldest.Value / Page], 0) != cpu + 1)
                        Interlocked.Increment(ref faults);
                    domain.Give(cpu, oldest, Page);
                }
            }
            foreach (var address in live)
            {
                Volatile.Write(ref owners[address.Value / Page], 0);
                domain.Give(cpu, address, Page);
            }
        })).ToArray();
        foreach (var thread in threads)
            thread.Start();
        foreach (var thread in threads)
            Assert.That(thread.Join(TimeSpan.FromMinutes(2)), Is.True, "a thread hangs");
        Assert.That(faults, Is.Zero);
        Assert.That(domain.CountAvailable(), Is.EqualTo(free));
        domain.Verify();
    }

    [Test]
    public void Taking_and_giving_allocates_nothing_managed()
    {
        using var domain = Domain(0, 1UL << 32);
        for (var i = 0; i < 1000; i++)
            Turn();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
            Turn();
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.Zero);

        void Turn()
        {
            domain.TryTake(0, Page, Mask32, out var a);
            domain.TryTake(0, 1000 * Page, Mask32, out var b);
            domain.Give(0, a, Page);
            domain.Give(0, b, 1000 * Page);
        }
    }
}
