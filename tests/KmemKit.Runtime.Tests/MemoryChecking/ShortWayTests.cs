using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Slab;
using KmemKit.Runtime.SlubDebug;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.MemoryChecking;

/// <summary>An object that waits in the CPU's array and whose callers are known is given and taken without a call: what the long way does beside comparing bytes is done there too.</summary>
internal sealed unsafe class ShortWayTests
{
    [Test]
    public void A_written_free_pointer_of_a_free_object_is_found()
    {
        using var machine = Boot("FPU");
        for (var at = 0; at < 8; at++)
        {
            var cache = machine.Cache($"widget{at}");
            var item = Warm(machine, cache);
            item[cache.Layout.FreePointerAt + at] = 1;
            Assert.That(Alloc(machine, cache) != item, Is.True);
            Assert.That(machine.Checks.Reports, Has.Count.EqualTo(at + 1));
            Assert.That(((SlabReport)machine.Checks.Reports[at]).Kind, Is.EqualTo(SlabReportKind.FreePointerCorrupt));
        }
    }

    [Test]
    public void Tracks_are_those_of_the_last_calls()
    {
        using var machine = Boot("FZPU");
        var cache = machine.Cache();
        Warm(machine, cache);
        machine.Checks.Clock.Tick(100);
        var item = Alloc(machine, cache, 3);
        machine.Checks.Clock.Tick(10);
        Free(machine, cache, item, 4);
        machine.Checks.Clock.Tick(7);
        item[0] = 1;
        Alloc(machine, cache);
        var report = machine.Single<SlabReport>();
        Assert.That(report.ToString(), Does.Contain("Allocated in allocator.c:3 age=17 cpu=0 pid=2760\nFreed in allocator.c:4 age=7 cpu=0 pid=2760\n"));
    }

    [Test]
    public void What_a_request_leaves_of_an_object_is_red_zone_and_poisoned_again()
    {
        using var machine = Boot("FZPU");
        Kfree(machine, Kmalloc(machine, 64));
        var item = Kmalloc(machine, 50);
        Assert.That((item[49], item[50], item[63], item[64]), Is.EqualTo((0xa5, 0xcc, 0xcc, 0xcc)));
        item[50] = 1;
        Kfree(machine, item);
        Assert.That(machine.Single<SlabReport>().Kind, Is.EqualTo(SlabReportKind.RequestedRedZoneOverwritten));
        Kfree(machine, item);
        Assert.That(Kmalloc(machine, 64) == item, Is.True);
        Assert.That((item[50], item[63]), Is.EqualTo((0x6b, 0xa5)));
        item[50] = 1;
        Kfree(machine, item);
        Assert.That(machine.Checks.Reports, Has.Count.EqualTo(1));
    }

    [Test]
    public void Poison_that_nobody_compares_is_written_again()
    {
        using var machine = Boot("PU");
        var cache = machine.Cache();
        var item = Warm(machine, cache);
        item[9] = 1;
        Assert.That(Alloc(machine, cache) == item, Is.True);
        Assert.That(item[9], Is.EqualTo(0x6b));
        machine.ExpectNoReport();
    }

    [TestCase("F")]
    [TestCase("FZ")]
    [TestCase("FPU")]
    public void A_second_free_is_found(string options)
    {
        using var machine = Boot(options);
        var cache = machine.Cache();
        var item = Warm(machine, cache);
        Free(machine, cache, item);
        Assert.That(machine.Single<SlabReport>().Kind, Is.EqualTo(SlabReportKind.ObjectAlreadyFree));
        Assert.That(Alloc(machine, cache) == item, Is.True);
        Assert.That(Alloc(machine, cache) != item, Is.True, "it is free once");
    }

