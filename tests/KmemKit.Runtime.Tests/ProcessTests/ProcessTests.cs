using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Runtime.Processes;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.ProcessTests;

/// <summary>The system calls of memory one by one, with their errors and their edges.</summary>
internal sealed class ProcessTests : ProcessFixture
{
    [TestCaseSource(typeof(ProcessMachine), nameof(ProcessMachine.Formats))]
    public void Memory_that_is_only_read_costs_no_page_and_what_is_written_one_each(string format)
    {
        using var machine = new ProcessMachine(format);
        var process = machine.Start();
        var area = process.Mmap(default, 64 * machine.Page, Rw, Private).Address;
        Assert.That(process.Space.AnonymousPages, Is.Zero);
        for (var i = 0UL; i < 64; i++)
            Assert.That(Load(process, area + (i * machine.Page)), Is.Zero);
        Assert.That(process.Space.AnonymousPages, Is.Zero, "the zero page is nobody's");
        Store(process, area, 7);
        Assert.That((process.Space.AnonymousPages, Load(process, area), Load(process, area + machine.Page)), Is.EqualTo((1L, 7UL, 0UL)));
        Assert.That(machine.Lost(), Is.Zero);
    }

    [TestCaseSource(typeof(ProcessMachine), nameof(ProcessMachine.Formats))]
    public void A_fork_shares_every_page_until_one_of_the_two_writes(string format)
    {
        using var machine = new ProcessMachine(format);
        var parent = machine.Start();
        var area = parent.Mmap(default, 4 * machine.Page, Rw, Private).Address;
        Store(parent, area, 1);
        Store(parent, area + machine.Page, 2);
        var before = machine.FreePages;
        var child = parent.Fork()!;
        var tables = child.Space.Tables.TablePages;
        Assert.That(before - machine.FreePages, Is.EqualTo(tables), "tables alone");
        Store(child, area, 10);
        Assert.That((Load(parent, area), Load(child, area)), Is.EqualTo((1UL, 10UL)));
        Assert.That(before - machine.FreePages, Is.EqualTo(tables + 1), "one copy");
        // The parent is alone with its page by now: it writes it without a copy.
        Store(parent, area, 11);
        Assert.That((Load(parent, area), Load(child, area)), Is.EqualTo((11UL, 10UL)));
        Assert.That(before - machine.FreePages, Is.EqualTo(tables + 1), "no further copy");
        child.Exit(3);
        Assert.That((child.ExitStatus, Load(parent, area + machine.Page)), Is.EqualTo(((int?)3, 2UL)));
        Assert.That(before - machine.FreePages, Is.Zero);
        Assert.That(machine.Lost(), Is.Zero);
    }

    [Test]
    public void A_thread_on_another_CPU_sees_the_copy_and_not_the_page_of_before()
    {
        using var machine = new ProcessMachine("vmsav8-64-4k");
        var parent = machine.Start();
        var area = parent.Mmap(default, machine.Page, Rw, Private).Address;
        Store(parent, area, 1);
        var child = parent.Fork()!;
        Assert.That(parent.TryLoad(area, 8, out var seen, cpu: 1), Is.Null);
        Store(parent, area, 2);
        Assert.That(parent.TryLoad(area, 8, out seen, cpu: 1), Is.Null);
        Assert.That((seen, Load(child, area)), Is.EqualTo((2UL, 1UL)));
    }

