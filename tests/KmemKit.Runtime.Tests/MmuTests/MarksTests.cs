using System;
using System.Threading;
using System.Threading.Tasks;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Architecture.Mmu.RiscV;
using KmemKit.Architecture.Mmu.Vmsav8;
using KmemKit.Architecture.Mmu.X86;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Mmu;
using KmemKit.Runtime.Processor;
using KmemKit.Runtime.Tests.PageTests;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.MmuTests;

/// <summary>
/// Accessed and dirty marks that a CPU sets at the moment at which its tables change: whoever has stored finds the page written to afterwards, whatever became of its
/// descriptor meanwhile. A lost mark is a page that is thrown away although it was written (Linux, mm/rmap.c, on why ptep_clear_flush comes before pte_dirty).
/// </summary>
internal sealed class MarksTests
{
    private const int Rounds = 600;
    private const TranslationControls ByHardware = TranslationControls.HardwareAccessed | TranslationControls.HardwareDirty;

    [Test]
    public void Pages_that_are_written_to_while_they_get_other_rights_are_dirty()
    {
        Race(default(X86Format<FourLevel>), 512, isJoined: false, (machine, round) =>
            Assert.That(machine.Protect(0, 512 * machine.Page, Clean(machine, AccessRights.ReadWrite, round % 2 == 0)), Is.EqualTo(default(PageTableResult))));
    }

    [Test]
    public void Pages_that_are_written_to_while_they_are_between_break_and_make_are_dirty()
    {
        Race(new Vmsav8Format<Granule4K>(48, controls: ByHardware), 512, isJoined: false, (machine, round) =>
            Assert.That(machine.Protect(0, 512 * machine.Page, Clean(machine, AccessRights.ReadWrite, round % 2 == 0, MemoryUse.WriteCombining)), Is.EqualTo(default(PageTableResult))));
    }

    [Test]
    public void A_block_that_is_written_to_while_it_is_split_is_dirty_in_its_pages()
    {
        Race(default(X86Format<FourLevel>), 512, isJoined: true, (machine, _) => Assert.That(machine.Tables.Split(machine.Cpu, default, 512 * machine.Page, machine.Page), Is.EqualTo(default(PageTableResult))));
        Race(new Vmsav8Format<Granule4K>(48, controls: ByHardware), 512, isJoined: true, (machine, _) =>
            Assert.That(machine.Tables.Split(machine.Cpu, default, 512 * machine.Page, machine.Page), Is.EqualTo(default(PageTableResult))));
    }

    [Test]
    public void Pages_that_are_written_to_while_they_become_a_block_leave_it_dirty()
    {
        Race(default(X86Format<FourLevel>), 512, isJoined: false, (machine, _) => Assert.That(machine.Tables.Join(machine.Cpu, default, 512 * machine.Page, out _), Is.EqualTo(default(PageTableResult))));
    }

    [Test]
    public void Pages_that_are_written_to_while_they_become_a_group_leave_it_dirty()
    {
        Race(new Vmsav8Format<Granule4K>(48, controls: ByHardware), 16, isJoined: false, (machine, _) => Assert.That(machine.Tables.Join(machine.Cpu, default, 16 * machine.Page, out _), Is.EqualTo(default(PageTableResult))));
        Race(new SvFormat<Sv39>(ByHardware | TranslationControls.Svnapot), 16, isJoined: false, (machine, _) =>
            Assert.That(machine.Tables.Join(machine.Cpu, default, 16 * machine.Page, out _), Is.EqualTo(default(PageTableResult))));
    }

    [Test]
    public void A_group_that_is_written_to_while_it_is_split_is_dirty_in_its_pages()
    {
        Race(new Vmsav8Format<Granule4K>(48, controls: ByHardware), 16, isJoined: true, (machine, _) =>
            Assert.That(machine.Tables.Split(machine.Cpu, default, 16 * machine.Page, machine.Page), Is.EqualTo(default(PageTableResult))));
        Race(new SvFormat<Sv39>(ByHardware | TranslationControls.Svnapot), 16, isJoined: true, (machine, _) =>
            Assert.That(machine.Tables.Split(machine.Cpu, default, 16 * machine.Page, machine.Page), Is.EqualTo(default(PageTableResult))));
    }

