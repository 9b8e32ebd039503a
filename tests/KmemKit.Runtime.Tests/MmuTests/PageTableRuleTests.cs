using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Architecture.Mmu.Vmsav8;
using KmemKit.Architecture.Mmu.X86;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Mmu;
using KmemKit.Runtime.Tests.PageTests;
using KmemKit.Runtime.Tlb;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.MmuTests;

/// <summary>What map, unmap, protect, split and join do and refuse, one rule a case.</summary>
internal sealed class PageTableRuleTests
{
    private const ulong Page = 4096;
    private const ulong Block = 2 << 20;

    [Test]
    public void A_refused_operation_names_its_reason_and_place_and_changes_nothing()
    {
        using var machine = new MmuMachine<X86Format<FourLevel>>();
        Assert.That(machine.Map(4 * Page, 0x10000, 2 * Page).IsOk);
        var tables = machine.Tables.TableCount;
        Expect(machine.Map(1, 0, Page), PageTableError.Unaligned, 1);
        Expect(machine.Map(0, 12, Page), PageTableError.Unaligned, 0);
        Expect(machine.Map(0, 0, 100), PageTableError.Unaligned, 0);
        Expect(machine.Map(0, 0, 0), PageTableError.Empty, 0);
        Expect(machine.Map(0x8000_0000_0000, 0, Page), PageTableError.OutOfRange, 0x8000_0000_0000);
        Expect(machine.Map(0x7fff_ffff_f000, 0, 2 * Page), PageTableError.OutOfRange, 0x7fff_ffff_f000);
        Expect(machine.Map(0xffff_ffff_ffff_f000, 0, 2 * Page), PageTableError.OutOfRange, 0xffff_ffff_ffff_f000);
        Expect(machine.Map(0, 1UL << 52, Page), PageTableError.OutputOutOfRange, 0);
        Expect(machine.Map(0, (1UL << 52) - Page, 2 * Page), PageTableError.OutputOutOfRange, 0);
        Expect(machine.Map(4 * Page, 0x90000, Page), PageTableError.AlreadyMapped, 4 * Page);
        Expect(machine.Map(0, 0x90000, 8 * Page), PageTableError.AlreadyMapped, 4 * Page);
        Expect(machine.Map(5 * Page, 0x90000, 3 * Page), PageTableError.AlreadyMapped, 5 * Page);
        Expect(machine.Map(0, 0, Block), PageTableError.AlreadyMapped, 4 * Page);
        Expect(machine.Unmap(0, Page), PageTableError.NotMapped, 0);
        Expect(machine.Unmap(4 * Page, 3 * Page), PageTableError.NotMapped, 6 * Page);
        Expect(machine.Unmap(3 * Page, 2 * Page), PageTableError.NotMapped, 3 * Page);
        Expect(machine.Unmap(1UL << 40, Page), PageTableError.NotMapped, 1UL << 40);
        Expect(machine.Unmap(4 * Page + 8, Page), PageTableError.Unaligned, 4 * Page + 8);
        Expect(machine.Unmap(4 * Page, 0), PageTableError.Empty, 4 * Page);
        Expect(machine.Protect(4 * Page, 3 * Page, machine.Rw), PageTableError.NotMapped, 6 * Page);
        Expect(machine.Protect(4 * Page, Page - 1, machine.Rw), PageTableError.Unaligned, 4 * Page);
        Assert.That(machine.Walk(4 * Page), Is.EqualTo(0x10000));
        Assert.That(machine.Walk(5 * Page), Is.EqualTo(0x11000));
        Assert.That(Enumerable.Range(0, 512).Count(i => machine.Walk((ulong)i * Page) is not null), Is.EqualTo(2));
        Assert.That(machine.Tables.TableCount, Is.EqualTo(tables), "no table stays behind");
        machine.NoBugs();
    }