    [Test]
    public void Mmap_says_why_not()
    {
        using var machine = new ProcessMachine();
        var process = machine.Start();
        var page = machine.Page;
        var (task, at) = (process.Space.Layout.TaskSize, new VirtAddr(0x1000_0000));
        var readOnly = RegularFile.Open(machine.Table.Cache.Create("/ro", new byte[100]));
        Errno Of(VirtAddr hint, ulong length, MemProt prot, MapFlags flags, FileObject? file = null, ulong offset = 0) => process.Mmap(hint, length, prot, flags, file, offset).Error;

        Assert.That(Of(default, 0, Rw, Private), Is.EqualTo(Errno.InvalidArgument), "no byte");
        Assert.That(Of(default, page, Rw, MapFlags.Anonymous), Is.EqualTo(Errno.InvalidArgument), "neither shared nor private");
        Assert.That(Of(default, page, Rw, Private | MapFlags.Shared), Is.EqualTo(Errno.InvalidArgument), "both");
        Assert.That(Of(default, page, Rw, MapFlags.Private), Is.EqualTo(Errno.BadFile));
        Assert.That(Of(default, page, Rw, MapFlags.Private, readOnly, 12), Is.EqualTo(Errno.InvalidArgument), "offset within a page");
        Assert.That(Of(default, page, Rw, MapFlags.Shared, readOnly), Is.EqualTo(Errno.AccessDenied), "not opened for writing");
        Assert.That(Of(default, page, MemProt.Read, MapFlags.Shared, readOnly), Is.EqualTo(Errno.None));
        Assert.That(Of(default, 2 * page, MemProt.Read, MapFlags.Private, readOnly, ~(page - 1)), Is.EqualTo(Errno.Overflow));
        Assert.That(Of(at + 1, page, Rw, Private | MapFlags.Fixed), Is.EqualTo(Errno.InvalidArgument), "fixed within a page");
        Assert.That(Of(new VirtAddr(task), page, Rw, Private | MapFlags.Fixed), Is.EqualTo(Errno.NoMemory), "the kernel's");
        Assert.That(Of(new VirtAddr(task - page), 2 * page, Rw, Private | MapFlags.Fixed), Is.EqualTo(Errno.NoMemory), "across TASK_SIZE");
        Assert.That(Of(new VirtAddr(page), page, Rw, Private | MapFlags.Fixed), Is.EqualTo(Errno.PermissionDenied), "mmap_min_addr");
        Assert.That(Of(default, ulong.MaxValue, Rw, Private), Is.EqualTo(Errno.NoMemory));
        Assert.That(process.Mmap(at, page, Rw, Private | MapFlags.FixedNoReplace).Address, Is.EqualTo(at));
        Assert.That(Of(at, page, Rw, Private | MapFlags.FixedNoReplace), Is.EqualTo(Errno.Exists));
        Assert.That(process.Mmap(at, page, Rw, Private | MapFlags.Fixed).Address, Is.EqualTo(at), "MAP_FIXED replaces");
        Assert.That(Of(default, page, Rw, Shared | MapFlags.GrowsDown), Is.EqualTo(Errno.InvalidArgument));
        Assert.That(process.Munmap(at + 5, page), Is.EqualTo(Errno.InvalidArgument));
        Assert.That(process.Munmap(at, 0), Is.EqualTo(Errno.InvalidArgument));
        Assert.That(process.Munmap(new VirtAddr(task), page), Is.EqualTo(Errno.InvalidArgument));
        Assert.That(process.Munmap(at, page), Is.EqualTo(Errno.None));
        Assert.That(process.Munmap(at, page), Is.EqualTo(Errno.None), "nothing there is no error");
        Assert.That(process.Mprotect(at, page, MemProt.Read), Is.EqualTo(Errno.NoMemory));
        Assert.That(process.Mprotect(at + 1, page, MemProt.Read), Is.EqualTo(Errno.InvalidArgument));
        Assert.That(process.Mremap(at, page, 2 * page).Error, Is.EqualTo(Errno.BadAddress));
        Assert.That(process.Mremap(at, page, 2 * page, RemapFlags.Fixed).Error, Is.EqualTo(Errno.InvalidArgument));
        Assert.That(process.Mremap(at, page, 0).Error, Is.EqualTo(Errno.InvalidArgument));
    }

