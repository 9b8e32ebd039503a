using System;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Processes;
using KmemKit.Runtime.Processor;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.ProcessTests;

/// <summary>The system calls of memory one by one, with their errors and their edges.</summary>
internal sealed class ProcessTests
{
    private const MapFlags Private = MapFlags.Private | MapFlags.Anonymous;
    private const MapFlags Shared = MapFlags.Shared | MapFlags.Anonymous;
    private const MemProt Rw = MemProt.Read | MemProt.Write;

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

    [TestCaseSource(typeof(ProcessMachine), nameof(ProcessMachine.Formats))]
    public void The_kernel_is_above_every_process_and_out_of_its_reach(string format)
    {
        using var machine = new ProcessMachine(format);
        var (one, other) = (machine.Start("one"), machine.Start("other"));
        var kernel = machine.Kernel.Layout.PageOffset;
        Assert.That(one.TryLoad(kernel, 4, out _)!.Value.Code, Is.EqualTo(SignalCode.MapError));
        Assert.That(one.TryStore(kernel, 4, 1)!.Value.Signal, Is.EqualTo(Signal.SegmentationFault));
        // What the kernel maps from now on is there in whatever process runs, and goes everywhere.
        Store(one, one.Mmap(default, machine.Page, Rw, Private).Address, 1);
        var area = machine.Kernel.Vmalloc.Vmalloc(machine.Cpu, 16 * machine.Page)!.Value;
        machine.Kernel.Cpu.Store(area, 8, 42, Privilege.Privileged);
        Store(other, other.Mmap(default, machine.Page, Rw, Private).Address, 1);
        Assert.That(machine.Kernel.Cpu.Load(area, 8, Privilege.Privileged), Is.EqualTo(42));
        machine.Kernel.Vmalloc.Vfree(machine.Cpu, area);
        machine.Kernel.Vmalloc.Purge(machine.Cpu);
        Assert.That(() => machine.Kernel.Cpu.Load(area, 8, Privilege.Privileged), Throws.InstanceOf<MemoryFaultException>());
        // An access of the kernel's own to a user address that is not there is an oops, and no signal.
        Assert.That(() => machine.Kernel.Cpu.Load(new VirtAddr(0x1000), 4, Privilege.Privileged), Throws.InstanceOf<MemoryFaultException>());
        Assert.That(machine.Lost(), Is.Zero);
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

    [Test]
    public void Copies_to_and_from_user_count_what_they_could_not_copy_to_the_byte()
    {
        using var machine = new ProcessMachine();
        var process = machine.Start();
        var page = machine.Page;
        var at = process.Mmap(new VirtAddr(0x1000_0000), page, Rw, Private | MapFlags.Fixed).Address;
        Assert.That(process.User.CopyTo(at + page - 13, new byte[20]), Is.EqualTo(7));
        Assert.That(process.User.CopyTo(at, "hello, user"u8), Is.Zero);
        var back = new byte[11];
        Assert.That(process.User.CopyFrom(at, back), Is.Zero);
        Assert.That(back, Is.EqualTo("hello, user"u8.ToArray()));
        Assert.That(process.User.AccessOk(new VirtAddr(process.Space.Layout.TaskSize - 8), 8), Is.True);
        Assert.That(process.User.AccessOk(new VirtAddr(process.Space.Layout.TaskSize - 8), 9), Is.False);
        Assert.That(process.User.AccessOk(new VirtAddr(ulong.MaxValue), 2), Is.False);
        Assert.That(process.User.CopyTo(machine.Kernel.Layout.PageOffset, new byte[4]), Is.EqualTo(4), "the kernel's own memory is none of the process's");
        // Writing for a child breaks the copy too.
        var child = process.Fork()!;
        Assert.That(child.User.CopyTo(at, "HELLO"u8), Is.Zero);
        Assert.That(Load(process, at) & 0xff, Is.EqualTo((ulong)'h'));
        var filled = Enumerable.Repeat((byte)0xee, 8).ToArray();
        Assert.That(process.User.CopyFrom(at + page - 4, filled), Is.EqualTo(4));
        Assert.That(filled[4..], Is.All.Zero, "the rest is zeroed");
    }

    [Test]
    public void A_driver_maps_its_memory_in_the_four_steps_and_refuses_what_is_beyond()
    {
        using var machine = new ProcessMachine("arm-short", config: ["CONFIG_LINUX_VERSION=\"3.4\""]);
        var process = machine.Start();
        var page = machine.Page;
        var device = new FrameBuffer(machine.Table, new PhysRange(new PhysAddr(0x1000_0000), 4 * page), MemoryUse.WriteCombining);
        var registers = new Registers();
        machine.Kernel.Memory.RequestMemRegion(new PhysRange(new PhysAddr(0x1000_0000), 4 * page), "fb", registers);
        var at = process.Mmap(default, 2 * page, Rw, MapFlags.Shared, device, page).Address;
        Assert.That(process.TryStore(at + 8, 4, 0xabcd), Is.Null);
        Assert.That(registers.Last, Is.EqualTo((page + 8, 0xabcdUL)));
        var vma = process.Space.Find(at)!;
        Assert.That(vma.Flags & (VmFlags.Io | VmFlags.Reserved | VmFlags.PfnMap), Is.EqualTo(VmFlags.Io | VmFlags.Reserved | VmFlags.PfnMap));
        Assert.That(process.Mmap(default, 5 * page, Rw, MapFlags.Shared, device).Error, Is.EqualTo(Errno.InvalidArgument), "larger than the device");
        Assert.That(process.Mmap(default, 2 * page, Rw, MapFlags.Shared, device, 3 * page).Error, Is.EqualTo(Errno.InvalidArgument), "past its end");
        Assert.That(process.Mremap(at, 2 * page, 3 * page, RemapFlags.MayMove).Error, Is.EqualTo(Errno.BadAddress), "frames do not grow");
        // A child has the device as well.
        var child = process.Fork()!;
        Assert.That(child.TryStore(at, 4, 1), Is.Null);
        Assert.That(registers.Last, Is.EqualTo((page, 1UL)));
        // PROT_NONE and back.
        process.Mprotect(at, page, MemProt.None);
        Assert.That(process.TryLoad(at, 4, out _)!.Value.Code, Is.EqualTo(SignalCode.AccessError));
        process.Mprotect(at, page, Rw);
        Assert.That(process.TryStore(at, 4, 2), Is.Null);
        Assert.That(registers.Last, Is.EqualTo((page, 2UL)));
        Assert.That(machine.Lost(), Is.Zero);
    }

    [Test]
    public unsafe void Memory_of_kmalloc_is_mapped_from_its_first_whole_page_and_in_its_own_type_alone()
    {
        using var machine = new ProcessMachine();
        var process = machine.Start();
        var (page, kernel) = (machine.Page, machine.Kernel);
        // The seed's step: page-aligned buffer = (buffer + PAGE_SIZE - 1) & PAGE_MASK, so two pages are asked for.
        var buffer = kernel.Objects.AddressOf(kernel.Objects.Kmalloc(machine.Cpu, (nuint)(2 * page), GfpFlags.Kernel))!.Value;
        var aligned = new VirtAddr((buffer.Value + page - 1) & ~(page - 1));
        var phys = kernel.Addresses.VirtToPhys(aligned);
        var device = new FrameBuffer(machine.Table, new PhysRange(phys, page), MemoryUse.Cached);
        var at = process.Mmap(default, page, Rw, MapFlags.Shared, device).Address;
        Store(process, at, 0x55);
        Assert.That(kernel.Memory.ReadUInt64(phys), Is.EqualTo(0x55));
        Assert.That(process.Munmap(at, page), Is.EqualTo(Errno.None));
        Assert.That(kernel.Booted.Map.PageCount(kernel.Booted.Map.PfnToPage(kernel.Layout.Pages.ToFrame(phys))), Is.EqualTo(1), "it stays the driver's");
        Assert.That(process.Mmap(default, page, Rw, MapFlags.Shared, new FrameBuffer(machine.Table, new PhysRange(phys, page), MemoryUse.Device)).Error,
            Is.EqualTo(Errno.InvalidArgument), "RAM that the kernel has cached is not mapped as a device");
        Assert.That(process.Mmap(default, page, Rw, MapFlags.Private, device).IsOk, Is.True, "all of a private area");
        Assert.That(process.Mmap(default, 2 * page, Rw, MapFlags.Private, new FrameBuffer(machine.Table, new PhysRange(phys, 2 * page), MemoryUse.Cached) { MapsOnePage = true }).Error,
            Is.EqualTo(Errno.InvalidArgument), "not a part of one");
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

    [Test]
    public void When_memory_runs_out_one_process_is_ended_and_the_run_goes_on()
    {
        using var machine = new ProcessMachine("arm-short", new ProcessOptions { Overcommit = Overcommit.Always });
        var page = machine.Page;
        var (keeper, hog) = (machine.Start("keeper"), machine.Start("hog"));
        keeper.OomScoreAdjust = -500;
        var kept = keeper.Mmap(default, page, Rw, Private).Address;
        Store(keeper, kept, 77);
        var size = (ulong)(machine.FreePages + 64) * page;
        var area = hog.Mmap(default, size, Rw, Private).Address;
        SignalInfo? signal = null;
        for (var at = 0UL; at < size && signal is null; at += page)
            signal = hog.TryStore(area + at, 8, 1);
        Assert.That((signal!.Value.Signal, hog.EndedBy, hog.ExitStatus), Is.EqualTo((Signal.Kill, (Signal?)Signal.Kill, (int?)137)));
        Assert.That(machine.Table.OutOfMemory.Single(), Does.StartWith($"Out of memory: Killed process {hog.Pid} (hog) total-vm:").And.EndsWith("oom_score_adj:0"));
        Assert.That((keeper.IsAlive, Load(keeper, kept)), Is.EqualTo((true, 77UL)));
        Assert.That(machine.Lost(), Is.Zero);
    }

    [Test]
    public void No_more_is_promised_than_the_commit_limit_where_overcommit_is_off()
    {
        using var machine = new ProcessMachine(options: new ProcessOptions { Overcommit = Overcommit.Never });
        var process = machine.Start();
        var page = machine.Page;
        var half = (ulong)(machine.Table.CommitLimit - machine.Table.CommittedPages) * page;
        Assert.That(process.Mmap(default, half + page, Rw, Private | MapFlags.NoReserve).Error, Is.EqualTo(Errno.NoMemory), "NORESERVE counts as well");
        var all = process.Mmap(default, half, Rw, Private).Address;
        Assert.That(process.Fork(), Is.Null, "the child would need as much");
        Assert.That(process.Mmap(default, page, MemProt.Read, Private).IsOk, Is.True, "what is only read costs nothing");
        process.Munmap(all, half);
        Assert.That(process.Fork(), Is.Not.Null);
        using var usual = new ProcessMachine();
        Assert.That(usual.Start().Mmap(default, (ulong)(usual.Kernel.Allocator.TotalPages + 1) * page, Rw, Private).Error, Is.EqualTo(Errno.NoMemory), "an obvious overcommit");
    }

    [TestCase("CONFIG_VMSPLIT_3G=y", 0xbf00_0000ul)]
    [TestCase("CONFIG_VMSPLIT_2G=y", 0x7f00_0000ul)]
    [TestCase("CONFIG_VMSPLIT_1G=y", 0x3f00_0000ul)]
    public void TASK_SIZE_follows_the_split(string split, ulong size)
    {
        foreach (var format in new[] { "arm-short", "arm-lpae" })
        {
            using var machine = new ProcessMachine(format, config: ["CONFIG_MODULES=y", "CONFIG_PHYS_OFFSET=0x40000000", split]);
            var process = machine.Start();
            Assert.That(process.Space.Layout.TaskSize, Is.EqualTo(size));
            var last = process.Mmap(new VirtAddr(size - machine.Page), machine.Page, Rw, Private | MapFlags.Fixed);
            Assert.That(last.IsOk || process.Space.Find(new VirtAddr(size - 1))!.Name == "[stack]");
            Store(process, new VirtAddr(size - 8), 1);
            Assert.That(process.TryLoad(new VirtAddr(size), 4, out _)!.Value.Signal, Is.EqualTo(Signal.SegmentationFault));
            Assert.That(machine.Lost(), Is.Zero);
        }
    }

    [Test]
    public void With_4G_4G_each_call_and_each_fault_drops_every_translation_twice()
    {
        (long Switches, ulong Misses) Costs(AddressSplit split)
        {
            using var machine = new ProcessMachine("x86-32", new ProcessOptions { Split = split });
            var process = machine.Start();
            var page = machine.Page;
            var area = process.Mmap(default, 16 * page, Rw, Private).Address;
            for (var i = 0UL; i < 16; i++)
                Store(process, area + (i * page), i);
            var before = machine.Kernel.Cpu.Tlb.Statistics.Misses;
            for (var round = 0; round < 10; round++)
            {
                process.Brk(default);
                for (var i = 0UL; i < 16; i++)
                    Assert.That(Load(process, area + (i * page)), Is.EqualTo(i));
            }
            Assert.That(process.User.CopyTo(area, "x"u8), Is.Zero);
            Assert.That(Load(process, area), Is.EqualTo('x'));
            var result = (machine.Table.SplitSwitches, machine.Kernel.Cpu.Tlb.Statistics.Misses - before);
            if (split == AddressSplit.FourGigabytesEach)
            {
                Assert.That(process.Space.Layout.TaskSize, Is.EqualTo(0xff00_0000));
                var high = new VirtAddr(0xd000_0000);
                Assert.That(process.Mmap(high, page, Rw, Private | MapFlags.Fixed).Address, Is.EqualTo(high), "where 3G/1G has the kernel");
                Store(process, high, 3);
            }
            Assert.That(machine.Lost(), Is.Zero);
            return result;
        }

        var (shared, own) = (Costs(AddressSplit.Shared), Costs(AddressSplit.FourGigabytesEach));
        TestContext.Out.WriteLine($"3G/1G {shared.Misses} misses; 4G/4G {own.Misses} misses, {own.Switches} switches");
        Assert.That(shared.Switches, Is.Zero);
        Assert.That(own.Switches, Is.GreaterThanOrEqualTo(2 * (16 + 10)));
        Assert.That(own.Misses, Is.GreaterThanOrEqualTo(shared.Misses + (9 * 16)), "all 16 pages again after each of the calls");
    }

    [TestCase("vmsav8-64-4k", 0xffff_0000ul, 1ul << 32)]
    [TestCase("x86-64", 0xffff_e000ul, 0xffff_e000ul)]
    public void A_64_bit_kernel_runs_32_bit_processes(string format, ulong stackTop, ulong taskSize)
    {
        using var machine = new ProcessMachine(format);
        var process = machine.Table.Start("compat", compat: true)!;
        Assert.That((process.Space.Layout.StackTop, process.Space.Layout.TaskSize, process.Space.Layout.Is64Bit), Is.EqualTo((stackTop, taskSize, false)));
        var area = process.Mmap(default, machine.Page, Rw, Private).Address;
        Assert.That(area.Value, Is.LessThan(1UL << 32));
        Store(process, area, 1);
        Assert.That(process.TryLoad(new VirtAddr(1UL << 32), 4, out _)!.Value.Code, Is.EqualTo(SignalCode.MapError));
        var wide = machine.Start();
        Assert.That(wide.Mmap(default, machine.Page, Rw, Private).Address.Value, Is.GreaterThan(1UL << 32));
        Assert.That(machine.Lost(), Is.Zero);
    }

    [Test]
    public void Numbers_of_address_spaces_run_out_and_nobody_sees_another_ones_memory()
    {
        using var machine = new ProcessMachine("vmsav8-64-4k", new ProcessOptions { AsidBits = 3 });
        var processes = Enumerable.Range(0, 20).Select(i => machine.Start($"p{i}")).ToArray();
        var at = new VirtAddr(0x1000_0000);
        foreach (var process in processes)
        {
            process.Mmap(at, machine.Page, Rw, Private | MapFlags.Fixed);
            Store(process, at, (ulong)process.Pid);
        }
        for (var round = 0; round < 5; round++)
        {
            foreach (var process in processes)
                Assert.That(Load(process, at), Is.EqualTo((ulong)process.Pid));
        }
        Assert.That(machine.Table.AsidRollovers, Is.GreaterThan(10));
        Assert.That(machine.Lost(), Is.Zero);
    }

    /// <summary>Who comes in at a rollover with a number of an earlier generation does not keep it: it may be that of one who runs elsewhere.</summary>
    [Test]
    public void A_number_of_an_earlier_generation_is_not_kept_at_a_rollover()
    {
        using var machine = new ProcessMachine("vmsav8-64-4k", new ProcessOptions { AsidBits = 2 });
        // Three numbers a generation; the first one of each generation is 1.
        var late = machine.Start("late");
        Run(late, 1);
        for (var i = 0; i < 2; i++)
            Run(machine.Start(), 1);
        machine.Table.Switch(1, null);
        var owner = machine.Start("owner");
        var page = owner.Mmap(default, machine.Page, Rw, Private).Address;
        Assert.That(owner.TryStore(page, 8, 7, 0), Is.Null);
        Assert.That((owner.Space.Tables.Asid, late.Space.Tables.Asid), Is.EqualTo(((ushort)1, (ushort)1)));
        for (var i = 0; i < 2; i++)
            Run(machine.Start(), 1);
        Run(late, 1);
        Assert.That(machine.Table.AsidRollovers, Is.EqualTo(2));
        Assert.That(late.Space.Tables.Asid, Is.Not.EqualTo(owner.Space.Tables.Asid));
        Assert.That(owner.TryLoad(page, 8, out _, 1), Is.Null);
        Assert.That(late.TryLoad(page, 8, out _, 1)?.Code, Is.EqualTo(SignalCode.MapError), "through the other's translation");

        static void Run(Process process, int cpu) => Assert.That(process.TryLoad(default, 8, out _, cpu)?.Code, Is.EqualTo(SignalCode.MapError));
    }

    private static ulong Load(Process process, VirtAddr address)
    {
        Assert.That(process.TryLoad(address, 8, out var value), Is.Null);
        return value;
    }

    private static void Store(Process process, VirtAddr address, ulong value) => Assert.That(process.TryStore(address, 8, value), Is.Null);

    private sealed class Registers : Memory.IBusDevice
    {
        public (ulong Offset, ulong Value) Last { get; private set; }

        public ulong Read(ulong offset, int size) => 0;

        public void Write(ulong offset, int size, ulong value) => Last = (offset, value);
    }

    /// <summary>A driver as the seed has it.</summary>
    private sealed class FrameBuffer(ProcessTable table, PhysRange memory, MemoryUse use) : DeviceFile("/dev/fb0", 77, 0, 6, Rw)
    {
        public bool MapsOnePage { get; init; }

        public override Errno Mmap(VmaMapping mapping)
        {
            if (mapping.Bytes > memory.Size.Value || mapping.Offset > memory.Size.Value - mapping.Bytes)
                return Errno.InvalidArgument;
            mapping.Flags |= VmFlags.Reserved | VmFlags.Io;
            mapping.Use = use;
            var pages = table.Kernel.Layout.Pages;
            return mapping.RemapPfnRange(mapping.Start, pages.ToFrame(memory.Start + mapping.Offset), MapsOnePage ? pages.PageSize : mapping.Bytes);
        }
    }
}