    [Test]
    public void Without_memory_for_a_table_half_way_nothing_is_mapped_and_every_page_is_free_again()
    {
        using var machine = new MmuMachine<X86Format<FourLevel>>(megabytes: 16);
        var prot = machine.Prot(AccessRights.ReadWrite, AccessRights.None, largest: Page);
        var taken = new System.Collections.Generic.List<Pages.Page>();
        for (var page = machine.Cpu.AllocPage(GfpFlags.Kernel | GfpFlags.NoWarn); !page.IsNull; page = machine.Cpu.AllocPage(GfpFlags.Kernel | GfpFlags.NoWarn))
            taken.Add(page);
        // 64 tables of pages, one of those, one above: free are from none to less than that.
        for (var free = 0; free < 66; free += 5)
        {
            var before = machine.Tables.TableCount;
            Expect(machine.Map(0, 0, 64 * Block, prot), PageTableError.NoMemory, 0);
            Assert.That(machine.Tables.TableCount, Is.EqualTo(before));
            Assert.That(machine.Walk(0), Is.Null);
            Assert.That(machine.Walk(63 * Block), Is.Null);
            for (var i = 0; i < 5; i++)
            {
                machine.Cpu.FreePage(taken[^1]);
                taken.RemoveAt(taken.Count - 1);
            }
        }
        Assert.That(machine.Map(0, 0, 64 * Block, prot).IsOk, "66 tables and a few more pages");
        Assert.That(machine.Unmap(0, 64 * Block).IsOk);
        foreach (var page in taken)
            machine.Cpu.FreePage(page);
        machine.Machine.Allocator.Verify();
    }

    [Test]
    public void Without_memory_to_split_a_block_it_stays_a_block()
    {
        using var machine = new MmuMachine<Vmsav8Format<Granule4K>>(megabytes: 16);
        Assert.That(machine.Map(0, 0, 2 * Block).IsOk);
        while (!machine.Cpu.AllocPage(GfpFlags.Kernel | GfpFlags.NoWarn).IsNull)
        {
        }
        Expect(machine.Unmap(Page, Page), PageTableError.NoMemory, Page);
        Expect(machine.Protect(Block - Page, 2 * Page, machine.Prot(AccessRights.Read, AccessRights.None)), PageTableError.NoMemory, Block - Page);
        Expect(machine.Tables.Split(machine.Cpu, new VirtAddr(0), Block, Page), PageTableError.NoMemory, 0);
        Assert.That(machine.Tables.ShapeAt(new VirtAddr(Page))!.Value.Bytes, Is.EqualTo(Block));
        Assert.That(machine.Walk(Page), Is.EqualTo(Page));
        machine.NoBugs();
    }

    [Test]
    public void The_largest_leaf_that_fits_is_used_and_none_larger_than_allowed()
    {
        using var machine = new MmuMachine<X86Format<FourLevel>>();
        Assert.That(machine.Map(Block - Page, (1UL << 30) - Page, Page + Block + Page).IsOk);
        Assert.That(BytesAt(machine, Block - Page), Is.EqualTo(Page));
        Assert.That(BytesAt(machine, Block), Is.EqualTo(Block));
        Assert.That(BytesAt(machine, 2 * Block), Is.EqualTo(Page));
        Assert.That(machine.Map(1UL << 30, 1UL << 30, 1UL << 30).IsOk);
        Assert.That(BytesAt(machine, 1UL << 30), Is.EqualTo(1UL << 30));
        Assert.That(machine.Map(4UL << 30, 0, 1UL << 30, machine.Prot(AccessRights.Read, AccessRights.None, largest: Block)).IsOk);
        Assert.That(BytesAt(machine, 4UL << 30), Is.EqualTo(Block));
        Assert.That(machine.Map(8UL << 30, Page, Block).IsOk, "no block where the output is not aligned");
        Assert.That(BytesAt(machine, 8UL << 30), Is.EqualTo(Page));
    }

    [Test]
    public void Pages_in_front_of_a_group_do_not_keep_it_from_being_one()
    {
        using var machine = new MmuMachine<Vmsav8Format<Granule4K>>();
        Assert.That(machine.Map(15 * Page, 15 * Page, 18 * Page).IsOk);
        Assert.That(new ulong[] { 15, 16, 31, 32 }.Select(page => BytesAt(machine, page * Page)), Is.EqualTo(new[] { Page, 16 * Page, 16 * Page, Page }));
        Assert.That(machine.Unmap(20 * Page, Page).IsOk);
        Assert.That(new ulong[] { 16, 19, 21, 31 }.Select(page => machine.Walk(page * Page)), Is.EqualTo(new ulong?[] { 16 * Page, 19 * Page, 21 * Page, 31 * Page }));
        Assert.That(machine.Map(20 * Page, 20 * Page, Page).IsOk);
        Assert.That(machine.Tables.Join(machine.Cpu, new VirtAddr(15 * Page), 18 * Page, out var joined).IsOk);
        Assert.That(joined, Is.EqualTo(1));
        Assert.That(BytesAt(machine, 20 * Page), Is.EqualTo(16 * Page));
        machine.NoBugs();
    }