    [Test]
    public void What_is_written_by_the_translation_of_a_group_is_dirty_in_each_page_as_a_group_and_after_that()
    {
        WriteTwo(new Vmsav8Format<Granule4K>(48, controls: ByHardware));
        WriteTwo(new SvFormat<Sv39>(ByHardware | TranslationControls.Svnapot));
    }

    [Test]
    public void A_mark_that_a_walk_sets_in_a_table_that_is_taken_out_is_kept()
    {
        using var machine = new MmuMachine<X86Format<FourLevel>>(watch: false);
        Assert.That(machine.Map(0, 0, 512 * machine.Page, Clean(machine, AccessRights.ReadWrite, true, largest: machine.Page)).IsOk);
        var page = machine.Tables.Walk(new VirtAddr(77 * machine.Page));
        var marked = machine.Format.MarkUsed(page.Descriptor, page.Level, write: true);
        // The walk was in the table when its link went, and ends before the invalidation does.
        machine.Domain.Invalidating += _ => machine.Machine.Memory.WriteUInt64(new PhysAddr(page.DescriptorAddress), marked);
        Assert.That(machine.Tables.Join(machine.Cpu, default, 512 * machine.Page, out var joined).IsOk);
        Assert.That(joined, Is.EqualTo(1));
        Assert.That(machine.Tables.AttributesAt(default)!.Value, Has.Property("IsDirty").True.And.Property("IsAccessed").True);
    }

    [Test]
    public void A_mark_that_a_walk_sets_in_a_block_that_has_just_come_is_kept()
    {
        using var machine = new MmuMachine<X86Format<FourLevel>>(watch: false);
        Assert.That(machine.Map(0, 0, 512 * machine.Page, Clean(machine, AccessRights.ReadWrite, true, largest: machine.Page)).IsOk);
        // Where no break is asked for, the block is there when the pages' translations are invalidated.
        machine.Domain.Invalidating += _ =>
        {
            if (machine.Tables.ShapeAt(default) is { Bytes: 2 << 20 })
                machine.Tables.MarkUsed(default, write: true);
        };
        Assert.That(machine.Tables.Join(machine.Cpu, default, 512 * machine.Page, out var joined).IsOk);
        Assert.That(joined, Is.EqualTo(1));
        Assert.That(machine.Tables.AttributesAt(default)!.Value, Has.Property("IsDirty").True.And.Property("IsAccessed").True);
    }

    [Test]
    public void Pages_that_become_a_group_are_invalidated_where_no_break_is_asked_for()
    {
        using var machine = new MmuMachine<SvFormat<Sv39>>(new SvFormat<Sv39>(ByHardware | TranslationControls.Svnapot));
        Assert.That(machine.Map(0, 0, 16 * machine.Page, Clean(machine, AccessRights.ReadWrite, true, largest: machine.Page)).IsOk);
        machine.Port.Load<byte>(new VirtAddr(5 * machine.Page), Privilege.Privileged);
        Assert.That(machine.Tables.Join(machine.Cpu, default, 16 * machine.Page, out var joined).IsOk);
        Assert.That(joined, Is.EqualTo(1));
        Assert.That(machine.Domain.Changes!.PendingCount, Is.Zero);
        machine.Port.Load<byte>(new VirtAddr(6 * machine.Page), Privilege.Privileged);
        machine.NoBugs();
    }

    // The second store finds the translation that the first one brought, and so marks nothing.
    private static void WriteTwo<TFormat>(TFormat format) where TFormat : struct, ITranslationFormat
    {
        using var machine = new MmuMachine<TFormat>(format);
        var memory = machine.Machine.Map.PageToPhys(machine.Cpu.AllocPages(GfpFlags.Kernel, 4)).Value;
        Assert.That(machine.Map(0, memory, 16 * machine.Page, Clean(machine, AccessRights.ReadWrite, true)).IsOk);
        Assert.That(machine.Tables.AttributesAt(default)!.Value, Has.Property("IsDirty").False);
        foreach (var page in new ulong[] { 3, 9 })
            machine.Port.Store(new VirtAddr(page * machine.Page), (byte)1, Privilege.Privileged);
        Assert.That(machine.Tables.AttributesAt(new VirtAddr(9 * machine.Page))!.Value, Has.Property("IsDirty").True.And.Property("IsAccessed").True);
        Assert.That(machine.Tables.Split(machine.Cpu, default, 16 * machine.Page, machine.Page).IsOk);
        Assert.That(machine.Tables.ShapeAt(default)!.Value.Count, Is.EqualTo(1));
        Assert.That(machine.Walk(9 * machine.Page), Is.EqualTo(memory + (9 * machine.Page)));
        Assert.That(machine.Tables.AttributesAt(new VirtAddr(9 * machine.Page))!.Value, Has.Property("IsDirty").True.And.Property("IsAccessed").True);
        Assert.That(machine.Domain.Changes!.PendingCount, Is.Zero);
        machine.NoBugs();
    }