    [Test]
    public void Areas_are_cut_and_joined()
    {
        using var machine = new ProcessMachine();
        var process = machine.Start();
        var (page, at) = (machine.Page, new VirtAddr(0x1000_0000));
        int Count() => process.Space.Areas.Count(vma => vma.Name != "[stack]");
        process.Mmap(at, 8 * page, Rw, Private | MapFlags.Fixed);
        process.Mmap(at + (8 * page), 8 * page, Rw, Private | MapFlags.Fixed);
        Assert.That(Count(), Is.EqualTo(1), "neighbours that say the same");
        process.Mprotect(at + (4 * page), 2 * page, MemProt.Read);
        Assert.That(Count(), Is.EqualTo(3));
        Assert.That(process.Space.Find(at + (5 * page))!.Range, Is.EqualTo(new VirtRange(at + (4 * page), 2 * page)));
        process.Mprotect(at + (4 * page), 2 * page, Rw);
        Assert.That(Count(), Is.EqualTo(1));
        process.Munmap(at + (4 * page), page);
        Assert.That((Count(), process.Space.Find(at + (4 * page))), Is.EqualTo((2, (Vma?)null)));
        process.Mmap(at + (4 * page), page, MemProt.Read, Private | MapFlags.Fixed);
        Assert.That(Count(), Is.EqualTo(3));
        Assert.That(process.Mprotect(at, 32 * page, MemProt.None), Is.EqualTo(Errno.NoMemory), "16 of 32 pages are there");
        Assert.That(process.Space.Areas.Where(vma => vma.Name != "[stack]").All(vma => (vma.Flags & VmFlags.Access) == 0), "and have changed");
    }

    [TestCaseSource(typeof(ProcessMachine), nameof(ProcessMachine.Formats))]
    public void What_is_not_granted_raises_the_signal_of_the_kernel(string format)
    {
        using var machine = new ProcessMachine(format);
        var process = machine.Start();
        var (page, at) = (machine.Page, new VirtAddr(0x1000_0000));
        var file = RegularFile.Open(machine.Table.Cache.Create("/file", new byte[(int)page + 10]));
        process.Mmap(at, page, Rw, Private | MapFlags.Fixed);
        process.Mmap(at + page, 3 * page, MemProt.Read, MapFlags.Private | MapFlags.Fixed, file);
        Store(process, at, 0x1234);
        Assert.That(process.TryStore(at + page, 4, 1), Is.EqualTo((SignalInfo?)new SignalInfo(Signal.SegmentationFault, SignalCode.AccessError, at + page)));
        Assert.That(process.TryLoad(at - 8, 8, out _), Is.EqualTo((SignalInfo?)new SignalInfo(Signal.SegmentationFault, SignalCode.MapError, at - 8)));
        Assert.That(process.TryLoad(at + page + page, 4, out _), Is.Null, "the file's last page, beyond its end");
        Assert.That(process.TryLoad(at + (3 * page), 4, out _), Is.EqualTo((SignalInfo?)new SignalInfo(Signal.Bus, SignalCode.BusAddressError, at + (3 * page))), "behind it");
        Assert.That(process.TryFetch(at, 4, out _)?.Code, Is.EqualTo(machine.Table.Prots.HasExecuteNever ? SignalCode.AccessError : (SignalCode?)null));
        process.Mprotect(at, page, MemProt.None);
        Assert.That(process.TryLoad(at, 4, out _)!.Value.Code, Is.EqualTo(SignalCode.AccessError));
        Assert.That(process.User.CopyFrom(at, new byte[8]), Is.EqualTo(8), "nor for the kernel");
        process.Mprotect(at, page, MemProt.Read | MemProt.Exec);
        Assert.That((Load(process, at), process.TryFetch(at, 4, out var code), code), Is.EqualTo((0x1234UL, (SignalInfo?)null, 0x1234UL)), "and it is all there again");
        Assert.That(process.Run(memory => memory.Store(at, 4, 1))!.Value.Code, Is.EqualTo(SignalCode.AccessError));
        Assert.That((process.IsAlive, process.EndedBy, process.ExitStatus), Is.EqualTo((false, (Signal?)Signal.SegmentationFault, (int?)139)));
        Assert.That(machine.Lost(), Is.Zero);
    }