    [Test]
    public void A_part_of_a_block_can_go_and_the_rest_stays()
    {
        using var machine = new MmuMachine<Vmsav8Format<Granule4K>>();
        Assert.That(machine.Map(0, 0, 1UL << 30).IsOk);
        Assert.That(machine.Tables.TableCount, Is.EqualTo(1), "one block of 1 GiB");
        Assert.That(machine.Unmap(Block + Page, Page).IsOk);
        Assert.That(machine.Walk(Block + Page), Is.Null);
        Assert.That(machine.Walk(Block), Is.EqualTo(Block));
        Assert.That(machine.Walk(Block + 2 * Page), Is.EqualTo(Block + 2 * Page));
        Assert.That(machine.Walk((1UL << 30) - 1), Is.EqualTo((1UL << 30) - 1));
        Assert.That(machine.Tables.TableCount, Is.EqualTo(3));
        Assert.That(machine.Map(Block + Page, Block + Page, Page).IsOk);
        Assert.That(machine.Tables.Join(machine.Cpu, new VirtAddr(0), 1UL << 30, out _).IsOk);
        Assert.That(machine.Tables.TableCount, Is.EqualTo(1), "all one block again");
        Assert.That(BytesAt(machine, Page), Is.EqualTo(1UL << 30));
        machine.NoBugs();
    }

    [Test]
    public void Joining_keeps_what_is_not_the_same_apart()
    {
        using var machine = new MmuMachine<X86Format<FourLevel>>();
        var pages = machine.Prot(AccessRights.ReadWrite, AccessRights.None, largest: Page);
        Assert.That(machine.Map(0, 0, 3 * Block, pages).IsOk);
        Assert.That(machine.Protect(Page, Page, machine.Prot(AccessRights.Read, AccessRights.None)).IsOk);
        Assert.That(machine.Unmap(2 * Block + Page, Page).IsOk);
        Assert.That(machine.Map(2 * Block + Page, 0, Page).IsOk, "another address");
        Assert.That(machine.Tables.Join(machine.Cpu, new VirtAddr(0), 3 * Block, out var joined).IsOk);
        Assert.That(joined, Is.EqualTo(1));
        Assert.That(BytesAt(machine, 0), Is.EqualTo(Page));
        Assert.That(BytesAt(machine, Block), Is.EqualTo(Block));
        Assert.That(BytesAt(machine, 2 * Block), Is.EqualTo(Page));
        Assert.That(machine.Walk(2 * Block + Page), Is.Zero);
    }

    [Test]
    public void A_table_whose_addresses_all_go_is_given_back_at_once_and_one_emptied_in_pieces_on_request()
    {
        using var machine = new MmuMachine<X86Format<FourLevel>>();
        var pages = machine.Prot(AccessRights.ReadWrite, AccessRights.None, largest: Page);
        Assert.That(machine.Map(0, 0, 4 * Block, pages).IsOk);
        Assert.That(machine.Tables.TableCount, Is.EqualTo(6));
        Assert.That(machine.Unmap(0, Block).IsOk);
        Assert.That(machine.Tables.TableCount, Is.EqualTo(5));
        Assert.That(machine.Unmap(Block, Block / 2).IsOk);
        Assert.That(machine.Unmap(Block + (Block / 2), Block / 2).IsOk);
        Assert.That(machine.Tables.TableCount, Is.EqualTo(5));
        Assert.That(machine.Tables.ReclaimTables(machine.Cpu, new VirtRange(new VirtAddr(Block), Block - Page)), Is.Zero, "a neighbour may use its last page");
        Assert.That(machine.Tables.ReclaimTables(machine.Cpu, new VirtRange(new VirtAddr(0), 2 * Block)), Is.EqualTo(1));
        Assert.That(machine.Tables.TableCount, Is.EqualTo(4));
        Assert.That(machine.Unmap(2 * Block, 2 * Block).IsOk);
        Assert.That(machine.Tables.ReclaimTables(machine.Cpu, machine.Format.InputRanges[0]), Is.EqualTo(2), "the levels above");
        Assert.That(machine.Tables.TablePages, Is.EqualTo(1));
        machine.Tables.Free(machine.Cpu);
        machine.Machine.Allocator.Verify();
    }

