using System.Linq;
using KmemKit.BoardCompiler.Policies;
using KmemKit.Runtime.Checks;
using KmemKit.Runtime.Gfp;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.MemoryChecking;

/// <summary>What is allocated at shutdown is listed with who allocated it, and nothing else is.</summary>
internal sealed unsafe class LeakTests
{
    private static readonly MemoryCheckOptions[] s_options =
    [
        CheckedMachine.Slub("U"), CheckedMachine.Slub("FZPU"), new() { Kasan = true }, new() { Kasan = true, SlubDebug = CheckedMachine.Slub().SlubDebug },
    ];

    [Test]
    public void Leaks_are_listed_with_their_sites([Values(ObjectAllocatorKind.Slub, ObjectAllocatorKind.Slab)] ObjectAllocatorKind kind, [Range(0, 3)] int options)
    {
        using var machine = new CheckedMachine(s_options[options], kind);
        var cache = machine.Cache();
        var items = Enumerable.Range(0, 300).Select(_ => (nint)cache.Alloc(machine.Cpu, GfpFlags.Kernel)).ToArray();
        var kept = cache.Alloc(machine.Cpu, GfpFlags.Kernel, "/driver.c", 42);
        *(ulong*)kept = 0x6f6c6c6568;
        var small = machine.Allocator.Kmalloc(machine.Cpu, 20, GfpFlags.Kernel, "/driver.c", 43);
        var size = (nuint)machine.Allocator.KmallocMaxCacheSize;
        var large = kind == ObjectAllocatorKind.Slub ? machine.Allocator.Kmalloc(machine.Cpu, size + 1, GfpFlags.Kernel, "/driver.c", 44) : null;
        machine.Checks.Clock.Tick(7);
        foreach (var item in items)
            cache.Free(machine.Cpu, (void*)item);
        var leaks = machine.Checks.FindLeaks(machine.Cpu);
        Assert.That(
            leaks.Select(leak => (leak.Object, leak.Allocated?.Site.Line)),
            Is.EquivalentTo(new[] { ((nint)kept, 42), ((nint)small, 43), ((nint)large, 44) }.Where(leak => leak.Item1 != 0)
                .Select(leak => (machine.Allocator.AddressOf((void*)leak.Item1)!.Value, (int?)leak.Item2))));
        var text = leaks.Single(leak => leak.Cache == "widget").ToString();
        Assert.That(text, Does.StartWith($"unreferenced object 0x{machine.Allocator.AddressOf(kept)!.Value.Value:x16} (size 64), cache widget:\n"
            + "  pid 2760, cpu 0, jiffies 0 (age 7)\n  hex dump (first 32 bytes):\n    68 65 6c 6c 6f 00 00 00 "));
        Assert.That(text, Does.EndWith("  backtrace:\n    driver.c:42\n"));
    }

    [Test]
    public void Who_gives_everything_back_leaks_nothing([Values(ObjectAllocatorKind.Slub, ObjectAllocatorKind.Slab)] ObjectAllocatorKind kind, [Range(0, 3)] int options)
    {
        using var machine = new CheckedMachine(s_options[options], kind);
        foreach (var size in new[] { 8, 24, 64, 700, 5000, 20000 })
        {
            var items = Enumerable.Range(0, 40).Select(_ => (nint)machine.Allocator.Kmalloc(machine.Cpu, (nuint)size, GfpFlags.Kernel)).ToArray();
            foreach (var item in items)
                machine.Allocator.Kfree(machine.Cpu, (void*)item);
        }
        Assert.That(machine.Checks.FindLeaks(machine.Cpu), Is.Empty);
        machine.ExpectNoReport();
    }

    [Test]
    public void A_cache_that_nobody_watches_is_looked_at_too()
    {
        using var machine = new CheckedMachine(new MemoryCheckOptions());
        var cache = machine.Cache();
        for (var i = 0; i < 200; i++)
            cache.Free(machine.Cpu, cache.Alloc(machine.Cpu, GfpFlags.Kernel));
        var kept = cache.Alloc(machine.Cpu, GfpFlags.Kernel);
        var leak = machine.Checks.FindLeaks(machine.Cpu).Single();
        Assert.That((leak.Object, leak.Allocated), Is.EqualTo((machine.Allocator.AddressOf(kept)!.Value, default(Tracking.TrackRecord?))));
        Assert.That(leak.ToString(), Does.EndWith("    not kept\n"));
    }

    /// <summary>After a report an allocation gives its slab up, and the allocator counts every object of it as used: those that were free have leaked nothing.</summary>
    [Test]
    public void Free_objects_of_a_slab_that_was_given_up_are_no_leaks()
    {
        using var machine = new CheckedMachine(CheckedMachine.Slub());
        var cache = machine.Cache();
        var kept = cache.Alloc(machine.Cpu, GfpFlags.Kernel, "/driver.c", 42);
        var items = Enumerable.Range(0, 10).Select(_ => (nint)cache.Alloc(machine.Cpu, GfpFlags.Kernel)).ToArray();
        foreach (var item in items)
            cache.Free(machine.Cpu, (void*)item);
        foreach (var item in items)
            ((byte*)item)[3] = 1;
        cache.Free(machine.Cpu, cache.Alloc(machine.Cpu, GfpFlags.Kernel));
        Assert.That(machine.Checks.Reports, Is.Not.Empty);
        var leak = machine.Checks.FindLeaks(machine.Cpu).Single();
        Assert.That((leak.Object, leak.Allocated?.Site.Line), Is.EqualTo((machine.Allocator.AddressOf(kept)!.Value, (int?)42)));
    }
}