    [Test]
    public void The_stack_grows_down_to_its_limit_and_not_into_its_guard_gap()
    {
        using var machine = new ProcessMachine(options: new ProcessOptions { StackLimit = 1 << 20 });
        var process = machine.Start();
        var page = machine.Page;
        var stack = process.Space.Areas.Single(vma => vma.Name == "[stack]");
        Assert.That(stack.Range.End.Value, Is.EqualTo(process.Space.Layout.StackTop));
        var top = new VirtAddr(process.Space.Layout.StackTop);
        Store(process, top - (1 << 20), 1);
        Assert.That(process.Space.Find(top - (1 << 20))!.Range.Size.Value, Is.EqualTo(1 << 20));
        Assert.That(process.TryStore(top - (1 << 20) - 8, 8, 1)!.Value.Code, Is.EqualTo(SignalCode.MapError), "RLIMIT_STACK");
        // A second one, with something 300 pages below: 256 of them stay free.
        var low = new VirtAddr(0x1000_0000);
        process.Mmap(low, page, Rw, Private | MapFlags.Fixed);
        process.Mmap(low + (300 * page), page, Rw, Private | MapFlags.Fixed | MapFlags.GrowsDown);
        Assert.That(process.TryStore(low + (258 * page), 8, 1), Is.Null);
        Assert.That(process.TryStore(low + (256 * page), 8, 1)!.Value.Code, Is.EqualTo(SignalCode.MapError));
        Assert.That(process.Mmap(low + (100 * page), page, Rw, Private).Address, Is.Not.EqualTo(low + (100 * page)), "a hint into the gap is not taken");
        Assert.That(machine.Lost(), Is.Zero);
    }

    [Test]
    public void The_heap_moves_both_ways_and_stops_at_what_is_in_its_way()
    {
        using var machine = new ProcessMachine();
        var process = machine.Start();
        var page = machine.Page;
        var program = machine.Table.Cache.Create("/bin/true", Enumerable.Range(0, 3 * (int)page).Select(i => (byte)(i & 0xff)).ToArray());
        var image = new ProgramImage(RegularFile.Open(program), new ProgramPart(new VirtAddr(0x10000), 2 * page, 0), new ProgramPart(new VirtAddr(0x20000), page, 2 * page), 3 * page);
        Assert.That(process.Load(image), Is.EqualTo(Errno.None));
        Assert.That(process.TryFetch(new VirtAddr(0x10000), 4, out var code), Is.Null);
        Assert.That(code, Is.EqualTo(0x03020100));
        var start = process.Brk(default);
        Assert.That(start.Value, Is.EqualTo(0x20000 + (4 * page)), "behind data and zeroes");
        Assert.That(process.Brk(start + 100), Is.EqualTo(start + 100));
        Store(process, start + 64, 5);
        Assert.That(process.Brk(start + (10 * page)), Is.EqualTo(start + (10 * page)));
        Assert.That(process.Space.Find(start)!.Range.Size.Value, Is.EqualTo(10 * page));
        Assert.That(process.Brk(start), Is.EqualTo(start));
        Assert.That(process.TryLoad(start + 64, 8, out _)!.Value.Code, Is.EqualTo(SignalCode.MapError));
        process.Mmap(start + (4 * page), page, Rw, Private | MapFlags.Fixed);
        Assert.That(process.Brk(start + (4 * page)), Is.EqualTo(start + (4 * page)));
        Assert.That(process.Brk(start + (5 * page)), Is.EqualTo(start + (4 * page)), "something is there");
        Assert.That(process.Brk(start - 1), Is.EqualTo(start + (4 * page)), "below its start");
        Assert.That(machine.Lost(), Is.Zero);
    }