    [Test]
    public void A_tree_is_given_back_once()
    {
        using var machine = new MmuMachine<X86Format<FourLevel>>();
        Assert.That(machine.Map(0, 0, Page).IsOk);
        machine.Tables.Release(machine.Cpu);
        Assert.That(() => machine.Tables.Release(machine.Cpu), Throws.InvalidOperationException);
        Assert.That(() => machine.Tables.Free(machine.Cpu), Throws.InvalidOperationException);
        machine.Machine.Allocator.Verify();
    }

    [Test]
    public void Tables_that_held_something_before_are_filled_as_new_ones()
    {
        using var machine = new MmuMachine<Vmsav8Format<Granule4K>>(watch: false);
        var pages = machine.Prot(AccessRights.ReadWrite, AccessRights.None, largest: Page);
        for (var round = 0UL; round < 4; round++)
        {
            // Two levels of tables that are wholly the operation's; they come back in another order each time.
            Assert.That(machine.Map(0, round << 30, 1UL << 30, pages).IsOk);
            Assert.That(machine.Tables.TableCount, Is.EqualTo(514));
            for (var at = 0UL; at < 1UL << 30; at += Block - Page)
            {
                if (machine.Walk(at) != at + (round << 30))
                    Assert.Fail($"{at:x} is mapped to {machine.Walk(at):x} in round {round}");
            }
            Assert.That(machine.Unmap(0, 1UL << 30).IsOk);
            Assert.That(machine.Tables.TableCount, Is.EqualTo(1), "the one above");
            machine.Machine.Allocator.Verify();
        }
    }

    [Test]
    public void A_block_takes_the_place_of_an_empty_table()
    {
        using var machine = new MmuMachine<Vmsav8Format<Granule4K>>();
        Assert.That(machine.Map(Page, 0, Page).IsOk);
        Assert.That(machine.Unmap(Page, Page).IsOk);
        var before = machine.Tables.TableCount;
        Assert.That(machine.Map(0, 0, Block).IsOk);
        Assert.That(BytesAt(machine, Page), Is.EqualTo(Block));
        Assert.That(machine.Tables.TableCount, Is.EqualTo(before - 1));
        machine.NoBugs();
    }

    [Test]
    public void Attributes_of_another_format_are_refused()
    {
        using var machine = new MmuMachine<X86Format<FourLevel>>();
        using var other = new MmuMachine<Vmsav8Format<Granule4K>>();
        Assert.That(() => machine.Map(0, 0, Page, other.Rw), Throws.ArgumentException);
        Assert.That(() => machine.Protect(0, Page, other.Rw), Throws.ArgumentException);
        Assert.That(machine.Tables.TryProt(other.Rw.Attributes, out _), Is.EqualTo(EncodingRefusal.MemoryTypeNotAvailable));
        Assert.That(() => PageTables.Create(machine.Cpu, machine.Machine.Memory, machine.Format, machine.Domain, GfpFlags.HighUser), Throws.ArgumentException);
    }

    [Test]
    public void Threads_on_disjoint_ranges_change_the_same_tables_at_once()
    {
        const int Rounds = 3000;
        using var machine = new MmuMachine<X86Format<FourLevel>>(cpus: 2, watch: false);
        var prot = machine.Prot(AccessRights.ReadWrite, AccessRights.None, largest: Page);
        var failures = 0;
        // Odd and even pages of the same tables, over an edge of a table, so that both make and use the same ones.
        Parallel.For(0, 2, new ParallelOptions { MaxDegreeOfParallelism = 2 }, thread =>
        {
            var cpu = machine.Machine.Allocator.Cpus[thread];
            for (var round = 0; round < Rounds; round++)
            {
                var virt = new VirtAddr(Block - (8 * Page) + ((ulong)((round % 8 * 2) + thread) * Page) + ((ulong)(round / 8 % 64) << 30));
                if (!machine.Tables.Map(cpu, virt, new PhysAddr((ulong)(round + 1) * Page), Page, prot).IsOk
                    || machine.Walk(virt.Value) != (ulong)(round + 1) * Page
                    || !machine.Tables.Unmap(cpu, virt, Page).IsOk)
                {
                    Interlocked.Increment(ref failures);
                }
                // A range of its own, as large as a table.
                var own = new VirtAddr((1UL << 46) + ((ulong)thread * Block));
                if (!machine.Tables.Map(cpu, own, PhysAddr.Zero, Block, prot).IsOk || !machine.Tables.Unmap(cpu, own, Block).IsOk)
                    Interlocked.Increment(ref failures);
            }
        });
        Assert.That(failures, Is.Zero);
        machine.Tables.ReclaimTables(machine.Cpu, machine.Format.InputRanges[0]);
        Assert.That(machine.Tables.TableCount, Is.Zero);
        machine.Machine.Allocator.DrainAllPages(machine.Cpu);
        machine.Machine.Allocator.Verify();
    }

