using System.Linq;
using KmemKit.Architecture;
using KmemKit.Runtime.Processes;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.ProcessTests;

/// <summary>What an area's flags and its end mean to its neighbours, its children and the reclaimer.</summary>
internal sealed class AreaFlagTests : ProcessFixture
{
    [Test]
    public void Locked_pages_of_a_file_stay_and_a_child_does_not_inherit_the_lock()
    {
        using var machine = new ProcessMachine();
        var (page, cache) = (machine.Page, machine.Table.Cache);
        var inode = cache.Create("/lib/libc.so", new byte[(int)(2 * page)]);
        var process = machine.Start();
        var at = process.Mmap(default, 2 * page, MemProt.Read, MapFlags.Private | MapFlags.Locked, RegularFile.Open(inode)).Address;
        Assert.That(process.Space.FilePages, Is.EqualTo(2), "brought in at once");
        Assert.That(Reclaim(machine), Is.Zero);
        var child = process.Fork()!;
        Assert.That(process.Space.Find(at)!.Flags & VmFlags.Locked, Is.EqualTo(VmFlags.Locked));
        Assert.That(child.Space.Find(at)!.Flags & VmFlags.Locked, Is.EqualTo(VmFlags.None));
        process.Munmap(at, 2 * page);
        Assert.That(Reclaim(machine), Is.EqualTo(2));
        Assert.That(machine.Lost(), Is.Zero);
    }

    [Test]
    public void A_page_that_somebody_else_holds_is_not_reclaimed()
    {
        using var machine = new ProcessMachine();
        var inode = machine.Table.Cache.Create("/data", new byte[8]);
        var process = machine.Start();
        var at = process.Mmap(default, machine.Page, MemProt.Read, MapFlags.Private, RegularFile.Open(inode)).Address;
        Assert.That(process.TryLoad(at, 8, out _), Is.Null);
        var page = inode.Pages.Values.Single();
        machine.Kernel.Booted.Map.GetPage(page);
        Assert.That(Reclaim(machine), Is.Zero);
        Assert.That(process.Space.FilePages, Is.EqualTo(1), "it was not taken out either");
        machine.Cpu.PutPage(page);
        Assert.That(Reclaim(machine), Is.EqualTo(1));
        Assert.That(machine.Lost(), Is.Zero);
    }

    [Test]
    public void A_page_that_was_used_since_the_reclaimer_looked_has_a_second_chance()
    {
        using var machine = new ProcessMachine();
        var (page, cache) = (machine.Page, machine.Table.Cache);
        var inode = cache.Create("/data", new byte[(int)(3 * page)]);
        for (var i = 0UL; i < 3; i++)
            Assert.That(cache.Read(machine.Cpu, inode, i * page, new byte[1]), Is.EqualTo(1));
        Assert.That(Reclaim(machine, 1), Is.EqualTo(1));
        Assert.That(inode.Pages.Keys, Is.EquivalentTo(new[] { 1UL, 2UL }), "all were used alike: the oldest goes");
        cache.Read(machine.Cpu, inode, page, new byte[1]);
        Assert.That(Reclaim(machine, 1), Is.EqualTo(1));
        Assert.That(inode.Pages.Keys, Is.EquivalentTo(new[] { 1UL }), "older, but used again");
        Assert.That(machine.Lost(), Is.Zero);
    }

    [Test]
    public void A_private_mapping_of_a_file_that_is_only_read_may_come_to_be_written_and_a_shared_one_may_not()
    {
        using var machine = new ProcessMachine();
        var inode = machine.Table.Cache.Create("/bin/true", new byte[8]);
        var process = machine.Start();
        var own = process.Mmap(default, machine.Page, MemProt.Read, MapFlags.Private, RegularFile.Open(inode)).Address;
        var shared = process.Mmap(default, machine.Page, MemProt.Read, MapFlags.Shared, RegularFile.Open(inode)).Address;
        Assert.That(process.Mprotect(own, machine.Page, Rw), Is.EqualTo(Errno.None));
        Assert.That(process.TryStore(own, 8, 5), Is.Null);
        Assert.That(process.Mprotect(shared, machine.Page, Rw), Is.EqualTo(Errno.AccessDenied));
        Assert.That(process.TryLoad(shared, 8, out var word), Is.Null);
        Assert.That(word, Is.Zero, "the copy is the process's own");
    }

    [Test]
    public void A_heap_that_shrinks_leaves_what_lies_behind_its_end()
    {
        using var machine = new ProcessMachine();
        var process = machine.Start();
        var page = machine.Page;
        var program = machine.Table.Cache.Create("/bin/true", new byte[(int)(2 * page)]);
        process.Load(new ProgramImage(RegularFile.Open(program), new ProgramPart(new VirtAddr(0x10000), page, 0), new ProgramPart(new VirtAddr(0x20000), page, page), page));
        var start = process.Brk(default);
        process.Brk(start + (4 * page));
        var behind = process.Mmap(start + (4 * page), page, Rw, Private | MapFlags.Fixed).Address;
        Assert.That(process.TryStore(behind, 8, 6), Is.Null);
        Assert.That(process.Brk(start + page), Is.EqualTo(start + page));
        Assert.That(process.TryLoad(behind, 8, out var word), Is.Null);
        Assert.That(word, Is.EqualTo(6));
        Assert.That(machine.Lost(), Is.Zero);
    }

    [TestCaseSource(typeof(ProcessMachine), nameof(ProcessMachine.Formats))]
    public void Tables_that_have_nothing_left_go_with_the_last_mapping_and_not_before(string format)
    {
        using var machine = new ProcessMachine(format);
        var process = machine.Start();
        var huge = machine.Kernel.Unit.HugeBytes;
        // Four of short descriptors' tables share a page.
        const ulong Tables = 8;
        var before = process.Space.Tables.TablePages;
        var at = new VirtAddr(0x1000_0000 & ~(huge - 1));
        Assert.That(process.Mmap(at, Tables * huge, Rw, Private | MapFlags.Fixed | MapFlags.NoReserve).IsOk);
        for (var i = 0UL; i < Tables; i++)
            Assert.That(process.TryStore(at + (i * huge), 8, i), Is.Null);
        var most = process.Space.Tables.TablePages;
        process.Munmap(at, (Tables - 1) * huge);
        Assert.That(process.Space.Tables.TablePages, Is.LessThan(most), "the neighbour's tables alone are left");
        Assert.That(process.TryLoad(at + ((Tables - 1) * huge), 8, out var word), Is.Null);
        Assert.That(word, Is.EqualTo(Tables - 1));
        process.Munmap(at, Tables * huge);
        Assert.That(process.Space.Tables.TablePages, Is.EqualTo(before));
    }

    private static long Reclaim(ProcessMachine machine, long pages = 100) => machine.Table.Cache.Reclaim(machine.Cpu, machine.Kernel.Allocator.Zones[0], 0, pages);
}