    // One thread changes the tables while another stores to pages, each of which has to be dirty in the end.
    private static void Race<TFormat>(TFormat format, int pages, bool isJoined, Action<MmuMachine<TFormat>, int> change)
        where TFormat : struct, ITranslationFormat
    {
        var seed = BuddyModelTests.Seed();
        TestContext.Out.WriteLine($"KMEMKIT_SEED={seed}");
        using var machine = new MmuMachine<TFormat>(format, watch: false);
        var random = new Random(seed);
        var size = (ulong)pages * machine.Page;
        // What is stored to is nobody else's, and as large as a block.
        var memory = machine.Machine.Map.PageToPhys(machine.Cpu.AllocPages(GfpFlags.Kernel, 9)).Value;
        var stored = new bool[pages];
        using var together = new Barrier(2);
        using var failed = new CancellationTokenSource();
        var lost = 0;
        var storing = Task.Factory.StartNew(Store, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        try
        {
            Change();
        }
        finally
        {
            failed.Cancel();
            storing.Wait();
        }
        Assert.That(lost, Is.Zero, $"marks that were lost in {Rounds} rounds, seed {seed}");

        void Change()
        {
            for (var round = 0; round < Rounds; round++)
            {
                Assert.That(machine.Map(0, memory, size, Clean(machine, AccessRights.ReadWrite, round % 2 != 0, largest: isJoined ? ulong.MaxValue : machine.Page)), Is.EqualTo(default(PageTableResult)));
                together.SignalAndWait(failed.Token);
                change(machine, round);
                together.SignalAndWait(failed.Token);
                for (var i = 0; i < pages; i++)
                {
                    if (stored[i] && machine.Tables.AttributesAt(new VirtAddr((ulong)i * machine.Page)) is not { IsDirty: true, IsAccessed: true })
                        lost++;
                }
                Assert.That(machine.Unmap(0, size), Is.EqualTo(default(PageTableResult)));
            }
        }

        void Store()
        {
            try
            {
                for (var round = 0; round < Rounds; round++)
                {
                    Array.Clear(stored);
                    together.SignalAndWait(failed.Token);
                    Thread.SpinWait(random.Next(200));
                    // One page in some rounds, so that the store falls at any moment of the change.
                    var count = round % 2 == 0 ? 1 : pages;
                    var first = random.Next(pages);
                    for (var i = 0; i < count; i++)
                        stored[(first + i) % pages] = TryStore(machine.Port, (ulong)((first + i) % pages) * machine.Page);
                    together.SignalAndWait(failed.Token);
                }
            }
            catch (OperationCanceledException)
            {
                // The other thread says why.
            }
        }
    }

    // Between break and make it faults.
    private static bool TryStore<TFormat>(MmuCpu<TFormat> cpu, ulong address) where TFormat : struct, ITranslationFormat
    {
        for (var i = 0; i < 20; i++)
        {
            try
            {
                cpu.Store(new VirtAddr(address), (byte)1, Privilege.Privileged);
                return true;
            }
            catch (MemoryFaultException)
            {
                // It is there again in a moment.
            }
        }
        return false;
    }

    // Global or not, so that there is something to change that needs no break when it goes.
    private static PageProt Clean<TFormat>(
        MmuMachine<TFormat> machine, AccessRights rights, bool isGlobal, MemoryUse use = MemoryUse.Cached, ulong largest = ulong.MaxValue)
        where TFormat : struct, ITranslationFormat
    {
        var attributes = machine.Attributes(rights, AccessRights.None, use) with { IsAccessed = false, IsDirty = false, IsGlobal = isGlobal };
        Assert.That(machine.Tables.TryProt(attributes, out var prot, largest), Is.EqualTo(EncodingRefusal.None));
        return prot!;
    }
}