    [Test]
    public void A_sample_that_is_due_is_taken()
    {
        var options = CheckedMachine.Slub() with { KfenceObjects = 16, KfenceSampleInterval = 0 };
        using var machine = Known(new CheckedMachine(options));
        machine.Checks.StartKfence(machine.Cpu);
        var cache = machine.Cache();
        Free(machine, cache, Alloc(machine, cache));
        Warm(machine, cache);
        var guarded = machine.Checks.GuardedObjects;
        machine.Checks.SampleNow();
        var item = Alloc(machine, cache);
        Assert.That(machine.Checks.GuardedObjects, Is.EqualTo(guarded + 1));
        Free(machine, cache, item);
        machine.ExpectNoReport();
    }

    [Test]
    public void It_is_closed_while_another_CPU_drains_the_array([Values] bool frees)
    {
        using var machine = Boot("FZPU");
        var cache = machine.Cache();
        var item = Warm(machine, cache);
        if (frees)
            item = Alloc(machine, cache);
        var array = (ObjectArray*)(machine.Cpu.Objects + (cache.Id * ObjectArray.Bytes));
        var count = array->Count;
        Volatile.Write(ref array->Draining, 1);
        var user = Task.Factory.StartNew(() => { if (frees) Free(machine, cache, item); else item = Alloc(machine, cache); }, TaskCreationOptions.LongRunning);
        // Whoever does not wait is done long before.
        Assert.That(user.Wait(100), Is.False);
        Assert.That(array->Count, Is.EqualTo(count));
        Volatile.Write(ref array->Draining, 0);
        Assert.That(user.Wait(10_000), Is.True);
        Assert.That(array->Count, Is.EqualTo(frees ? count + 1 : count - 1));
        machine.ExpectNoReport();
    }

    [Test]
    public void A_cache_is_shrunk_while_another_CPU_takes_and_gives()
    {
        using var machine = Boot("FZPU");
        var cache = machine.Cache();
        var stop = false;
        var user = Task.Factory.StartNew(() => Use(machine, cache, ref stop), TaskCreationOptions.LongRunning);
        for (var i = 0; i < 500; i++)
            cache.Shrink(machine.Pages.Allocator.Cpus[1]);
        Volatile.Write(ref stop, true);
        Assert.That(user.Wait(10_000), Is.True);
        cache.Shrink(machine.Cpu);
        machine.ExpectNoReport();
        Assert.That(cache.Count().Slabs, Is.Zero);
    }

    private static void Use(CheckedMachine machine, KmemCache cache, ref bool stop)
    {
        while (!Volatile.Read(ref stop))
        {
            var items = Enumerable.Range(0, 8).Select(_ => (nint)Alloc(machine, cache)).ToArray();
            foreach (var item in items)
                *(nint*)item = item;
            foreach (var item in items)
            {
                if (*(nint*)item == item)
                    Free(machine, cache, (byte*)item);
            }
        }
    }

    private static byte* Warm(CheckedMachine machine, KmemCache cache)
    {
        Free(machine, cache, Alloc(machine, cache));
        var item = Alloc(machine, cache);
        Free(machine, cache, item);
        return item;
    }

    private static byte* Alloc(CheckedMachine machine, KmemCache cache, int line = 1) => (byte*)cache.Alloc(machine.Cpu, GfpFlags.Kernel, "allocator.c", line);

    private static void Free(CheckedMachine machine, KmemCache cache, byte* item, int line = 2) => cache.Free(machine.Cpu, item, "allocator.c", line);

    private static byte* Kmalloc(CheckedMachine machine, nuint size) => (byte*)machine.Allocator.Kmalloc(machine.Cpu, size, GfpFlags.Kernel, "allocator.c", 1);

    private static void Kfree(CheckedMachine machine, byte* item) => machine.Allocator.Kfree(machine.Cpu, item, "allocator.c", 2);

    private static CheckedMachine Boot(string options) => Known(new CheckedMachine(CheckedMachine.Slub(options)));

    private static CheckedMachine Known(CheckedMachine machine)
    {
        for (var line = 1; line < 5; line++)
            machine.Checks.Sites.NumberOf(new AllocationSite("allocator.c", line));
        return machine;
    }
}