    [Test]
    public void Mremap_grows_in_place_where_it_can_and_moves_where_it_may()
    {
        using var machine = new ProcessMachine();
        var process = machine.Start();
        var (page, at) = (machine.Page, new VirtAddr(0x1000_0000));
        process.Mmap(at, 2 * page, Rw, Private | MapFlags.Fixed);
        Store(process, at + page, 9);
        Assert.That(process.Mremap(at, 2 * page, 4 * page).Address, Is.EqualTo(at));
        process.Mmap(at + (4 * page), page, MemProt.Read, Private | MapFlags.Fixed);
        Assert.That(process.Mremap(at, 4 * page, 5 * page).Error, Is.EqualTo(Errno.NoMemory));
        Assert.That(process.Mremap(at, 6 * page, 8 * page, RemapFlags.MayMove).Error, Is.EqualTo(Errno.BadAddress), "across areas");
        var moved = process.Mremap(at, 4 * page, 5 * page, RemapFlags.MayMove).Address;
        Assert.That((moved == at, Load(process, moved + page), process.Space.Find(at)), Is.EqualTo((false, 9UL, (Vma?)null)));
        Assert.That(process.Mremap(moved, 5 * page, 2 * page).Address, Is.EqualTo(moved));
        Assert.That(process.Space.Find(moved + (2 * page)), Is.Null);
        // Shared memory twice.
        var shared = process.Mmap(default, 2 * page, Rw, Shared).Address;
        Store(process, shared, 3);
        var twin = process.Mremap(shared, 0, 2 * page, RemapFlags.MayMove).Address;
        Store(process, twin, 4);
        Assert.That(Load(process, shared), Is.EqualTo(4));
        Assert.That(process.Mremap(moved, 0, page, RemapFlags.MayMove).Error, Is.EqualTo(Errno.InvalidArgument), "private memory has no second mapping");
        Assert.That(machine.Lost(), Is.Zero);
    }

    [TestCaseSource(typeof(ProcessMachine), nameof(ProcessMachine.Formats))]
    public void Clean_pages_of_files_are_taken_from_whoever_maps_them_and_come_again(string format)
    {
        using var machine = new ProcessMachine(format);
        var (page, cache) = (machine.Page, machine.Table.Cache);
        var bytes = new byte[(int)(4 * page)];
        bytes[0] = 1;
        bytes[(int)page] = 2;
        var inode = cache.Create("/lib/libc.so", bytes);
        var (one, other) = (machine.Start("one"), machine.Start("other"));
        var a = one.Mmap(default, 4 * page, MemProt.Read, MapFlags.Private, RegularFile.Open(inode)).Address;
        var b = other.Mmap(default, 4 * page, Rw, MapFlags.Shared, RegularFile.Open(inode, Rw)).Address;
        Assert.That((Load(one, a), Load(other, b), Load(other, b + page)), Is.EqualTo((1UL, 1UL, 2UL)));
        Store(other, b + page, 22);
        Assert.That(cache.Reclaim(machine.Cpu, machine.Kernel.Allocator.Zones[0], 0, 100), Is.EqualTo(1), "the dirty one stays");
        Assert.That((one.Space.FilePages, other.Space.FilePages, inode.CachedPages), Is.EqualTo((0L, 1L, 1)));
        Assert.That((Load(one, a), Load(one, a + page)), Is.EqualTo((1UL, 22UL)));
        Assert.That(cache.WriteBack(inode), Is.EqualTo(1));
        Assert.That(cache.Reclaim(machine.Cpu, machine.Kernel.Allocator.Zones[0], 0, 100), Is.EqualTo(2));
        Assert.That((Load(other, b + page), inode.CachedPages), Is.EqualTo((22UL, 1)), "from its disk");
        Store(other, b + page, 23);
        Assert.That(cache.WriteBack(inode), Is.EqualTo(1), "dirty again after it was clean");
        Assert.That(machine.Lost(), Is.Zero);
    }
}