    [Test]
    public void Two_threads_that_need_the_same_missing_table_at_the_same_moment_share_one()
    {
        // Tables of 64 KiB: between the look and the link a thread clears one, which takes longer than two threads are apart.
        const int Rounds = 500;
        using var machine = new MmuMachine<Vmsav8Format<Granule64K>>(cpus: 2, watch: false, megabytes: 256);
        var prot = machine.Prot(AccessRights.ReadWrite, AccessRights.None, largest: machine.Page);
        var lost = 0;
        var arrived = new int[2];
        Parallel.For(0, 2, new ParallelOptions { MaxDegreeOfParallelism = 2 }, thread =>
        {
            var cpu = machine.Machine.Allocator.Cpus[thread];
            for (var round = 1; round <= Rounds; round++)
            {
                var virt = new VirtAddr(((ulong)round << 29) + ((ulong)thread * machine.Page));
                Volatile.Write(ref arrived[thread], round);
                var spinner = new SpinWait();
                while (Volatile.Read(ref arrived[1 - thread]) < round)
                    spinner.SpinOnce(-1);
                if (!machine.Tables.Map(cpu, virt, new PhysAddr((ulong)round * machine.Page), machine.Page, prot).IsOk || machine.Walk(virt.Value) != (ulong)round * machine.Page)
                    Interlocked.Increment(ref lost);
            }
        });
        for (var round = 1UL; round <= Rounds; round++)
        {
            if (!machine.Unmap(round << 29, 2 * machine.Page).IsOk)
                lost++;
        }
        Assert.That(lost, Is.Zero);
        machine.Tables.ReclaimTables(machine.Cpu, machine.Format.InputRanges[0]);
        Assert.That(machine.Tables.TableCount, Is.Zero, "no table was lost either");
    }

    [Test]
    public void Threads_on_disjoint_ranges_do_not_wait_for_each_other()
    {
        using var inside = new ManualResetEventSlim();
        using var go = new ManualResetEventSlim();
        using var arm = new MmuMachine<Vmsav8Format<Granule4K>>(cpus: 2, watch: true);
        Assert.That(arm.Map(0, 0, 2 * Page, arm.Prot(AccessRights.ReadWrite, AccessRights.None, largest: Page)).IsOk);
        // One thread is held in the middle of a change: it is told of a mistake of its own there.
        arm.Domain.BugReported += _ =>
        {
            inside.Set();
            go.Wait();
        };
        var found = arm.Tables.Walk(new VirtAddr(0));
        var held = Task.Run(() => arm.Tables.SetDescriptor(new VirtAddr(0), found.Descriptor ^ (1UL << 20)));
        inside.Wait();
        var other = arm.Machine.Allocator.Cpus[1];
        Assert.That(arm.Tables.Map(other, new VirtAddr(2 * Page), PhysAddr.Zero, Page, arm.Rw).IsOk);
        Assert.That(arm.Tables.Unmap(other, new VirtAddr(2 * Page), Page).IsOk);
        Assert.That(held.IsCompleted, Is.False, "it was inside all the time");
        go.Set();
        held.Wait();
    }

    private static ulong BytesAt<TFormat>(MmuMachine<TFormat> machine, ulong virt) where TFormat : struct, ITranslationFormat =>
        machine.Tables.ShapeAt(new VirtAddr(virt))!.Value.Bytes;

    private static void Expect(PageTableResult result, PageTableError error, ulong at)
    {
        Assert.That(result.Error, Is.EqualTo(error));
        Assert.That(result.At.Value, Is.EqualTo(at));
    }
}
